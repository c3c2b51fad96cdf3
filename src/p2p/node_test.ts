import assert from "node:assert/strict";
import { eventually, NEVER, startMesh, testNode } from "./_testing.ts";
import type { PeerEvent, RequestHandler } from "./types.ts";

const TOPIC = "test/1";
const PROTOCOL = "/test/echo/1.0.0";
const ASK = { signal: NEVER, maxAnswerBytes: 1_000, timeoutMs: 5_000 };

async function metric(
  { metrics }: ReturnType<typeof testNode>,
  name: string,
  labels: Record<string, string> = {},
): Promise<number> {
  const found = await metrics.registry.getSingleMetric(`${metrics.prefix}${name}`)!.get();
  return found.values
    .filter((value) => Object.entries(labels).every(([key, text]) => Reflect.get(value.labels, key) === text))
    .reduce((sum, { value }) => sum + value, 0);
}

Deno.test("P2pNode.publish() reaches every handler of a topic once, with who sent and who signed", async () => {
  await using a = testNode();
  await using b = testNode();
  await using c = testNode();
  const seen: Record<string, string[]> = { a: [], b: [], c: [] };
  for (const [name, { node }] of Object.entries({ a, b, c })) {
    node.subscribe(TOPIC, ({ data, from, author }) => {
      seen[name]!.push(`${new TextDecoder().decode(data)} ${from} ${author}`);
      return "accept";
    });
  }
  await startMesh([a.node, b.node, c.node], TOPIC);
  // b and c know only a: what b says reaches c through a.
  await b.node.publish(TOPIC, new TextEncoder().encode("hello"));
  await eventually(() => seen.a!.length === 1 && seen.c!.length === 1, "the message at a and c");
  assert.deepEqual(seen, {
    a: [`hello ${b.node.id} ${b.node.id}`],
    b: [],
    c: [`hello ${a.node.id} ${b.node.id}`],
  });
  assert.equal(await metric(c, "gossip_received_total", { topic: TOPIC, verdict: "accept" }), 1);
  assert.equal(await metric(b, "gossip_published_total", { topic: TOPIC }), 1);
});

Deno.test("P2pNode does not pass on what its handler ignores, nor what it rejects, and rejection costs score", async () => {
  await using a = testNode();
  await using b = testNode();
  await using c = testNode();
  const passed: string[] = [];
  const text = (data: Uint8Array) => new TextDecoder().decode(data);
  a.node.subscribe(
    TOPIC,
    ({ data }) => text(data) === "bad" ? "reject" : text(data) === "dull" ? "ignore" : "accept",
  );
  b.node.subscribe(TOPIC, () => "accept");
  c.node.subscribe(TOPIC, ({ data }) => {
    passed.push(text(data));
    return "accept";
  });
  await startMesh([a.node, b.node, c.node], TOPIC);
  await b.node.publish(TOPIC, new TextEncoder().encode("dull"));
  await eventually(
    async () => await metric(a, "gossip_received_total", { verdict: "ignore" }) === 1,
    "one ignored",
  );
  const before = a.node.score(b.node.id);
  await b.node.publish(TOPIC, new TextEncoder().encode("bad"));
  await eventually(() => a.node.score(b.node.id) < before - 1, "a lower score");
  await b.node.publish(TOPIC, new TextEncoder().encode("good"));
  await eventually(() => passed.length > 0, "the good one");
  assert.deepEqual(passed, ["good"]);
});

Deno.test("P2pNode keeps a peer away that floods it with junk, and lets it back in when the ban is over", async () => {
  await using a = testNode({ banMs: 500 });
  await using b = testNode();
  a.node.subscribe(TOPIC, () => "reject");
  b.node.subscribe(TOPIC, () => "accept");
  await startMesh([a.node, b.node], TOPIC);
  const events: PeerEvent["kind"][] = [];
  b.node.onPeer(({ kind }) => events.push(kind));
  for (let i = 0; i < 200; i++) await b.node.publish(TOPIC, Uint8Array.of(i));
  await eventually(() => events.includes("disconnected"), "the flooder cut off");
  assert.equal(await metric(a, "bans_total"), 1);
  await assert.rejects(async () => {
    await b.node.dial(a.node.addresses[0]!, NEVER);
    // A refusal after the handshake shows as a connection that is gone at once.
    await eventually(() => b.node.peers().length === 0, "the connection refused");
    throw new Error("refused");
  });
  // Junk above the graylist's bound was not even looked at: five invalid messages are enough.
  const looked = await metric(a, "gossip_received_total", { verdict: "reject" });
  assert(looked >= 5 && looked <= 200, `${looked} messages were looked at`);
  await eventually(async () => {
    await b.node.dial(a.node.addresses[0]!, NEVER).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    return a.node.peers().length === 1;
  }, "the peer back");
});

