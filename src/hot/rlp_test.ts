import assert from "node:assert/strict";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { vectorTest } from "../../tests/vectors.ts";
import {
  RLP_DEPTH_MAX,
  RLP_LIST_BIT,
  RLP_NOT_A_LIST,
  RLP_TOO_LARGE,
  RLP_TOO_MANY_FIELDS,
  RLP_TRUNCATED,
} from "../../wasm/layout.ts";
import { attempt, isSame, randomFrom, randomItem, referenceDecode } from "./_rlp_reference.ts";
import { HotError } from "./error.ts";
import { HotMemory } from "./memory.ts";
import { assertRlp, assertRlpAt, RlpIndex } from "./rlp.ts";
import { rlpEncode, type RlpInput } from "./rlp_encode.ts";

const BUILDS = ["simd", "scalar"] as const;
const hex = (text: string) => Uint8Array.fromHex(text);
const hasCode = (code: string, message = "") => (error: unknown) =>
  error instanceof HotError && error.code === code && error.message.includes(message);

async function readVectors(dir: string, name: string) {
  return JSON.parse(await Deno.readTextFile(`${dir}/rootstock/${name}`));
}

/** A vector's value: strings are UTF-8, `#` begins a decimal number. */
function toInput(value: unknown): RlpInput {
  if (typeof value === "number") return value;
  if (Array.isArray(value)) return value.map(toInput);
  const text = String(value);
  return text.startsWith("#") ? BigInt(text.slice(1)) : new TextEncoder().encode(text);
}

/** A memory with bytes at its very end, and an index in it. */
async function place(bytes: Uint8Array, build: "simd" | "scalar", fields = 64) {
  const memory = await HotMemory.create({ bytes: 1 << 20, build });
  const address = memory.bytes - bytes.length;
  memory.u8.set(bytes, address);
  return { memory, address, index: new RlpIndex(memory, { fields }) };
}

vectorTest("rlpEncode() and assertRlp() agree with the vectors rlp and rlp-valid", async (dir) => {
  const { cases } = await readVectors(dir, "rlp.json");
  const { vectors } = await readVectors(dir, "rlp-valid.json");
  const all = [
    ...cases.map(({ value, rlp }: { value: unknown; rlp: string }) => [value, rlp]),
    ...vectors.map((vector: { in: unknown; encoded: string }) => [vector.in, vector.encoded]),
  ];
  assert.equal(all.length, 53);
  for (const [value, encoded] of all) {
    // Some vectors have the encoding only.
    const input = value === undefined ? referenceDecode(hex(encoded)) : toInput(value);
    assert.equal(rlpEncode(input).toHex(), encoded);
    assertRlp(hex(encoded));
    for (const build of BUILDS) {
      const { memory, address } = await place(hex(encoded), build);
      assertRlpAt(memory, address, encoded.length / 2);
    }
  }
});

vectorTest("assertRlp() refuses what the vectors rlp-invalid and rlp-invalid-blocks say", async (dir) => {
  const { vectors } = await readVectors(dir, "rlp-invalid.json");
  const { vectors: blocks } = await readVectors(dir, "rlp-invalid-blocks.json");
  for (const { encoded, blockRlp, computed } of [...vectors, ...blocks]) {
    const bytes = hex(encoded ?? blockRlp);
    assert.equal(attempt(() => (assertRlp(bytes), true)) ?? false, computed.strictDecoderAccepts);
    for (const build of BUILDS) {
      const { memory, address } = await place(bytes, build);
      const isAccepted = attempt(() => (assertRlpAt(memory, address, bytes.length), true)) ?? false;
      assert.equal(isAccepted, computed.strictDecoderAccepts);
    }
  }
});

vectorTest("RlpIndex finds headers whose encoding hashes to what the next block says", async (dir) => {
  const { vectors } = await readVectors(dir, "rlp-keccak-chain.json");
  for (const { blockRlp, expectedHeaderKeccak } of vectors) {
    const block = hex(blockRlp);
    const fields = RlpIndex.of(block);
    const header = block.subarray(fields.start(0), fields.end(0));
    assert.equal(keccak_256(header).toHex(), expectedHeaderKeccak);
    assert(isSame(rlpEncode(referenceDecode(header)), header));
    for (const build of BUILDS) {
      const { memory, address, index } = await place(block, build);
      const nested = new RlpIndex(memory, { fields: 15 });
      index.read(address, block.length);
      assert.equal(nested.readNested(index, 0), 15);
      const out = memory.allocate(4096, "output");
      const length = nested.table.encodeList(address, out, 4096);
      assert(isSame(memory.u8.subarray(out, out + length), header));
      assert.equal(nested.start(0), fields.offset(0));
    }
  }
});

Deno.test("RlpIndex.of() and nested() refuse more fields than they are given room for", () => {
  const bytes = rlpEncode([1, 2, [3, 4, 5]]);
  assert.equal(RlpIndex.of(bytes, 3).nested(2, 3).count, 3);
  assert.throws(() => RlpIndex.of(bytes, 2), hasCode("RLP_TOO_MANY_FIELDS", "at offset 3"));
  assert.throws(() => RlpIndex.of(bytes, 3).nested(2, 2), hasCode("RLP_TOO_MANY_FIELDS", "at offset 6"));
  assert.equal(RlpIndex.of(Uint8Array.of(0xc0), 0).count, 0);
});

