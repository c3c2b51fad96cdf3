/**
 * Reading RLP: where the fields of a list lie, in ordinary bytes or in place in shared memory.
 *
 * Layer: hot. Source: spec/hot-path.md section 7, wasm/assembly/rlp.ts. One level at a time: what a nested list
 * holds is checked when it is read, or all at once by {@link assertRlp} and {@link assertRlpAt}.
 *
 * @module
 */

import { HotError } from "./error.ts";
import type { HotMemory } from "./memory.ts";
import { rlpFault } from "./rlp_fault.ts";
import { assertNested, RlpFields } from "./rlp_fields.ts";
import { RlpTable } from "./rlp_table.ts";
import { walkList } from "./rlp_walk.ts";

export { assertRlp } from "./rlp_walk.ts";

/** Options of an {@link RlpIndex}. */
export interface RlpIndexOptions {
  /** Most fields a list may have; each takes 8 bytes of the memory. */
  readonly fields: number;
}

/** Fields of a list in ordinary bytes. */
class OrdinaryFields extends RlpFields {
  constructor(u8: Uint8Array, maxFields: number) {
    const { start, rows } = walkList(u8, maxFields);
    super({ u8, base: 0, rows, rowsAt: 0, count: rows.length / 2, start });
  }
}

/**
 * Index of RLP lists in shared memory, used again for one list after the other; or of one list in ordinary bytes.
 *
 * @example The fields of a list
 * ```ts
 * import { RlpIndex } from "./rlp.ts";
 * const fields = RlpIndex.of(new Uint8Array([0xc5, 0x82, 0x03, 0xe8, 0xc1, 0x07]));
 * if (fields.count !== 2 || fields.number(0) !== 1000) throw new Error("expected 1000");
 * if (fields.nested(1).number(0) !== 7) throw new Error("expected 7");
 * ```
 */
export class RlpIndex extends RlpFields {
  /** Rows of the fields; those of the last list that was read. */
  readonly table: RlpTable;

  /** @throws {HotError} `HOT_MEMORY_EXHAUSTED` if the table does not fit. */
  constructor(memory: HotMemory, { fields }: RlpIndexOptions) {
    const table = new RlpTable(memory, fields);
    super({ u8: memory.u8, base: 0, rows: memory.u32, rowsAt: table.address >>> 2, count: 0, start: 0 });
    this.table = table;
  }

  /**
   * Fields of the list that the bytes are. The bytes are not copied.
   *
   * @param maxFields Most fields it may have: a bound on the memory that bytes from a peer cost.
   * @throws {HotError} `RLP_` with the offset of the fault, if they are not exactly one list in canonical form;
   *   `RLP_TOO_MANY_FIELDS`.
   */
  static of(bytes: Uint8Array, maxFields: number = Infinity): RlpFields {
    return new OrdinaryFields(bytes, maxFields);
  }

  /**
   * Finds the fields of the list that lies in the memory, in place of those found before.
   *
   * @returns Number of fields.
   * @throws {HotError} `RLP_` with the offset of the fault, `RLP_TOO_MANY_FIELDS` if the table is too small: the
   *   index is empty then. `HOT_OUT_OF_BOUNDS` if the list does not lie in the memory.
   */
  read(address: number, bytes: number): number {
    assertRegion(this.table.memory, address, bytes);
    const { kernels } = this.table.memory;
    this.#begin(address);
    this.#finish(kernels.rlpIndex(address, bytes, this.table.address, this.table.capacity));
    // Rows lie gapless up to the end of the input, so the prefix is what is left.
    this.source.start = prefixBytes(this.source.u8[address]!);
    return this.count;
  }

  /**
   * Finds the fields of a list within another in the same memory, without allocating as {@link nested} does.
   *
   * @returns Number of fields; offsets count from the address of the outermost list.
   * @throws {HotError} `RLP_NOT_A_LIST` if the field is an item; others as {@link read}.
   */
  readNested(parent: RlpIndex, i: number): number {
    if (parent.table.memory !== this.table.memory || parent === this) {
      throw new TypeError("Cannot read a nested list: its parent must be another index of the same memory");
    }
    assertNested(parent, i);
    const { base } = parent.source;
    const start = parent.offset(i);
    const { kernels } = this.table.memory;
    this.#begin(base);
    const { address, capacity } = this.table;
    this.#finish(kernels.rlpIndexPayload(base, start, parent.length(i), address, capacity));
    this.source.start = start;
    return this.count;
  }

  #begin(base: number): void {
    this.source.base = base;
    this.source.count = 0;
    this.table.count = 0;
  }

  #finish(count: number): void {
    if (count < 0) throw rlpFault(-count, this.table.memory.kernels.rlpFaultOffset());
    this.source.count = count;
    this.table.count = count;
  }
}

/** Bytes of the prefix of a list, from its first byte. */
function prefixBytes(first: number): number {
  return first < 0xf8 ? 1 : first - 0xf6;
}

/**
 * As {@link assertRlp}, of bytes in the memory.
 *
 * @throws {HotError} `RLP_` with the offset of the first fault; `HOT_OUT_OF_BOUNDS` if they do not lie there.
 */
export function assertRlpAt(memory: HotMemory, address: number, bytes: number): void {
  assertRegion(memory, address, bytes);
  // The kernel keeps its stack in the scratch area: the first thread has none before it asks for it.
  void memory.scratch;
  void memory.scratch;
  const result = memory.kernels.rlpValidate(address, bytes);
  if (result < 0) throw rlpFault(-result, memory.kernels.rlpFaultOffset());
}

function assertRegion(memory: HotMemory, address: number, bytes: number): void {
  if (!(address >= 0 && bytes >= 0 && address + bytes <= memory.bytes)) {
    throw new HotError(
      "HOT_OUT_OF_BOUNDS",
      `Cannot read RLP: ${bytes} bytes at ${address} are not all in the memory`,
    );
  }
}
