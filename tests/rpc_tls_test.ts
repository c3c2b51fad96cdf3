import assert from "node:assert/strict";
import { connect } from "node:net";
import { create } from "@bufbuild/protobuf";
import {
  BlockNodeService,
  ServerStatusResponseSchema,
} from "../proto/gen/org/hiero/block/api/node_service_pb.ts";
import { CairnError } from "../src/kernel/errors.ts";
import { metricValue, testServer } from "../src/rpc/_testing.ts";
import { createClient } from "../src/rpc/client.ts";
import type { ClientTls } from "../src/rpc/client.ts";

async function openssl(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args, stdout: "null", stderr: "piped" })
    .output();
  if (!success) throw new Error(`Cannot run openssl ${args[0]}: ${new TextDecoder().decode(stderr)}`);
}

const ignore = await openssl("version").then(() => false, () => true);
const name = (text: string) => `${text} (needs openssl)`;

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** An authority with a server and a client certificate, and a stranger, in a temporary directory. */
async function makeCertificates(): Promise<AsyncDisposable & { path(file: string): string }> {
  const dir = await Deno.makeTempDir();
  const path = (file: string) => `${dir}/${file}`;
  const selfSigned = (who: string) =>
    openssl(
      "req",
      "-x509",
      ...NEW_KEY,
      "-keyout",
      path(`${who}.key`),
      "-out",
      path(`${who}.crt`),
      "-subj",
      `/CN=${who}`,
    );
  await selfSigned("ca");
  await selfSigned("stranger");
  await Deno.writeTextFile(path("san.cnf"), "subjectAltName=IP:127.0.0.1,DNS:node.example");
  for (const who of ["server", "client"]) {
    await openssl(
      "req",
      ...NEW_KEY,
      "-keyout",
      path(`${who}.key`),
      "-out",
      path(`${who}.csr`),
      "-subj",
      `/CN=${who}`,
    );
    await openssl(
      ...["x509", "-req", "-in", path(`${who}.csr`), "-CA", path("ca.crt"), "-CAkey", path("ca.key")],
      ...["-CAcreateserial", "-out", path(`${who}.crt`), "-extfile", path("san.cnf")],
    );
  }
  return { path, [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
}

function statusServer(tls: Record<string, string>, options: Record<string, unknown> = {}) {
  const made = testServer({ tls, ...options });
  made.server.add(BlockNodeService, {
    serverStatus: {
      handle: () => Promise.resolve(create(ServerStatusResponseSchema, { lastAvailableBlock: 5n })),
    },
  });
  return made;
}

async function ask(port: number, tls: ClientTls): Promise<bigint> {
  using client = createClient(BlockNodeService, `127.0.0.1:${port}`, { tls });
  return (await client.unary("serverStatus", {}, { timeoutMs: 5_000 })).lastAvailableBlock;
}

const unavailable = (error: unknown) => error instanceof CairnError && error.code === "PEER_UNAVAILABLE";

// The gRPC library keeps a reconnect timer for a moment after a client that could not connect is closed; it would be
// laid to whichever test runs then.
const afterFailedConnects = { sanitizeOps: false, sanitizeResources: false };

Deno.test({
  name: name("RpcServer serves TLS to clients that trust its authority, and to no others"),
  ignore,
  ...afterFailedConnects,
  async fn() {
    await using files = await makeCertificates();
    const { server } = statusServer({ cert: files.path("server.crt"), key: files.path("server.key") });
    await using _ = server;
    const { port } = await server.listen();
    const ca = await Deno.readFile(files.path("ca.crt"));
    assert.equal(await ask(port, { ca }), 5n);
    assert.equal(await ask(port, { ca, serverName: "node.example" }), 5n);
    await assert.rejects(ask(port, { ca, serverName: "other.example" }), unavailable);
    await assert.rejects(ask(port, { ca: await Deno.readFile(files.path("stranger.crt")) }), unavailable);
  },
});

Deno.test({
  name: name("RpcServer with clientCa serves only clients with a certificate of that authority"),
  ignore,
  ...afterFailedConnects,
  async fn() {
    await using files = await makeCertificates();
    const { server, metrics } = statusServer({
      cert: files.path("server.crt"),
      key: files.path("server.key"),
      clientCa: files.path("ca.crt"),
    });
    await using _ = server;
    const { port } = await server.listen();
    const read = (file: string) => Deno.readFile(files.path(file));
    const ca = await read("ca.crt");
    assert.equal(await ask(port, { ca, cert: await read("client.crt"), key: await read("client.key") }), 5n);
    await assert.rejects(ask(port, { ca }), unavailable);
    const stranger = { ca, cert: await read("stranger.crt"), key: await read("stranger.key") };
    await assert.rejects(ask(port, stranger), unavailable);
    assert(await metricValue(metrics, "connections_refused_total", { reason: "tls" }) >= 2);
  },
});

Deno.test({
  name: name("RpcServer closes TLS handshakes that are garbage or never finish"),
  ignore,
  ...afterFailedConnects,
  async fn() {
    await using files = await makeCertificates();
    const tls = { cert: files.path("server.crt"), key: files.path("server.key") };
    const { server, metrics } = statusServer(tls, { handshakeTimeoutMs: 150 });
    await using _ = server;
    const { port } = await server.listen();
    for (const bytes of ["GET / HTTP/1.1\r\n\r\n", ""]) {
      await new Promise<void>((resolve) => {
        const socket = connect(port, "127.0.0.1", () => void socket.write(bytes));
        socket.on("error", () => {});
        socket.on("close", () => resolve());
        socket.resume();
      });
    }
    assert.equal(await metricValue(metrics, "connections_refused_total", { reason: "tls" }), 1);
    assert.equal(await metricValue(metrics, "connections_refused_total", { reason: "timeout" }), 1);
    assert.equal(await ask(port, { ca: await Deno.readFile(files.path("ca.crt")) }), 5n);
  },
});

Deno.test({
  name: name("RpcServer.listen() refuses TLS files that are missing or do not belong together"),
  ignore,
  ...afterFailedConnects,
  async fn() {
    await using files = await makeCertificates();
    const invalid = (error: unknown) => error instanceof CairnError && error.code === "CONFIG_INVALID";
    const { server: missing } = statusServer({ cert: files.path("no.crt"), key: files.path("server.key") });
    await using _missing = missing;
    await assert.rejects(missing.listen(), invalid);
    const { server: mixed } = statusServer({ cert: files.path("server.crt"), key: files.path("client.key") });
    await using _mixed = mixed;
    await assert.rejects(mixed.listen(), invalid);
  },
});

Deno.test({
  name: name("RpcServer sees a slow reader through TLS too"),
  ignore,
  ...afterFailedConnects,
  async fn() {
    await using files = await makeCertificates();
    const { server } = testServer({ tls: { cert: files.path("server.crt"), key: files.path("server.key") } });
    await using _ = server;
    const { BlockStreamSubscribeService } = await import(
      "../proto/gen/org/hiero/block/api/block_stream_subscribe_service_pb.ts"
    );
    let sent = 0;
    server.add(BlockStreamSubscribeService, {
      subscribeBlockStream: {
        raw: true,
        handle: async (_request, sender) => {
          for (; sent < 64; sent++) if (!sender.send(new Uint8Array(1_048_576))) await sender.drained();
        },
      },
    });
    const { port } = await server.listen();
    const ca = await Deno.readFile(files.path("ca.crt"));
    using client = createClient(BlockStreamSubscribeService, `127.0.0.1:${port}`, { tls: { ca } });
    const iterator = client.raw.serverStream("subscribeBlockStream", new Uint8Array(0))
      [Symbol.asyncIterator]();
    await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert(sent < 48, `sent ${sent}`);
    let received = 1;
    while (!(await iterator.next()).done) received++;
    assert.equal(received, 64);
  },
});
