/**
 * Rootstock headers from their bytes: hashes, numbers and the verdict on their proof of work.
 *
 * Layer: hot. Source: spec/rootstock-consensus.md sections 1, 2 and 4. Encodings are those of header sync: version 0,
 * and the compressed form of versions 1 and 2. Which slots and rules there are depends on the height; the caller says
 * it. Genesis has hashes, and no proof of work.
 *
 * @module
 */

import {
  AUXPOW_FLAG_FORK_DATA,
  AUXPOW_OUT_CODE,
  AUXPOW_OUT_FORK_DATA,
  AUXPOW_OUT_POW_HASH,
  DIFFICULTY_RULES_BLOCK_SECONDS,
  DIFFICULTY_RULES_DIVISOR,
  DIFFICULTY_RULES_MINIMUM,
  DIFFICULTY_RULES_RSKIP97,
  DIGEST_BYTES,
  HEADER_BYTES_MAX,
  HEADER_FIELD_COUNT,
  HEADER_FIELD_MALFORMED,
  HEADER_FLAG_UMM,
  HEADER_FLAG_V1,
  HEADER_FLAG_V2,
  HEADER_MINING_EMPTY,
  HEADER_NOT_CANONICAL,
  HEADER_OUT_BTC_TIME,
  HEADER_OUT_BYTES,
  HEADER_OUT_DIFFICULTY,
  HEADER_OUT_FIELD,
  HEADER_OUT_HASH,
  HEADER_OUT_MINING_HASH,
  HEADER_OUT_NUMBER,
  HEADER_OUT_TIMESTAMP,
  HEADER_OUT_UNCLES,
  HEADER_ROW_ADDRESS,
  HEADER_ROW_BYTES,
  HEADER_ROW_FLAGS,
  HEADER_ROW_LENGTH,
  HEADER_ROW_OUT,
  HEADER_TOO_LARGE,
  SCRATCH_DIGESTS_BYTES,
  SCRATCH_DIGESTS_OFFSET,
  SCRATCH_TABLE_OFFSET,
  SCRATCH_WINDOW_BYTES,
  SCRATCH_WINDOW_OFFSET,
} from "../../wasm/layout.ts";
import { type AuxPowFailure, auxPowFailure, auxPowFlags, type AuxPowRules } from "./auxpow.ts";
import { copyOf } from "./copies.ts";
import type { HotMemory } from "./memory.ts";
import { threadMemory } from "./thread_memory.ts";

/** Rules and slots at the header's height (sections 1.3 and 5.1). */
export interface HeaderRules extends AuxPowRules {
  /** There is a slot for ummRoot. */
  readonly umm: boolean;
  /** 1 and 2: the compressed form, with the extension's hash in place of the bloom. */
  readonly version: 0 | 1 | 2;
}

/** A header as received. */
export interface HeaderInput {
  /** One RLP list, at most 4096 bytes. */
  readonly bytes: Uint8Array;
  readonly rules: HeaderRules;
}

/** Why a header is not one, beside the failures of its proof of work. */
export type HeaderFailure =
  | AuxPowFailure
  /** More than 4096 bytes. */
  | "header-too-large"
  /** Not one canonical RLP list. */
  | "not-canonical"
  | "field-count"
  /** A slot is not of its form (section 1.2). */
  | "field-malformed"
  /** The mining slots are there, and all three empty. */
  | "mining-fields-empty";

/** What a header says that is of its form, proven or not. */
export interface HeaderFacts {
  /** Block hash, 32 bytes. */
  readonly hash: Uint8Array;
  /** Base hash for merged mining, B: 32 bytes. */
  readonly miningHash: Uint8Array;
  /** 32 bytes, big-endian. */
  readonly difficulty: Uint8Array;
  readonly number: bigint;
  /** Seconds. */
  readonly timestamp: bigint;
  readonly uncleCount: number;
  /** Seconds, from the bitcoin header; 0 if that has not 80 bytes. */
  readonly btcTime: number;
}

/** Outcome of a check. */
export type HeaderVerdict =
  | {
    readonly valid: true;
    readonly facts: HeaderFacts;
    /** Hash of the bitcoin header in wire order, 32 bytes. */
    readonly powHash: Uint8Array;
    /** 12 bytes from the coinbase, which the fork-detection rule has to check; absent without `forkData`. */
    readonly forkData?: Uint8Array;
  }
  | {
    readonly valid: false;
    readonly failure: HeaderFailure;
    /** Absent if the header is not of its form. */
    readonly facts?: HeaderFacts;
    /** Slot meant by `field-malformed`, from 0. */
    readonly field?: number;
  };

