/**
 * Headers that lie in hot memory with their rows and results, checked together.
 *
 * Layer: hot. Source: wasm/layout.ts, `HEADER_*`. What is read of a result stays where the kernel wrote it until the
 * batch is filled again.
 *
 * @module
 */

import {
  AUXPOW_OUT_CODE,
  AUXPOW_OUT_FORK_DATA,
  AUXPOW_OUT_POW_HASH,
  DIFFICULTY_RULES_BYTES,
  DIGEST_BYTES,
  HEADER_BYTES_MAX,
  HEADER_OUT_BTC_TIME,
  HEADER_OUT_BYTES,
  HEADER_OUT_DIFFICULTY,
  HEADER_OUT_HASH,
  HEADER_OUT_NUMBER,
  HEADER_OUT_TIMESTAMP,
  HEADER_OUT_UNCLES,
  HEADER_ROW_BYTES,
  HEAP_OFFSET,
  SCRATCH_BYTES,
} from "../../wasm/layout.ts";
import { copyOf } from "./copies.ts";
import {
  checkHeaderRows,
  type DifficultyRules,
  type HeaderVerdict,
  putHeaderRow,
  readHeaderVerdict,
  writeDifficultyRules,
} from "./header.ts";
import { HotMemory } from "./memory.ts";

/** Regions begin at multiples of so many bytes. */
const SLACK_BYTES = 1024;
const COPY_ALIGN_BYTES = 8;

/** See the module. Has a memory of its own, in the thread that made it. */
export class HeaderBatch {
  readonly #hot: HotMemory;
  readonly #view: DataView;
  readonly #capacity: number;
  readonly #rows: number;
  /** The parent's result, then those of the rows. */
  readonly #outs: number;
  readonly #rulesAt: number;
  readonly #window: number;
  readonly #windowBytes: number;
  #rules: DifficultyRules | undefined;
  #used = 0;
  #count = 0;

  /**
   * @param headers Most headers of a batch.
   * @param bytes Most bytes of them together.
   */
  constructor({ headers, bytes }: { readonly headers: number; readonly bytes: number }) {
    const rowBytes = HEADER_ROW_BYTES + HEADER_OUT_BYTES;
    const own = headers * rowBytes + bytes + SLACK_BYTES;
    const hot = HotMemory.createSync({ bytes: HEAP_OFFSET + SCRATCH_BYTES + own });
    void hot.scratch;
    this.#hot = hot;
    this.#view = new DataView(hot.u8.buffer);
    this.#capacity = headers;
    this.#rows = hot.allocate(headers * HEADER_ROW_BYTES, "rows of headers");
    this.#outs = hot.allocate((headers + 1) * HEADER_OUT_BYTES, "results of headers");
    this.#rulesAt = hot.allocate(DIFFICULTY_RULES_BYTES, "rules of the difficulty");
    this.#windowBytes = bytes;
    this.#window = hot.allocate(bytes, "headers");
  }

  /** Headers in the batch. */
  get count(): number {
    return this.#count;
  }

  /** Empties the batch; the result of its last header becomes that of the parent. */
  next(): void {
    if (this.#count > 0) {
      const last = this.#out(this.#count - 1);
      this.#hot.u8.copyWithin(this.#outs, last, last + HEADER_OUT_BYTES);
    }
    this.#used = 0;
    this.#count = 0;
  }