Deno.test("P2pNode.publish() refuses what is too large, and a peer that sends it anyway loses score", async () => {
  await using a = testNode({ maxMessageBytes: 10_000 });
  await using b = testNode({ maxMessageBytes: 30_000 });
  a.node.subscribe(TOPIC, () => "accept");
  b.node.subscribe(TOPIC, () => "accept");
  await startMesh([a.node, b.node], TOPIC);
  await assert.rejects(a.node.publish(TOPIC, new Uint8Array(9_489)), { code: "MESSAGE_TOO_LARGE" });
  const before = a.node.score(b.node.id);
  await b.node.publish(TOPIC, new Uint8Array(20_000));
  await eventually(() => a.node.score(b.node.id) < before - 1, "a lower score");
  assert.equal(await metric(a, "gossip_received_total", { verdict: "reject" }), 1);
});

Deno.test("P2pNode.penalise() lowers a score within a second, counts the reason, and fades", async () => {
  await using a = testNode();
  await using b = testNode();
  await startMesh([a.node, b.node]);
  a.node.subscribe(TOPIC, () => "accept");
  b.node.subscribe(TOPIC, () => "accept");
  await eventually(() => a.node.peers()[0]?.topics.length === 1, "the subscription");
  a.node.penalise(b.node.id, 50, "lied");
  await eventually(() => a.node.score(b.node.id) < -30, "a lower score");
  assert.equal(await metric(a, "penalties_total", { reason: "lied" }), 1);
  await eventually(() => a.node.score(b.node.id) > -30, "a better score");
});

const echo: RequestHandler = {
  maxRequestBytes: 1_000,
  maxConcurrent: 4,
  timeoutMs: 500,
  handle: (request) => request,
};

Deno.test("P2pNode.request() brings the answer of the peer asked", async () => {
  await using a = testNode();
  await using b = testNode();
  let asked = "";
  await a.node.serve(PROTOCOL, {
    ...echo,
    handle: (request, from) => {
      asked = from;
      return Uint8Array.from([...request, 9]);
    },
  });
  await startMesh([a.node, b.node]);
  assert.deepEqual([...await b.node.request(a.node.id, PROTOCOL, Uint8Array.of(1, 2), ASK)], [1, 2, 9]);
  assert.equal(asked, b.node.id);
  assert.deepEqual([...await b.node.request(a.node.id, PROTOCOL, new Uint8Array(0), ASK)], [9]);
  assert.equal(await metric(a, "requests_total", { direction: "in", result: "ok" }), 2);
});

