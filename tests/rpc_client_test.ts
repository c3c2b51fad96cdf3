// Clients that are closed leave nothing behind. The sanitizers fail a test that leaves a timer or a connection.

import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import type { Client } from "@grpc/grpc-js";
import {
  BlockNodeService,
  ServerStatusResponseSchema,
} from "../proto/gen/org/hiero/block/api/node_service_pb.ts";
import { eventually, metricValue, testServer } from "../src/rpc/_testing.ts";
import { createClient } from "../src/rpc/client.ts";
import { subchannelPool } from "../src/rpc/close_channel.ts";

for (const holders of [0, 1, 3]) {
  Deno.test(`RpcClient.close() leaves no timer, and no connection once its ${holders} other holders let go`, async () => {
    const { server, metrics } = testServer();
    await using _ = server;
    server.add(BlockNodeService, {
      serverStatus: { handle: () => Promise.resolve(create(ServerStatusResponseSchema, {})) },
    });
    const { port } = await server.listen();
    const client = createClient(BlockNodeService, `127.0.0.1:${port}`);
    await client.unary("serverStatus", {});
    const pool = subchannelPool((client as unknown as { readonly client: Client }).client)!;
    const [{ subchannel }] = Object.values(pool.pool).flat() as unknown as [
      { subchannel: { ref(): void; unref(): void; refcount: number } },
    ];
    for (let i = 0; i < holders; i++) subchannel.ref();
    client.close();
    assert.equal(pool.cleanupTimer, null);
    for (let i = 0; i < holders; i++) {
      assert.equal(subchannel.refcount, 1 + holders - i);
      subchannel.unref();
    }
    assert.equal(subchannel.refcount, 0);
    await eventually(
      async () => await metricValue(metrics, "open_connections") === 0,
      "the connection is closed",
    );
  });
}
