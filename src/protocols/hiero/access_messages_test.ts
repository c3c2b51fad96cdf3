import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type BlockSpecifier,
  encodeBlockRequest,
  encodeBlockResponse,
  parseBlockRequest,
  parseBlockResponse,
} from "./access_messages.ts";
import { HieroFault } from "./fault.ts";
import { UINT64_MAX } from "./wire.ts";

Deno.test("parseBlockRequest() reads back every specifier, zero and uint64_max included", () => {
  const specifiers: BlockSpecifier[] = [
    { kind: "number", number: 0n },
    { kind: "number", number: UINT64_MAX },
    { kind: "latest", latest: true },
    { kind: "latest", latest: false },
    { kind: "unset" },
  ];
  for (const specifier of specifiers) {
    assert.deepEqual(parseBlockRequest(encodeBlockRequest(specifier)), specifier);
  }
});

Deno.test("parseBlockRequest() lets the last member of the oneof win", () => {
  assert.deepEqual(parseBlockRequest(Uint8Array.of(0x08, 5, 0x10, 1)), { kind: "latest", latest: true });
});

Deno.test("encodeBlockResponse() carries a block byte for byte, and none when there is none", () => {
  assert.deepEqual([...encodeBlockResponse("SUCCESS", Uint8Array.of(0x0a, 0))], [0x08, 1, 0x12, 2, 0x0a, 0]);
  assert.deepEqual([...encodeBlockResponse("NOT_AVAILABLE")], [0x08, 5]);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (block) => {
    assert.deepEqual(parseBlockResponse(encodeBlockResponse("SUCCESS", block)), { status: "SUCCESS", block });
  }));
});

Deno.test("parsers of access messages refuse garbage with a coded fault", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
    for (const parse of [parseBlockRequest, parseBlockResponse]) {
      try {
        parse(bytes);
      } catch (error) {
        assert.ok(error instanceof HieroFault && error.type === "UNABLE_TO_PARSE");
      }
    }
  }));
});
