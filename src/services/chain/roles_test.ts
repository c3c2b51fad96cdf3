import assert from "node:assert/strict";
import { LEADER_KEY, nextBlock, testChain, testKey, testMessage } from "../../protocols/kimura/_chain.ts";
import { blockHash } from "../../protocols/kimura/block.ts";
import { BLOCKS_TOPIC, MESSAGES_TOPIC } from "../../protocols/kimura/gossip.ts";
import { blockFromJson, blockToJson, messageToJson } from "../../protocols/kimura/json.ts";
import { checkEvidence, makeProof, proofToJson, verifyProofFile } from "../../protocols/kimura/proof.ts";
import { isSealedBy, signMessage } from "../../protocols/kimura/keys.ts";
import { eventually, NEVER, testNode } from "../../p2p/_testing.ts";
import { openMemoryEngine } from "../../store/memory_engine.ts";
import { openRocksEngine } from "../../store/rocks_engine.ts";
import { eventuallyAt, openFollower, openLeader, type TestChain } from "./_testing.ts";
import { CHAIN_FAMILIES, ChainStore } from "./store.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const nowSeconds = () => BigInt(Math.floor(Date.now() / 1_000));
const fresh = (sender: number, nonce: number, content = `message ${nonce}`) =>
  signMessage(testKey(100 + sender), { content, nonce: BigInt(nonce), timestamp: nowSeconds() });

async function hashes({ store }: TestChain<unknown>, upTo: bigint): Promise<string[]> {
  const found: string[] = [];
  for (let height = 1n; height <= upTo; height++) found.push(blockHash((await store.block(height))!).toHex());
  return found;
}

