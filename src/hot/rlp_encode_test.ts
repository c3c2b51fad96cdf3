import assert from "node:assert/strict";
import fc from "fast-check";
import { RLP_BYTES_MAX, RLP_LIST_BIT } from "../../wasm/layout.ts";
import { isSame, type Item, referenceDecode } from "./_rlp_reference.ts";
import { HotError } from "./error.ts";
import { HotMemory } from "./memory.ts";
import { RlpIndex } from "./rlp.ts";
import { rlpEncode, type RlpInput } from "./rlp_encode.ts";
import { RlpTable } from "./rlp_table.ts";

const hasCode = (code: string) => (error: unknown) => error instanceof HotError && error.code === code;

/** Bytes, and lists of them. */
const item: fc.Arbitrary<Item> = fc.letrec<{ item: Item; list: Item[] }>((tie) => ({
  item: fc.oneof({ maxDepth: 5, withCrossShrink: true }, fc.uint8Array({ maxLength: 300 }), tie("list")),
  list: fc.array(tie("item"), { maxLength: 8 }),
})).item;

Deno.test("rlpEncode() gives back through a decoder what it was given", () => {
  fc.assert(fc.property(item, (value) => isSame(referenceDecode(rlpEncode(value)), value)));
});

Deno.test("rlpEncode() writes integers without leading zeros, which RlpIndex reads again", () => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 300n }), fc.maxSafeNat(), (large, small) => {
    const fields = RlpIndex.of(rlpEncode([large, small, BigInt(small)]));
    assert.equal(fields.bigint(0), large);
    assert.equal(fields.number(1), small);
    assert.deepEqual(fields.bytes(1), fields.bytes(2));
  }));
  assert.equal(
    rlpEncode([0, 0n, 1, 127, 128, 255, 256, 0x1_0000_0000n]).toHex(),
    "d18080017f818081ff820100850100000000",
  );
});

Deno.test("rlpEncode() writes inputs of any size", () => {
  for (const length of [55, 56, 65_535, 65_536, 65_537, 300_000, 17_000_000]) {
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => i + 1);
    const large = new Uint8Array(length);
    large.set(bytes.subarray(0, Math.min(64, length)));
    const fields = RlpIndex.of(rlpEncode([large, [large, 1]]));
    assert.equal(fields.length(0), length);
    assert.equal(fields.nested(1).number(1), 1);
    assert(isSame(fields.nested(1).view(0).subarray(0, 64), large.subarray(0, 64)));
  }
});

Deno.test("rlpEncode() refuses numbers that are not unsigned integers, other types, and lists that hold themselves", () => {
  for (const value of [-1, 0.5, NaN, 2 ** 53, -1n]) assert.throws(() => rlpEncode(value), RangeError);
  for (const value of ["dog", null, undefined, {}, [true]]) {
    assert.throws(() => rlpEncode(value as unknown as RlpInput), TypeError);
  }
  const endless: RlpInput[] = [];
  endless.push(endless);
  assert.throws(() => rlpEncode(endless), hasCode("RLP_TOO_DEEP"));
});

Deno.test("RlpTable.encodeList() writes what rlpEncode() does, at the very end of memory, in both builds", async () => {
  for (const build of ["simd", "scalar"] as const) {
    const memory = await HotMemory.create({ bytes: 1 << 20, build });
    const table = new RlpTable(memory, 64);
    const input = memory.allocate(1 << 16, "input");
    const byteArrays = fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 64 });
    fc.assert(fc.property(byteArrays, fc.nat(15), (values, shift) => {
      table.count = 0;
      const base = input + shift;
      let at = 0;
      for (const value of values) {
        memory.u8.set(value, base + at);
        table.push(at, value.length);
        at += value.length;
      }
      const expected = rlpEncode(values);
      const out = memory.bytes - expected.length;
      assert.equal(table.encodedLength(base), expected.length);
      assert.equal(table.encodeList(base, out, expected.length), expected.length);
      return isSame(memory.u8.subarray(out), expected);
    }));
  }
});

Deno.test("RlpTable refuses rows, outputs and lists that do not fit", async () => {
  const memory = await HotMemory.create({ bytes: 1 << 20 });
  const out = memory.allocate(128, "output");
  const table = new RlpTable(memory, 3);
  assert.equal(table.encodeList(out, out, 1), 1);
  assert.equal(memory.u8[out], 0xc0);
  for (const [offset, bytes] of [[-1, 1], [0, -1], [NaN, 1], [1 << 20, 1], [0, 2 ** 31]] as const) {
    assert.throws(() => table.push(offset, bytes), RangeError);
  }
  for (let i = 0; i < 3; i++) table.push(1_000, 40, i === 1);
  assert.throws(() => table.push(0, 1), RangeError);
  assert.throws(() => table.encodeList(0, out, 124), RangeError);
  assert.throws(() => table.encodeList(0, memory.bytes - 124, 125), RangeError);
  assert.throws(() => table.encodedLength(memory.bytes - 1_000), hasCode("HOT_OUT_OF_BOUNDS"));
  assert.equal(table.encodeList(0, out, 125), 125);
  assert(RlpIndex.of(memory.u8.slice(out, out + 125)).isList(1));

  // Lengths that only a memory of 4 GiB could hold: the sum must not wrap.
  const rows = memory.allocate(64, "rows");
  for (let i = 0; i < 3; i++) {
    memory.u32.set([0, RLP_BYTES_MAX + (i === 2 ? RLP_LIST_BIT : 0)], (rows >>> 2) + 2 * i);
  }
  for (const count of [1, 2, 3]) {
    assert.equal(memory.kernels.rlpEncodedLength(rows, count, 0), 0);
    assert.equal(memory.kernels.rlpEncodeList(rows, count, 0, out), 0);
  }
});
