// HTTP and JSON-RPC of a node, and the command line on top: what they answer, and what they refuse with which code.

import assert from "node:assert/strict";
import { LEADER, testKey } from "../../src/protocols/kimura/_chain.ts";
import { publicKeyOf } from "../../src/protocols/kimura/keys.ts";
import { runCli } from "../../src/cli/program.ts";
import { runCairn, tempDirectory } from "../support/node_process.ts";
import { type ChainNode, freshMessage, startLeader } from "./_network.ts";
import { until } from "../support/until.ts";

const JSON_TYPE = { "content-type": "application/json" };

async function http(node: ChainNode, path: string, init: RequestInit = {}) {
  const response = await fetch(node.client.url + path, init);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? undefined : JSON.parse(text),
  };
}

const post = (node: ChainNode, path: string, body: unknown) =>
  http(node, path, {
    method: "POST",
    headers: JSON_TYPE,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

async function rpc(node: ChainNode, method: string, params: unknown) {
  return (await post(node, "/", { jsonrpc: "2.0", id: 1, method, params })).body;
}

/** A message as callers send it. */
function submission(n: number, nonce: number, changes: Record<string, unknown> = {}) {
  const { sender, content, signature } = freshMessage(n, nonce);
  return { sender, content, nonce, public_key: sender, signature: signature!.toHex(), ...changes };
}

Deno.test("The chain's HTTP and JSON-RPC answer in the original's forms, and refuse with codes and a metric", async () => {
  await using directory = await tempDirectory();
  await using leader = await startLeader({
    dataDir: directory.path,
    settings: { "chain.rpc.allowedOrigins": '["https://wallet.example"]', "chain.rpc.bodyBytes": 65_536 },
  });
  await leader.reaches(2);

  const health = await http(leader, "/health");
  assert.deepEqual([health.status, health.body.status, health.body.role], [200, "ok", "leader"]);
  const { body: block } = await http(leader, "/block/2");
  assert.equal(block.header.height, 2);
  assert.equal(block.header.prev_hash, (await http(leader, "/block/1")).body.hash);
  const wire = (await http(leader, "/block/2?form=wire")).body;
  assert.equal(new Uint8Array(wire.header.prev_hash).toHex(), block.header.prev_hash);
  assert((await http(leader, "/latest")).body.header.height >= 2);
  const genesis = (await http(leader, "/block/0")).body;
  assert.deepEqual([genesis.header.timestamp, genesis.message_ids], [0, []]);

  // JSON-RPC: by name and by position, in a batch too.
  assert.deepEqual((await rpc(leader, "get_block", { height: 2 })).result, block);
  assert.deepEqual((await rpc(leader, "get_block", [2])).result, block);
  const { result: tip } = await rpc(leader, "get_height", {});
  assert.deepEqual(Object.keys(tip), ["height", "hash"]);
  const { result } = await rpc(leader, "submit_message", submission(1, 0));
  assert.deepEqual(result, { message_id: freshMessage(1, 0).id.toHex(), status: "accepted" });
  assert.deepEqual((await post(leader, "/message", submission(1, 1))).body, {
    message_id: freshMessage(1, 1).id.toHex(),
    status: "accepted",
  });
  const { sender } = freshMessage(1, 0);
  assert.deepEqual((await http(leader, `/nonce/${sender}`)).body, { sender, next_nonce: 2 });
  assert.equal((await rpc(leader, "get_nonce", { sender })).result.next_nonce, 2);
  await until(
    "the message in a block",
    async () => (await rpc(leader, "get_message", [result.message_id])).result.status === "stored",
  );
  const { result: proof } = await rpc(leader, "get_proof", [result.message_id]);
  assert.equal(proof.message.content, freshMessage(1, 0).content);

  // What is refused, with its code on both transports, counted.
  const refused: readonly (readonly [status: number, code: string, body: unknown])[] = [
    [409, "NONCE_REPLAYED", submission(1, 0)],
    [409, "NONCE_SKIPPED", submission(1, 7)],
    [400, "MESSAGE_SIGNATURE_INVALID", submission(1, 2, { content: "tampered" })],
    [400, "MESSAGE_UNSIGNED", submission(1, 2, { signature: undefined })],
    [400, "SENDER_INVALID", submission(1, 0, { sender: "alice", public_key: undefined })],
    [413, "MESSAGE_TOO_LARGE", submission(1, 2, { content: "x".repeat(16_385) })],
  ];
  for (const [status, code, body] of refused) {
    const own = code === "MESSAGE_TOO_LARGE" ? "CONTENT_TOO_LARGE" : code;
    const before = await leader.metric("refused_total", { what: "submission", code: own });
    const answer = await post(leader, "/message", body);
    assert.deepEqual([answer.status, answer.body.code], [status, code]);
    assert.equal((await rpc(leader, "submit_message", body)).error.data.code, code);
    assert.equal(await leader.metric("refused_total", { what: "submission", code: own }), before + 2);
  }
  const misfits: readonly (readonly [status: number, code: string, body: unknown])[] = [
    [400, "SENDER_INVALID", submission(1, 2, { public_key: publicKeyOf(testKey(9)).toHex() })],
    [400, "MALFORMED_MESSAGE", '{"sender":'],
    [400, "USAGE", { sender }],
    [400, "USAGE", submission(1, -1)],
    [413, "MESSAGE_TOO_LARGE", "x".repeat(70_000)],
  ];
  for (const [status, code, body] of misfits) {
    const answer = await post(leader, "/message", body);
    assert.deepEqual([answer.status, answer.body.code], [status, code]);
  }
  for (
    const [status, code, path] of [
      [404, "BLOCK_NOT_FOUND", "/block/99999"],
      [400, "USAGE", "/block/x"],
      [404, "MESSAGE_NOT_FOUND", `/message/${"0".repeat(64)}`],
      [404, "MESSAGE_NOT_FOUND", `/proof/${"0".repeat(64)}`],
      [400, "USAGE", "/message/abc"],
    ] as const
  ) {
    const answer = await http(leader, path);
    assert.deepEqual([answer.status, answer.body.code], [status, code], path);
  }
  assert.equal((await rpc(leader, "get_block", [99_999])).error.code, -32_001);
  assert.equal((await rpc(leader, "get_block", ["x"])).error.code, -32_602);
  assert.equal((await rpc(leader, "get_height", [1])).error.code, -32_602);
  assert.equal((await rpc(leader, "eth_blockNumber", [])).error.code, -32_601);
  assert.equal((await post(leader, "/", "{")).body.error.code, -32_700);

  // Web pages: those allowed, and no other; a form cannot submit.
  const page = (origin: string) => http(leader, "/height", { headers: { origin } });
  const allowed = await page("https://wallet.example");
  assert.equal(allowed.headers.get("access-control-allow-origin"), "https://wallet.example");
  assert.equal((await page("https://evil.example")).status, 403);
  const preflight = await http(leader, "/message", {
    method: "OPTIONS",
    headers: { origin: "https://wallet.example" },
  });
  assert.equal(preflight.headers.get("access-control-allow-methods"), "GET, POST");
  const form = await http(leader, "/message", {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: "{}",
  });
  assert.equal(form.status, 415);
});

Deno.test("The chain's HTTP and JSON-RPC have one rate for each address", async () => {
  await using directory = await tempDirectory();
  await using leader = await startLeader({
    dataDir: directory.path,
    settings: { "chain.rpc.callsPerSecond": 1, "chain.rpc.callsBurst": 3 },
  });
  const statuses = [];
  for (const path of ["/height", "/latest"]) statuses.push((await http(leader, path)).status);
  const { status } = await post(leader, "/", { jsonrpc: "2.0", id: 1, method: "get_height" });
  const limited = await http(leader, "/height");
  assert.deepEqual([...statuses, status, limited.status], [200, 200, 200, 429]);
  assert(Number(limited.headers.get("retry-after")) >= 1);
});

Deno.test("cairn chain submits, asks, proves and checks offline, with exit codes and stable keys", async () => {
  await using directory = await tempDirectory();
  const data = `${directory.path}/leader`;
  await using leader = await startLeader({ dataDir: data });
  const chain = async (...args: readonly string[]) => {
    const [out, err]: [string[], string[]] = [[], []];
    const io = {
      out: (line: string) => out.push(`${line}\n`),
      err: (line: string) => err.push(line),
      env: {},
    };
    const code = await runCli(["chain", ...args], io);
    return { code, stdout: out.join(""), stderr: err.join("\n") };
  };
  const ask = (...args: readonly string[]) => chain(...args, "--url", leader.client.url);
  const key = `${directory.path}/alice.key`;

  const made = await runCairn("chain", "keys", "new", "--output", key);
  assert.equal(made.code, 0, made.stderr);
  const sender = made.stdout.trim();
  assert.match(sender, /^0[23][0-9a-f]{64}$/);
  assert.equal((await Deno.stat(key)).mode! & 0o777, 0o600);
  assert.deepEqual(JSON.parse((await chain("keys", "show", key, "--json")).stdout), {
    file: key,
    publicKey: sender,
  });
  assert.equal((await chain("keys", "show", "--data", data)).stdout.trim(), leader.leaderKey);
  const again = await chain("keys", "new", "--output", key);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /it exists \[NODE_KEY_INVALID\]/);

  const submitted = await ask("submit", "--content", "hello \u001b[31mworld", "--key", key, "--json");
  assert.equal(submitted.code, 0, submitted.stderr);
  const { messageId, status, ...rest } = JSON.parse(submitted.stdout);
  assert.deepEqual([status, rest], ["accepted", { sender, nonce: 0 }]);
  const replay = await ask("submit", "--content", "again", "--key", key, "--nonce", "0");
  assert.equal(replay.code, 1);
  assert.match(replay.stderr, /\[NONCE_REPLAYED\]/);
  // Without a key: one for this message alone.
  assert.match((await ask("submit", "--content", "anonymous")).stdout, /^[0-9a-f]{64}\n$/);

  await until(
    "the message in a block",
    async () => (await leader.client.message(messageId)).status === "stored",
  );
  const { height, status: stored } = JSON.parse((await ask("query", "message", messageId, "--json")).stdout);
  assert.equal(stored, "stored");
  const shown = await ask("query", "message", messageId);
  assert.match(shown.stdout, new RegExp(`^  block   ${height}, place \\d+$`, "m"));
  assert(!shown.stdout.includes("\u001b"), "text of a stranger steers the terminal");
  assert.match((await ask("query", "block", String(height))).stdout, new RegExp(`message  ${messageId}`));
  assert.equal(JSON.parse((await ask("query", "latest", "--json")).stdout).leader, leader.leaderKey);
  assert(Number((await ask("query", "height")).stdout) >= height);
  assert.match((await ask("query", "hash")).stdout, /^[0-9a-f]{64}\n$/);
  const missing = await ask("query", "block", "999999");
  assert.deepEqual([missing.code, missing.stdout], [1, ""]);
  assert.match(missing.stderr, /\[BLOCK_NOT_FOUND\]/);
  assert.equal((await ask("query", "block", "x")).code, 2);
  assert.equal((await ask("query", "message", "x")).code, 2);

  const file = `${directory.path}/proof.json`;
  assert.equal((await ask("proof", messageId, "--output", file)).code, 0);
  assert.equal(await leader.process.stop(), 0);
  // From here on nobody is there to ask.
  const check = (...args: readonly string[]) => chain("verify-proof", file, ...args);
  const valid = await check("--leader-key", leader.leaderKey, "--json");
  assert.equal(valid.code, 0, valid.stderr);
  const report = JSON.parse(valid.stdout);
  assert.deepEqual(
    [report.ok, report.height, report.messageId, report.sender, report.isSigned],
    [true, height, messageId, sender, true],
  );
  assert.equal((await check("--block-hash", report.blockHash)).code, 0);
  assert.equal((await check("--block-hash", "0".repeat(64))).code, 1);
  assert.equal((await check("--leader-key", LEADER.publicKey.toHex())).code, 1);
  assert.equal((await check()).code, 2);
  const tampered = (await Deno.readTextFile(file)).replace("world", "w0rld");
  await Deno.writeTextFile(file, tampered);
  const refused = await check("--leader-key", leader.leaderKey, "--json");
  assert.equal(refused.code, 1);
  assert.deepEqual([JSON.parse(refused.stdout).ok, JSON.parse(refused.stdout).code], [
    false,
    "PROOF_INVALID",
  ]);
  const gone = await ask("query", "height");
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /\[PEER_UNAVAILABLE\]/);
});
