/**
 * Headers between bytes and fields, strictly: what is decoded encodes to the same bytes.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 1. Two forms: the full one of blocks and
 * uncle lists, and the compressed one of header sync and of hashes, which has the hash of the extension in place of
 * the bloom. Of version 0 both are the same. Slots that sync never looks into are not decoded on its path: see
 * `verify_segment.ts`.
 *
 * @module
 */

import { HEADER_BYTES_MAX } from "../../../wasm/layout.ts";
import { HotError } from "../../hot/error.ts";
import { RlpIndex } from "../../hot/rlp.ts";
import { rlpEncode } from "../../hot/rlp_encode.ts";
import type { RlpFields } from "../../hot/rlp_fields.ts";
import { type BlockRules, rulesAt } from "./block_rules.ts";
import { equalBytes } from "./bytes.ts";
import { decodeEdges, encodeEdges, extensionData } from "./extension.ts";
import { RootstockFault } from "./fault.ts";
import { BLOOM_BYTES } from "./genesis.ts";
import type { RootstockHeader } from "./header.ts";
import type { RootstockNetwork } from "./network.ts";
import { signedBytes, signedValue } from "./quantities.ts";

/** Which of the two encodings. */
export type HeaderForm = "compressed" | "full";

/** Slots that every header has, by number. */
export const HEADER_SLOTS = [
  "parentHash",
  "unclesHash",
  "coinbase",
  "stateRoot",
  "transactionsRoot",
  "receiptsRoot",
  "logsBloom",
  "difficulty",
  "number",
  "gasLimit",
  "gasUsed",
  "timestamp",
  "extraData",
  "paidFees",
  "minimumGasPrice",
  "uncleCount",
] as const;

const ADDRESS_BYTES = 20;
const HASH_BYTES = 32;
const BTC_HEADER_BYTES = 80;
const MINING_SLOTS = 3;
const INT63 = 2n ** 63n;
const INT31 = 2 ** 31;

/** What {@link decodeHeader} needs to know. */
export interface DecodeOptions {
  readonly network: RootstockNetwork;
  readonly form: HeaderForm;
}

/** Reads slots one after the other and throws for those that are not of their form. */
class SlotReader {
  readonly #fields: RlpFields;
  #next = 0;

  constructor(fields: RlpFields) {
    this.#fields = fields;
  }

  get left(): number {
    return this.#fields.count - this.#next;
  }