Deno.test("RlpIndex reads numbers, bytes and nested lists, in ordinary bytes and in place", async () => {
  const long = Uint8Array.from({ length: 60 }, (_, i) => i + 1);
  const value = [
    0,
    127,
    128,
    Number.MAX_SAFE_INTEGER,
    2n ** 53n,
    2n ** 256n - 1n,
    long,
    [[5], long],
    new Uint8Array([0]),
  ];
  const bytes = rlpEncode(value);
  const { address, index } = await place(bytes, "simd");
  assert.equal(index.count, 0);
  assert.equal(index.read(address, bytes.length), 9);
  for (const fields of [RlpIndex.of(bytes), index]) {
    assert.equal(fields.count, 9);
    assert.deepEqual([0, 1, 2, 3].map((i) => fields.number(i)), value.slice(0, 4));
    assert.deepEqual([0, 3, 4, 5].map((i) => fields.bigint(i)), [
      0n,
      2n ** 53n - 1n,
      2n ** 53n,
      2n ** 256n - 1n,
    ]);
    assert.throws(() => fields.number(4), hasCode("RLP_NOT_AN_INTEGER", "2^53 - 1"));
    assert.throws(() => fields.number(5), hasCode("RLP_NOT_AN_INTEGER", `at offset ${fields.offset(5)}`));
    for (const read of [() => fields.number(7), () => fields.bigint(7)]) {
      assert.throws(read, hasCode("RLP_NOT_AN_INTEGER", "is a list"));
    }
    for (const read of [() => fields.number(8), () => fields.bigint(8)]) {
      assert.throws(read, hasCode("RLP_NOT_AN_INTEGER", "leading zero"));
    }
    assert.deepEqual(fields.bytes(6), long);
    assert(isSame(fields.view(6), long));
    assert.equal(fields.length(6), 60);
    const nested = fields.nested(7);
    assert.deepEqual([nested.isList(0), nested.isList(1), nested.nested(0).number(0)], [true, false, 5]);
    assert.deepEqual(nested.bytes(1), long);
    assert.throws(() => fields.nested(6), hasCode("RLP_NOT_A_LIST", `at offset ${fields.offset(6)}`));
    for (const i of [-1, 9, 0.5, NaN]) {
      for (const read of [() => fields.offset(i), () => fields.start(i), () => fields.view(i)]) {
        assert.throws(read, RangeError);
      }
    }
    // Field by field, prefixes included, the payload has no gaps.
    for (let i = 0; i < fields.count; i++) {
      const encoded = bytes.subarray(fields.start(i), fields.end(i));
      assert(isSame(rlpEncode(value[i]!), encoded));
    }
  }
});

Deno.test("RlpIndex names the fault and where it is", async () => {
  const faults: [input: string, code: string, message: string][] = [
    ["", "RLP_TRUNCATED", "at offset 0"],
    ["83646f67", "RLP_NOT_A_LIST", "at offset 0"],
    ["c10708", "RLP_TRAILING_BYTES", "at offset 2"],
    ["c2078107", "RLP_TRAILING_BYTES", "at offset 3"],
    ["c20781", "RLP_TRUNCATED", "at offset 2"],
    ["c3078107", "RLP_NOT_CANONICAL", "below 0x80 has a prefix, at offset 2"],
    ["c3b80107", "RLP_NOT_CANONICAL", "fewer than 56 bytes, at offset 1"],
    ["c4b9000107", "RLP_NOT_CANONICAL", "leading zero, at offset 1"],
    ["c1b8", "RLP_TRUNCATED", "at offset 1"],
    ["c6bbffffffff07", "RLP_TRUNCATED", "at offset 1"],
    ["cabfffffffffffffffff07", "RLP_TRUNCATED", "at offset 1"],
    ["fbffffffff07", "RLP_TRUNCATED", "at offset 0"],
    ["ffffffffffffffffff", "RLP_TRUNCATED", "at offset 0"],
    ["c6fbfffffffa07", "RLP_TRUNCATED", "at offset 1"],
  ];
  for (const [input, code, message] of faults) {
    const bytes = hex(input);
    assert.throws(() => RlpIndex.of(bytes), hasCode(code, message));
    for (const build of BUILDS) {
      const { address, index } = await place(bytes, build);
      assert.throws(() => index.read(address, bytes.length), hasCode(code, message));
      assert.deepEqual([index.count, index.table.count], [0, 0]);
    }
  }
});

