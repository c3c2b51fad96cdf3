import assert from "node:assert/strict";
import fc from "fast-check";
import { HieroFault } from "./fault.ts";
import { UINT64_MAX, WIRE_TYPE, WireReader } from "./wire.ts";
import { WireWriter } from "./wire_writer.ts";

function refuses(bytes: readonly number[], message: RegExp): void {
  const reader = new WireReader(Uint8Array.from(bytes));
  assert.throws(
    () => {
      while (reader.nextTag()) reader.skip();
    },
    (error) => error instanceof HieroFault && error.type === "UNABLE_TO_PARSE" && message.test(error.message),
  );
}

Deno.test("WireReader reads back every 64-bit number that WireWriter writes", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: UINT64_MAX }),
      fc.integer({ min: 1, max: 536_870_911 }),
      (value, field) => {
        const reader = new WireReader(new WireWriter(1).varint(field, value).finish());
        assert.ok(reader.nextTag());
        assert.equal(reader.field, field);
        assert.equal(reader.wireType, WIRE_TYPE.VARINT);
        assert.equal(reader.uint64(), value);
        assert.equal(reader.nextTag(), false);
      },
    ),
  );
});

Deno.test("WireReader.int64() and int32() read negative numbers as protobuf writes them", () => {
  const bytes = new WireWriter().varint(1, -5).varint(2, -7n).varint(3, 2n ** 32n + 9n).finish();
  const reader = new WireReader(bytes);
  reader.nextTag();
  assert.equal(reader.int64(), -5n);
  reader.nextTag();
  assert.equal(reader.int32(), -7);
  reader.nextTag();
  assert.equal(reader.uint32(), 9);
});

Deno.test("WireReader refuses truncated, overlong and too large varints", () => {
  refuses([0x80], /truncated varint/);
  refuses([0x08, 0xff], /truncated varint/);
  refuses([0x08, ...Array<number>(10).fill(0x80), 0x01], /over 10 bytes/);
  refuses([0x08, ...Array<number>(9).fill(0xff), 0x02], /over 64 bits/);
  refuses([0xff, 0xff, 0xff, 0xff, 0x7f], /tag over 32 bits/);
});

Deno.test("WireReader refuses lengths beyond the end, whatever their size", () => {
  refuses([0x0a, 0x01], /length 1 beyond the end/);
  refuses([0x0a, ...Array<number>(9).fill(0xff), 0x01], /beyond the end/);
  const inner = new WireReader(Uint8Array.of(0, 0x0a, 0x02, 1, 2), 1, 4);
  inner.nextTag();
  assert.throws(() => inner.length(), /length 2 beyond the end at offset 2/);
});

Deno.test("WireReader refuses groups, reserved wire types, field 0 and cut fixed-width values", () => {
  for (const type of [3, 4, 6, 7]) refuses([(1 << 3) | type, 0], new RegExp(`wire type ${type}`));
  refuses([0x00, 0x00], /field number 0/);
  refuses([0x09, 1, 2, 3, 4, 5, 6, 7], /fixed-width/);
  refuses([0x0d, 1, 2, 3], /fixed-width/);
});

Deno.test("WireReader skips every kind of unknown field", () => {
  const bytes = Uint8Array.of(
    0x08,
    0x96,
    0x01,
    0x11,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    0x1a,
    2,
    9,
    9,
    0x25,
    1,
    2,
    3,
    4,
    0x28,
    7,
  );
  const reader = new WireReader(bytes);
  const fields: number[] = [];
  while (reader.nextTag()) {
    fields.push(reader.field);
    if (reader.field === 5) assert.equal(reader.uint64(), 7n);
    else reader.skip();
  }
  assert.deepEqual(fields, [1, 2, 3, 4, 5]);
});

Deno.test("WireReader ends on any bytes, in at most one step a byte", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const reader = new WireReader(bytes);
      let steps = 0;
      try {
        while (reader.nextTag()) {
          reader.skip();
          assert.ok(++steps <= bytes.length);
          assert.ok(reader.pos <= bytes.length);
        }
      } catch (error) {
        if (!(error instanceof HieroFault)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
