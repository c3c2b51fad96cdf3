// A node whose runtime records OpenTelemetry: each block is a trace, each call a span in its caller's trace.

import assert from "node:assert/strict";
import { BlockAccessService } from "../proto/gen/org/hiero/block/api/block_access_service_pb.ts";
import { OtlpCollector, type OtlpSpan } from "../src/kernel/_otlp.ts";
import { createClient } from "../src/rpc/client.ts";
import { runCairn, startNode, tempDirectory } from "./support/node_process.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID = "00f067aa0ba902b7";

function attribute(span: OtlpSpan | undefined, key: string): Record<string, unknown> | undefined {
  return span?.attributes.find((attribute) => attribute.key === key)?.value;
}

Deno.test("node sends a trace of every block and continues the trace of every caller", async () => {
  await using collector = new OtlpCollector();
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: directory.path, env: collector.env });
  assert.equal((await runCairn("blocks", "publish", "--generate", "2", "--to", node.grpc)).code, 0);
  using client = createClient(BlockAccessService, node.grpc);
  const metadata = { traceparent: `00-${TRACE_ID}-${PARENT_ID}-01`, "x-request-id": "request-7" };
  const blockSpecifier = { case: "blockNumber", value: 1n } as const;
  await client.unary("getBlock", { blockSpecifier }, { metadata });
  assert.equal(await node.stop(), 0);

  const call = collector.span("org.hiero.block.api.BlockAccessService/getBlock");
  assert.equal(call?.traceId, TRACE_ID);
  assert.equal(call?.parentSpanId, PARENT_ID);
  assert.deepEqual(attribute(call, "cairn.request_id"), { stringValue: "request-7" });

  const blocks = collector.spans.filter(({ name }) => name === "block");
  assert.equal(blocks.length, 2);
  for (const block of blocks) {
    const stages = collector.spans.filter(({ parentSpanId }) => parentSpanId === block.spanId);
    assert.deepEqual(stages.map(({ name }) => name).sort(), [
      "block.acknowledge",
      "block.hash",
      "block.ingest",
      "block.persist",
    ]);
    for (const stage of stages) {
      assert.equal(stage.traceId, block.traceId);
      assert.ok(BigInt(stage.startTimeUnixNano) >= BigInt(block.startTimeUnixNano));
      assert.ok(BigInt(stage.endTimeUnixNano) <= BigInt(block.endTimeUnixNano));
    }
    const secondsAgo = (Date.now() - Number(BigInt(block.endTimeUnixNano) / 1_000_000n)) / 1_000;
    assert.ok(secondsAgo >= 0 && secondsAgo < 600, `${secondsAgo}`);
  }
});
