/**
 * What every engine must do, as tests: each engine's test file calls {@link engineContract}.
 *
 * Layer: store. Test support; nothing of the node imports it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { CairnError } from "../kernel/errors.ts";
import type { Engine, Entry, Family, Operation, ScanOptions } from "./engine.ts";
import type { FamilySpec } from "./family.ts";

/** Families that the contract opens an engine with. */
export const CONTRACT_FAMILIES: readonly FamilySpec[] = [
  { name: "test.alpha" },
  { name: "test.beta", values: "large" },
];

const ALPHA = "test.alpha";
const BETA = "test.beta";

/** Registers the contract's tests. `open` returns a fresh and empty engine with {@link CONTRACT_FAMILIES}. */
export function engineContract(engineName: string, open: () => Promise<Engine>): void {
  const test = (sentence: string, body: (engine: Engine) => Promise<void>): void => {
    Deno.test(`${engineName}.${sentence}`, async () => {
      await using engine = await open();
      await body(engine);
    });
  };

  test("get() answers undefined for an absent key", async (engine) => {
    assert.equal(await engine.family(ALPHA).get(key(1)), undefined);
  });

  test("get() answers what write() put, in its own family only", async (engine) => {
    await engine.write([put(ALPHA, key(1), bytes("one"))]);
    assert.deepEqual(await engine.family(ALPHA).get(key(1)), bytes("one"));
    assert.equal(await engine.family(BETA).get(key(1)), undefined);
  });

  test("get() answers plain bytes that belong to the receiver", async (engine) => {
    await engine.write([put(ALPHA, key(1), bytes("one"))]);
    const first = await engine.family(ALPHA).get(key(1));
    assert.equal(first?.constructor, Uint8Array);
    first.fill(0);
    assert.deepEqual(await engine.family(ALPHA).get(key(1)), bytes("one"));
  });

  test("write() lets go of key and value once it settled", async (engine) => {
    const k = key(1);
    const value = bytes("one");
    await engine.write([put(ALPHA, k, value)]);
    k.fill(9);
    value.fill(9);
    assert.deepEqual(await engine.family(ALPHA).get(key(1)), bytes("one"));
  });

  test("getMany() answers in the order of the keys, doubles included", async (engine) => {
    await engine.write([put(ALPHA, key(1), bytes("one")), put(ALPHA, key(2), bytes("two"))]);
    const values = await engine.family(ALPHA).getMany([key(2), key(7), key(1), key(2)]);
    assert.deepEqual(values, [bytes("two"), undefined, bytes("one"), bytes("two")]);
    assert.deepEqual(await engine.family(ALPHA).getMany([]), []);
  });

  test("write() keeps empty keys and empty values", async (engine) => {
    await engine.write([put(ALPHA, bytes(""), bytes("")), put(ALPHA, key(0), bytes("x"))]);
    assert.deepEqual(await engine.family(ALPHA).get(bytes("")), bytes(""));
    assert.deepEqual(await collect(engine.family(ALPHA)), [[bytes(""), bytes("")], [key(0), bytes("x")]]);
  });

  test("write() applies the operations of a batch in order", async (engine) => {
    await engine.write([
      put(ALPHA, key(1), bytes("a")),
      remove(ALPHA, key(1)),
      put(ALPHA, key(2), bytes("a")),
      put(ALPHA, key(2), bytes("b")),
    ]);
    assert.deepEqual(await collect(engine.family(ALPHA)), [[key(2), bytes("b")]]);
  });

  test("write() deletes, and deleting an absent key is no error", async (engine) => {
    await engine.write([put(ALPHA, key(1), bytes("a"))]);
    await engine.write([remove(ALPHA, key(1)), remove(ALPHA, key(2))]);
    assert.equal(await engine.family(ALPHA).get(key(1)), undefined);
  });

  test("write() accepts an empty batch and a batch without sync", async (engine) => {
    await engine.write([]);
    await engine.write([put(ALPHA, key(1), bytes("a"))], { sync: false });
    assert.deepEqual(await engine.family(ALPHA).get(key(1)), bytes("a"));
  });

  test("write() of an unknown family changes nothing", async (engine) => {
    await assert.rejects(
      engine.write([put(ALPHA, key(1), bytes("a")), put("test.gamma", key(1), bytes("a"))]),
      code("STORE_FAMILY_UNKNOWN"),
    );
    assert.equal(await engine.family(ALPHA).get(key(1)), undefined);
  });

  test("family() throws for a family that was not declared", (engine) => {
    assert.throws(() => engine.family("test.gamma"), code("STORE_FAMILY_UNKNOWN"));
    assert.throws(() => engine.family("default"), code("STORE_FAMILY_UNKNOWN"));
    return Promise.resolve();
  });

  test("write() applies concurrent batches in call order and whole", async (engine) => {
    const writes: Promise<void>[] = [];
    for (let i = 0; i < 500; i++) {
      writes.push(
        engine.write([put(ALPHA, bytes("last"), number(i)), put(BETA, number(i), number(i))], {
          sync: i % 7 === 0,
        }),
      );
    }
    await Promise.all(writes);
    assert.deepEqual(await engine.family(ALPHA).get(bytes("last")), number(499));
    const keys = await Array.fromAsync(engine.family(BETA).scanKeys());
    assert.deepEqual(keys, Array.from({ length: 500 }, (_, i) => number(i)));
  });

  test("write() resolves in call order", async (engine) => {
    const order: number[] = [];
    await Promise.all(Array.from({ length: 50 }, async (_, i) => {
      await engine.write([put(ALPHA, number(i), number(i))]);
      order.push(i);
    }));
    assert.deepEqual(order, Array.from({ length: 50 }, (_, i) => i));
  });

  test("write() takes keys and values in shared memory, small and large", async (engine) => {
    const large = new Uint8Array(new SharedArrayBuffer(300_000), 1_000, 200_000);
    const small = new Uint8Array(new SharedArrayBuffer(64), 3, 32);
    for (let i = 0; i < large.length; i++) large[i] = i * 31;
    small.fill(5);
    await engine.write([put(BETA, small, large), put(ALPHA, small, small)]);
    const read = await engine.family(BETA).get(new Uint8Array(32).fill(5));
    assert.deepEqual(read, new Uint8Array(large));
    assert.deepEqual(await engine.family(ALPHA).get(small), new Uint8Array(small));
  });

  test("write() takes a view from the middle of a larger buffer", async (engine) => {
    const whole = new Uint8Array(1_000).map((_, i) => i);
    await engine.write([put(ALPHA, whole.subarray(10, 14), whole.subarray(500, 600))]);
    assert.deepEqual(await engine.family(ALPHA).get(whole.slice(10, 14)), whole.slice(500, 600));
  });

  test("write() keeps values of several megabytes beside small ones", async (engine) => {
    const value = new Uint8Array(5_000_001);
    for (let i = 0; i < value.length; i++) value[i] = (i * 2_654_435_761) >>> 24;
    await Promise.all([
      engine.write([put(BETA, key(1), value), put(ALPHA, key(1), bytes("small"))]),
      engine.write([put(BETA, key(2), value.subarray(1)), remove(ALPHA, key(1))]),
    ]);
    const [first, second] = await engine.family(BETA).getMany([key(1), key(2)]);
    assert.ok(first && second && equal(first, value) && equal(second, value.subarray(1)));
    assert.equal(await engine.family(ALPHA).get(key(1)), undefined);
  });

  test("scan() walks in the order of unsigned bytes, prefixes first", async (engine) => {
    const keys = [[], [0], [0, 0], [0, 1], [1], [127], [128], [128, 0], [255], [255, 255]].map((k) =>
      new Uint8Array(k)
    );
    await engine.write(keys.toReversed().map((k) => put(ALPHA, k, k)));
    assert.deepEqual(await collect(engine.family(ALPHA)), keys.map((k) => [k, k]));
    assert.deepEqual(
      await collect(engine.family(ALPHA), { reverse: true }),
      keys.toReversed().map((k) => [k, k]),
    );
    assert.deepEqual(await Array.fromAsync(engine.family(ALPHA).scanKeys()), keys);
  });

  test("scan() refuses a limit that is no count", async (engine) => {
    for (const limit of [-1, 1.5, NaN]) {
      await assert.rejects(collect(engine.family(ALPHA), { limit }), RangeError);
    }
  });

  test("scan() is a consistent view while batches are written", async (engine) => {
    // More than one step of the engine on disk.
    const count = 3_000;
    await engine.write(Array.from({ length: count }, (_, i) => put(ALPHA, number(i), bytes("old"))));
    let seen = 0;
    for await (const [k, value] of engine.family(ALPHA).scan()) {
      if (seen === 0) {
        await engine.write(
          Array.from(
            { length: count },
            (_, i) => i % 2 ? remove(ALPHA, number(i)) : put(ALPHA, number(i), bytes("new")),
          ),
        );
      }
      assert.deepEqual([k, value], [number(seen), bytes("old")]);
      seen++;
    }
    assert.equal(seen, count);
    assert.equal((await collect(engine.family(ALPHA))).length, count / 2);
  });

  test("scan() can be left early and run beside others", async (engine) => {
    await engine.write(Array.from({ length: 100 }, (_, i) => put(ALPHA, number(i), number(i))));
    for await (const [k] of engine.family(ALPHA).scan()) {
      const inner = await collect(engine.family(ALPHA), { gt: k, limit: 1 });
      assert.deepEqual(inner, [[number(1), number(1)]]);
      break;
    }
  });

  test("probe() resolves on an open store and rejects on a closed one", async (engine) => {
    await engine.probe();
    await engine[Symbol.asyncDispose]();
    await assert.rejects(engine.probe(), code("STORE_CLOSED"));
  });

  test("dispose may be called twice, and everything after it says STORE_CLOSED", async (engine) => {
    const family = engine.family(ALPHA);
    await engine.write([put(ALPHA, key(1), key(1)), put(ALPHA, key(2), key(2))]);
    const scan = family.scan()[Symbol.asyncIterator]();
    await scan.next();
    await Promise.all([engine[Symbol.asyncDispose](), engine[Symbol.asyncDispose]()]);
    await assert.rejects(engine.write([put(ALPHA, key(1), key(1))]), code("STORE_CLOSED"));
    await assert.rejects(family.get(key(1)), code("STORE_CLOSED"));
    await assert.rejects(family.getMany([key(1)]), code("STORE_CLOSED"));
    await assert.rejects(collect(family), code("STORE_CLOSED"));
    await assert.rejects(async () => await scan.next(), code("STORE_CLOSED"));
  });

  test("dispose finishes the writes and reads it finds under way", async (engine) => {
    await engine.write([put(ALPHA, key(1), key(1))]);
    const writes = Array.from({ length: 20 }, (_, i) => engine.write([put(ALPHA, number(i), number(i))]));
    const read = engine.family(ALPHA).get(key(1));
    await engine[Symbol.asyncDispose]();
    assert.deepEqual(await read, key(1));
    await Promise.all(writes);
  });

  Deno.test(`${engineName} behaves as a sorted map under random batches and scans`, async () => {
    await using engine = await open();
    const shortKey = fc.uint8Array({ maxLength: 3, max: 3 });
    const operation = fc.record({
      kind: fc.constantFrom("put", "delete"),
      family: fc.constantFrom(ALPHA, BETA),
      key: shortKey,
      value: fc.uint8Array({ maxLength: 4 }),
    }) as fc.Arbitrary<Operation>;
    const bound = fc.option(shortKey, { nil: undefined });
    const scan = fc.record({
      family: fc.constantFrom(ALPHA, BETA),
      gte: bound,
      gt: bound,
      lte: bound,
      lt: bound,
      reverse: fc.boolean(),
      limit: fc.option(fc.nat(6), { nil: undefined }),
    });
    const model = new Map([ALPHA, BETA].map((family) => [family, new Map<string, Entry>()]));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(operation, { maxLength: 12 }), { maxLength: 4 }),
        fc.array(scan, { maxLength: 4 }),
        async (batches, scans) => {
          for (const op of batches.flat()) {
            const map = model.get(op.family)!;
            if (op.kind === "put") map.set(op.key.join(), [op.key, op.value]);
            else map.delete(op.key.join());
          }
          await Promise.all(batches.map((batch) => engine.write(batch, { sync: false })));
          for (const { family, ...raw } of scans) {
            const options = Object.fromEntries(
              Object.entries(raw).filter(([, v]) => v !== undefined),
            ) as ScanOptions;
            const expected = modelScan([...model.get(family)!.values()], options);
            assert.deepEqual(await collect(engine.family(family), options), expected);
            assert.deepEqual(
              await Array.fromAsync(engine.family(family).scanKeys(options)),
              expected.map(([k]) => k),
            );
          }
          for (const [family, map] of model) {
            const entries = [...map.values()];
            const values = await engine.family(family).getMany(entries.map(([k]) => k));
            assert.deepEqual(values, entries.map(([, v]) => v));
          }
        },
      ),
      { numRuns: 200 },
    );
  });
}