Deno.test("P2pNode.request() fails with a code for each reason", async () => {
  await using a = testNode();
  await using b = testNode();
  await a.node.serve(PROTOCOL, echo);
  await a.node.serve("/test/large/1.0.0", { ...echo, handle: () => new Uint8Array(5_000) });
  await a.node.serve("/test/slow/1.0.0", {
    ...echo,
    timeoutMs: 60_000,
    handle: (_request, _from, signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  await a.node.serve("/test/fails/1.0.0", {
    ...echo,
    handle: () => {
      throw new Error("secret");
    },
  });
  await startMesh([a.node, b.node]);
  const ask = (protocol: string, bytes = 1, options = {}) =>
    b.node.request(a.node.id, protocol, new Uint8Array(bytes), { ...ASK, ...options });
  await assert.rejects(ask("/test/none/1.0.0"), { code: "PEER_UNAVAILABLE" });
  await assert.rejects(ask("/test/large/1.0.0"), { code: "MESSAGE_TOO_LARGE" });
  await assert.rejects(ask("/test/slow/1.0.0", 1, { timeoutMs: 100 }), { code: "DEADLINE_EXCEEDED" });
  await assert.rejects(ask("/test/fails/1.0.0"), (error: Error) => !error.message.includes("secret"));
  await assert.rejects(ask(PROTOCOL, 1_001), { code: "PEER_UNAVAILABLE" });
  await eventually(
    async () => await metric(a, "requests_total", { result: "oversize" }) === 1,
    "an oversize request",
  );
  await assert.rejects(b.node.request(b.node.id, PROTOCOL, new Uint8Array(1), ASK), {
    code: "PEER_UNAVAILABLE",
  });
  const cancelled = new AbortController();
  const waiting = b.node.request(a.node.id, "/test/slow/1.0.0", new Uint8Array(1), {
    ...ASK,
    signal: cancelled.signal,
  });
  cancelled.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  // The connection lives through all of it.
  assert.equal((await ask(PROTOCOL)).length, 1);
});

Deno.test("P2pNode.request() carries answers of megabytes", async () => {
  await using a = testNode();
  await using b = testNode();
  const large = crypto.getRandomValues(new Uint8Array(65_536));
  const answer = new Uint8Array(64 * large.length).map((_, i) => large[i % large.length]!);
  await a.node.serve(PROTOCOL, { ...echo, timeoutMs: 20_000, handle: () => answer });
  await startMesh([a.node, b.node]);
  const got = await b.node.request(a.node.id, PROTOCOL, new Uint8Array(1), {
    ...ASK,
    maxAnswerBytes: answer.length,
    timeoutMs: 20_000,
  });
  assert.equal(got.length, answer.length);
  assert(got.every((byte, i) => byte === answer[i]));
});

Deno.test("P2pNode.keepConnected() dials until the peer is there, and again when it comes back", async () => {
  await using b = testNode();
  let address: string;
  {
    await using first = testNode();
    await first.node.start(NEVER);
    address = first.node.addresses[0]!.replace(/\/p2p\/.*/, "");
  }
  await b.node.start(NEVER);
  b.node.keepConnected(address);
  await eventually(async () => await metric(b, "dials_total", { result: "failed" }) >= 2, "failed dials");
  const events: PeerEvent["kind"][] = [];
  b.node.onPeer(({ kind }) => events.push(kind));
  for (let round = 0; round < 2; round++) {
    await using again = testNode({ listen: [address] });
    await again.node.start(NEVER);
    await eventually(() => again.node.peers().length === 1, "the connection");
  }
  await eventually(() => events.length >= 4, "both rounds");
  assert.deepEqual(events.slice(0, 4), ["connected", "disconnected", "connected", "disconnected"]);
  assert.equal(
    b.log.lines.filter(({ level, message }) => level === "info" && message === "Peer not reached").length >=
      1,
    true,
  );
});

Deno.test("P2pNode closes connections beyond its limit", async () => {
  await using hub = testNode({ maxConnections: 2 });
  const others = [testNode(), testNode(), testNode(), testNode()];
  await using stack = new AsyncDisposableStack();
  for (const other of others) stack.use(other);
  await hub.node.start(NEVER);
  for (const { node } of others) {
    await node.start(NEVER);
    await node.dial(hub.node.addresses[0]!, NEVER).catch(() => {});
  }
  assert.equal(hub.node.peers().length, 2);
  assert.equal(await metric(hub, "connections_refused_total", { reason: "limit" }), 2);
});

Deno.test("P2pNode.start() says in one line why it cannot", async () => {
  await using a = testNode();
  await a.node.start(NEVER);
  const taken = a.node.addresses[0]!.replace(/\/p2p\/.*/, "");
  const cases: [Record<string, unknown>, string][] = [
    [{ listen: ["/ip4/127.0.0.1/tcp/x"] }, "P2P_MULTIADDR_INVALID"],
    [{ listen: [taken] }, "ADDRESS_IN_USE"],
    [{ listen: ["/ip4/192.0.2.1/tcp/1"] }, "P2P_TRANSPORT_FAILED"],
    [{ listen: ["/ip4/127.0.0.1/udp/0/quic-v1"] }, "P2P_TRANSPORT_FAILED"],
    [{ identityFile: "/dev/null" }, "P2P_IDENTITY_INVALID"],
  ];
  for (const [options, code] of cases) {
    await using b = testNode(options);
    await assert.rejects(b.node.start(NEVER), { name: "CairnError", code }, JSON.stringify(options));
  }
  assert.throws(() => a.node.keepConnected("127.0.0.1:1"), { code: "P2P_MULTIADDR_INVALID" });
  await assert.rejects(a.node.dial(taken.replace(/\d+$/, "1"), NEVER), { code: "P2P_DIAL_FAILED" });
  await assert.rejects(a.node.dial("/ip4/192.0.2.1/tcp/1", NEVER), { code: "P2P_DIAL_FAILED" });
});

Deno.test("P2pNode keeps its identity in a private file, and refuses one that others can read", async () => {
  const dir = await Deno.makeTempDir();
  const identityFile = `${dir}/keys/node.key`;
  const ids: string[] = [];
  for (let round = 0; round < 2; round++) {
    await using a = testNode({ identityFile });
    await a.node.start(NEVER);
    ids.push(a.node.id);
  }
  assert.equal(ids[0], ids[1]);
  assert.equal((await Deno.stat(identityFile)).mode! & 0o777, 0o600);
  await Deno.chmod(identityFile, 0o640);
  await using b = testNode({ identityFile });
  await assert.rejects(b.node.start(NEVER), { code: "P2P_IDENTITY_INVALID", message: /mode is 640/ });
  await Deno.remove(dir, { recursive: true });
});

Deno.test("A process with a stopped P2pNode ends by itself, with no permission but for its network", async () => {
  const url = (path: string) => new URL(path, import.meta.url).href;
  const program = `
    import { startMesh, testNode } from ${JSON.stringify(url("./_testing.ts"))};
    const [a, b] = [testNode(), testNode()];
    for (const { node } of [a, b]) node.subscribe("t", () => "accept");
    await startMesh([a.node, b.node], "t");
    for (const { node } of [a, b]) await node[Symbol.asyncDispose]();
    console.log("stopped");
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-check",
      "--no-prompt",
      "--ignore-env",
      "--allow-net=127.0.0.1",
      "--allow-read",
      "-",
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { code, stdout } = await child.output();
  clearTimeout(late);
  assert.equal(new TextDecoder().decode(stdout).trim(), "stopped");
  assert.equal(code, 0);
});
