/**
 * How batches travel from the main thread to the writer: packed into one buffer that changes owner.
 *
 * Layer: store. Used by both threads. A structured clone of views would copy the whole buffer behind each of them.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { Operation } from "./engine.ts";

/** Batches that become one commit. */
export interface WriteGroup {
  /** Whether the commit ends with a sync. */
  readonly sync: boolean;
  /** {@link WORDS} per operation: family number and kind, key offset, key bytes, source, value offset, value bytes. */
  readonly table: Uint32Array<ArrayBuffer>;
  /** Keys, and the values that were copied. */
  readonly packed: ArrayBuffer;
  /** Values that stayed where they are, in shared memory. */
  readonly shared: readonly Uint8Array[];
}

/** One operation as the writer sees it. `value` is `undefined` for a delete. */
export interface PackedOperation {
  readonly family: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

const WORDS = 6;
const KIND_DELETE = 0x8000_0000;
/** Source of a value: in `packed`, or this number minus one in `shared`. */
const SOURCE_PACKED = 0;

/**
 * From here on a value in shared memory is cheaper to point at than to copy: cloning a view takes a few microseconds,
 * and the copy's memory must be mapped, zeroed and given back.
 */
const SHARED_VALUE_MIN_BYTES = 8 * 1024;

/** Copying 1 MiB takes about 0.2 ms; then the event loop gets a turn. */
const COPY_STEP_BYTES = 1024 * 1024;

/** Bytes of keys and values of a batch. */
export function batchBytes(operations: readonly Operation[]): number {
  let bytes = 0;
  for (const operation of operations) {
    bytes += operation.key.length + (operation.kind === "put" ? operation.value.length : 0);
  }
  return bytes;
}

/**
 * Copies keys and values, in steps that leave the event loop free. Large values in shared memory are not copied: they
 * must stay as they are until the commit.
 *
 * @param families Number of each family, agreed with the writer.
 */
export async function packGroup(
  batches: readonly (readonly Operation[])[],
  families: ReadonlyMap<string, number>,
  sync: boolean,
): Promise<WriteGroup> {
  let count = 0;
  let bytes = 0;
  for (const operations of batches) {
    count += operations.length;
    for (const operation of operations) bytes += operation.key.length + copiedBytes(operation);
  }
  const table = new Uint32Array(count * WORDS);
  const target = new Uint8Array(bytes);
  const shared: Uint8Array[] = [];
  let row = 0;
  let offset = 0;
  let sinceTurn = 0;
  for (const operations of batches) {
    for (const operation of operations) {
      const { key } = operation;
      const family = families.get(operation.family)!;
      target.set(key, offset);
      table.set(
        [operation.kind === "delete" ? (family | KIND_DELETE) >>> 0 : family, offset, key.length],
        row,
      );
      offset += key.length;
      sinceTurn += key.length;
      if (operation.kind === "put") {
        const { value } = operation;
        if (copiedBytes(operation) === 0) {
          table.set([shared.push(value), 0, value.length], row + 3);
        } else {
          table.set([SOURCE_PACKED, offset, value.length], row + 3);
          for (let done = 0; done < value.length;) {
            const step = Math.min(value.length - done, COPY_STEP_BYTES - sinceTurn);
            target.set(step === value.length ? value : value.subarray(done, done + step), offset + done);
            done += step;
            sinceTurn += step;
            if (sinceTurn >= COPY_STEP_BYTES) {
              await new Promise((resolve) => setImmediate(resolve));
              sinceTurn = 0;
            }
          }
          offset += value.length;
        }
      }
      row += WORDS;
    }
  }
  return { sync, table, packed: target.buffer, shared };
}

/** The operations of a group, in order; views on its memory. */
export function* unpackGroup(group: WriteGroup): Generator<PackedOperation> {
  const { table, packed, shared } = group;
  for (let row = 0; row < table.length; row += WORDS) {
    const word = table[row]!;
    const key = new Uint8Array(packed, table[row + 1]!, table[row + 2]!);
    const source = table[row + 3]!;
    const bytes = table[row + 5]!;
    let value: Uint8Array | undefined;
    if ((word & KIND_DELETE) === 0) {
      value = source === SOURCE_PACKED ? new Uint8Array(packed, table[row + 4]!, bytes) : shared[source - 1]!;
    }
    yield { family: (word & ~KIND_DELETE) >>> 0, key, value };
  }
}

function copiedBytes(operation: Operation): number {
  if (operation.kind === "delete") return 0;
  const { value } = operation;
  const stays = value.length >= SHARED_VALUE_MIN_BYTES && value.buffer instanceof SharedArrayBuffer;
  return stays ? 0 : value.length;
}