Deno.test("RlpIndex.read() refuses more fields than its table has rows, and what is not in the memory", async () => {
  const bytes = rlpEncode([1, 2, 3, [4]]);
  const { memory, address, index } = await place(bytes, "simd", 3);
  assert.throws(() => index.read(address, bytes.length), hasCode("RLP_TOO_MANY_FIELDS", "at offset 4"));
  for (
    const [at, length] of [[address, bytes.length + 1], [-1, 1], [NaN, 1], [0, -1], [2 ** 32, 0]] as const
  ) {
    assert.throws(() => index.read(at, length), hasCode("HOT_OUT_OF_BOUNDS"));
    assert.throws(() => assertRlpAt(memory, at, length), hasCode("HOT_OUT_OF_BOUNDS"));
  }
  const other = new RlpIndex(memory, { fields: 4 });
  other.read(address, bytes.length);
  assert.throws(() => other.readNested(other, 3), TypeError);
  assert.throws(() => index.readNested(other, 0), hasCode("RLP_NOT_A_LIST"));
  assert.equal(index.readNested(other, 3), 1);
  assert.deepEqual([index.number(0), index.offset(0)], [4, other.offset(3)]);
});

Deno.test("assertRlp() follows 1024 lists within lists and no more, without recursion", async () => {
  const nest = (depth: number) => {
    let value: RlpInput = [];
    for (let i = 1; i < depth; i++) value = [value];
    return value;
  };
  const deepest = rlpEncode(nest(RLP_DEPTH_MAX));
  assert.throws(() => rlpEncode(nest(RLP_DEPTH_MAX + 1)), hasCode("RLP_TOO_DEEP"));
  const tooDeep = new Uint8Array([0xf9, deepest.length >> 8, deepest.length & 255, ...deepest]);
  const at = tooDeep.length - 1;
  assertRlp(deepest);
  assert.throws(() => assertRlp(tooDeep), hasCode("RLP_TOO_DEEP", `at offset ${at}`));
  for (const build of BUILDS) {
    const { memory, address } = await place(tooDeep, build);
    assertRlpAt(memory, address + 3, deepest.length);
    assert.throws(
      () => assertRlpAt(memory, address, tooDeep.length),
      hasCode("RLP_TOO_DEEP", `at offset ${at}`),
    );
    const attached = HotMemory.attach(memory.handle);
    assert.throws(() => assertRlpAt(attached, address, tooDeep.length), TypeError);
  }
});

Deno.test("rlpIndex and its neighbours refuse lengths near 2^32 without touching memory", async () => {
  for (const build of BUILDS) {
    const { memory, address } = await place(new Uint8Array([0xc0]), build);
    const { kernels } = memory;
    const table = memory.allocate(64, "table");
    for (const bytes of [RLP_LIST_BIT, 0xfffffffe, 0xffffffff]) {
      assert.equal(kernels.rlpIndex(address, bytes, table, 8), -RLP_TOO_LARGE);
      assert.equal(kernels.rlpValidate(address, bytes), -RLP_TOO_LARGE);
      for (const from of [0, 1, 0xffffffff]) {
        assert.equal(kernels.rlpIndexPayload(address, from, bytes, table, 8), -RLP_TOO_LARGE);
      }
    }
    assert.equal(kernels.rlpIndexPayload(address, 0x7fffffff, 1, table, 8), -RLP_TOO_LARGE);
    assert.equal(kernels.rlpIndex(address, 1, table, 0), 0);
    assert.equal(kernels.rlpIndex(address, 0, table, 8), -RLP_TRUNCATED);
    assert.equal(kernels.rlpIndexPayload(address, 0, 1, table, 0), -RLP_TOO_MANY_FIELDS);
    memory.u8[address] = 7;
    assert.equal(kernels.rlpIndex(address, 1, table, 8), -RLP_NOT_A_LIST);
    assert.deepEqual([...memory.u8.subarray(table, table + 64)], new Array(64).fill(0));
  }
});

Deno.test("rlpIndex and rlpEncodeList neither read nor write beside their regions", async () => {
  const random = randomFrom(7);
  const values = Array.from({ length: 60 }, () => rlpEncode([randomItem(random, 2), randomItem(random, 2)]));
  for (const build of BUILDS) {
    const memory = await HotMemory.create({ bytes: 1 << 20, build });
    const { kernels, u8 } = memory;
    const area = memory.allocate(32_768, "area");
    for (const bytes of values) {
      const input = area + 100 + random(16);
      const table = area + 16_000 + 4 * random(16);
      const out = area + 17_000 + random(16);
      let rows: Uint8Array | undefined;
      // What surrounds the regions differs, what they hold must not.
      for (const guard of [0xff, 0x00, 0x81, 0xf8]) {
        u8.fill(guard, area, area + 32_768);
        u8.set(bytes, input);
        const count = kernels.rlpIndex(input, bytes.length, table, 2);
        assert.equal(count, 2);
        assert.equal(kernels.rlpEncodeList(table, count, input, out), bytes.length);
        assert.equal(kernels.rlpEncodedLength(table, count, input), bytes.length);
        assert(isSame(u8.subarray(out, out + bytes.length), bytes));
        rows ??= Uint8Array.from(u8.subarray(table, table + 16));
        assert(isSame(u8.subarray(table, table + 16), rows));
        const gaps: [number, number][] = [
          [area, input],
          [input + bytes.length, table],
          [table + 16, out],
          [out + bytes.length, area + 32_768],
        ];
        for (const [from, to] of gaps) assert(u8.subarray(from, to).every((byte) => byte === guard));
      }
    }
  }
});