  /** Says what the first header's difficulty follows from; 32 bytes, big-endian. */
  setParent(difficulty: bigint, timestamp: number): void {
    const at = this.#outs + HEADER_OUT_DIFFICULTY;
    for (let i = 0; i < DIGEST_BYTES; i += 8) {
      this.#view.setBigUint64(
        at + i,
        difficulty >> BigInt(8 * (DIGEST_BYTES - 8 - i)) & 0xffff_ffff_ffff_ffffn,
      );
    }
    this.#view.setBigUint64(this.#outs + HEADER_OUT_TIMESTAMP, BigInt(timestamp), true);
  }

  /** Adds a header; `false` if the batch is full, which an empty one never is. */
  add(bytes: Uint8Array, flags: number): boolean {
    const taken = bytes.length > HEADER_BYTES_MAX ? 0 : bytes.length;
    // Where both ends are aligned alike, a copy to shared memory goes by words, and otherwise by bytes.
    const at = this.#used + ((bytes.byteOffset - this.#used) & (COPY_ALIGN_BYTES - 1));
    if (this.#count === this.#capacity || at + taken > this.#windowBytes) return false;
    const row = this.#rows + this.#count * HEADER_ROW_BYTES;
    putHeaderRow(this.#hot, row, {
      bytes,
      at: this.#window + this.#used,
      flags,
      out: this.#out(this.#count),
    });
    this.#used = at + taken;
    this.#count++;
    return true;
  }

  /** Checks all headers; from then on results can be read. */
  check(): void {
    checkHeaderRows(this.#hot, this.#rows, this.#count);
  }

  #out(i: number): number {
    return this.#outs + (i + 1) * HEADER_OUT_BYTES;
  }

  /** Whether a header is of its form and its proof of work is valid. */
  isValid(i: number): boolean {
    return this.#hot.u32[(this.#out(i) + AUXPOW_OUT_CODE) >>> 2] === 0;
  }

  /** The whole result, copied. */
  verdict(i: number): HeaderVerdict {
    return readHeaderVerdict(this.#hot, this.#rows + i * HEADER_ROW_BYTES);
  }

  /** Number; not exact from 2^53 on. */
  number(i: number): number {
    return this.#long(this.#out(i) + HEADER_OUT_NUMBER);
  }

  /** Seconds; not exact from 2^53 on. */
  timestamp(i: number): number {
    return this.#long(this.#out(i) + HEADER_OUT_TIMESTAMP);
  }

  #long(at: number): number {
    return this.#hot.u32[(at + 4) >>> 2]! * 0x1_0000_0000 + this.#hot.u32[at >>> 2]!;
  }

  uncleCount(i: number): number {
    return this.#hot.u32[(this.#out(i) + HEADER_OUT_UNCLES) >>> 2]!;
  }

  /** Time of the bitcoin header in seconds. */
  btcTime(i: number): number {
    return this.#hot.u32[(this.#out(i) + HEADER_OUT_BTC_TIME) >>> 2]!;
  }

  /** Block hash, copied. */
  hash(i: number): Uint8Array {
    return copyOf(this.#hot, this.#out(i) + HEADER_OUT_HASH, DIGEST_BYTES);
  }

  /** First byte of the bitcoin hash in wire order. */
  powByte(i: number): number {
    return this.#hot.u8[this.#out(i) + AUXPOW_OUT_POW_HASH]!;
  }

  difficulty(i: number): bigint {
    const at = this.#out(i) + HEADER_OUT_DIFFICULTY;
    let value = this.#view.getBigUint64(at + 24);
    for (let word = 16, shift = 64n; word >= 0; word -= 8, shift += 64n) {
      if ((this.#hot.u32[(at + word) >>> 2]! | this.#hot.u32[(at + word + 4) >>> 2]!) === 0) continue;
      value |= this.#view.getBigUint64(at + word) << shift;
    }
    return value;
  }

  /** Whether the fork-detection data are these 12 bytes. */
  hasForkData(i: number, expected: Uint8Array): boolean {
    const at = this.#out(i) + AUXPOW_OUT_FORK_DATA;
    for (let byte = 0; byte < expected.length; byte++) {
      if (this.#hot.u8[at + byte] !== expected[byte]) return false;
    }
    return true;
  }

  /** Whether the difficulty follows from that of the header before, or the parent's. */
  difficultyFollows(i: number, rules: DifficultyRules): boolean {
    if (rules !== this.#rules) {
      writeDifficultyRules(this.#hot, this.#rulesAt, rules);
      this.#rules = rules;
    }
    const out = this.#out(i);
    return this.#hot.kernels.headerDifficulty(out - HEADER_OUT_BYTES, out, this.#rulesAt) === 1;
  }
}