/** A scan written down as its definition. */
function modelScan(entries: readonly Entry[], options: ScanOptions): Entry[] {
  const { gte, gt, lte, lt, reverse, limit = Infinity } = options;
  const compare = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b);
  const inside = entries.filter(([k]) =>
    (!gte || compare(k, gte) >= 0) && (!gt || compare(k, gt) > 0) && (!lte || compare(k, lte) <= 0) &&
    (!lt || compare(k, lt) < 0)
  ).sort(([a], [b]) => compare(a, b));
  return (reverse ? inside.reverse() : inside).slice(0, limit);
}

/** Operation that puts. */
export function put(family: string, key: Uint8Array, value: Uint8Array): Operation {
  return { kind: "put", family, key, value };
}

/** Operation that deletes. */
export function remove(family: string, key: Uint8Array): Operation {
  return { kind: "delete", family, key };
}

/** Key of one byte. */
export function key(byte: number): Uint8Array {
  return new Uint8Array([byte]);
}

/** Number as u32 big-endian, so that keys sort as numbers do. */
export function number(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value);
  return out;
}

/** UTF-8. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** All entries of a scan. */
export function collect(family: Family, options?: ScanOptions): Promise<Entry[]> {
  return Array.fromAsync(family.scan(options));
}

/** For `assert.rejects`: a {@link CairnError} with this code. */
export function code(expected: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof CairnError, String(error));
    assert.equal(error.code, expected);
    return true;
  };
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
