// What a peer refuses: each lie with its code, a metric, and a score that falls.

import assert from "node:assert/strict";
import { nextBlock, testKey, testMessage } from "../../src/protocols/kimura/_chain.ts";
import { GENESIS } from "../../src/protocols/kimura/block.ts";
import { BLOCKS_TOPIC, MESSAGES_TOPIC } from "../../src/protocols/kimura/gossip.ts";
import { blockToJson, messageToJson } from "../../src/protocols/kimura/json.ts";
import { makeMessage } from "../../src/protocols/kimura/message.ts";
import { tipOf } from "../../src/protocols/kimura/rules.ts";
import type { FullBlock } from "../../src/protocols/kimura/sync_messages.ts";
import { tempDirectory } from "../support/node_process.ts";
import { freshMessage, IS_LONG, startLeader, startPeer } from "./_network.ts";
import { until } from "../support/until.ts";
import { connectVillain, TEST_LEADER_KEY } from "./_villain.ts";

/** Nobody is there: the test itself plays the leader, whose secret it has. */
const NOWHERE = { address: "/ip4/127.0.0.1/tcp/1", leaderKey: TEST_LEADER_KEY };
const GENESIS_TIP = tipOf(GENESIS);
const nowSeconds = () => BigInt(Math.floor(Date.now() / 1_000));
const next = (changes: Parameters<typeof nextBlock>[2] = {}) =>
  blockToJson(nextBlock(GENESIS_TIP, [], { timestamp: nowSeconds(), ...changes }).block);

/** A signed block of which one field was changed afterwards. */
function tampered(): string {
  const { block } = nextBlock(GENESIS_TIP, [], { timestamp: nowSeconds() });
  return blockToJson({ ...block, header: { ...block.header, messageRoot: new Uint8Array(32).fill(7) } });
}

const valid = () => freshMessage(1, 0);
const GOSSIP: readonly (readonly [
  code: string,
  what: "block" | "message",
  name: string,
  text: () => string,
])[] = [
  ["PREV_HASH_MISMATCH", "block", "wrong prev_hash", () => next({ prevHash: new Uint8Array(32).fill(1) })],
  ["TIMESTAMP_AHEAD", "block", "future timestamp", () => next({ timestamp: nowSeconds() + 3_600n })],
  ["LEADER_KEY_WRONG", "block", "wrong leader key", () => next({ secret: testKey(2) })],
  ["LEADER_UNSIGNED", "block", "unsigned", () => next({ secret: null })],
  ["LEADER_UNSIGNED", "block", "unsigned, with a height gap", () => next({ secret: null, height: 9n })],
  ["LEADER_SIGNATURE_INVALID", "block", "tampered header", tampered],
  ["MALFORMED_JSON", "block", "malformed JSON", () => '{"header":'],
  ["OVERSIZE", "block", "JSON without end", () => `{"x":${"[".repeat(100)}${"]".repeat(100)}}`],
  [
    "MESSAGE_SIGNATURE_INVALID",
    "message",
    "tampered content",
    () => messageToJson({ ...valid(), content: "another" }),
  ],
  [
    "MESSAGE_UNSIGNED",
    "message",
    "unsigned",
    () => messageToJson((({ signature: _, ...bare }) => bare)(valid())),
  ],
  ["SENDER_INVALID", "message", "a sender that is no key", () => messageToJson(unsignedOf("mallory"))],
  ["CONTENT_TOO_LARGE", "message", "oversize", () => messageToJson(freshMessage(1, 0, "x".repeat(16_385)))],
  ["MALFORMED_JSON", "message", "malformed JSON", () => "junk"],
];

function unsignedOf(sender: string) {
  const { signature } = valid();
  return makeMessage({ sender, content: "x", nonce: 0n, timestamp: nowSeconds(), signature: signature! });
}

Deno.test("A peer refuses every kind of bad gossip with its code, and its sender's score falls", async () => {
  await using directory = await tempDirectory();
  await using peer = await startPeer(NOWHERE, { dataDir: directory.path });
  for (const [code, what, name, text] of GOSSIP) {
    await using villain = await connectVillain(peer);
    const before = await peer.metric("refused_total", { what, code });
    await villain.say(what === "block" ? BLOCKS_TOPIC : MESSAGES_TOPIC, text());
    await until(
      `${what}, ${name}: ${code}`,
      async () => await peer.metric("refused_total", { what, code }) === before + 1,
    );
    await until(`${name}: a lower score`, async () => (await villain.score() ?? -Infinity) < -1);
  }
  assert.equal(await peer.height(), 0);
  assert(await peer.metric("p2p_gossip_received_total", { verdict: "reject" }) >= GOSSIP.length);
});

Deno.test("A gossip message beyond the limit is not looked at, and counts against its sender", async () => {
  await using directory = await tempDirectory();
  await using peer = await startPeer(NOWHERE, { dataDir: directory.path });
  await using villain = await connectVillain(peer, { p2p: { maxMessageBytes: 1_048_576 } });
  await villain.say(BLOCKS_TOPIC, `{"x":"${"x".repeat(300_000)}"}`);
  await until("a lower score", async () => (await villain.score() ?? -Infinity) < -1);
  assert.equal(await peer.metric("p2p_gossip_received_total", { topic: BLOCKS_TOPIC, verdict: "reject" }), 1);
  assert.equal(await peer.height(), 0);
});

