/**
 * Headers out of blocks as rskj's JSON-RPC gives them.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 7.3. Three things are not in that form and are
 * put back: the sign byte of the gas limit (miners write two's complement), ummRoot (empty in every block known), and
 * genesis's leading zeros.
 *
 * @module
 */

import { rulesAt } from "./block_rules.ts";
import { RootstockFault } from "./fault.ts";
import type { RootstockHeader } from "./header.ts";
import { decodeHeader } from "./header_codec.ts";
import type { RootstockNetwork } from "./network.ts";
import { signedBytes } from "./quantities.ts";

/** A header with what its source says of it. */
export interface StatedHeader {
  readonly header: RootstockHeader;
  /** Hexadecimal, lower case, without a prefix. */
  readonly statedHash?: string;
  readonly statedMiningHash?: string;
}

type Json = Readonly<Record<string, unknown>>;

function malformed(field: string, value: unknown): RootstockFault {
  const message = `Cannot read the block: '${field}' is ${JSON.stringify(value) ?? "missing"}`;
  return new RootstockFault("field-malformed", message, { field });
}

/** DATA: bytes of an even number of digits. */
function data(block: Json, field: string): Uint8Array {
  const value = block[field];
  if (typeof value !== "string" || !/^0x([0-9a-f]{2})*$/i.test(value)) throw malformed(field, value);
  return Uint8Array.fromHex(value.slice(2));
}

function quantity(block: Json, field: string): bigint {
  const value = block[field];
  if (typeof value !== "string" || !/^0x[0-9a-f]+$/i.test(value)) throw malformed(field, value);
  return BigInt(value);
}

function safe(block: Json, field: string): number {
  const value = quantity(block, field);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed(field, block[field]);
  return Number(value);
}

function list(block: Json, field: string): readonly unknown[] {
  const value = block[field];
  if (!Array.isArray(value)) throw malformed(field, value);
  return value;
}

/**
 * Reads a block, or a whole JSON-RPC response with one.
 *
 * @throws {RootstockFault} `field-malformed`; `field` names the key. `block-missing` if there is none.
 */
export function headerFromRpc(json: unknown, network: RootstockNetwork): StatedHeader {
  const isObject = (value: unknown): value is Json =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  const block = isObject(json) && "result" in json ? json["result"] : json;
  if (!isObject(block)) throw new RootstockFault("block-missing", "Cannot read the block: there is none");
  const number = safe(block, "number");
  const stated = {
    ...(typeof block["hash"] === "string" ? { statedHash: digits(block["hash"]) } : {}),
    ...(typeof block["hashForMergedMining"] === "string" && number > 0
      ? { statedMiningHash: digits(block["hashForMergedMining"]) }
      : {}),
  };
  if (number === 0) {
    return { header: decodeHeader(network.genesis.header, { network, form: "full" }), ...stated };
  }
  const rules = rulesAt(network, number);
  const price = block["minimumGasPrice"];
  const event = block["baseEvent"];
  return {
    header: {
      version: rules.version,
      parentHash: data(block, "parentHash"),
      unclesHash: data(block, "sha3Uncles"),
      coinbase: data(block, "miner"),
      stateRoot: data(block, "stateRoot"),
      transactionsRoot: data(block, "transactionsRoot"),
      receiptsRoot: data(block, "receiptsRoot"),
      logsBloom: data(block, "logsBloom"),
      difficulty: quantity(block, "difficulty"),
      number,
      gasLimit: signedBytes(quantity(block, "gasLimit")),
      gasUsed: quantity(block, "gasUsed"),
      timestamp: safe(block, "timestamp"),
      extraData: data(block, "extraData"),
      paidFees: quantity(block, "paidFees"),
      ...(price === null || price === undefined
        ? {}
        : { minimumGasPrice: quantity(block, "minimumGasPrice") }),
      uncleCount: list(block, "uncles").length,
      ...(rules.umm ? { ummRoot: new Uint8Array(0) } : {}),
      ...(rules.edges ? { edges: edgesOf(block["rskPteEdges"]) } : {}),
      ...(rules.version === 2
        ? { baseEvent: event === null || event === undefined ? new Uint8Array(0) : data(block, "baseEvent") }
        : {}),
      bitcoinMergedMiningHeader: data(block, "bitcoinMergedMiningHeader"),
      bitcoinMergedMiningMerkleProof: data(block, "bitcoinMergedMiningMerkleProof"),
      bitcoinMergedMiningCoinbaseTransaction: data(block, "bitcoinMergedMiningCoinbaseTransaction"),
    },
    ...stated,
  };
}

const digits = (text: string) => text.replace(/^0x/, "").toLowerCase();

function edgesOf(value: unknown): number[] {
  if (value === null || value === undefined) return [];
  const isEdge = (edge: unknown) => Number.isInteger(edge) && Math.abs(edge as number) < 2 ** 15;
  if (!Array.isArray(value) || !value.every(isEdge)) throw malformed("rskPteEdges", value);
  return value;
}
