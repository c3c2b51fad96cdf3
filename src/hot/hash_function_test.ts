import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { blake3 as nobleBlake3 } from "@noble/hashes/blake3.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { vectorTest } from "../../tests/vectors.ts";
import { SCRATCH_WINDOW_BYTES } from "../../wasm/layout.ts";
import { KernelRig, kernelTest, randomBytes } from "./_kernel_rig.ts";
import { blake3 } from "./blake3.ts";
import type { HashFunction } from "./hash_function.ts";
import { keccak256 } from "./keccak256.ts";
import { sha256d } from "./sha256d.ts";

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
  { name: "sha256d", hash: sha256d, reference: (input) => sha256(sha256(input)) },
];

/** Lengths around every edge of blocks, chunks and subtrees: spec/hot-path.md section 8. */
const EDGE_LENGTHS: readonly number[] = [
  ...[0, 1, 3, 7, 8, 9, 31, 32, 33, 55, 56, 63, 64, 65, 119, 127, 128, 129, 135, 136, 137, 271, 272, 273],
  ...[1023, 1024, 1025, 2047, 2048, 2049, 3072, 4095, 4096, 4097, 5 * 1024, 8 * 1024 + 1, 31 * 1024],
  ...[65_535, 65_536, 65_537, 1 << 20, (1 << 20) + 1, 3_000_000],
];

/** Rows of a batch: two vectors of four and one left over, with another length between. */
const ROWS = 9;

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
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const input = randomBytes(pieces.reduce((a, b) => a + b, 0));
        const stream = hash.create(options);
        let from = 0;
        for (const bytes of pieces) stream.update(input.subarray(from, from += bytes));
        assert.equal(stream.digest().toHex(), hex(reference(input)));
      }),
      { numRuns: 60 },
    );
  });

  Deno.test(`${name}: peek() shows the digest so far, and streams that take turns do not disturb each other`, () => {
    const out = new Uint8Array(32);
    const streams = Array.from({ length: 5 }, () => ({ input: [] as number[], hash: hash.create(options) }));
    const other = blake3.create();
    for (let turn = 0; turn < 60; turn++) {
      const stream = streams[(turn * 7) % streams.length]!;
      const piece = randomBytes((turn * 37) % 300);
      stream.hash.update(piece);
      stream.input.push(...piece);
      if (turn % 3 === 0) other.update(piece);
      const expected = hex(reference(Uint8Array.from(stream.input)));
      assert.equal(stream.hash.peek(out), out);
      assert.equal(out.toHex(), expected);
      assert.equal(stream.hash.peek(out).toHex(), expected, "peeked twice");
    }
    for (const { input, hash } of streams) {
      assert.equal(hash.digest().toHex(), hex(reference(Uint8Array.from(input))));
      assert.throws(() => hash.peek(out), /Cannot peek at the digest: the digest was taken before/);
    }
    assert.throws(() => hash.create(options).peek(new Uint8Array(31)), RangeError);
  });

  Deno.test(`${name}: batch() agrees with one-shot for any mixture of lengths`, () => {
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
      .map(randomBytes);
    for (let i = 0; i < 600; i++) inputs.push(randomBytes((i * i >> 2) % 4 * 68));
    const digests = hash.batch(inputs, options);
    assert.equal(digests.length, 32 * inputs.length);
    for (const [i, input] of inputs.entries()) {
      assert.equal(hex(digests.subarray(32 * i, 32 * i + 32)), hex(reference(input)), `input ${i}`);
    }
    assert.equal(hash.batch([], options).length, 0);
  });

  kernelTest(`${name}: at() and batchAt() stay inside their regions`, (rig) => {
    for (const length of EDGE_LENGTHS.filter((length) => length <= 4097)) {
      const inputs = Array.from({ length: ROWS }, (_, i) => randomBytes(i % 5 === 4 ? length + 8 : length));
      const places = inputs.map((input) => rig.put(input));
      const out = rig.room(32 * ROWS);
      hash.batchAt(rig.hot, putRows(rig, inputs, places, out), ROWS, options);
      inputs.forEach((input, i) =>
        assert.equal(rig.hex(out + 32 * i), hex(reference(input)), `${length}, row ${i}`)
      );
      hash.at(rig.hot, places[0]!, length, out, options);
      assert.equal(rig.hex(out), hex(reference(inputs[0]!)));
      rig.reset();
    }
  });

  kernelTest(`${name}: input at the very end of memory is read to its end and not beyond`, (rig) => {
    for (const length of [1, 63, 65, 135, 137, 1000, 1025, 5000]) {
      const input = randomBytes(length);
      const at = rig.putAtEnd(input);
      const out = rig.room(32 * ROWS);
      hash.at(rig.hot, at, length, out, options);
      assert.equal(rig.hex(out), hex(reference(input)));
      const rows = putRows(rig, new Array(4).fill(input), [at, at, at, at], out);
      hash.batchAt(rig.hot, rows, 4, options);
      assert.equal(rig.hex(out + 96), hex(reference(input)));
      const { bytes } = rig.hot;
      for (const [address, to] of [[at + 1, out], [at, bytes - 31], [-1, out], [NaN, out]] as const) {
        assert.throws(() => hash.at(rig.hot, address, length, to, options), { code: "HOT_OUT_OF_BOUNDS" });
      }
      const beyond = putRows(rig, [input], [at + 1], out);
      assert.throws(() => hash.batchAt(rig.hot, beyond, 1, options), WebAssembly.RuntimeError);
      rig.reset();
    }
  });
}

