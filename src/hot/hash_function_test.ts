import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { blake3 as nobleBlake3 } from "@noble/hashes/blake3.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { HASH_ROW_BYTES, SCRATCH_WINDOW_BYTES } from "../../wasm/layout.ts";
import {
  BUILDS,
  createTestMemory,
  EDGE_LENGTHS,
  GuardedRegions,
  randomBytes,
  seededRandom,
} from "./_guarded.ts";
import { blake3 } from "./blake3.ts";
import type { HashFunction } from "./hash_function.ts";
import { keccak256 } from "./keccak256.ts";
import type { HotMemory } from "./memory.ts";

type Reference = (input: Uint8Array) => Uint8Array;

/** A hash function in one mode, and an independent implementation of it. */
interface Case {
  readonly name: string;
  readonly hash: HashFunction<never>;
  readonly options?: never;
  readonly reference: Reference;
}

const KEY = new TextEncoder().encode("whats the Elvish word for friend");
const CONTEXT = "BLAKE3 2019-12-27 16:29:52 test vectors context";

const CASES: readonly Case[] = [
  { name: "blake3", hash: blake3, reference: (input) => nobleBlake3(input) },
  {
    name: "blake3 keyed",
    hash: blake3,
    options: { key: KEY } as never,
    reference: (input) => nobleBlake3(input, { key: KEY }),
  },
  {
    name: "blake3 derive-key",
    hash: blake3,
    options: { context: CONTEXT } as never,
    reference: (input) => nobleBlake3(input, { context: new TextEncoder().encode(CONTEXT) }),
  },
  { name: "keccak256", hash: keccak256, reference: (input) => keccak_256(input) },
];

/** The bytes that the official BLAKE3 vectors hash. */
const official = (length: number) => Uint8Array.from({ length }, (_, i) => i % 251);

const hex = (bytes: Uint8Array) => new Uint8Array(bytes).toHex();

for (const { name, hash, options, reference } of CASES) {
  Deno.test(`${name}: one-shot, into and streaming agree with the reference at every edge`, () => {
    const out = new Uint8Array(40).fill(0xee);
    for (const length of EDGE_LENGTHS) {
      const input = official(length);
      const expected = hex(reference(input));
      assert.equal(hash(input, options).toHex(), expected, `${length} bytes`);
      assert.equal(hash.into(input, out, options), out);
      assert.equal(out.toHex(), expected + "ee".repeat(8), `${length} bytes into`);
      assert.equal(hash.create(options).update(input).digest().toHex(), expected, `${length} bytes streamed`);
    }
  });

  Deno.test(`${name}: any split of any input gives the same digest`, () => {
    const piece = fc.oneof(fc.nat(100), fc.nat(3_000), fc.nat(80_000));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.nat(), (pieces, seed) => {
        const input = randomBytes(seededRandom(seed), pieces.reduce((a, b) => a + b, 0));
        const stream = hash.create(options);
        let from = 0;
        for (const bytes of pieces) stream.update(input.subarray(from, from += bytes));
        assert.equal(stream.digest().toHex(), hex(reference(input)));
      }),
      { numRuns: 60 },
    );
  });

  Deno.test(`${name}: batch() agrees with one-shot for any mixture of lengths`, () => {
    const random = seededRandom(7);
    const lengths = [
      0,
      0,
      0,
      0,
      64,
      64,
      64,
      64,
      64,
      100,
      100,
      100,
      100,
      1024,
      1024,
      1024,
      1024,
      1025,
      1025,
      1025,
    ];
    const inputs = [...lengths, SCRATCH_WINDOW_BYTES, SCRATCH_WINDOW_BYTES + 1, 5, 5, 5]
      .map((length) => randomBytes(random, length));
    for (let i = 0; i < 600; i++) inputs.push(randomBytes(random, Math.floor(random() * 4) * 68));
    const digests = hash.batch(inputs, options);
    assert.equal(digests.length, 32 * inputs.length);
    for (const [i, input] of inputs.entries()) {
      assert.equal(hex(digests.subarray(32 * i, 32 * i + 32)), hex(reference(input)), `input ${i}`);
    }
    assert.equal(hash.batch([], options).length, 0);
  });

  for (const build of BUILDS) {
    Deno.test(`${name}: at() and batchAt() of the ${build} build stay inside their regions`, async () => {
      const memory = await createTestMemory(build, 1 << 20);
      const guarded = new GuardedRegions(memory);
      const random = seededRandom(11);
      const ROWS = 9;
      const out = guarded.add(32 * ROWS, 1);
      const rows = guarded.add(HASH_ROW_BYTES * ROWS);
      for (const length of EDGE_LENGTHS.filter((length) => length <= 4097)) {
        const inputs = Array.from(
          { length: ROWS },
          (_, i) => randomBytes(random, i % 5 === 4 ? length + 8 : length),
        );
        const places = inputs.map((input, i) => guarded.add(input.length, i % 3));
        guarded.fill(random);
        inputs.forEach((input, i) => memory.u8.set(input, places[i]!));
        fillRows(memory, rows, inputs, places, out);
        hash.batchAt(memory, rows, ROWS, options);
        inputs.forEach((input, i) => {
          const digest = memory.u8.subarray(out + 32 * i, out + 32 * i + 32);
          assert.equal(hex(digest), hex(reference(input)), `${length} bytes, row ${i}`);
        });
        hash.at(memory, places[0]!, length, out, options);
        assert.equal(hex(memory.u8.subarray(out, out + 32)), hex(reference(inputs[0]!)));
        guarded.assertUntouched(`${length} bytes`);
        if (memory.freeBytes < 1 << 17) break;
      }
    });
  }

  Deno.test(`${name}: input at the very end of memory is read to its end and not beyond`, async () => {
    for (const build of BUILDS) {
      const memory = await createTestMemory(build, 1 << 18);
      const out = memory.allocate(128, "digests");
      const rows = memory.allocate(4 * HASH_ROW_BYTES, "rows");
      for (const length of [1, 63, 65, 135, 137, 1000, 1025, 5000]) {
        const input = randomBytes(seededRandom(length), length);
        const at = memory.bytes - length;
        memory.u8.set(input, at);
        hash.at(memory, at, length, out, options);
        assert.equal(hex(memory.u8.subarray(out, out + 32)), hex(reference(input)));
        fillRows(memory, rows, [input, input, input, input], [at, at, at, at], out);
        hash.batchAt(memory, rows, 4, options);
        assert.equal(hex(memory.u8.subarray(out + 96, out + 128)), hex(reference(input)));
        assert.throws(() => hash.at(memory, at + 1, length, out, options), WebAssembly.RuntimeError);
      }
    }
  });
}

