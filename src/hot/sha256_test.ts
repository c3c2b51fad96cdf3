import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { type KernelRig, kernelTest, randomBytes } from "./_kernel_rig.ts";
import { midstate } from "./_sha256_reference.ts";

const single = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const double = (bytes: Uint8Array) => nobleSha256(nobleSha256(bytes)).toHex();

/** Spec hot-path section 8, and where padding needs a second block. */
const SIZES = [
  ...[
    0,
    1,
    3,
    31,
    32,
    33,
    54,
    55,
    56,
    57,
    63,
    64,
    65,
    79,
    80,
    81,
    119,
    120,
    127,
    128,
    135,
    136,
    137,
    183,
    184,
  ],
  ...[1023, 1024, 1025, 2047, 2048, 2049, 3072, 4095, 4096, 4097, 5120, 31744],
];

kernelTest("sha256() and sha256d() agree with node:crypto and @noble/hashes at every edge", (rig) => {
  const { kernels } = rig.hot;
  for (const bytes of [...SIZES, 1 << 20, (1 << 20) + 1].map(randomBytes)) {
    const at = rig.put(bytes);
    const out = rig.room(32);
    kernels.sha256(at, bytes.length, out);
    assert.equal(rig.hex(out), single(bytes), `sha256 of ${bytes.length}`);
    kernels.sha256d(at, bytes.length, out);
    assert.equal(rig.hex(out), double(bytes), `sha256d of ${bytes.length}`);
    rig.reset();
  }
});

kernelTest("sha256() reads nothing behind its input, and may write its digest over it", (rig) => {
  for (const bytes of SIZES.map(randomBytes)) {
    const at = rig.putAtEnd(bytes);
    const out = rig.room(32);
    rig.hot.kernels.sha256(at, bytes.length, out);
    assert.equal(rig.hex(out), single(bytes));
    rig.hot.kernels.sha256d(at, bytes.length, out);
    assert.equal(rig.hex(out), double(bytes));
    rig.reset();
    const over = rig.room(Math.max(32, bytes.length));
    rig.hot.u8.set(bytes, over);
    rig.hot.kernels.sha256d(over, bytes.length, over);
    assert.equal(rig.hex(over), double(bytes));
    rig.reset();
  }
});

/** Runs a batch and compares every digest. */
function batch(rig: KernelRig, sizes: readonly number[]): void {
  const inputs = sizes.map(randomBytes);
  const last = inputs.pop();
  const rows = inputs.map((bytes) => ({ bytes, at: rig.put(bytes), out: rig.room(32) }));
  if (last !== undefined) rows.push({ bytes: last, at: rig.putAtEnd(last), out: rig.room(32) });
  const table = rig.putWords(rows.flatMap(({ bytes, at, out }) => [at, bytes.length, out, 0xdeadbeef]));
  rig.hot.kernels.sha256dBatch(table, rows.length);
  for (const { bytes, out } of rows) assert.equal(rig.hex(out), double(bytes), `one of ${sizes}`);
  rig.reset();
}

kernelTest("sha256dBatch() agrees with @noble/hashes for every count and mix of lengths", (rig) => {
  for (const size of SIZES) batch(rig, new Array<number>(5).fill(size));
  for (let count = 0; count <= 9; count++) {
    for (const size of [80, 64]) batch(rig, new Array<number>(count).fill(size));
  }
  // As many blocks, other lengths: ends with and without a whole block of their own.
  batch(rig, [56, 63, 64, 119]);
  batch(rig, [119, 64, 63, 56, 80, 64, 80, 64]);
  batch(rig, [0, 55, 1, 54, 55]);
  batch(rig, [120, 183, 128, 127, 80, 80, 80, 80, 64, 64, 64, 64, 64]);
  const length = fc.oneof(fc.constantFrom(64, 80), fc.integer({ min: 0, max: 300 }));
  fc.assert(fc.property(fc.array(length, { maxLength: 24 }), (sizes) => batch(rig, sizes)), { numRuns: 300 });
});

kernelTest("sha256Resume() ends what was begun elsewhere, at any block and with any tail", (rig) => {
  for (const blocks of [0, 1, 2, 7]) {
    for (const tailBytes of [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 232, 500]) {
      const bytes = randomBytes(64 * blocks + tailBytes);
      const state = rig.put(midstate(bytes.slice(0, 64 * blocks)));
      const tail = rig.putAtEnd(bytes.slice(64 * blocks));
      const out = rig.room(32);
      rig.hot.kernels.sha256Resume(state, 0, 64 * blocks, tail, tailBytes, out);
      assert.equal(rig.hex(out), single(bytes), `${blocks} blocks and ${tailBytes} bytes`);
      rig.reset();
    }
  }
});

kernelTest("sha256Resume() counts in 64 bits, and counts 8 times modulo 2^64", (rig) => {
  const tail = rig.put(new Uint8Array(0));
  const state = rig.put(midstate(new Uint8Array(0)));
  const out = rig.room(32);
  for (const count of [0n, 1n, 0xffffffffn, 0x1_0000_0000n, 0x1fff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn]) {
    // An empty tail leaves one block: the bit, zeros and the length.
    const block = new Uint8Array(64);
    block[0] = 0x80;
    new DataView(block.buffer).setBigUint64(56, 8n * count);
    rig.hot.kernels.sha256Resume(state, Number(count >> 32n), Number(count & 0xffffffffn), tail, 0, out);
    assert.equal(rig.hex(out), midstate(block).toHex(), `${count}`);
  }
  rig.reset();
});