/** Writes the rows of a batch. */
function putRows(
  rig: KernelRig,
  inputs: readonly Uint8Array[],
  places: readonly number[],
  out: number,
): number {
  return rig.putWords(inputs.flatMap((input, i) => [places[i]!, input.length, out + 32 * i, 0]));
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

kernelTest("keccak256: it is not SHA3-256, and the sponge with the other padding is", (rig) => {
  assert.equal(
    keccak256(new Uint8Array()).toHex(),
    "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
  );
  for (const length of [0, 1, 135, 136, 137, 272, 5_000]) {
    const input = randomBytes(length);
    const out = rig.room(32);
    rig.hot.kernels.sponge256(rig.put(input), length, out, 0x06);
    assert.equal(rig.hex(out), createHash("sha3-256").update(input).digest("hex"));
    assert.notEqual(rig.hex(out), keccak256(input).toHex());
    rig.reset();
  }
});

Deno.test("StreamingHash: hashes in progress do not disturb each other, nor a one-shot between", () => {
  const streams = CASES.map((c) => ({ ...c, stream: c.hash.create(c.options), pieces: [] as Uint8Array[] }));
  for (let round = 0; round < 50; round++) {
    for (const { hash, stream, pieces, options, reference } of streams) {
      const piece = randomBytes((round * round * 37) % 3_000);
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
  for (const hash of [keccak256, sha256d]) {
    const stream = hash.create();
    assert.throws(() => stream.digest(31), RangeError);
    stream.digest();
    assert.throws(() => stream.digest(), /Cannot take the digest: the digest was taken before/);
    assert.throws(() => stream.update(new Uint8Array(1)), /Cannot update: the digest was taken before/);
  }
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

/** What the files of hashes share. */
interface HashVector {
  readonly algorithm?: "keccak256" | "sha256";
  readonly inputHex?: string;
  readonly inputAscii?: string;
  readonly expected?: string;
  readonly keccak256?: string;
}

vectorTest(
  "keccak256 and the kernel of SHA-256 give the hashes that the reference node's tests state",
  async (dir) => {
    const rig = await KernelRig.create("simd");
    let seen = 0;
    for (const name of ["keccak", "keccak-sha256"]) {
      const file = JSON.parse(await Deno.readTextFile(`${dir}/rootstock/${name}.json`));
      for (const vector of (file.cases ?? file.vectors) as HashVector[]) {
        const { algorithm = "keccak256", inputHex, inputAscii, expected = vector.keccak256 } = vector;
        const input = inputHex === undefined
          ? new TextEncoder().encode(inputAscii)
          : Uint8Array.fromHex(inputHex);
        const out = rig.room(32);
        rig.hot.kernels[algorithm](rig.put(input), input.length, out);
        assert.equal(rig.hex(out), expected);
        seen++;
      }
    }
    assert.ok(seen >= 12);
  },
);
