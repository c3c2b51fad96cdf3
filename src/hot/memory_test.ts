import assert from "node:assert/strict";
import { HEADER_VERSION_OFFSET, HEAP_OFFSET, LAYOUT_VERSION } from "../../wasm/layout.ts";
import { HotError } from "./error.ts";
import { HotMemory } from "./memory.ts";

const hasCode = (code: string) => (error: unknown) => error instanceof HotError && error.code === code;

Deno.test("HotMemory.create() makes memory of any size, rounded up to pages, that the kernels link to", async () => {
  for (const bytes of [HEAP_OFFSET + 1, 1 << 20, 300_000_000]) {
    const hot = await HotMemory.create({ bytes });
    assert.equal(hot.bytes, Math.ceil(bytes / 65_536) * 65_536);
    assert.equal(hot.kernels.layoutVersion(), LAYOUT_VERSION);
  }
  await assert.rejects(HotMemory.create({ bytes: HEAP_OFFSET }), RangeError);
  await assert.rejects(HotMemory.create({ bytes: 2 ** 32 + 1 }), RangeError);
  await assert.rejects(HotMemory.create({ bytes: NaN }), RangeError);
});

Deno.test("HotMemory.allocate() hands out aligned regions until the memory is exhausted", async () => {
  const hot = await HotMemory.create({ bytes: 2 * 65_536 });
  const first = hot.allocate(1, "first");
  const second = hot.allocate(129, "second");
  assert.equal(first, HEAP_OFFSET);
  assert.equal(second, first + 128);
  assert.equal(hot.freeBytes, 65_536 - 128 - 256);
  assert.throws(() => hot.allocate(hot.freeBytes + 1, "third"), hasCode("HOT_MEMORY_EXHAUSTED"));
  hot.allocate(hot.freeBytes, "rest");
  assert.equal(hot.freeBytes, 0);
});

Deno.test("HotMemory.attach() shares bytes and leaves allocation to the creator", async () => {
  const hot = await HotMemory.create({ bytes: 1 << 20 });
  const other = HotMemory.attach(hot.handle);
  hot.u8[HEAP_OFFSET + 5] = 42;
  assert.equal(other.u8[HEAP_OFFSET + 5], 42);
  assert.equal(other.freeBytes, 0);
  assert.throws(() => other.allocate(1, "x"), TypeError);
});

Deno.test("HotMemory.attach() refuses memory that was laid out by another version", async () => {
  const hot = await HotMemory.create({ bytes: 1 << 20 });
  hot.u32[HEADER_VERSION_OFFSET >>> 2] = LAYOUT_VERSION + 1;
  assert.throws(() => HotMemory.attach(hot.handle), hasCode("HOT_LAYOUT_MISMATCH"));
});

Deno.test("HotMemory.attach() refuses a module that was compiled for another layout", async () => {
  const hot = await HotMemory.create({ bytes: 1 << 20 });
  // (module (func (export "layoutVersion") (export "staticsEnd") (result i32) i32.const 99))
  const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 30, 2, 13];
  bytes.push(...new TextEncoder().encode("layoutVersion"), 0, 0, 10);
  bytes.push(...new TextEncoder().encode("staticsEnd"), 0, 0, 10, 7, 1, 5, 0, 65, 0xe3, 0, 11);
  const module = await WebAssembly.compile(new Uint8Array(bytes));
  assert.throws(
    () => HotMemory.attach({ memory: hot.handle.memory, module }),
    hasCode("HOT_LAYOUT_MISMATCH"),
  );
});

Deno.test("HotMemory.kernels trap without a scratch area, and disturb nothing", async () => {
  const hot = await HotMemory.create({ bytes: 1 << 20 });
  const at = hot.allocate(256, "input");
  const before = hot.u8.slice();
  for (const bytes of [0, 64, 200]) {
    assert.throws(() => hot.kernels.keccak256(at, bytes, at), WebAssembly.RuntimeError);
    assert.throws(() => hot.kernels.sha256d(at, bytes, at), WebAssembly.RuntimeError);
  }
  assert.throws(() => hot.kernels.blake3(at, 10, at), WebAssembly.RuntimeError);
  assert.deepEqual(hot.u8.slice(), before);
  void hot.scratch;
  hot.kernels.keccak256(at, 0, at);
  assert.equal(hot.u8[at], 0xc5);
});
