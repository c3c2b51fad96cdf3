// Rows of the block node's verification scenarios (spec §10.3) that need no signature check, through the pipeline.

import assert from "node:assert/strict";
import { block, footer, header, item, tssProof } from "../../protocols/hiero/_blocks.ts";
import { itemRanges } from "../../protocols/hiero/items.ts";
import { encodeItemsRequest } from "../../protocols/hiero/publish_messages.ts";
import { makeChain, openPipeline, withBrokenLink } from "./_testing.ts";

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve));
}

/** The answers to a stream that sends these bytes as block 0 of an empty node. */
async function answersTo(bytes: Uint8Array): Promise<readonly string[]> {
  await using fixture = await openPipeline();
  const call = fixture.connect();
  call.block(0n, bytes);
  await until(() => call.answers.length > 0);
  return [...call.answers];
}

Deno.test("Scenario V2: a tampered item is BAD_BLOCK_PROOF as soon as something names the root, and nothing is stored", async () => {
  await using fixture = await openPipeline();
  const [first, second] = makeChain(2);
  const call = fixture.connect();
  const { start, end } = [...itemRanges(first!)][2]!;
  const tampered = first!.with(end - 1, first![end - 1]! ^ 1);
  assert.ok(end - start > 50);
  call.block(0n, tampered);
  await until(() => fixture.persisted.length === 1);
  call.block(1n, second!);
  await until(() => call.answers.includes("end-stream BAD_BLOCK_PROOF"));
  assert.deepEqual(fixture.persisted, [0n]);
});

Deno.test("Scenario V3: blocks that are completed out of order are acknowledged in order", async () => {
  await using fixture = await openPipeline();
  const [first, second, third] = makeChain(3);
  const [early, late] = [fixture.connect(), fixture.connect()];
  const split = splitAt(first!, 3);
  late.message(split[0]);
  early.block(1n, second!);
  early.block(2n, third!);
  assert.deepEqual(fixture.persisted, []);
  late.message(split[1]);
  late.message(Uint8Array.of(0x1a, 0));
  await until(() => fixture.persisted.length === 3);
  assert.deepEqual(fixture.persisted, [0n, 1n, 2n]);
  for (const { answers } of [early, late]) assert.equal(answers.at(-1), "acknowledgement 2");
});

Deno.test("Scenario V5: a future item is taken by its category, and refused where nobody can know how to hash it", async () => {
  const withItem = (field: number) => block(header(), item(field), footer(), tssProof());
  // 20 and 39 are read and not hashed, 23 is a consensus header, 35 the last extension.
  for (const field of [20, 39, 23, 35]) {
    assert.deepEqual(await answersTo(withItem(field)), ["acknowledgement 0"]);
  }
  for (const field of [21, 22, 36, 38, 13]) {
    assert.deepEqual(await answersTo(withItem(field)), ["end-stream BAD_BLOCK_PROOF"], `field ${field}`);
  }
});

Deno.test("Scenario V7: a block that was verified stays so when the same number comes again spoiled", async () => {
  await using fixture = await openPipeline();
  const [first, second] = makeChain(2);
  const call = fixture.connect();
  call.block(0n, first!);
  call.block(1n, second!);
  await until(() => fixture.persisted.length === 2);
  const other = fixture.connect();
  other.block(1n, withBrokenLink(second!));
  await until(() => other.answers.length > 0);
  assert.deepEqual(other.answers, ["skip 1"]);
  assert.equal(fixture.store.last, 1n);
  assert.deepEqual(await fixture.store.block(1n), second);
});

/** Two requests with the items of a block: those before one, and the rest. */
function splitAt(bytes: Uint8Array, index: number): [Uint8Array, Uint8Array] {
  const at = [...itemRanges(bytes)][index]!.recordStart;
  return [encodeItemsRequest(bytes.subarray(0, at)), encodeItemsRequest(bytes.subarray(at))];
}
