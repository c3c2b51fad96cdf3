import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { create } from "@bufbuild/protobuf";
import {
  BlockNodeService,
  ServerStatusResponseSchema,
} from "../proto/gen/org/hiero/block/api/node_service_pb.ts";
import { BlockStreamPublishService } from "../proto/gen/org/hiero/block/api/block_stream_publish_service_pb.ts";
import { eventually, metricValue, testServer } from "../src/rpc/_testing.ts";
import { createClient } from "../src/rpc/client.ts";

const PUBLISH_PATH = "/org.hiero.block.api.BlockStreamPublishService/publishBlockStream";
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** A server with one method of each kind that matters here, and a check that it still answers. */
async function victim(options: Record<string, unknown> = {}) {
  const made = testServer(options);
  made.server.add(BlockNodeService, {
    serverStatus: {
      handle: () => Promise.resolve(create(ServerStatusResponseSchema, { lastAvailableBlock: 3n })),
    },
  });
  made.server.add(BlockStreamPublishService, {
    publishBlockStream: {
      raw: true,
      handle: (call) => ({
        message: (bytes) => void call.send(bytes),
        halfClosed: () => call.end(),
        closed: () => {},
      }),
    },
  });
  const { port } = await made.server.listen();
  const answers = async () => {
    using client = createClient(BlockNodeService, `127.0.0.1:${port}`);
    assert.equal((await client.unary("serverStatus", {})).lastAvailableBlock, 3n);
  };
  return { ...made, port, answers };
}

/** Connects, sends `bytes`, and collects what comes until the server closes. */
function talk(port: number, bytes: Uint8Array | string): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect(port, "127.0.0.1", () => void socket.write(bytes));
    socket.on("data", (chunk) => received += chunk.toString("latin1"));
    socket.on("error", () => {});
    socket.on("close", () => resolve(received));
  });
}

/** Opens `count` silent connections. */
async function openSilent(port: number, count: number): Promise<Socket[]> {
  const opened = Array.from({ length: count }, () =>
    new Promise<Socket>((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(socket));
      socket.on("error", reject);
    }));
  return await Promise.all(opened);
}

Deno.test("RpcServer tells an HTTP/1 client that the port speaks gRPC", async () => {
  const { server, metrics, port, answers } = await victim();
  await using _ = server;
  const answer = await talk(port, "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  assert.match(answer, /^HTTP\/1\.1 505 .*speaks gRPC over HTTP\/2\n$/s);
  assert.equal(await metricValue(metrics, "connections_refused_total", { reason: "not_http2" }), 1);
  await answers();
});

/** Sends one request over HTTP/2 and collects the answer; `keepsSending` leaves the request open. */
async function ask(
  port: number,
  headers: Record<string, string>,
  { body, keepsSending = false }: { body?: Uint8Array; keepsSending?: boolean } = {},
): Promise<{ status: number; grpcStatus: string; text: string }> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request(headers, { endStream: body === undefined });
    const ended = new Promise<void>((resolve, reject) => {
      stream.on("end", resolve);
      stream.on("error", reject);
    });
    const answer = { status: 0, grpcStatus: "", text: "" };
    stream.on("response", (response) => {
      answer.status = Number(response[":status"]);
      answer.grpcStatus = String(response["grpc-status"] ?? "");
    });
    stream.on("data", (chunk) => answer.text += String(chunk));
    if (body !== undefined) stream.write(body);
    if (body !== undefined && !keepsSending) stream.end();
    await ended;
    return answer;
  } finally {
    session.destroy();
  }
}

