import assert from "node:assert/strict";
import fc from "fast-check";
import type { SegmentVerdict } from "../../protocols/rootstock/verify_segment.ts";
import { packBytes, packVerdict, unpackBytes, unpackVerdict } from "./packed_headers.ts";

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** Of a word, of two, of two and one bit, and of any size. */
const quantity = fc.oneof(
  fc.constantFrom(0n, 1n, 2n ** 64n - 1n, 2n ** 64n, 2n ** 128n - 1n, 2n ** 128n),
  fc.bigInt(0n, 2n ** 300n),
);
const header = fc.record({
  number: fc.nat(),
  hash,
  parentHash: hash,
  difficulty: quantity,
  timestamp: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  uncleCount: fc.nat(2 ** 31),
  hasUncles: fc.boolean(),
  paidFees: quantity,
}, { noNullPrototype: true });

Deno.test("unpackVerdict() gives back any verdict", () => {
  fc.assert(fc.property(fc.array(header, { maxLength: 20 }), fc.boolean(), (headers, valid) => {
    const verdict: SegmentVerdict = valid
      ? { valid, headers }
      : { valid, headers, index: headers.length, rule: "difficulty", detail: "expected 5" };
    assert.deepEqual(unpackVerdict(packVerdict(verdict)), verdict);
  }));
});

Deno.test("unpackBytes() gives back any byte strings", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (parts) => {
    assert.deepEqual(unpackBytes(packBytes(parts)), parts);
  }));
});