Deno.test("A leader and two followers hold the same blocks and every accepted message, with real disks", async () => {
  const directory = await Deno.makeTempDir();
  const engine = (name: string) =>
    openRocksEngine({ directory: `${directory}/${name}`, families: CHAIN_FAMILIES });
  {
    await using leader = await openLeader({ engine: await engine("leader") });
    await using a = await openFollower(leader.p2p, { engine: await engine("a") });
    await using b = await openFollower(leader.p2p, { engine: await engine("b") });
    await eventuallyAt(2n, leader, a, b);
    const accepted = await Promise.all(
      Array.from({ length: 100 }, (_, i) => leader.role.submit(fresh(i % 10, Math.floor(i / 10)))),
    );
    assert(accepted.every(({ status }) => status === "accepted"));
    await eventually(async () => await leader.metric("messages_stored_total") === 100, "all in blocks");
    const height = leader.store.tip.height;
    await eventuallyAt(height, a, b);
    assert.deepEqual(await hashes(a, height), await hashes(leader, height));
    assert.deepEqual(await hashes(b, height), await hashes(leader, height));
    for (const result of accepted) {
      assert(result.status === "accepted");
      const stored = await a.store.message(result.message.id);
      assert.equal(stored?.message.content, result.message.content);
    }
    // Any node can prove any message to somebody who has none.
    const { height: at, index } = (await b.store.message(fresh(3, 7).id))!;
    const { block, messages } = (await b.store.fullBlock(at))!;
    const verdict = verifyProofFile(encode(proofToJson(makeProof(block, messages, index))), {
      leader: LEADER_KEY,
    });
    assert(verdict.status === "ok" && verdict.isSigned);
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("A leader that restarts goes on where it was, with what it had accepted", async () => {
  const engine = openMemoryEngine({ families: CHAIN_FAMILIES });
  const dispose = engine[Symbol.asyncDispose].bind(engine);
  engine[Symbol.asyncDispose] = () => Promise.resolve();
  const message = fresh(1, 0);
  let height: bigint;
  {
    await using leader = await openLeader({ engine, leader: { blockIntervalMs: 300 } });
    await eventuallyAt(1n, leader);
    assert.equal((await leader.role.submit(message)).status, "accepted");
    height = leader.store.tip.height;
  }
  assert.equal((await ChainStore.open(engine)).tip.height >= height, true);
  await using leader = await openLeader({ engine });
  await eventually(
    async () => await leader.store.message(message.id) !== undefined,
    "the message in a block",
  );
  await using late = await openFollower(leader.p2p);
  await eventuallyAt(leader.store.tip.height, late);
  assert.deepEqual(await late.store.message(message.id), await leader.store.message(message.id));
  await dispose();
});

Deno.test("A follower that comes late catches up with everything, and stays at the tip", async () => {
  const engine = openMemoryEngine({ families: CHAIN_FAMILIES });
  const chain = testChain(600, (height) => height % 5 === 0 ? [testMessage(1, height / 5 - 1)] : []);
  await (await ChainStore.open(engine)).append(chain);
  await using leader = await openLeader({ engine });
  await using late = await openFollower(leader.p2p);
  await eventuallyAt(603n, late);
  assert.equal(blockHash((await late.store.block(600n))!).toHex(), blockHash(chain[599]!.block).toHex());
  assert.deepEqual((await late.store.fullBlock(600n))!.messages, chain[599]!.messages);
});

Deno.test("Blocks that are announced reach followers with all their messages", async () => {
  await using leader = await openLeader({
    leader: { blockIntervalMs: 1_000 },
    rules: { maxContentBytes: 100 },
  });
  await using follower = await openFollower(leader.p2p);
  await eventuallyAt(1n, leader, follower);
  // Unlike a real sender this one has no patience: thousands of ids in one block.
  const count = 2_100;
  const results = await Promise.all(
    Array.from({ length: count }, (_, i) => leader.role.submit(fresh(1, i, "x"))),
  );
  assert.equal(results.filter(({ status }) => status === "accepted").length, count);
  await eventually(
    async () => await follower.store.message(fresh(1, count - 1).id) !== undefined,
    "the last message",
  );
  const heights = new Set<bigint>();
  for (let i = 0; i < count; i++) heights.add((await follower.store.message(fresh(1, i, "x").id))!.height);
  assert((await leader.metric("messages_stored_total")) >= count);
  assert(heights.size >= 1);
});

Deno.test("What the original publishes is understood, and what a leader publishes is in the original's form", async () => {
  await using leader = await openLeader();
  const seen: Uint8Array[] = [];
  await using listener = testNode();
  listener.node.subscribe(BLOCKS_TOPIC, ({ data }) => {
    seen.push(data);
    return "accept";
  });
  await listener.node.start(NEVER);
  await listener.node.dial(leader.p2p.addresses[0]!, NEVER);
  await eventually(() => seen.length >= 2, "two blocks");
  const parsed = JSON.parse(new TextDecoder().decode(seen[0]));
  assert.deepEqual(Object.keys(parsed).slice(0, 2), ["header", "message_ids"]);
  assert.equal(typeof parsed.header.height, "number");
  assert.equal(parsed.header.prev_hash.length, 32);
  assert(isSealedBy(blockFromJson(seen[0]!, 1e6), LEADER_KEY));

  // The other way: nobody signs, and a follower that is told so takes it.
  await using plain = await openFollower(listener.node, { rules: { leader: undefined } });
  await eventually(
    () =>
      listener.node.peers().some(({ peer, topics }) =>
        peer === plain.p2p.id && topics.includes(BLOCKS_TOPIC)
      ),
    "the follower",
  );
  const chain = testChain(3).map(({ block }) => ({ header: block.header, messageIds: block.messageIds }));
  for (const block of chain) {
    await eventually(() => plain.store.tip.height === block.header.height - 1n, "the block before");
    await listener.node.publish(BLOCKS_TOPIC, encode(blockToJson(block)));
  }
  await eventuallyAt(3n, plain);
});

Deno.test("Every kind of bad gossip is refused with its code, and its sender's score falls", async () => {
  await using leader = await openLeader({ leader: { blockIntervalMs: 60_000 } });
  await using follower = await openFollower(leader.p2p);
  const tip = follower.store.tip;
  const now = { timestamp: nowSeconds() };
  const forged = { ...fresh(1, 0), signature: new Uint8Array(64) };
  const cases: [code: string, what: string, topic: string, json: string][] = [
    [
      "PREV_HASH_MISMATCH",
      "block",
      BLOCKS_TOPIC,
      blockToJson(nextBlock(tip, [], { ...now, prevHash: new Uint8Array(32) }).block),
    ],
    [
      "TIMESTAMP_AHEAD",
      "block",
      BLOCKS_TOPIC,
      blockToJson(nextBlock(tip, [], { timestamp: now.timestamp + 3_600n }).block),
    ],
    [
      "LEADER_KEY_WRONG",
      "block",
      BLOCKS_TOPIC,
      blockToJson(nextBlock(tip, [], { ...now, secret: testKey(2) }).block),
    ],
    [
      "LEADER_UNSIGNED",
      "block",
      BLOCKS_TOPIC,
      blockToJson(nextBlock(tip, [], { ...now, secret: null }).block),
    ],
    [
      "LEADER_UNSIGNED",
      "block",
      BLOCKS_TOPIC,
      blockToJson(nextBlock(tip, [], { ...now, secret: null, height: 9n }).block),
    ],
    ["MALFORMED_JSON", "block", BLOCKS_TOPIC, '{"header":'],
    ["MESSAGE_SIGNATURE_INVALID", "message", MESSAGES_TOPIC, messageToJson(forged)],
    [
      "MESSAGE_UNSIGNED",
      "message",
      MESSAGES_TOPIC,
      messageToJson((({ signature: _, ...bare }) => bare)(fresh(1, 0))),
    ],
    ["MALFORMED_JSON", "message", MESSAGES_TOPIC, "junk"],
  ];
  for (const [code, what, topic, json] of cases) {
    await using villain = testNode();
    villain.node.subscribe(topic, () => "accept");
    await villain.node.start(NEVER);
    await villain.node.dial(follower.p2p.addresses[0]!, NEVER);
    const { id } = villain.node;
    await eventually(
      () => follower.p2p.peers().some(({ peer, topics }) => peer === id && topics.includes(topic)),
      "the villain",
    );
    const before = await follower.metric("refused_total", { what, code });
    await villain.node.publish(topic, encode(json));
    await eventually(
      async () => await follower.metric("refused_total", { what, code }) === before + 1,
      `${what} ${code}`,
    );
    await eventually(() => follower.p2p.score(id) < -1, "a lower score");
  }
  assert.equal(follower.store.tip.height, 0n);
});

Deno.test("A second leader with the same key is reported with evidence, and the first chain stays", async () => {
  await using leader = await openLeader();
  await using follower = await openFollower(leader.p2p);
  await eventuallyAt(2n, follower);
  const first = (await follower.store.block(1n))!;
  const parent = { height: 0n, hash: first.header.prevHash, timestamp: 0n, term: undefined };
  const { block } = nextBlock(parent, [testMessage(9, 0)]);
  await using twin = testNode();
  twin.node.subscribe(BLOCKS_TOPIC, () => "accept");
  await twin.node.start(NEVER);
  await twin.node.dial(follower.p2p.addresses[0]!, NEVER);
  await eventually(
    () =>
      follower.p2p.peers().some(({ peer, topics }) => peer === twin.node.id && topics.includes(BLOCKS_TOPIC)),
    "the twin",
  );
  await twin.node.publish(BLOCKS_TOPIC, encode(blockToJson(block)));
  await eventually(async () => (await follower.store.evidence(10)).length === 1, "the evidence");
  const [evidence] = await follower.store.evidence(10);
  assert.equal(checkEvidence(evidence!, LEADER_KEY), undefined);
  assert.equal(await follower.metric("conflicts_total"), 1);
  assert.deepEqual(await follower.store.block(1n), first);
});

Deno.test("A leader refuses replays and gaps at submission, and answers while it stops", async () => {
  await using leader = await openLeader();
  const code = async (sender: number, nonce: number) => {
    const result = await leader.role.submit(fresh(sender, nonce));
    return result.status === "refused" ? result.fault.code : result.status;
  };
  assert.equal(await code(1, 0), "accepted");
  assert.equal(await code(1, 0), "NONCE_REPLAYED");
  assert.equal(await code(1, 2), "NONCE_SKIPPED");
  await eventually(
    async () => await leader.store.message(fresh(1, 0).id) !== undefined,
    "the message in a block",
  );
  assert.equal(await code(1, 0), "NONCE_REPLAYED");
  assert.equal(await code(1, 1), "accepted");
  assert.equal(await leader.metric("refused_total", { what: "submission", code: "NONCE_REPLAYED" }), 2);
  await leader.role[Symbol.asyncDispose]();
  assert.equal(await code(1, 2), "STOPPING");
});
