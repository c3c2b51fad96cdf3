import assert from "node:assert/strict";
import { ToyWorld } from "./_sync_world.ts";
import { answerOf, HeaderServer, planAnswer } from "./header_server.ts";
import type { RskMessage } from "./rsk_message.ts";

const WORLD = new ToyWorld([{ difficulty: 5 }]);
const HASH = WORLD.hash(0, 300);

function headersRequest(count: number): RskMessage {
  return { type: "block-headers-request", id: 7n, hash: HASH, count };
}

Deno.test("planAnswer() looks headers up from a hash downwards, 192 at most, one for a count of none", () => {
  const lookUp = (count: number) => ({ lookup: "headers", id: 7n, hash: HASH, count });
  assert.deepEqual(planAnswer(headersRequest(192), 400), lookUp(192));
  assert.deepEqual(planAnswer(headersRequest(0), 400), lookUp(1));
  assert.equal(planAnswer(headersRequest(193), 400), undefined);
});

Deno.test("planAnswer() meets height 0 and heights above the best with silence", () => {
  const plan = (height: number) => planAnswer({ type: "block-hash-request", id: 1n, height }, 400);
  assert.equal(plan(0), undefined);
  assert.equal(plan(401), undefined);
  assert.deepEqual(plan(400), { lookup: "canonical", id: 1n, of: "block-hash", heights: [400] });
});

Deno.test("planAnswer() looks a skeleton up, and none where there is no block to start from", () => {
  const plan = (startNumber: number) => planAnswer({ type: "skeleton-request", id: 2n, startNumber }, 400);
  assert.deepEqual(plan(200), { lookup: "canonical", id: 2n, of: "skeleton", heights: [192, 384, 400] });
  assert.equal(plan(401), undefined);
});

Deno.test("planAnswer() is silent about blocks, bodies and whatever asks nothing", () => {
  const messages: RskMessage[] = [
    { type: "get-block", hash: HASH },
    { type: "block-request", id: 1n, hash: HASH },
    { type: "body-request", id: 1n, hash: HASH },
    { type: "new-block-hash", hash: HASH },
    { type: "snapshot", code: 20 },
  ];
  for (const message of messages) assert.equal(planAnswer(message, 400), undefined, message.type);
});

Deno.test("answerOf() gives what was found, and silence where a hash or a height is not known", () => {
  const headers = planAnswer(headersRequest(3), 400)!;
  const found = [300, 299].map((number) => WORLD.header(0, number));
  assert.deepEqual(answerOf(headers, found), { type: "block-headers-response", id: 7n, headers: found });
  assert.equal(answerOf(headers, []), undefined);
  const hash = planAnswer({ type: "block-hash-request", id: 1n, height: 300 }, 400)!;
  assert.deepEqual(answerOf(hash, [HASH]), { type: "block-hash-response", id: 1n, hash: HASH });
  assert.equal(answerOf(hash, [undefined]), undefined);
  const skeleton = planAnswer({ type: "skeleton-request", id: 2n, startNumber: 0 }, 192)!;
  assert.deepEqual(answerOf(skeleton, [WORLD.hash(0, 0), WORLD.hash(0, 192)]), {
    type: "skeleton-response",
    id: 2n,
    blocks: [{ number: 0, hash: WORLD.hash(0, 0) }, { number: 192, hash: WORLD.hash(0, 192) }],
  });
  assert.equal(answerOf(skeleton, [WORLD.hash(0, 0), undefined]), undefined);
});

Deno.test("HeaderServer drops what a peer sends above its rate, whatever it is, and no other peer's", () => {
  const server = new HeaderServer<string>({ perMinute: 2 });
  const ask = (peer: string, nowMs: number) =>
    server.request(peer, headersRequest(1), 400, nowMs) !== undefined;
  server.request("a", { type: "new-block-hash", hash: HASH }, 400, 0);
  assert.deepEqual([ask("a", 1), ask("a", 2), ask("a", 3), ask("b", 3)], [true, true, false, true]);
  assert.equal(ask("a", 60_000), true);
});

Deno.test("HeaderServer drops requests of a peer that has too many open", () => {
  const server = new HeaderServer<string>({ pendingPerPeer: 1 });
  const ask = () => server.request("a", headersRequest(1), 400, 0) !== undefined;
  assert.deepEqual([ask(), ask()], [true, false]);
  server.done("a");
  assert.equal(ask(), true);
  server.gone("a");
  assert.equal(ask(), true);
  server.done("b");
});
