import assert from "node:assert/strict";
import type { Counter } from "prom-client";
import {
  encodeEndOfBlock,
  encodeEndStream,
  encodeItemsRequest,
} from "../../protocols/hiero/publish_messages.ts";
import { makeChain, openPipeline, withBrokenLink } from "./_testing.ts";

/** Values above 0 by label value. */
async function counted(counter: Counter<string>): Promise<Record<string, number>> {
  const { values } = await counter.get();
  return Object.fromEntries(
    values.filter(({ value }) => value > 0).map((
      { labels, value },
    ) => [String(Object.values(labels)[0]), value]),
  );
}

Deno.test("PublishPipeline counts how streams end, what could not be taken, and what nobody is told", async () => {
  await using fixture = await openPipeline();
  const { metrics } = fixture;
  const [first, second] = makeChain(2);
  fixture.connect().message(encodeEndStream(1, 0n, 0n));
  fixture.connect().message(encodeEndStream(99, 0n, 0n));
  fixture.connect().message(Uint8Array.of(0xff));
  const dropping = fixture.connect();
  dropping.message(Uint8Array.of(0x0a, 0x04, 0x0a, 0x02, 0x22, 0x00));
  const publisher = fixture.connect();
  publisher.block(0n, first!);
  publisher.block(1n, withBrokenLink(second!));
  while (!publisher.answers.includes("end-stream BAD_BLOCK_PROOF") || fixture.persisted.length === 0) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  // What no peer ever sent must not become a label.
  assert.deepEqual(await counted(metrics.endStreams), { RESET: 1, OTHER: 1 });
  assert.deepEqual(await counted(metrics.streamErrors), { malformed: 1 });
  assert.deepEqual(await counted(metrics.endOfStreams), { ERROR: 1, BAD_BLOCK_PROOF: 1 });
  assert.equal((await counted(metrics.publishEvents))["items-dropped"], 1);
  const { values } = await metrics.persistedBytes.get();
  assert.equal(values[0]!.value, first!.length);
});

Deno.test("PublishPipeline times a block from its header to its end, and no block whose end names another", async () => {
  await using fixture = await openPipeline();
  const [first, second] = makeChain(2);
  const publisher = fixture.connect();
  publisher.block(0n, first!);
  publisher.message(encodeItemsRequest(second!));
  publisher.message(encodeEndOfBlock(7n));
  const { values } = await fixture.metrics.receiveSeconds.get();
  assert.equal(values.find(({ metricName }) => metricName?.endsWith("_count"))!.value, 1);
});
