import assert from "node:assert/strict";
import { concat, fillRecord, headerRecord, PROOF_RECORD } from "./_subscribe_script.ts";
import {
  encodeSubscribeRequest,
  encodeSubscribeResponse,
  nextChunk,
  parseSubscribeRequest,
  parseSubscribeResponse,
  splitTrailingProof,
  SUBSCRIBE_CODE,
  type SubscribeStatus,
} from "./subscribe_messages.ts";
import { UINT64_MAX } from "./wire.ts";
import { WireWriter } from "./wire_writer.ts";

Deno.test("parseSubscribeRequest() reads what encodeSubscribeRequest() wrote, zero and uint64_max included", () => {
  for (
    const request of [{ start: 0n, end: 0n }, { start: UINT64_MAX, end: 7n }, { start: 3n, end: UINT64_MAX }]
  ) {
    assert.deepEqual(parseSubscribeRequest(encodeSubscribeRequest(request)), request);
  }
  const unknown = concat(encodeSubscribeRequest({ start: 1n, end: 2n }), Uint8Array.of(0x7a, 1, 0));
  assert.deepEqual(parseSubscribeRequest(unknown), { start: 1n, end: 2n });
  assert.throws(() => parseSubscribeRequest(Uint8Array.of(0x08)), { type: "UNABLE_TO_PARSE" });
});

Deno.test("parseSubscribeResponse() reads every kind of response, and passes over what it does not know", () => {
  for (const status of Object.keys(SUBSCRIBE_CODE) as SubscribeStatus[]) {
    const bytes = encodeSubscribeResponse({ kind: "status", status });
    assert.equal(bytes.length, 2, "a zero status is on the wire too");
    assert.deepEqual(parseSubscribeResponse(bytes), { kind: "status", status });
  }
  const records = headerRecord(3n);
  assert.deepEqual(parseSubscribeResponse(encodeSubscribeResponse({ kind: "items", records })), {
    kind: "items",
    records,
  });
  for (const number of [0n, 9n]) {
    const bytes = encodeSubscribeResponse({ kind: "end-of-block", number });
    assert.deepEqual(parseSubscribeResponse(bytes), { kind: "end-of-block", number });
  }
  assert.equal(parseSubscribeResponse(Uint8Array.of(0x7a, 0)), undefined);
  assert.deepEqual(parseSubscribeResponse(Uint8Array.of(0x08, 99)), { kind: "status", status: "UNKNOWN" });
});

Deno.test("nextChunk() fills pieces up to the limit, sends a large item alone and loses nothing", () => {
  const items = [
    headerRecord(1n),
    fillRecord(20),
    fillRecord(20),
    fillRecord(500),
    fillRecord(1),
    PROOF_RECORD,
  ];
  const block = concat(...items);
  const pieces: Uint8Array[] = [];
  for (let [offset, last] = [0, false]; !last;) {
    const chunk = nextChunk(block, offset, 60);
    pieces.push(chunk.records);
    ({ nextOffset: offset, last } = chunk);
  }
  assert.deepEqual(concat(...pieces), block);
  assert.deepEqual(pieces.map(({ length }) => length), [
    items[0]!.length + items[1]!.length + items[2]!.length,
    items[3]!.length,
    items[4]!.length + items[5]!.length,
  ]);
  assert.deepEqual(nextChunk(block, block.length, 60), {
    records: new Uint8Array(0),
    nextOffset: block.length,
    last: true,
  });
  assert.throws(() => nextChunk(block.subarray(0, -1), 0, 1_000), { type: "UNABLE_TO_PARSE" });
});

Deno.test("nextChunk() leaves out what lies between items", () => {
  const between = new WireWriter().bytes(9, new Uint8Array(3)).finish();
  const block = concat(between, headerRecord(1n), between, PROOF_RECORD, between);
  const first = nextChunk(block, 0, 1_000);
  const second = nextChunk(block, first.nextOffset, 1_000);
  assert.deepEqual(first.records, headerRecord(1n));
  assert.deepEqual(second.records, PROOF_RECORD);
  assert.deepEqual([first.last, second.last], [false, true]);
});

Deno.test("splitTrailingProof() lets the last proof travel alone", () => {
  const items = concat(headerRecord(1n), PROOF_RECORD);
  assert.deepEqual(splitTrailingProof(concat(items, PROOF_RECORD)), [items, PROOF_RECORD]);
  assert.deepEqual(splitTrailingProof(PROOF_RECORD), [PROOF_RECORD]);
  assert.deepEqual(splitTrailingProof(headerRecord(1n)), [headerRecord(1n)]);
});
