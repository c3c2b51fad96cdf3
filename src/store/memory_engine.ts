/**
 * The engine of amnesia mode and of tests: everything in memory, nothing on disk.
 *
 * Layer: store. Same semantics as `RocksEngine`; one contract suite holds for both.
 *
 * @module
 */

import { CairnError } from "../kernel/errors.ts";
import { toRange } from "./bounds.ts";
import type { Engine, Entry, Family, Operation, ScanOptions, WriteOptions } from "./engine.ts";
import { familyNames, type FamilySpec, storeClosed, unknownFamily } from "./family.ts";
import { SortedMap } from "./sorted_map.ts";

/** Options of {@link openMemoryEngine}. */
export interface MemoryEngineOptions {
  readonly families: readonly FamilySpec[];
  /** Bytes of keys and values; a write beyond it is refused. @default {Infinity} */
  readonly limitBytes?: number;
}

/** Opens an empty engine in memory. */
export function openMemoryEngine(options: MemoryEngineOptions): Engine {
  return new MemoryEngine(options);
}

class MemoryEngine implements Engine {
  readonly #families: ReadonlyMap<string, Family>;
  readonly #limitBytes: number;
  #maps: ReadonlyMap<string, SortedMap>;
  #closed = false;

  constructor({ families, limitBytes = Infinity }: MemoryEngineOptions) {
    const names = familyNames(families);
    this.#limitBytes = limitBytes;
    this.#maps = new Map(names.map((name) => [name, new SortedMap()]));
    this.#families = new Map(names.map((name) => [name, this.#createFamily(name)]));
  }

  family(name: string): Family {
    const family = this.#families.get(name);
    if (!family) throw unknownFamily(name);
    return family;
  }

  // The contract is asynchronous; the work is not, so each method applies in call order.
  // deno-lint-ignore require-await
  async write(operations: readonly Operation[], _options?: WriteOptions): Promise<void> {
    if (this.#closed) throw storeClosed("write");
    const maps = new Map(this.#maps);
    for (const operation of operations) {
      const map = maps.get(operation.family);
      if (!map) throw unknownFamily(operation.family);
      const key = new Uint8Array(operation.key);
      const next = operation.kind === "put" ? map.set(key, new Uint8Array(operation.value)) : map.delete(key);
      maps.set(operation.family, next);
    }
    const bytes = sizeOf(maps);
    // A batch that frees memory passes, so that a full store can be emptied.
    if (bytes > this.#limitBytes && bytes > sizeOf(this.#maps)) {
      throw new CairnError(
        "STORE_WRITE_FAILED",
        `Cannot write: memory limit of ${this.#limitBytes} bytes reached`,
        {
          hint: "Raise store.memoryLimitBytes or use the rocksdb engine",
          detail: { limitBytes: this.#limitBytes },
        },
      );
    }
    this.#maps = maps;
  }

  // deno-lint-ignore require-await
  async probe(): Promise<void> {
    if (this.#closed) throw storeClosed("probe");
  }

  // deno-lint-ignore require-await
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#maps = new Map();
  }

  #createFamily(name: string): Family {
    const map = (): SortedMap => {
      const found = this.#maps.get(name);
      if (!found) throw storeClosed("read");
      return found;
    };
    const assertOpen = (): void => {
      if (this.#closed) throw storeClosed("read");
    };
    async function* scan(options: ScanOptions = {}): AsyncGenerator<Entry> {
      const range = toRange(options);
      const view = map();
      if (!range) return;
      for (const [key, value] of view.entries(range)) {
        yield [new Uint8Array(key), new Uint8Array(value)];
        // As with the engine on disk, a scan ends with the store.
        assertOpen();
      }
    }
    async function* scanKeys(options: ScanOptions = {}): AsyncGenerator<Uint8Array> {
      const range = toRange(options);
      const view = map();
      if (!range) return;
      for (const [key] of view.entries(range)) {
        yield new Uint8Array(key);
        assertOpen();
      }
    }
    const get = (key: Uint8Array): Uint8Array | undefined => {
      const value = map().get(key);
      return value && new Uint8Array(value);
    };
    return {
      name,
      // deno-lint-ignore require-await
      get: async (key) => get(key),
      // deno-lint-ignore require-await
      getMany: async (keys) => (map(), keys.map(get)),
      scan,
      scanKeys,
    };
  }
}

function sizeOf(maps: ReadonlyMap<string, SortedMap>): number {
  let bytes = 0;
  for (const map of maps.values()) bytes += map.bytes;
  return bytes;
}
