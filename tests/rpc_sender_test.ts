import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "node:http2";
import { create } from "@bufbuild/protobuf";
import {
  BlockStreamSubscribeService,
  SubscribeStreamResponseSchema,
} from "../proto/gen/org/hiero/block/api/block_stream_subscribe_service_pb.ts";
import { eventually, testServer } from "../src/rpc/_testing.ts";

Deno.test("ServerCall.drained() waits for the end of a call that was ended, so that a handler cannot spin", async () => {
  const { server } = testServer();
  await using _ = server;
  let rounds = 0;
  const message = create(SubscribeStreamResponseSchema, {
    response: {
      case: "blockItems",
      value: { blockItems: [{ item: { case: "signedTransaction", value: new Uint8Array(20_000) } }] },
    },
  });
  server.add(BlockStreamSubscribeService, {
    subscribeBlockStream: {
      handle: async (_request, sender, context) => {
        while (!context.signal.aborted) {
          rounds++;
          if (!sender.send(message)) await sender.drained();
          else if (rounds > 20) await new Promise((resolve) => setTimeout(resolve, 5));
        }
      },
    },
  });
  const { port } = await server.listen();
  // A peer that takes 64 KiB and no more: what was sent stays in the way of the call's end.
  const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 65_535 } });
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": "/org.hiero.block.api.BlockStreamSubscribeService/subscribeBlockStream",
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  stream.end(Buffer.alloc(5));
  await eventually(() => rounds > 20, "more sent than the peer takes");
  await server.stop({ graceMs: 20 });
  assert.ok(rounds < 60, `${rounds} rounds`);
  session.destroy();
});
