import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteReader, ByteWriter, equalBytes, fromUtf8, U64_MAX, utf8 } from "./bytes.ts";

const part = fc.oneof(
  fc.record({ kind: fc.constant("u8" as const), value: fc.nat(255) }),
  fc.record({ kind: fc.constant("u32" as const), value: fc.nat(0xffff_ffff) }),
  fc.record({ kind: fc.constant("u64" as const), value: fc.bigInt({ min: 0n, max: U64_MAX }) }),
  fc.record({ kind: fc.constant("sized" as const), value: fc.uint8Array({ maxLength: 300 }) }),
);

Deno.test("ByteReader gives back what ByteWriter wrote, however much it has to grow", () => {
  fc.assert(fc.property(fc.array(part, { maxLength: 200 }), fc.nat(64), (parts, capacity) => {
    const writer = new ByteWriter(capacity);
    for (const { kind, value } of parts) {
      if (kind === "u8") writer.u8(value);
      else if (kind === "u32") writer.u32(value);
      else if (kind === "u64") writer.u64(value);
      else writer.sized(value);
    }
    const bytes = writer.finish();
    assert.equal(bytes.length, writer.length);
    const reader = new ByteReader(bytes);
    for (const { kind, value } of parts) {
      if (kind === "u8") assert.equal(reader.u8(), value);
      else if (kind === "u32") assert.equal(reader.u32(), value);
      else if (kind === "u64") assert.equal(reader.u64(), value);
      else assert(equalBytes(reader.sized(300, "part"), value));
    }
    reader.end("parts");
  }));
});

Deno.test("ByteReader refuses to read past the end, counts beyond their bound, and what is left over", () => {
  const reader = new ByteReader(new ByteWriter().u32(301).finish());
  assert.throws(() => reader.sized(300, "part"), { code: "OVERSIZE" });
  assert.throws(() => reader.u8(), { code: "MALFORMED_BYTES" });
  assert.throws(() => new ByteReader(Uint8Array.of(1)).end("part"), { code: "MALFORMED_BYTES" });
});

Deno.test("utf8() refuses a lone surrogate, fromUtf8() what is no UTF-8, and both keep a byte-order mark", () => {
  assert.throws(() => utf8("\ud800"), RangeError);
  assert.throws(() => fromUtf8(Uint8Array.of(0xff)), { code: "MALFORMED_BYTES" });
  assert.equal(fromUtf8(utf8("\ufeffx")), "\ufeffx");
});