/** How the difficulty of a block follows from its parent's (section 3.3). */
export interface DifficultyRules {
  /** Seconds a block should take. */
  readonly blockSeconds: number;
  /** Greater than 0. */
  readonly divisor: number;
  /** Big-endian, at most 32 bytes. */
  readonly minimum: Uint8Array;
  /** A gap of 600 seconds no longer resets the difficulty. */
  readonly rskip97: boolean;
}

const FAILURES: ReadonlyMap<number, HeaderFailure> = new Map<number, HeaderFailure>([
  [HEADER_TOO_LARGE, "header-too-large"],
  [HEADER_NOT_CANONICAL, "not-canonical"],
  [HEADER_FIELD_COUNT, "field-count"],
  [HEADER_FIELD_MALFORMED, "field-malformed"],
  [HEADER_MINING_EMPTY, "mining-fields-empty"],
]);

/** Rules as `AUXPOW_FLAG_*` and `HEADER_FLAG_*`. */
export function headerFlags(rules: HeaderRules): number {
  const version = rules.version === 1 ? HEADER_FLAG_V1 : rules.version === 2 ? HEADER_FLAG_V2 : 0;
  return auxPowFlags(rules) | version | (rules.umm ? HEADER_FLAG_UMM : 0);
}

/**
 * Checks rows that lie in hot memory already, several at once.
 *
 * @param rows Address of rows as `HEADER_ROW_*`, a multiple of 4; each names where its result goes.
 * @returns How many are valid.
 */
export function checkHeaderRows(hot: HotMemory, rows: number, count: number): number {
  void hot.scratch;
  return hot.kernels.headerBatch(rows, count);
}

/**
 * Reads the result of a row.
 *
 * @param row Address of the row.
 */
export function readHeaderVerdict(hot: HotMemory, row: number): HeaderVerdict {
  const word = (at: number) => hot.u32[at >>> 2]!;
  const long = (at: number) => BigInt(word(at + 4)) << 32n | BigInt(word(at));
  const out = word(row + HEADER_ROW_OUT);
  const code = word(out + AUXPOW_OUT_CODE);
  const failure = FAILURES.get(code);
  if (failure === "field-malformed") return { valid: false, failure, field: word(out + HEADER_OUT_FIELD) };
  if (failure !== undefined) return { valid: false, failure };
  const facts: HeaderFacts = {
    hash: copyOf(hot, out + HEADER_OUT_HASH, DIGEST_BYTES),
    miningHash: copyOf(hot, out + HEADER_OUT_MINING_HASH, DIGEST_BYTES),
    difficulty: copyOf(hot, out + HEADER_OUT_DIFFICULTY, DIGEST_BYTES),
    number: long(out + HEADER_OUT_NUMBER),
    timestamp: long(out + HEADER_OUT_TIMESTAMP),
    uncleCount: word(out + HEADER_OUT_UNCLES),
    btcTime: word(out + HEADER_OUT_BTC_TIME),
  };
  const proof = auxPowFailure(code);
  if (proof !== undefined) return { valid: false, failure: proof, facts };
  const powHash = copyOf(hot, out + AUXPOW_OUT_POW_HASH, DIGEST_BYTES);
  if ((word(row + HEADER_ROW_FLAGS) & AUXPOW_FLAG_FORK_DATA) === 0) return { valid: true, facts, powHash };
  return { valid: true, facts, powHash, forkData: copyOf(hot, out + AUXPOW_OUT_FORK_DATA, 12) };
}

/** Writes the row of a header and copies its bytes; what is too long to be read is not copied. */
export function putHeaderRow(
  hot: HotMemory,
  row: number,
  { bytes, at, flags, out }: { bytes: Uint8Array; at: number; flags: number; out: number },
): void {
  hot.u32[(row + HEADER_ROW_ADDRESS) >>> 2] = at;
  hot.u32[(row + HEADER_ROW_LENGTH) >>> 2] = bytes.length;
  hot.u32[(row + HEADER_ROW_FLAGS) >>> 2] = flags;
  hot.u32[(row + HEADER_ROW_OUT) >>> 2] = out;
  if (bytes.length <= HEADER_BYTES_MAX) hot.u8.set(bytes, at);
}

/** Results that fit between the faces' digests. */
const ROWS_MAX = Math.floor(SCRATCH_DIGESTS_BYTES / HEADER_OUT_BYTES);

/**
 * Checks several headers; four proofs at once where the machine can. The rules that compare a header with others
 * are not among the checks.
 *
 * @returns Verdicts in the order of the headers.
 */
