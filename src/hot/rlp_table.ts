/**
 * Rows of fields in shared memory, and the list they make.
 *
 * Layer: hot. Source: wasm/layout.ts (rows), wasm/assembly/rlp.ts.
 *
 * @module
 */

import {
  RLP_BYTES_MAX,
  RLP_LIST_BIT,
  RLP_ROW_BYTES,
  RLP_ROW_LENGTH,
  RLP_ROW_OFFSET,
  RLP_TOO_LARGE,
} from "../../wasm/layout.ts";
import { HotError } from "./error.ts";
import type { HotMemory } from "./memory.ts";
import { rlpWriteFault } from "./rlp_fault.ts";

/**
 * A table of rows. An index fills it from a list; `push()` fills it for a list that is to be written.
 *
 * @example A list of two fields that lie in the memory
 * ```ts
 * import { HotMemory } from "./memory.ts";
 * import { RlpTable } from "./rlp_table.ts";
 * const memory = await HotMemory.create({ bytes: 1 << 20 });
 * const input = memory.allocate(64, "input");
 * const out = memory.allocate(64, "output");
 * memory.u8.set([7, 1, 2, 3], input);
 * const table = new RlpTable(memory, 2);
 * table.push(0, 1);
 * table.push(1, 3);
 * if (table.encodeList(input, out, 64) !== 6) throw new Error("expected c5 07 83 01 02 03");
 * ```
 */
export class RlpTable {
  readonly memory: HotMemory;
  /** Address of the first row, for kernels. */
  readonly address: number;
  /** Most rows. */
  readonly capacity: number;
  /** Rows in use. */
  count = 0;

  /** @throws {HotError} `HOT_MEMORY_EXHAUSTED` if it does not fit. */
  constructor(memory: HotMemory, capacity: number) {
    this.memory = memory;
    this.capacity = capacity;
    this.address = memory.allocate(capacity * RLP_ROW_BYTES, "RLP table");
  }

  /** Takes a field in: `bytes` of payload at `offset`, which counts from the base of the list. */
  push(offset: number, bytes: number, isList = false): void {
    if (this.count >= this.capacity) {
      throw new RangeError(`Cannot add a row to an RLP table: it has ${this.capacity}`);
    }
    if (!(offset >= 0 && bytes >= 0 && bytes <= RLP_BYTES_MAX && offset + bytes <= this.memory.bytes)) {
      throw new RangeError(`Cannot add a row to an RLP table: ${bytes} bytes at offset ${offset}`);
    }
    const row = this.address + this.count++ * RLP_ROW_BYTES;
    this.memory.u32[(row + RLP_ROW_OFFSET) >>> 2] = offset;
    this.memory.u32[(row + RLP_ROW_LENGTH) >>> 2] = isList ? bytes + RLP_LIST_BIT : bytes;
  }

  /**
   * Bytes of the list of these fields.
   *
   * @param base Address from which offsets count.
   * @throws {HotError} `RLP_TOO_LARGE` if it has more than 2^31 - 1 bytes; `HOT_OUT_OF_BOUNDS` if a field does not
   *   lie in the memory.
   */
  encodedLength(base: number): number {
    this.#assertRows(base);
    const bytes = this.memory.kernels.rlpEncodedLength(this.address, this.count, base);
    if (bytes === 0) throw rlpWriteFault(RLP_TOO_LARGE);
    return bytes;
  }

  /**
   * Writes the list of these fields; lists among them keep the payload they have. The output must not overlap them.
   *
   * @param out Address of the output, of `capacity` bytes.
   * @returns Bytes written.
   * @throws {HotError} `RLP_TOO_LARGE` if the list has more than 2^31 - 1 bytes; `HOT_OUT_OF_BOUNDS` if a field does
   *   not lie in the memory.
   * @throws {RangeError} If it is larger than the output, or the output does not lie in the memory.
   */
  encodeList(base: number, out: number, capacity: number): number {
    const bytes = this.encodedLength(base);
    if (!(out >= 0 && bytes <= capacity && out + bytes <= this.memory.bytes)) {
      throw new RangeError(`Cannot write RLP: ${bytes} bytes do not fit ${capacity} at ${out}`);
    }
    return this.memory.kernels.rlpEncodeList(this.address, this.count, base, out);
  }

  /** Rows may stand there from another base: a wrong one must not trap, or read what lies elsewhere. */
  #assertRows(base: number): void {
    const { u32, bytes } = this.memory;
    let row = this.address >>> 2;
    for (let i = 0; i < this.count; i++, row += RLP_ROW_BYTES >>> 2) {
      const length = u32[row + (RLP_ROW_LENGTH >>> 2)]! & RLP_BYTES_MAX;
      if (!(base >= 0 && base + u32[row + (RLP_ROW_OFFSET >>> 2)]! + length <= bytes)) {
        throw new HotError(
          "HOT_OUT_OF_BOUNDS",
          `Cannot write RLP: row ${i} from base ${base} is not all in the memory`,
        );
      }
    }
  }
}