Deno.test("RpcServer answers HTTP/2 requests that are no gRPC with 415 or 405, counts them, and goes on", async () => {
  const { server, metrics, port, answers } = await victim();
  await using _ = server;
  const path = "/org.hiero.block.api.BlockNodeService/serverStatus";
  const text = "This port speaks gRPC over HTTP/2\n";
  const body = new TextEncoder().encode("{}");
  const post = { ":method": "POST", ":path": path };
  const foreign = [
    await ask(port, { ":method": "GET", ":path": path }),
    await ask(port, { ":method": "GET", ":path": "/" }),
    await ask(port, { ...post, "content-type": "application/json" }, { body }),
    await ask(port, { ...post, "content-type": "application/grpc-web+proto" }, { body }),
    await ask(port, { ...post, "content-type": "application/json" }, {
      body: new Uint8Array(100_000),
      keepsSending: true,
    }),
  ];
  for (const answer of foreign) assert.deepEqual(answer, { status: 415, grpcStatus: "3", text });
  const get = await ask(port, { ":method": "GET", ":path": path, "content-type": "application/grpc" });
  assert.deepEqual(get, { status: 405, grpcStatus: "13", text });
  assert.equal(await metricValue(metrics, "calls_refused_total", { reason: "not_grpc" }), 6);
  // A path nobody serves is gRPC's own affair.
  const nothing = await ask(port, { ...post, ":path": "/nothing", "content-type": "application/grpc+proto" });
  assert.deepEqual(nothing, { status: 200, grpcStatus: "12", text: "" });
  assert.equal(server.openCalls, 0);
  await answers();
});

Deno.test("RpcServer closes on garbage, before and after the preface", async () => {
  const { server, port, answers } = await victim();
  await using _ = server;
  const noise = crypto.getRandomValues(new Uint8Array(4_096));
  assert.equal(await talk(port, noise.with(0, 0x00)), "");
  assert.match(await talk(port, `PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n`), /^HTTP\/1\.1 505 /);
  await talk(port, Buffer.concat([Buffer.from(PREFACE), Buffer.from(noise)]));
  // A SETTINGS frame whose length is not a multiple of six (RFC 9113 section 6.5).
  await talk(
    port,
    Buffer.concat([Buffer.from(PREFACE), Buffer.from([0, 0, 5, 4, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5])]),
  );
  await answers();
});

Deno.test("RpcServer takes a preface that arrives byte by byte", async () => {
  const { server, port } = await victim();
  await using _ = server;
  const socket = connect(port, "127.0.0.1");
  const first = new Promise<Uint8Array>((resolve) => socket.once("data", resolve));
  for (const byte of Buffer.from(PREFACE)) {
    socket.write(Uint8Array.of(byte));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  socket.write(Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0));
  assert.equal((await first)[3], 4, "the server's SETTINGS");
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.destroy();
  await closed;
});

Deno.test("RpcServer closes connections that never finish their preface or SETTINGS", async () => {
  const { server, metrics, port, answers } = await victim({ handshakeTimeoutMs: 150 });
  await using _ = server;
  assert.equal(await talk(port, ""), "");
  assert.equal(await talk(port, PREFACE.slice(0, 10)), "");
  await talk(port, PREFACE);
  assert.equal(await metricValue(metrics, "connections_refused_total", { reason: "timeout" }), 3);
  await eventually(async () => await metricValue(metrics, "open_connections") === 0, "no connection");
  await answers();
});

Deno.test("RpcServer refuses connections above maxConnections with GOAWAY and serves again when there is room", async () => {
  const { server, metrics, port, answers } = await victim({ maxConnections: 5 });
  await using _ = server;
  const held = await openSilent(port, 5);
  await eventually(async () => await metricValue(metrics, "open_connections") === 5, "five connections");
  const answer = Buffer.from(await talk(port, ""), "latin1");
  assert.deepEqual([...answer.subarray(0, 5)], [0, 0, 0, 4, 0], "SETTINGS");
  assert.equal(answer[9 + 3], 7, "GOAWAY");
  assert.equal(answer.readUInt32BE(9 + 9 + 4), 11, "ENHANCE_YOUR_CALM");
  assert.equal(await metricValue(metrics, "connections_refused_total", { reason: "limit" }), 1);
  for (const socket of held) socket.destroy();
  await eventually(async () => await metricValue(metrics, "open_connections") === 0, "no connection");
  await answers();
});

