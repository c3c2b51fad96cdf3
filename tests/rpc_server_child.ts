/** Server process of rpc_connections_test.ts: prints its port, then answers `stats` lines, and stops at the end of its input. */

import { BlockNodeService } from "../proto/gen/org/hiero/block/api/node_service_pb.ts";
import { BlockStreamPublishService } from "../proto/gen/org/hiero/block/api/block_stream_publish_service_pb.ts";
import { testServer } from "../src/rpc/_testing.ts";

const encoder = new TextEncoder();
const say = (facts: unknown) => void Deno.stdout.writeSync(encoder.encode(`${JSON.stringify(facts)}\n`));

const { server } = testServer({ maxConnections: 2_000 });
server.add(BlockNodeService, {
  serverStatus: { raw: true, handle: () => Promise.resolve(new Uint8Array(2)) },
});
server.add(BlockStreamPublishService, {
  publishBlockStream: {
    raw: true,
    handle: (call) => ({
      message: (bytes) => void call.send(bytes.subarray(0, 16)),
      halfClosed: () => call.end(),
      closed: () => {},
    }),
  },
});
const { port } = await server.listen();
say({ port });

const decoder = new TextDecoder();
for await (const chunk of Deno.stdin.readable) {
  for (const _ of decoder.decode(chunk).trim().split("\n")) {
    (globalThis as { gc?: () => void }).gc?.();
    const { rss, heapUsed } = Deno.memoryUsage();
    say({ rss, heapUsed, openCalls: server.openCalls });
  }
}
await server.stop({ graceMs: 1_000 });
