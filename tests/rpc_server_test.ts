import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "node:http2";
import { connect as connectTcp, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Health } from "../proto/gen/grpc/health/v1/health_pb.ts";
import {
  BlockAccessService,
  BlockRequestSchema,
  BlockResponse_Code,
  BlockResponseSchema,
} from "../proto/gen/org/hiero/block/api/block_access_service_pb.ts";
import {
  BlockNodeService,
  ServerStatusResponseSchema,
} from "../proto/gen/org/hiero/block/api/node_service_pb.ts";
import { BlockStreamPublishService } from "../proto/gen/org/hiero/block/api/block_stream_publish_service_pb.ts";
import {
  BlockStreamSubscribeService,
  SubscribeStreamResponseSchema,
} from "../proto/gen/org/hiero/block/api/block_stream_subscribe_service_pb.ts";
import { CairnError } from "../src/kernel/errors.ts";
import { eventually, metricValue, testServer } from "../src/rpc/_testing.ts";
import { createClient } from "../src/rpc/client.ts";
import type { BidiCall, CallContext } from "../src/rpc/types.ts";

const MIB = 1_048_576;
const STATUS = create(ServerStatusResponseSchema, { lastAvailableBlock: 7n });

const withCode = (code: string) => (error: unknown) => error instanceof CairnError && error.code === code;

/** Echoes every message, as bytes. */
const echo = {
  raw: true,
  handle: (call: BidiCall<Uint8Array>) => ({
    message(bytes: Uint8Array) {
      if (call.send(bytes)) return;
      call.pause();
      void call.drained().then(() => call.resume());
    },
    halfClosed: () => call.end(),
    closed: () => {},
  }),
} as const;

