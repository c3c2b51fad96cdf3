import assert from "node:assert/strict";
import { headerRecord, PROOF_RECORD } from "./_subscribe_script.ts";
import { PublishMachine } from "./publish_machine.ts";
import { encodeEndOfBlock, encodeItemsRequest, parsePublishRequest } from "./publish_messages.ts";

Deno.test("PublishMachine says which sets became part of a block, and none of those it passed over", () => {
  const machine = new PublishMachine({ lastPersisted: -1n });
  const send = (handler: number, bytes: Uint8Array) =>
    machine.step({ kind: "message", handler, request: parsePublishRequest(bytes) }, 0)
      .flatMap((effect) => effect.kind === "accepted" ? [`${effect.number} ${effect.set.opening.kind}`] : []);
  for (const handler of [1, 2]) machine.step({ kind: "connected", handler }, 0);
  const header = (number: bigint) => encodeItemsRequest(headerRecord(number));
  const proof = encodeItemsRequest(PROOF_RECORD);
  assert.deepEqual(send(1, header(0n)), ["0 header"]);
  assert.deepEqual(send(2, header(0n)), [], "skipped");
  assert.deepEqual(send(2, proof), [], "dropped after the skip");
  assert.deepEqual(send(1, header(0n)), ["0 header"], "begun anew");
  assert.deepEqual(send(1, proof), ["0 continuation"]);
  assert.deepEqual(send(1, proof), [], "late");
  assert.deepEqual(send(1, encodeEndOfBlock(0n)), []);
  assert.deepEqual(send(2, header(1n)), ["1 header"]);
  assert.deepEqual(send(1, header(7n)), [], "too far ahead");
});