/** Block 1 with messages, all signed by the leader; and what a liar makes of it. */
const CATCH_UP: readonly (readonly [code: string, name: string, chain: () => FullBlock[]])[] = [
  ["NONCE_SKIPPED", "a skipped nonce", () => [nextBlock(GENESIS_TIP, [testMessage(1, 1)])]],
  ["NONCE_REPLAYED", "a replayed nonce", () => {
    const first = nextBlock(GENESIS_TIP, [testMessage(1, 0)]);
    return [first, nextBlock(tipOf(first.block), [testMessage(1, 0, "again")])];
  }],
  ["MESSAGE_ROOT_MISMATCH", "tampered content", () => {
    const { block, messages: [message] } = nextBlock(GENESIS_TIP, [testMessage(1, 0)]);
    return [{ block, messages: [{ ...message!, content: "another" }] }];
  }],
  ["BODY_MISMATCH", "no messages", () => {
    const { block } = nextBlock(GENESIS_TIP, [testMessage(1, 0)]);
    return [{ block, messages: [] }];
  }],
  ["LEADER_KEY_WRONG", "another leader", () => [nextBlock(GENESIS_TIP, [], { secret: testKey(2) })]],
];

Deno.test("A peer that catches up refuses blocks that only look right, and whoever sent them loses its credit", async () => {
  await using directory = await tempDirectory();
  for (const [i, [code, name, chain]] of CATCH_UP.entries()) {
    await using peer = await startPeer(NOWHERE, { dataDir: `${directory.path}/${i}` });
    const serves = chain();
    await using villain = await connectVillain(peer, { serves });
    await until(
      `${name}: ${code}`,
      async () => await peer.metric("refused_total", { what: "block", code }) >= 1,
    );
    await until(`${name}: a lower score`, async () => (await villain.score() ?? -Infinity) < -1);
    assert(await peer.metric("peer_faults_total", { code }) >= 1, name);
    assert.equal(await peer.height(), serves.length - 1, "only what is valid is stored");
  }
});

Deno.test("A block beyond a gap is never stored, and whoever cannot fill the gap loses its credit", async () => {
  await using directory = await tempDirectory();
  await using peer = await startPeer(NOWHERE, { dataDir: directory.path });
  await using villain = await connectVillain(peer);
  // Even the leader's own signature does not make up for the parent.
  await villain.say(BLOCKS_TOPIC, next({ height: 5n }));
  await until("the gap noted", async () => await peer.metric("events_total", { event: "gap" }) === 1);
  await until("a lower score", async () => (await villain.score() ?? -Infinity) < -1);
  assert(await peer.metric("peer_faults_total", { code: "ANSWER_EMPTY" }) >= 1);
  assert.equal(await peer.height(), 0);
});

const JUNK_PER_SECOND = Math.ceil(100_000 / 60);
const JUNK_SECONDS = IS_LONG ? 60 : 5;

Deno.test(`A chain goes on under ${JUNK_PER_SECOND * 60} junk messages a minute, and their sender is cut off`, async () => {
  await using directory = await tempDirectory();
  const settings = { "chain.p2p.inboundPerSecond": 16 };
  await using leader = await startLeader({ dataDir: `${directory.path}/leader`, settings });
  await using peer = await startPeer(leader, { dataDir: `${directory.path}/peer`, settings });
  await peer.reaches(2);
  const from = await peer.height();
  const beganMs = performance.now();
  let [sent, identities] = [0, 0];
  while (performance.now() - beganMs < JUNK_SECONDS * 1_000) {
    // Whoever is cut off comes back as somebody else.
    identities++;
    await using villain = await connectVillain(peer).catch(() => undefined);
    if (villain === undefined) continue;
    while (villain.node.peers().length > 0 && performance.now() - beganMs < JUNK_SECONDS * 1_000) {
      const due = Math.floor((performance.now() - beganMs) / 1_000 * JUNK_PER_SECOND);
      const burst = Array.from(
        { length: Math.max(0, Math.min(due - sent, 500)) },
        (_, i) => villain.say(MESSAGES_TOPIC, `junk ${sent + i}`).catch(() => {}),
      );
      sent += burst.length;
      await Promise.all(burst);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  // Every block of that time is there, and the node still answers and takes messages.
  const elapsedMs = performance.now() - beganMs;
  const made = await leader.height() - from;
  assert(made >= elapsedMs / 200 / 2, `${made} blocks in ${elapsedMs} ms`);
  await peer.reaches(await leader.height());
  assert(sent >= JUNK_PER_SECOND, `${sent} sent`);
  assert(await peer.metric("refused_total", { what: "message", code: "MALFORMED_JSON" }) >= 5);
  assert(await peer.metric("p2p_bans_total") >= 1, `${identities} identities, none cut off`);
  assert.equal((await leader.client.submit(freshMessage(3, 0))).status, "accepted");
});