/** Forwards to `port` and counts the bytes on their way there. */
async function countingProxy(port: number): Promise<AsyncDisposable & { port: number; bytes(): number }> {
  let bytes = 0;
  const proxy = createServer((inner) => {
    const outer = connectTcp(port, "127.0.0.1");
    inner.on("data", (chunk) => bytes += chunk.length);
    inner.pipe(outer).pipe(inner);
    for (const socket of [inner, outer]) {
      socket.on("error", () => {});
      socket.on("close", () => [inner, outer].forEach((other) => other.destroy()));
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return {
    port: (proxy.address() as AddressInfo).port,
    bytes: () => bytes,
    [Symbol.asyncDispose]: () => new Promise((resolve) => proxy.close(() => resolve())),
  };
}

Deno.test("RpcServer answers a unary call with the decoded message of its handler", async () => {
  const { server, metrics } = testServer();
  await using _ = server;
  server.add(BlockNodeService, { serverStatus: { handle: () => Promise.resolve(STATUS) } });
  const { port } = await server.listen();
  using client = createClient(BlockNodeService, `127.0.0.1:${port}`);
  assert.equal((await client.unary("serverStatus", {})).lastAvailableBlock, 7n);
  const labels = { method: "org.hiero.block.api.BlockNodeService/serverStatus" };
  await eventually(
    async () => await metricValue(metrics, "calls_handled_total", { ...labels, code: "OK" }) === 1,
    "the call counted",
  );
  assert.equal(await metricValue(metrics, "messages_sent_total", labels), 1);
  assert.equal(await metricValue(metrics, "sent_bytes_total", labels), 2);
  assert.equal(await metricValue(metrics, "open_streams", labels), 0);
  assert.equal(await metricValue(metrics, "open_connections"), 1);
});

Deno.test("RpcServer gives raw handlers the received bytes and sends theirs untouched", async () => {
  const { server } = testServer();
  await using _ = server;
  let received: Uint8Array | undefined;
  // Field 99 is unknown, and field 1 comes twice: decoding and encoding again would change both.
  const request = Uint8Array.of(0x98, 0x06, 0x01, 0x08, 0x01, 0x08, 0x02);
  const response = Uint8Array.of(0x08, 0x01, 0x98, 0x06, 0x05, 0x08, 0x04);
  server.add(BlockAccessService, {
    getBlock: {
      raw: true,
      handle: (bytes) => {
        received = bytes;
        return Promise.resolve(response);
      },
    },
  });
  const { port } = await server.listen();
  using client = createClient(BlockAccessService, `127.0.0.1:${port}`);
  assert.deepEqual(new Uint8Array(await client.raw.unary("getBlock", request)), response);
  assert.deepEqual(new Uint8Array(received!), request);
});

Deno.test("RpcServer turns CairnError into its status and code, and hides everything unexpected", async () => {
  const { server, lines } = testServer();
  await using _ = server;
  const thrown = [
    new CairnError("BLOCK_NOT_FOUND", "Cannot read block 9: \ud800 not stored", { hint: "try 8" }),
    new TypeError("secret"),
  ];
  server.add(BlockAccessService, { getBlock: { handle: () => Promise.reject(thrown.shift()) } });
  const { port } = await server.listen();
  using client = createClient(BlockAccessService, `127.0.0.1:${port}`);
  await assert.rejects(client.unary("getBlock", {}), (error: unknown) => {
    assert(error instanceof CairnError);
    assert.equal(error.code, "BLOCK_NOT_FOUND");
    assert.equal(error.detail["grpcCode"], 5);
    assert.match(String(error.detail["peerMessage"]), /^Cannot read block 9: .* not stored; try 8$/);
    return true;
  });
  await assert.rejects(client.unary("getBlock", {}), (error: unknown) => {
    assert(error instanceof CairnError);
    assert.equal(error.code, "INTERNAL");
    assert.equal(error.detail["peerMessage"], "Internal error");
    return true;
  });
  assert.equal(lines.filter(({ level }) => level === "error").length, 1);
});

Deno.test("RpcServer answers UNIMPLEMENTED for methods and services without a handler", async () => {
  const { server } = testServer();
  await using _ = server;
  server.add(BlockNodeService, {});
  const { port } = await server.listen();
  using known = createClient(BlockNodeService, `127.0.0.1:${port}`);
  using unknown = createClient(BlockAccessService, `127.0.0.1:${port}`);
  await assert.rejects(known.unary("serverStatusDetail", {}), withCode("UNIMPLEMENTED"));
  await assert.rejects(unknown.unary("getBlock", {}), withCode("UNIMPLEMENTED"));
});

Deno.test("RpcServer refuses a message that is no protobuf with MALFORMED_MESSAGE", async () => {
  const { server } = testServer();
  await using _ = server;
  server.add(BlockAccessService, {
    getBlock: { handle: () => Promise.resolve(create(BlockResponseSchema)) },
  });
  const { port } = await server.listen();
  using client = createClient(BlockAccessService, `127.0.0.1:${port}`);
  await assert.rejects(
    client.raw.unary("getBlock", Uint8Array.of(0x0a, 0xff)),
    withCode("MALFORMED_MESSAGE"),
  );
  assert.equal((await client.unary("getBlock", {})).status, BlockResponse_Code.UNKNOWN);
});

Deno.test("RpcServer carries a 32 MiB message both ways", async () => {
  const { server } = testServer();
  await using _ = server;
  server.add(BlockStreamPublishService, { publishBlockStream: echo });
  const { port } = await server.listen();
  using client = createClient(BlockStreamPublishService, `127.0.0.1:${port}`);
  const sent = new Uint8Array(32 * MIB);
  for (let i = 0; i < sent.length; i += 4_099) sent[i] = i;
  const stream = client.raw.bidi("publishBlockStream");
  stream.send(sent);
  stream.halfClose();
  const received: Uint8Array[] = [];
  for await (const bytes of stream) received.push(bytes);
  assert.equal(received.length, 1);
  assert.equal(Buffer.compare(received[0]!, sent), 0);
});

Deno.test("RpcServer ends a call whose message is too large with MESSAGE_TOO_LARGE and stays up", async () => {
  const { server, metrics } = testServer({ maxMessageBytes: MIB });
  await using _ = server;
  server.add(BlockStreamPublishService, { publishBlockStream: echo });
  const { port } = await server.listen();
  using client = createClient(BlockStreamPublishService, `127.0.0.1:${port}`);
  const big = client.raw.bidi("publishBlockStream");
  big.send(new Uint8Array(MIB + 1));
  await assert.rejects(async () => {
    for await (const _ of big) assert.fail("an answer");
  }, withCode("MESSAGE_TOO_LARGE"));
  const small = client.raw.bidi("publishBlockStream");
  small.send(new Uint8Array(MIB));
  small.halfClose();
  for await (const bytes of small) assert.equal(bytes.length, MIB);
  const labels = { code: "RESOURCE_EXHAUSTED" };
  await eventually(
    async () => await metricValue(metrics, "calls_handled_total", labels) === 1,
    "the refusal counted",
  );
});

Deno.test("RpcServer refuses to send a message above the limit with MESSAGE_TOO_LARGE", async () => {
  const { server } = testServer({ maxMessageBytes: MIB });
  await using _ = server;
  server.add(BlockAccessService, {
    getBlock: { raw: true, handle: () => Promise.resolve(new Uint8Array(MIB + 1)) },
  });
  const { port } = await server.listen();
  using client = createClient(BlockAccessService, `127.0.0.1:${port}`);
  await assert.rejects(client.raw.unary("getBlock", new Uint8Array(0)), withCode("MESSAGE_TOO_LARGE"));
});

Deno.test("RpcServer streams answers and respects a reader that is slow", async () => {
  const { server } = testServer();
  await using _ = server;
  const total = 64;
  let sent = 0;
  let waits = 0;
  server.add(BlockStreamSubscribeService, {
    subscribeBlockStream: {
      raw: true,
      handle: async (_request, sender) => {
        for (; sent < total; sent++) {
          if (sender.send(new Uint8Array(MIB))) continue;
          waits++;
          await sender.drained();
        }
      },
    },
  });
  const { port } = await server.listen();
  using client = createClient(BlockStreamSubscribeService, `127.0.0.1:${port}`);
  const iterator = client.raw.serverStream("subscribeBlockStream", new Uint8Array(0))[Symbol.asyncIterator]();
  await iterator.next();
  await eventually(() => waits > 0, "the handler waiting");
  await new Promise((resolve) => setTimeout(resolve, 200));
  // The client's window of 8 MiB, 16 messages in its stream object, and the high-water mark: far from all.
  assert(sent < total * 0.75, `sent ${sent}`);
  let received = 1;
  while (!(await iterator.next()).done) received++;
  assert.equal(received, total);
});

Deno.test("BidiCall.pause() holds the peer back until resume()", async () => {
  const { server, metrics } = testServer();
  await using _ = server;
  let paused: BidiCall<Uint8Array> | undefined;
  let received = 0;
  server.add(BlockStreamPublishService, {
    publishBlockStream: {
      raw: true,
      handle: (call) => ({
        message() {
          if (received++ > 0) return;
          paused = call;
          call.pause();
        },
        halfClosed: () => call.end(),
        closed: () => {},
      }),
    },
  });
  const { port } = await server.listen();
  await using proxy = await countingProxy(port);
  using client = createClient(BlockStreamPublishService, `127.0.0.1:${proxy.port}`);
  const stream = client.raw.bidi("publishBlockStream");
  const total = 32;
  for (let written = 0; written < total; written++) stream.send(new Uint8Array(MIB));
  stream.halfClose();
  await eventually(() => paused !== undefined, "the first message");
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(received, 1);
  // The message, the window of the call behind it, and what was on its way.
  assert(proxy.bytes() < 4 * MIB, `${proxy.bytes()} bytes got through`);
  paused!.resume();
  for await (const _ of stream) assert.fail("an answer");
  assert.equal(received, total);
  assert.equal(await metricValue(metrics, "messages_received_total"), total);
});

Deno.test("RpcServer aborts the signal and calls closed() once when the peer cancels", async () => {
  const { server, metrics } = testServer();
  await using _ = server;
  const closed = Promise.withResolvers<CallContext>();
  let times = 0;
  server.add(BlockStreamPublishService, {
    publishBlockStream: {
      raw: true,
      handle: (call) => ({
        message: () => {},
        halfClosed: () => {},
        closed() {
          times++;
          closed.resolve(call.context);
        },
      }),
    },
  });
  const { port } = await server.listen();
  using client = createClient(BlockStreamPublishService, `127.0.0.1:${port}`);
  const abort = new AbortController();
  const stream = client.raw.bidi("publishBlockStream", {
    signal: abort.signal,
    metadata: { "hiero-correlation-id": "x".repeat(80) },
  });
  stream.send(new Uint8Array(1));
  await eventually(() => server.openCalls === 1, "the call");
  abort.abort(new Error("enough"));
  await assert.rejects(async () => {
    for await (const _ of stream) assert.fail("an answer");
  }, /enough/);
  const context = await closed.promise;
  assert(context.signal.aborted);
  assert.equal(context.requestId, "x".repeat(64));
  assert.equal(context.metadata.get("hiero-correlation-id"), "x".repeat(80));
  await eventually(() => server.openCalls === 0, "no call");
  assert.equal(times, 1);
  assert.equal(await metricValue(metrics, "calls_handled_total", { code: "CANCELLED" }), 1);
});

Deno.test("RpcServer ends calls at the peer's deadline, and unary calls at its own", async () => {
  const { server, metrics } = testServer({ requestTimeoutMs: 100 });
  await using _ = server;
  const aborted: boolean[] = [];
  server.add(BlockNodeService, {
    serverStatus: {
      handle: async (_request, { signal }) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        aborted.push(signal.aborted);
        return STATUS;
      },
    },
  });
  const { port } = await server.listen();
  using client = createClient(BlockNodeService, `127.0.0.1:${port}`);
  await assert.rejects(client.unary("serverStatus", {}), withCode("DEADLINE_EXCEEDED"));
  await assert.rejects(client.unary("serverStatus", {}, { timeoutMs: 20 }), withCode("DEADLINE_EXCEEDED"));
  await eventually(() => aborted.length === 2, "both handlers aborted");
  await eventually(() => server.openCalls === 0, "no call");
  assert(await metricValue(metrics, "calls_handled_total", { code: "DEADLINE_EXCEEDED" }) >= 1);
});

Deno.test("RpcServer refuses calls above maxStreams with TOO_MANY_STREAMS", async () => {
  const { server, metrics } = testServer({ maxStreams: 2 });
  await using _ = server;
  server.add(BlockStreamPublishService, { publishBlockStream: echo });
  const { port } = await server.listen();
  using client = createClient(BlockStreamPublishService, `127.0.0.1:${port}`);
  const held = [1, 2].map(() => client.raw.bidi("publishBlockStream"));
  await eventually(() => server.openCalls === 2, "two calls");
  const third = client.raw.bidi("publishBlockStream");
  await assert.rejects(async () => {
    for await (const _ of third) assert.fail("an answer");
  }, withCode("TOO_MANY_STREAMS"));
  assert.equal(await metricValue(metrics, "calls_refused_total", { reason: "limit" }), 1);
  for (const stream of held) stream.halfClose();
  await eventually(() => server.openCalls === 0, "no call");
  const next = client.raw.bidi("publishBlockStream");
  next.halfClose();
  for await (const _ of next) assert.fail("an answer");
});

Deno.test("RpcServer announces its limits in SETTINGS", async () => {
  const { server } = testServer({ maxStreamsPerConnection: 17 });
  await using _ = server;
  const { port } = await server.listen();
  const session = connect(`http://127.0.0.1:${port}`);
  const settings = await new Promise<Record<string, unknown>>((resolve) =>
    session.once("remoteSettings", (settings) => resolve({ ...settings }))
  );
  assert.equal(settings["maxConcurrentStreams"], 17);
  assert.equal(settings["initialWindowSize"], MIB);
  assert.equal(settings["maxHeaderListSize"], 8_192);
  await new Promise<void>((resolve) => session.close(resolve));
});

Deno.test("RpcServer.stop() lets calls in flight finish, then says GOAWAY", async () => {
  const { server } = testServer();
  const gate = Promise.withResolvers<void>();
  server.add(BlockNodeService, {
    serverStatus: {
      handle: async () => {
        await gate.promise;
        return STATUS;
      },
    },
  });
  server.add(BlockStreamPublishService, { publishBlockStream: echo });
  const { port } = await server.listen();
  using client = createClient(BlockNodeService, `127.0.0.1:${port}`);
  const session = connect(`http://127.0.0.1:${port}`);
  const goaway = new Promise<number>((resolve) => session.once("goaway", resolve));
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  const answer = client.unary("serverStatus", {});
  await eventually(() => server.openCalls === 1, "the call");
  const stopped = server.stop({ graceMs: 5_000 });
  assert.equal(server.stop(), stopped);
  await assert.rejects(client.unary("serverStatus", {}), withCode("SHUTTING_DOWN"));
  gate.resolve();
  assert.equal((await answer).lastAvailableBlock, 7n);
  assert.equal(await goaway, 0);
  await stopped;
});

Deno.test("createClient() calls fail with PEER_UNAVAILABLE when nobody listens, and a closed client dials no more", async () => {
  const { server } = testServer();
  const { host, port } = await server.listen();
  await server.stop();
  {
    using client = createClient(BlockNodeService, `${host}:${port}`);
    for (let i = 0; i < 2; i++) {
      await assert.rejects(client.unary("serverStatus", {}), withCode("PEER_UNAVAILABLE"));
    }
  }
  const listener = Deno.listen({ hostname: host, port });
  const dialled = listener.accept().then((connection) => connection.close(), () => "nobody");
  // The library's first back-off is a second, give or take a fifth.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  listener.close();
  assert.equal(await dialled, "nobody");
});

Deno.test("RpcServer.stop() ends calls that outlive the grace time with SHUTTING_DOWN", async () => {
  const { server, lines } = testServer();
  server.add(BlockStreamPublishService, { publishBlockStream: echo });
  const { port } = await server.listen();
  using client = createClient(BlockStreamPublishService, `127.0.0.1:${port}`);
  const stream = client.raw.bidi("publishBlockStream");
  stream.send(new Uint8Array(1));
  const answers = stream[Symbol.asyncIterator]();
  await answers.next();
  await server.stop({ graceMs: 20 });
  await assert.rejects(async () => await answers.next(), withCode("SHUTTING_DOWN"));
  assert(lines.some(({ level, message }) => level === "warn" && message === "Calls cut at stop"));
});

Deno.test("RpcServer.listen() refuses an address in use with ADDRESS_IN_USE", async () => {
  const { server } = testServer();
  await using _ = server;
  const { port } = await server.listen();
  const { server: second } = testServer({ address: `127.0.0.1:${port}` });
  await using _second = second;
  await assert.rejects(second.listen(), withCode("ADDRESS_IN_USE"));
});

Deno.test("RpcServer.setHealth() is what Check answers and Watch reports", async () => {
  const { server } = testServer();
  server.add(BlockNodeService, {});
  const { port } = await server.listen();
  using client = createClient(Health, `127.0.0.1:${port}`);
  assert.equal((await client.unary("check", {})).status, 2);
  server.setHealth("", "SERVING");
  assert.equal((await client.unary("check", {})).status, 1);
  assert.equal((await client.unary("check", { service: BlockNodeService.typeName })).status, 2);
  await assert.rejects(client.unary("check", { service: "no.Such" }), withCode("SERVICE_UNKNOWN"));
  const watch = client.serverStream("watch", { service: BlockNodeService.typeName })[Symbol.asyncIterator]();
  assert.equal((await watch.next()).value?.status, 2);
  server.setHealth(BlockNodeService.typeName, "SERVING");
  assert.equal((await watch.next()).value?.status, 1);
  const stopped = server.stop();
  assert.equal((await watch.next()).value?.status, 2);
  assert.equal((await watch.next()).done, true);
  await stopped;
});

Deno.test("createClient() encodes and decodes streams with the generated code", async () => {
  const { server } = testServer();
  await using _ = server;
  server.add(BlockStreamSubscribeService, {
    subscribeBlockStream: {
      handle: (request, sender) => {
        for (let n = request.startBlockNumber; n <= request.endBlockNumber; n++) {
          sender.send(create(SubscribeStreamResponseSchema, {
            response: { case: "endOfBlock", value: { blockNumber: n } },
          }));
        }
        return Promise.resolve();
      },
    },
  });
  const { port } = await server.listen();
  using client = createClient(BlockStreamSubscribeService, `127.0.0.1:${port}`);
  const numbers: bigint[] = [];
  for await (
    const { response } of client.serverStream("subscribeBlockStream", {
      startBlockNumber: 3n,
      endBlockNumber: 5n,
    })
  ) if (response.case === "endOfBlock") numbers.push(response.value.blockNumber);
  assert.deepEqual(numbers, [3n, 4n, 5n]);
});

Deno.test("BlockRequest round-trips through the generated code", () => {
  const request = create(BlockRequestSchema, {
    blockSpecifier: { case: "blockNumber", value: 2n ** 64n - 1n },
  });
  const bytes = toBinary(BlockRequestSchema, request);
  assert.equal(bytes[0], 0x08);
  assert.deepEqual(fromBinary(BlockRequestSchema, bytes), request);
});
