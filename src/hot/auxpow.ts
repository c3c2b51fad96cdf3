/**
 * Merged-mining proof of work of Rootstock blocks.
 *
 * Layer: hot. Source: spec/rootstock-consensus.md section 4. Proofs come as ordinary bytes, or as rows of addresses
 * where their bytes are in hot memory already.
 *
 * Not covered: blocks signed instead of mined (section 4.5), and bitcoin headers of more than 80 bytes before
 * RSKIP98; both exist on mainnet below 729,000 only.
 *
 * @module
 */

import {
  AUXPOW_FLAG_FORK_DATA,
  AUXPOW_FLAG_RSKIP180,
  AUXPOW_FLAG_RSKIP92,
  AUXPOW_OUT_BYTES,
  AUXPOW_OUT_CODE,
  AUXPOW_OUT_FORK_DATA,
  AUXPOW_OUT_POW_HASH,
  AUXPOW_ROW_BTC_HEADER,
  AUXPOW_ROW_BTC_HEADER_BYTES,
  AUXPOW_ROW_BYTES,
  AUXPOW_ROW_COINBASE,
  AUXPOW_ROW_COINBASE_BYTES,
  AUXPOW_ROW_DIFFICULTY,
  AUXPOW_ROW_DIFFICULTY_BYTES,
  AUXPOW_ROW_FLAGS,
  AUXPOW_ROW_HASH,
  AUXPOW_ROW_OUT,
  AUXPOW_ROW_PROOF,
  AUXPOW_ROW_PROOF_BYTES,
  DIGEST_BYTES,
  SCRATCH_DIGESTS_BYTES,
  SCRATCH_DIGESTS_OFFSET,
  SCRATCH_TABLE_OFFSET,
  SCRATCH_WINDOW_BYTES,
  SCRATCH_WINDOW_OFFSET,
} from "../../wasm/layout.ts";
import { copyOf } from "./copies.ts";
import type { HotMemory } from "./memory.ts";
import { threadMemory } from "./thread_memory.ts";

/** What failed, in the order of the checks (section 4.2). */
const FAILURES = [
  "merkle-proof-format",
  "coinbase-missing",
  "btc-header-missing",
  "btc-header-size",
  "above-target",
  "coinbase-too-short",
  "fork-data-missing",
  "tag-not-found",
  "tag-too-far",
  "not-last-tag",
  "too-many-bytes-after",
  "coinbase-too-small",
  "merkle-root-mismatch",
  "inner-node-is-transaction",
] as const;

/** Why a proof is invalid; `too-large` is one whose parts have more than 64 KiB together. */
export type AuxPowFailure = (typeof FAILURES)[number] | "too-large";

/** Rules that are active at the block's height (section 5.1). */
export interface AuxPowRules {
  /** The Merkle proof is a list of siblings; otherwise a partial Merkle tree. */
  readonly rskip92: boolean;
  /** The commitment ends with fork-detection data: RSKIP110, from block 449. */
  readonly forkData: boolean;
  /** The Merkle proof has at most 30 siblings. */
  readonly rskip180: boolean;
}

/** A proof with what it has to prove. */
export interface AuxPow {
  readonly rules: AuxPowRules;
  /** Base hash for merged mining, B (section 2): 32 bytes. */
  readonly hash: Uint8Array;
  /** Big-endian and unsigned, of any length; 2 and less count as 3. */
  readonly difficulty: Uint8Array;
  readonly btcHeader: Uint8Array;
  /** Missing in a header without mining fields, which differs from empty. */
  readonly merkleProof: Uint8Array | undefined;
  /** Compressed coinbase transaction (section 4.1). */
  readonly coinbase: Uint8Array;
}

/** Outcome of a check. */
export type AuxPowVerdict =
  | {
    readonly valid: true;
    /** Hash of the bitcoin header in wire order, 32 bytes. */
    readonly powHash: Uint8Array;
    /** 12 bytes from the coinbase, which the fork-detection rule has to check; absent without `forkData`. */
    readonly forkData?: Uint8Array;
  }
  | { readonly valid: false; readonly failure: AuxPowFailure };

/** Name of an `AUXPOW_*` code; `undefined` for `AUXPOW_VALID`. */
export function auxPowFailure(code: number): AuxPowFailure | undefined {
  return FAILURES[code - 1];
}

/** Rules as `AUXPOW_FLAG_*`. */
export function auxPowFlags(rules: AuxPowRules): number {
  return (rules.rskip92 ? AUXPOW_FLAG_RSKIP92 : 0) | (rules.forkData ? AUXPOW_FLAG_FORK_DATA : 0) |
    (rules.rskip180 ? AUXPOW_FLAG_RSKIP180 : 0);
}

/**
 * Checks rows that lie in hot memory already, several at once.
 *
 * @param rows Address of rows as `AUXPOW_ROW_*`, a multiple of 4; each names where its result goes.
 * @returns How many are valid.
 */
export function verifyAuxPowRows(hot: HotMemory, rows: number, count: number): number {
  void hot.scratch;
  return hot.kernels.auxpowBatch(rows, count);
}

/**
 * Reads the result of a row.
 *
 * @param row Address of the row.
 */
export function readAuxPowVerdict(hot: HotMemory, row: number): AuxPowVerdict {
  const word = (offset: number) => hot.u32[(row + offset) >>> 2]!;
  const out = word(AUXPOW_ROW_OUT);
  const failure = auxPowFailure(hot.u32[(out + AUXPOW_OUT_CODE) >>> 2]!);
  if (failure !== undefined) return { valid: false, failure };
  const powHash = copyOf(hot, out + AUXPOW_OUT_POW_HASH, DIGEST_BYTES);
  if ((word(AUXPOW_ROW_FLAGS) & AUXPOW_FLAG_FORK_DATA) === 0) return { valid: true, powHash };
  return { valid: true, powHash, forkData: copyOf(hot, out + AUXPOW_OUT_FORK_DATA, 12) };
}