Deno.test("RpcServer holds a thousand half-open connections and drops them when their time is over", async () => {
  const { server, metrics, port, answers } = await victim({
    maxConnections: 1_100,
    handshakeTimeoutMs: 3_000,
  });
  await using _ = server;
  const sockets = await openSilent(port, 1_000);
  const closed = sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
  await eventually(
    async () => await metricValue(metrics, "open_connections") >= 1_000,
    "a thousand connections",
  );
  await answers();
  for (const socket of sockets) socket.resume();
  await Promise.all(closed);
  assert.equal(await metricValue(metrics, "connections_refused_total", { reason: "timeout" }), 1_000);
  await answers();
});

Deno.test("RpcServer survives a thousand streams that never send, and forgets them when they are gone", async () => {
  const { server, metrics, port, answers } = await victim({ maxStreamsPerConnection: 1_000 });
  await using _ = server;
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  const headers = {
    ":method": "POST",
    ":path": PUBLISH_PATH,
    "content-type": "application/grpc",
    te: "trailers",
  };
  const streams = Array.from({ length: 1_000 }, () => session.request(headers));
  for (const stream of streams) stream.on("error", () => {});
  await eventually(() => server.openCalls === 1_000, "a thousand calls");
  assert.equal(await metricValue(metrics, "open_streams"), 1_000);
  await answers();
  for (const stream of streams.slice(0, 500)) stream.close(8);
  await eventually(() => server.openCalls === 500, "half of the calls");
  session.destroy();
  await eventually(() => server.openCalls === 0, "no call");
  await eventually(async () => await metricValue(metrics, "open_streams") === 0, "no stream");
  await answers();
});

Deno.test("RpcServer ends a unary call whose request never comes with DEADLINE_EXCEEDED", async () => {
  const { server, port } = await victim({ requestTimeoutMs: 100 });
  await using _ = server;
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const stream = session.request({
    ":method": "POST",
    ":path": "/org.hiero.block.api.BlockNodeService/serverStatus",
    "content-type": "application/grpc",
    te: "trailers",
  });
  const headers = await new Promise<Record<string, unknown>>((resolve) =>
    stream.once("response", (headers) => resolve({ ...headers }))
  );
  assert.equal(String(headers["grpc-status"]), "4");
  assert.equal(headers["cairn-code"], "DEADLINE_EXCEEDED");
  stream.close();
  await new Promise<void>((resolve) => session.close(resolve));
});

Deno.test("RpcServer answers broken gRPC framing and compression with a status", async () => {
  const { server, port, answers } = await victim();
  await using _ = server;
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const ask = (path: string, body: Uint8Array, extra: Record<string, string> = {}) =>
    new Promise<Record<string, unknown>>((resolve) => {
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
        ...extra,
      });
      const seen: Record<string, unknown> = {};
      stream.on("response", (headers) => Object.assign(seen, headers));
      stream.on("trailers", (trailers) => Object.assign(seen, trailers));
      stream.on("error", () => {});
      stream.on("close", () => resolve(seen));
      stream.resume();
      stream.end(body);
    });
  const status = "/org.hiero.block.api.BlockNodeService/serverStatus";
  assert.equal(String((await ask(status, new Uint8Array(0)))["grpc-status"]), "3", "no message");
  assert.equal(String((await ask(status, Uint8Array.of(0, 0, 0)))["grpc-status"]), "3", "half a prefix");
  const twice = new Uint8Array(10);
  assert.equal(String((await ask(status, twice))["grpc-status"]), "3", "two messages");
  const huge = Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff);
  assert.equal(String((await ask(PUBLISH_PATH, huge))["grpc-status"]), "8", "4 GiB announced");
  const squeezed = Uint8Array.of(1, 0, 0, 0, 2, 7, 7);
  const bad = await ask(PUBLISH_PATH, squeezed, { "grpc-encoding": "gzip" });
  assert.equal(String(bad["grpc-status"]), "13", "no gzip");
  const foreign = await ask(PUBLISH_PATH, squeezed, { "grpc-encoding": "snappy" });
  assert.equal(String(foreign["grpc-status"]), "12", "unknown compression");
  const plain = await ask(status, new Uint8Array(5), { "content-type": "text/plain" });
  assert.equal(plain[":status"], 415, "no gRPC request, no status that looks like success");
  await new Promise<void>((resolve) => session.close(resolve));
  await answers();
});