function fillRows(
  memory: HotMemory,
  rows: number,
  inputs: readonly Uint8Array[],
  places: readonly number[],
  out: number,
): void {
  inputs.forEach((input, i) =>
    memory.u32.set([places[i]!, input.length, out + 32 * i], (rows >>> 2) + 4 * i)
  );
}

Deno.test("blake3: known answers, official lengths and extended output", () => {
  const answers = [
    ["", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"],
    ["abc", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"],
  ] as const;
  for (const [text, digest] of answers) assert.equal(blake3(new TextEncoder().encode(text)).toHex(), digest);
  const chunks = [2, 3, 4, 5, 6, 7, 8, 16, 31].flatMap((n) => [n * 1024, n * 1024 + 1]);
  for (
    const length of [
      0,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      63,
      64,
      65,
      127,
      128,
      129,
      1023,
      1024,
      1025,
      ...chunks,
      102_400,
    ]
  ) {
    const input = official(length);
    const context = new TextEncoder().encode(CONTEXT);
    for (
      const [options, noble] of [[{}, {}], [{ key: KEY }, { key: KEY }], [{ context: CONTEXT }, {
        context,
      }]] as const
    ) {
      for (const dkLen of [1, 32, 63, 64, 131]) {
        const digest = blake3.create(options).update(input).digest(dkLen);
        assert.equal(
          digest.toHex(),
          hex(nobleBlake3(input, { ...noble, dkLen })),
          `${length} bytes, ${dkLen} out`,
        );
      }
    }
  }
});

Deno.test("blake3: a context longer than its region derives the same key", () => {
  const context = "long ".repeat(1_000);
  const input = official(100);
  const expected = nobleBlake3(input, { context: new TextEncoder().encode(context) });
  assert.equal(blake3(input, { context }).toHex(), hex(expected));
});

Deno.test("keccak256: it is not SHA3-256, and the sponge with the other padding is", async () => {
  assert.equal(
    keccak256(new Uint8Array()).toHex(),
    "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
  );
  for (const build of BUILDS) {
    const memory = await createTestMemory(build, 1 << 16);
    const [at, out] = [memory.allocate(5_000, "input"), memory.allocate(32, "digest")];
    for (const length of [0, 1, 135, 136, 137, 272, 5_000]) {
      const input = randomBytes(seededRandom(length), length);
      memory.u8.set(input, at);
      memory.kernels.sponge256(at, length, out, 0x06);
      const digest = hex(memory.u8.subarray(out, out + 32));
      assert.equal(digest, createHash("sha3-256").update(input).digest("hex"));
      assert.notEqual(digest, keccak256(input).toHex());
    }
  }
});

Deno.test("StreamingHash: hashes in progress do not disturb each other, nor a one-shot between", () => {
  const random = seededRandom(3);
  const streams = CASES.map((c) => ({ ...c, stream: c.hash.create(c.options), pieces: [] as Uint8Array[] }));
  for (let round = 0; round < 50; round++) {
    for (const { hash, stream, pieces, options, reference } of streams) {
      const piece = randomBytes(random, Math.floor(random() * 3_000));
      stream.update(piece);
      pieces.push(piece);
      assert.equal(hash(piece, options).toHex(), hex(reference(piece)));
    }
  }
  for (const { stream, pieces, reference } of streams) {
    assert.equal(
      stream.digest().toHex(),
      hex(reference(new Uint8Array(pieces.flatMap((piece) => [...piece])))),
    );
  }
});

Deno.test("StreamingHash: after the digest there is no more, and lengths that do not exist are refused", () => {
  const stream = keccak256.create();
  assert.throws(() => stream.digest(31), RangeError);
  stream.digest();
  assert.throws(() => stream.digest(), /Cannot take the digest: the digest was taken before/);
  assert.throws(() => stream.update(new Uint8Array(1)), /Cannot update: the digest was taken before/);
  assert.equal(blake3.create().digest(0).length, 0);
  assert.equal(blake3.create().digest(8_192).length, 8_192);
  assert.throws(() => blake3.create().digest(8_193), RangeError);
  assert.throws(() => blake3.create().digest(1.5), RangeError);
});

Deno.test("HashFunction: bad arguments are refused by name", () => {
  assert.throws(
    () => blake3.into(new Uint8Array(1), new Uint8Array(31)),
    /'out' must have at least 32 bytes, got 31/,
  );
  assert.throws(
    () => blake3(new Uint8Array(1), { key: new Uint8Array(31) }),
    /'key' must have 32 bytes, got 31/,
  );
  assert.throws(() => blake3(new Uint8Array(1), { key: KEY, context: "x" }), /'key' or 'context', not both/);
});