export function checkHeaders(headers: readonly HeaderInput[]): HeaderVerdict[] {
  const hot = threadMemory();
  const rows = hot.scratch + SCRATCH_TABLE_OFFSET;
  const outs = hot.scratch + SCRATCH_DIGESTS_OFFSET;
  const window = hot.scratch + SCRATCH_WINDOW_OFFSET;
  const verdicts: HeaderVerdict[] = [];
  for (let begin = 0; begin < headers.length;) {
    let used = 0;
    let count = 0;
    for (; count < ROWS_MAX && begin + count < headers.length; count++) {
      const { bytes, rules } = headers[begin + count]!;
      const taken = bytes.length > HEADER_BYTES_MAX ? 0 : bytes.length;
      if (used + taken > SCRATCH_WINDOW_BYTES) break;
      const out = outs + count * HEADER_OUT_BYTES;
      const row = rows + count * HEADER_ROW_BYTES;
      putHeaderRow(hot, row, { bytes, at: window + used, flags: headerFlags(rules), out });
      used += taken;
    }
    checkHeaderRows(hot, rows, count);
    for (let i = 0; i < count; i++) verdicts.push(readHeaderVerdict(hot, rows + i * HEADER_ROW_BYTES));
    begin += count;
  }
  return verdicts;
}

/** Checks one header: {@link checkHeaders}. */
export function checkHeader(header: HeaderInput): HeaderVerdict {
  return checkHeaders([header])[0]!;
}

/** Puts rules of the difficulty at an address, `DIFFICULTY_RULES_BYTES`, a multiple of 8. */
export function writeDifficultyRules(hot: HotMemory, at: number, rules: DifficultyRules): void {
  hot.u32[(at + DIFFICULTY_RULES_BLOCK_SECONDS) >>> 2] = rules.blockSeconds;
  hot.u32[(at + DIFFICULTY_RULES_DIVISOR) >>> 2] = rules.divisor;
  hot.u32[(at + DIFFICULTY_RULES_RSKIP97) >>> 2] = rules.rskip97 ? 1 : 0;
  writeNumber(hot, at + DIFFICULTY_RULES_MINIMUM, rules.minimum, "minimum");
}

/** Puts a big-endian number at an address, as 32 bytes. */
function writeNumber(hot: HotMemory, at: number, bytes: Uint8Array, what: string): void {
  if (bytes.length > DIGEST_BYTES) {
    throw new RangeError(
      `Cannot compute a difficulty: '${what}' must be at most 32 bytes, got ${bytes.length}`,
    );
  }
  hot.u8.fill(0, at, at + DIGEST_BYTES);
  hot.u8.set(bytes, at + DIGEST_BYTES - bytes.length);
}

/**
 * The difficulty that a block has to have.
 *
 * @param parent Difficulty of its parent, big-endian, at most 32 bytes.
 * @param seconds Its timestamp minus that of its parent; a signed 64-bit integer.
 * @param uncleCount Uncles of the block itself.
 * @returns 32 bytes, big-endian; `undefined` if it needs more.
 * @throws {RangeError} If a number has more than 32 bytes or the divisor is 0.
 *
 * @example Mainnet after RSKIP156, a block a second after its parent
 * ```ts
 * import { nextDifficulty } from "./header.ts";
 * const rules = { blockSeconds: 14, divisor: 400, minimum: new Uint8Array([1]), rskip97: true };
 * const next = nextDifficulty(new Uint8Array([0x0f, 0xa0]), 1n, 0, rules);
 * if (next?.at(-1) !== 0xaa) throw new Error("expected 4010");
 * ```
 */
export function nextDifficulty(
  parent: Uint8Array,
  seconds: bigint,
  uncleCount: number,
  rules: DifficultyRules,
): Uint8Array | undefined {
  if (rules.divisor === 0) throw new RangeError("Cannot compute a difficulty: 'divisor' is 0");
  const hot = threadMemory();
  const at = hot.scratch + SCRATCH_DIGESTS_OFFSET;
  const rulesAt = at + 2 * DIGEST_BYTES;
  writeNumber(hot, at, parent, "parent");
  writeDifficultyRules(hot, rulesAt, rules);
  const out = at + DIGEST_BYTES;
  const low = Number(BigInt.asUintN(32, seconds));
  const high = Number(BigInt.asIntN(32, seconds >> 32n));
  if (hot.kernels.difficultyExpected(at, high, low, uncleCount, rulesAt, out) === 0) return undefined;
  return Uint8Array.from(hot.u8.subarray(out, out + DIGEST_BYTES));
}
