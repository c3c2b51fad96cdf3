import assert from "node:assert/strict";
import fc from "fast-check";
import { HieroFault } from "./fault.ts";
import {
  type ContentsProofRequest,
  encodeContentsProofRequest,
  encodeContentsProofResponse,
  parseContentsProofRequest,
  parseContentsProofResponse,
} from "./proof_messages.ts";
import { UINT64_MAX } from "./wire.ts";

Deno.test("parseContentsProofRequest() reads back every request, zeros included", () => {
  const requests: ContentsProofRequest[] = [
    { blockNumber: 0n, item: { kind: "index", index: 0 } },
    { blockNumber: UINT64_MAX, item: { kind: "index", index: 0xffff_ffff } },
    { blockNumber: 1n, item: { kind: "item", item: Uint8Array.of(0x22, 0) } },
    { blockNumber: 1n, item: { kind: "hash", hash: new Uint8Array(48) } },
    { blockNumber: 1n, item: { kind: "unset" } },
  ];
  for (const request of requests) {
    assert.deepEqual(parseContentsProofRequest(encodeContentsProofRequest(request)), request);
  }
});

Deno.test("parseContentsProofRequest() lets the last member of the oneof win and steps over unknown fields", () => {
  const { item } = parseContentsProofRequest(Uint8Array.of(0x1a, 1, 7, 0x20, 5, 0x28, 1));
  assert.deepEqual(item, { kind: "index", index: 5 });
});

Deno.test("encodeContentsProofResponse() carries the item byte for byte, and no proof when there is none", () => {
  const bytes = fc.uint8Array({ maxLength: 60 });
  const sibling = fc.record({ isFirst: fc.boolean(), hash: bytes }, { noNullPrototype: true });
  fc.assert(fc.property(bytes, bytes, fc.array(sibling, { maxLength: 20 }), (item, signature, siblings) => {
    const proof = { item, siblings, signature };
    assert.deepEqual(parseContentsProofResponse(encodeContentsProofResponse("SUCCESS", proof)), {
      status: "SUCCESS",
      proof,
    });
  }));
  assert.deepEqual([...encodeContentsProofResponse("DUPLICATE_HASH_ITEM_FOUND")], [0x08, 6]);
  assert.deepEqual(parseContentsProofResponse(Uint8Array.of(0x08, 99)), {
    status: "UNKNOWN",
    proof: undefined,
  });
});

Deno.test("parsers of proof messages refuse garbage with a coded fault", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
    for (const parse of [parseContentsProofRequest, parseContentsProofResponse]) {
      try {
        parse(bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof HieroFault && thrown.type === "UNABLE_TO_PARSE");
      }
    }
  }));
});
