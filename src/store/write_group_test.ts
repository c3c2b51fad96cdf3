import assert from "node:assert/strict";
import fc from "fast-check";
import type { Operation } from "./engine.ts";
import { batchBytes, packGroup, unpackGroup } from "./write_group.ts";

const FAMILIES = new Map([["a.a", 0], ["b.b", 1]]);

Deno.test("packGroup() and unpackGroup() carry any batches unchanged", async () => {
  const small = fc.uint8Array({ maxLength: 40 });
  const operation = fc.record({
    kind: fc.constantFrom("put", "delete"),
    family: fc.constantFrom("a.a", "b.b"),
    key: small,
    // Copied small and large, views, shared small and shared large.
    value: fc.tuple(fc.constantFrom(0, 1, 70_000), fc.boolean(), fc.nat(255)).map(
      ([length, shared, fill]) => {
        const buffer = shared ? new SharedArrayBuffer(length + 7) : new ArrayBuffer(length + 7);
        return new Uint8Array(buffer, 3, length).fill(fill);
      },
    ),
  }) as fc.Arbitrary<Operation>;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(operation, { maxLength: 5 }), { maxLength: 4 }), async (batches) => {
      const group = await packGroup(batches, FAMILIES, true);
      const expected = batches.flat().map((op) => ({
        family: FAMILIES.get(op.family),
        key: op.key,
        value: op.kind === "put" ? new Uint8Array(op.value) : undefined,
      }));
      const actual = [...unpackGroup(group)].map((op) => ({
        ...op,
        value: op.value && new Uint8Array(op.value),
      }));
      assert.deepEqual(actual, expected);
    }),
  );
});

Deno.test("packGroup() copies a value of several steps and lets the event loop turn in between", async () => {
  const value = new Uint8Array(5_000_000).map((_, i) => i % 251);
  let turns = 0;
  const ticker = setInterval(() => turns++, 0);
  const group = await packGroup(
    [[{ kind: "put", family: "a.a", key: new Uint8Array(8), value }]],
    FAMILIES,
    false,
  );
  clearInterval(ticker);
  const [operation] = unpackGroup(group);
  assert.deepEqual(operation?.value, value);
  assert.ok(turns > 0);
});

Deno.test("packGroup() points at large values in shared memory and copies small ones", async () => {
  const shared = (length: number) => new Uint8Array(new SharedArrayBuffer(length));
  const operations: Operation[] = [
    { kind: "put", family: "a.a", key: new Uint8Array(1), value: shared(100) },
    { kind: "put", family: "a.a", key: new Uint8Array(1), value: shared(100_000) },
  ];
  const group = await packGroup([operations], FAMILIES, true);
  assert.equal(group.packed.byteLength, 102);
  assert.equal(group.shared[0], operations[1]!.kind === "put" ? operations[1]!.value : undefined);
});

Deno.test("batchBytes() counts keys and values, and only keys of deletes", () => {
  const bytes = batchBytes([
    { kind: "put", family: "a.a", key: new Uint8Array(3), value: new Uint8Array(10) },
    { kind: "delete", family: "a.a", key: new Uint8Array(5) },
  ]);
  assert.equal(bytes, 18);
});