  bytes(field: string, isOfForm: (bytes: Uint8Array) => boolean = () => true): Uint8Array {
    const slot = this.#next++;
    const bytes = this.#fields.view(slot);
    if (this.#fields.isList(slot) || !isOfForm(bytes)) throw malformed(field, bytes);
    return bytes;
  }

  /** One of these lengths. */
  sized(field: string, ...lengths: readonly number[]): Uint8Array {
    return this.bytes(field, ({ length }) => lengths.includes(length));
  }

  /** Unsigned and minimal, below a bound. */
  unsigned(field: string, below?: bigint): bigint {
    const bytes = this.bytes(field, (bytes) => bytes[0] !== 0);
    const value = bytes.length === 0 ? 0n : BigInt(`0x${bytes.toHex()}`);
    if (below !== undefined && value >= below) throw malformed(field, bytes);
    return value;
  }

  safe(field: string): number {
    return Number(this.unsigned(field, BigInt(Number.MAX_SAFE_INTEGER) + 1n));
  }
}

function malformed(field: string, bytes: Uint8Array): RootstockFault {
  const shown = bytes.length > HASH_BYTES ? `${bytes.length} bytes` : `0x${bytes.toHex()}`;
  return new RootstockFault("field-malformed", `Cannot decode the header: '${field}' is ${shown}`, { field });
}

function fieldsOf(bytes: Uint8Array): RlpFields {
  if (bytes.length > HEADER_BYTES_MAX) {
    throw new RootstockFault("header-too-large", `Cannot decode the header: it has ${bytes.length} bytes`);
  }
  try {
    return RlpIndex.of(bytes);
  } catch (cause) {
    if (!(cause instanceof HotError)) throw cause;
    throw new RootstockFault("not-canonical", `Cannot decode the header: ${cause.message}`, { cause });
  }
}

/** Slots before those of mining (section 1.3). */
export function bareSlots(rules: BlockRules, form: HeaderForm): number {
  const extra = form === "full" && rules.version > 0 ? 1 + (rules.edges ? 1 : 0) + rules.version - 1 : 0;
  return HEADER_SLOTS.length + (rules.umm ? 1 : 0) + extra;
}

/**
 * Number of a header whose other slots are not looked at.
 *
 * @throws {RootstockFault} As {@link decodeHeader}.
 */
export function headerNumber(bytes: Uint8Array): number {
  return numberOf(fieldsOf(bytes));
}

function numberOf(fields: RlpFields): number {
  if (fields.count < HEADER_SLOTS.length) throw wrongCount(fields.count);
  const slot = HEADER_SLOTS.indexOf("number");
  const bytes = fields.view(slot);
  if (fields.isList(slot) || bytes[0] === 0 || bytes.length > 7) throw malformed("number", bytes);
  const number = bytes.reduce((value, byte) => value * 256 + byte, 0);
  if (!Number.isSafeInteger(number)) throw malformed("number", bytes);
  return number;
}

function wrongCount(count: number): RootstockFault {
  return new RootstockFault("field-count", `Cannot decode the header: it has ${count} fields`);
}

/**
 * Decodes a header. Byte strings of the result are views of the input.
 *
 * @throws {RootstockFault} `header-too-large`, `not-canonical`, `field-count`, `field-malformed`,
 *   `mining-fields-empty` or `btc-header-size`; `field` names the slot.
 *
 * @example The genesis block of a network
 * ```ts
 * import { decodeHeader } from "./header_codec.ts";
 * import { MAINNET } from "./networks/mainnet.ts";
 * const header = decodeHeader(MAINNET.genesis.header, { network: MAINNET, form: "full" });
 * if (header.difficulty !== 1_048_576n) throw new Error("expected the difficulty of genesis");
 * ```
 */
export function decodeHeader(bytes: Uint8Array, { network, form }: DecodeOptions): RootstockHeader {
  const fields = fieldsOf(bytes);
  const number = numberOf(fields);
  const rules = rulesAt(network, number);
  const bare = bareSlots(rules, form);
  const missing = bare - fields.count;
  // One element fewer, without mining slots or with them, is a header of testnet without baseEvent.
  const withoutBaseEvent = form === "full" && rules.version === 2 &&
    number < network.baseEventOptionalBelow && (missing === 1 || missing === -2);
  if (missing !== 0 && missing !== -MINING_SLOTS && !withoutBaseEvent) throw wrongCount(fields.count);
  const isCompressed = form === "compressed" && rules.version > 0;
  const slots = new SlotReader(fields);
  const isMinimal = (digits: Uint8Array) =>
    digits.length < 2 || equalBytes(digits, signedBytes(signedValue(digits)));
  const hash = (field: string) => slots.sized(field, HASH_BYTES);
  const [parentHash, unclesHash] = [hash("parentHash"), hash("unclesHash")];
  const coinbase = slots.sized("coinbase", 0, ADDRESS_BYTES);
  const [stateRoot, transactionsRoot, receiptsRoot] = [
    hash("stateRoot"),
    hash("transactionsRoot"),
    hash("receiptsRoot"),
  ];
  const bloomOrExtension = isCompressed
    ? { extensionData: slots.bytes("extensionData", (data) => isExtensionData(data, rules.version)) }
    : { logsBloom: slots.sized("logsBloom", BLOOM_BYTES) };
  const digits = slots.bytes("difficulty", (bytes) => {
    const fits = bytes.length <= HASH_BYTES || (bytes.length === HASH_BYTES + 1 && bytes[0] === 0);
    return fits && (bytes[0] ?? 0) < 0x80 && (number === 0 || isMinimal(bytes));
  });
  const difficulty = signedValue(digits);
  slots.bytes("number");
  const gasLimit = slots.bytes("gasLimit", ({ length }) => length > 0);
  const gasUsed = slots.unsigned("gasUsed", INT63);
  const timestamp = slots.safe("timestamp");
  const extraData = slots.bytes("extraData");
  const paidFees = slots.unsigned("paidFees");
  const price = slots.bytes("minimumGasPrice", isMinimal);
  const uncleCount = Number(slots.unsigned("uncleCount", BigInt(INT31)));
  const ummRoot = rules.umm ? { ummRoot: slots.sized("ummRoot", 0, ADDRESS_BYTES) } : {};
  let extension = {};
  if (form === "full" && rules.version > 0) {
    slots.bytes("version", (bytes) => bytes.length === 1 && bytes[0] === rules.version);
    const edges = rules.edges ? { edges: decodeEdges(slots.bytes("edges", isEven)) } : {};
    const none = new Uint8Array(0);
    const baseEvent = rules.version === 2
      ? { baseEvent: withoutBaseEvent ? none : slots.bytes("baseEvent") }
      : {};
    extension = { ...edges, ...baseEvent };
  }
  return {
    version: rules.version,
    ...{ parentHash, unclesHash, coinbase, stateRoot, transactionsRoot, receiptsRoot },
    ...bloomOrExtension,
    difficulty,
    ...(equalBytes(digits, signedBytes(difficulty)) ? {} : { difficultyBytes: digits }),
    ...{ number, gasLimit, gasUsed, timestamp, extraData, paidFees },
    ...(price.length === 0 ? {} : { minimumGasPrice: signedValue(price) }),
    uncleCount,
    ...ummRoot,
    ...extension,
    ...(slots.left === 0 ? {} : miningSlots(slots, rules)),
  };
}

function miningSlots(slots: SlotReader, rules: BlockRules) {
  const bitcoinMergedMiningHeader = slots.bytes("bitcoinMergedMiningHeader");
  const bitcoinMergedMiningMerkleProof = slots.bytes("bitcoinMergedMiningMerkleProof");
  const bitcoinMergedMiningCoinbaseTransaction = slots.bytes("bitcoinMergedMiningCoinbaseTransaction");
  const { length } = bitcoinMergedMiningHeader;
  if (length + bitcoinMergedMiningMerkleProof.length + bitcoinMergedMiningCoinbaseTransaction.length === 0) {
    const message = "Cannot decode the header: its mining fields are there and all empty";
    throw new RootstockFault("mining-fields-empty", message);
  }
  if (rules.rskip98 && length !== BTC_HEADER_BYTES) {
    const message = `Cannot decode the header: its bitcoin header has ${length} bytes`;
    throw new RootstockFault("btc-header-size", message, { field: "bitcoinMergedMiningHeader" });
  }
  return {
    bitcoinMergedMiningHeader,
    bitcoinMergedMiningMerkleProof,
    bitcoinMergedMiningCoinbaseTransaction,
  };
}

const isEven = ({ length }: Uint8Array) => length % 2 === 0;

function isExtensionData(data: Uint8Array, version: number): boolean {
  return data.length === 35 && data[0] === 0xe2 && data[1] === version && data[2] === 0xa0;
}

/**
 * Encodes a header; one without mining fields is what is mined.
 *
 * @throws {TypeError} For the full form of a header that came compressed: its bloom is not known.
 */
export function encodeHeader(header: RootstockHeader, form: HeaderForm): Uint8Array<ArrayBuffer> {
  const { version, logsBloom } = header;
  const isCompressed = form === "compressed" && version > 0;
  const sixth = isCompressed ? header.extensionData ?? extensionData(header) : logsBloom;
  if (sixth === undefined) throw new TypeError("Cannot encode the full header: its bloom is not known");
  const isFull = form === "full" && version > 0;
  const {
    bitcoinMergedMiningHeader: btcHeader,
    bitcoinMergedMiningMerkleProof: proof,
    bitcoinMergedMiningCoinbaseTransaction: btcCoinbase,
  } = header;
  const none = new Uint8Array(0);
  return rlpEncode([
    ...[header.parentHash, header.unclesHash, header.coinbase],
    ...[header.stateRoot, header.transactionsRoot, header.receiptsRoot, sixth],
    header.difficultyBytes ?? signedBytes(header.difficulty),
    ...[header.number, header.gasLimit, header.gasUsed, header.timestamp, header.extraData, header.paidFees],
    header.minimumGasPrice === undefined ? none : signedBytes(header.minimumGasPrice),
    header.uncleCount,
    ...(header.ummRoot === undefined ? [] : [header.ummRoot]),
    ...(isFull ? [version] : []),
    ...(isFull && header.edges !== undefined ? [encodeEdges(header.edges)] : []),
    ...(isFull && version === 2 ? [header.baseEvent ?? none] : []),
    ...(btcHeader === undefined ? [] : [btcHeader, proof ?? none, btcCoinbase ?? none]),
  ]);
}
