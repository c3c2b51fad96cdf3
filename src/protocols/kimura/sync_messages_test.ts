import assert from "node:assert/strict";
import fc from "fast-check";
import { testChain, testMessage } from "./_chain.ts";
import { KimuraFault } from "./fault.ts";
import {
  decodeSyncAnswer,
  decodeSyncRequest,
  encodeSyncAnswer,
  encodeSyncRequest,
  MAX_SYNC_BLOCKS,
  MAX_SYNC_IDS,
  type SyncAnswer,
  type SyncRequest,
} from "./sync_messages.ts";

const HASH = new Uint8Array(32).fill(7);
const REQUESTS: SyncRequest[] = [
  { kind: "tip" },
  { kind: "blocks", from: 2n ** 60n, count: 512 },
  { kind: "messages", ids: [HASH, new Uint8Array(32)] },
];

Deno.test("decodeSyncRequest() gives back what encodeSyncRequest() wrote", () => {
  for (const request of REQUESTS) assert.deepEqual(decodeSyncRequest(encodeSyncRequest(request)), request);
});

Deno.test("decodeSyncRequest() refuses ranges and lists beyond their bounds before it reads them", () => {
  const range = encodeSyncRequest({ kind: "blocks", from: 0n, count: MAX_SYNC_BLOCKS + 1 });
  assert.throws(() => decodeSyncRequest(range), { code: "OVERSIZE" });
  const ids = new Uint8Array(5);
  ids[0] = 3;
  new DataView(ids.buffer).setUint32(1, MAX_SYNC_IDS + 1);
  assert.throws(() => decodeSyncRequest(ids), { code: "OVERSIZE" });
  assert.throws(() => decodeSyncRequest(Uint8Array.of(9)), { code: "MALFORMED_BYTES" });
  assert.throws(() => decodeSyncRequest(Uint8Array.of(1, 0)), { code: "MALFORMED_BYTES" });
});

Deno.test("decodeSyncAnswer() gives back what encodeSyncAnswer() wrote", () => {
  const chain = testChain(3, (height) => height === 2 ? [testMessage(1, 0), testMessage(2, 0)] : []);
  const pairs: [SyncRequest, SyncAnswer][] = [
    [{ kind: "tip" }, { kind: "tip", height: 9n, hash: HASH }],
    [{ kind: "blocks", from: 1n, count: 3 }, { kind: "blocks", blocks: chain }],
    [{ kind: "blocks", from: 1n, count: 10 }, { kind: "blocks", blocks: [] }],
    [{ kind: "messages", ids: [HASH] }, { kind: "messages", messages: [testMessage(1, 0)] }],
  ];
  for (const [request, answer] of pairs) {
    assert.deepEqual(decodeSyncAnswer(encodeSyncAnswer(answer), request), answer);
  }
});

Deno.test("decodeSyncAnswer() reads answers of hundreds of blocks", () => {
  const chain = testChain(300, (height) => height % 5 === 0 ? [testMessage(1, height / 5 - 1)] : []);
  const answer: SyncAnswer = { kind: "blocks", blocks: chain };
  assert.deepEqual(
    decodeSyncAnswer(encodeSyncAnswer(answer), { kind: "blocks", from: 1n, count: 300 }),
    answer,
  );
});

Deno.test("decodeSyncAnswer() refuses an answer to something else, and more than was asked for", () => {
  const chain = testChain(2);
  const tip = encodeSyncAnswer({ kind: "tip", height: 1n, hash: HASH });
  const blocks = encodeSyncAnswer({ kind: "blocks", blocks: chain });
  assert.throws(() => decodeSyncAnswer(tip, { kind: "messages", ids: [] }), { code: "ANSWER_UNASKED" });
  assert.throws(() => decodeSyncAnswer(blocks, { kind: "blocks", from: 1n, count: 1 }), { code: "OVERSIZE" });
  assert.throws(() => decodeSyncAnswer(blocks, { kind: "blocks", from: 2n, count: 2 }), {
    code: "ANSWER_UNASKED",
  });
});

Deno.test("decodeSyncRequest() and decodeSyncAnswer() throw nothing but a KimuraFault on any bytes", () => {
  const first = fc.constantFrom(1, 2, 3, 4);
  fc.assert(
    fc.property(first, fc.uint8Array({ maxLength: 200 }), fc.nat(2), (kind, rest, which) => {
      const bytes = Uint8Array.from([kind, ...rest]);
      for (const read of [() => decodeSyncRequest(bytes), () => decodeSyncAnswer(bytes, REQUESTS[which]!)]) {
        try {
          read();
        } catch (thrown) {
          assert(thrown instanceof KimuraFault, String(thrown));
        }
      }
    }),
    { numRuns: 500 },
  );
});