/** Results that fit between the faces' digests. */
const ROWS_MAX = Math.floor(SCRATCH_DIGESTS_BYTES / AUXPOW_OUT_BYTES);

function bytesOf(proof: AuxPow): number {
  return DIGEST_BYTES + proof.difficulty.length + proof.btcHeader.length + proof.coinbase.length +
    (proof.merkleProof?.length ?? 0);
}

/** Puts a proof's bytes at `window` and its row at `row`. */
function writeRow(hot: HotMemory, proof: AuxPow, row: number, out: number, window: number): void {
  let at = window;
  const word = (offset: number, value: number) => {
    hot.u32[(row + offset) >>> 2] = value;
  };
  const part = (offset: number, bytes: Uint8Array, lengthOffset?: number) => {
    hot.u8.set(bytes, at);
    word(offset, at);
    if (lengthOffset !== undefined) word(lengthOffset, bytes.length);
    at += bytes.length;
  };
  word(AUXPOW_ROW_FLAGS, auxPowFlags(proof.rules));
  part(AUXPOW_ROW_HASH, proof.hash);
  part(AUXPOW_ROW_DIFFICULTY, proof.difficulty, AUXPOW_ROW_DIFFICULTY_BYTES);
  part(AUXPOW_ROW_BTC_HEADER, proof.btcHeader, AUXPOW_ROW_BTC_HEADER_BYTES);
  part(AUXPOW_ROW_COINBASE, proof.coinbase, AUXPOW_ROW_COINBASE_BYTES);
  if (proof.merkleProof !== undefined) {
    part(AUXPOW_ROW_PROOF, proof.merkleProof, AUXPOW_ROW_PROOF_BYTES);
  } else {
    word(AUXPOW_ROW_PROOF, 0);
    word(AUXPOW_ROW_PROOF_BYTES, 0);
  }
  word(AUXPOW_ROW_OUT, out);
}

/**
 * Checks several proofs; four branches at once where the machine can.
 *
 * @returns Verdicts in the order of the proofs.
 * @throws {RangeError} If a hash is not 32 bytes.
 */
export function verifyAuxPowBatch(proofs: readonly AuxPow[]): AuxPowVerdict[] {
  const hot = threadMemory();
  const rows = hot.scratch + SCRATCH_TABLE_OFFSET;
  const outs = hot.scratch + SCRATCH_DIGESTS_OFFSET;
  const window = hot.scratch + SCRATCH_WINDOW_OFFSET;
  const verdicts: AuxPowVerdict[] = [];
  const tooLarge = { valid: false, failure: "too-large" } as const;
  for (let begin = 0; begin < proofs.length;) {
    // As many as fit; one that cannot fit takes no row.
    let used = 0;
    let count = 0;
    let end = begin;
    const rowOf: (number | undefined)[] = [];
    for (; end < proofs.length && count < ROWS_MAX; end++) {
      const proof = proofs[end]!;
      if (proof.hash.length !== DIGEST_BYTES) {
        throw new RangeError(
          `Cannot verify proof of work: 'hash' must be 32 bytes, got ${proof.hash.length}`,
        );
      }
      const bytes = bytesOf(proof);
      if (bytes > SCRATCH_WINDOW_BYTES) {
        rowOf.push(undefined);
        continue;
      }
      if (used + bytes > SCRATCH_WINDOW_BYTES) break;
      const row = rows + count * AUXPOW_ROW_BYTES;
      writeRow(hot, proof, row, outs + count * AUXPOW_OUT_BYTES, window + used);
      rowOf.push(row);
      used += bytes;
      count++;
    }
    verifyAuxPowRows(hot, rows, count);
    for (const row of rowOf) verdicts.push(row === undefined ? tooLarge : readAuxPowVerdict(hot, row));
    begin = end;
  }
  return verdicts;
}

/**
 * Checks one proof.
 *
 * @throws {RangeError} If the hash is not 32 bytes.
 *
 * @example A header without mining fields proves nothing
 * ```ts
 * import { verifyAuxPow } from "./auxpow.ts";
 * const verdict = verifyAuxPow({
 *   rules: { rskip92: true, forkData: false, rskip180: true },
 *   hash: new Uint8Array(32),
 *   difficulty: new Uint8Array([3]),
 *   btcHeader: new Uint8Array(0),
 *   merkleProof: undefined,
 *   coinbase: new Uint8Array(0),
 * });
 * if (verdict.valid || verdict.failure !== "merkle-proof-format") throw new Error("expected a failure");
 * ```
 */
export function verifyAuxPow(proof: AuxPow): AuxPowVerdict {
  return verifyAuxPowBatch([proof])[0]!;
}

/**
 * The greatest number that the hash of the bitcoin header may be: floor(2^256 / difficulty), 32 bytes big-endian.
 *
 * @param difficulty Big-endian and unsigned; 2 and less count as 3.
 */
export function auxPowTarget(difficulty: Uint8Array): Uint8Array {
  const hot = threadMemory();
  // Digits beyond 33 bytes change nothing unless they are zeros.
  let zeros = 0;
  while (difficulty[zeros] === 0) zeros++;
  const digits = difficulty.subarray(zeros);
  const out = hot.scratch + SCRATCH_DIGESTS_OFFSET;
  const window = hot.scratch + SCRATCH_WINDOW_OFFSET;
  hot.u8.set(digits.subarray(0, SCRATCH_WINDOW_BYTES), window);
  hot.kernels.auxpowTarget(window, Math.min(digits.length, SCRATCH_WINDOW_BYTES), out);
  return copyOf(hot, out, DIGEST_BYTES);
}
