import assert from "node:assert/strict";
import fc from "fast-check";
import { testMessage } from "./_chain.ts";
import { LeaderScript } from "./_leader_script.ts";
import { MAX_GOSSIP_DATA_BYTES } from "./gossip.ts";
import { blockToJson } from "./json.ts";
import { makeMessage } from "./message.ts";
import { NonceTable } from "./nonce_table.ts";

Deno.test("LeaderMachine makes an empty block when nothing is pending, and publishes it when it is on disk", () => {
  new LeaderScript().check(`
    > at 999
    wake at 1000
    > at 1000
    persist 1 at 1 s: empty
    wake at 2000
    > stored
    publish 1 whole
  `);
});

Deno.test("LeaderMachine accepts a message when it is on disk, and puts messages into blocks in order of arrival", () => {
  new LeaderScript().check(`
    > 1 says 0
    keep 1/0 as 0
    > 2 says 0
    keep 2/0 as 1
    > 1 says 1
    keep 1/1 as 2
    > kept 0
    accepted 1/0
    > kept 1
    accepted 2/0
    > at 1000
    persist 1 at 1 s: 1/0 2/0
    wake at 2000
    > kept 2
    accepted 1/1
    > stored
    publish 1 whole
    > at 2000
    persist 2 at 2 s: 1/1
    wake at 3000
  `);
});

Deno.test("LeaderMachine accepts nothing before what came earlier is on disk", () => {
  new LeaderScript().check(`
    > 1 says 0
    keep 1/0 as 0
    > 1 says 1
    keep 1/1 as 1
    > kept 1
    > at 1000
    persist 1 at 1 s: empty
    wake at 2000
    > kept 0
    accepted 1/0
    accepted 1/1
  `);
});

Deno.test("LeaderMachine refuses replayed and skipped nonces, pending and in the chain", () => {
  new LeaderScript().check(`
    > 1 says 1
    refused NONCE_SKIPPED
    > 1 says 0
    keep 1/0 as 0
    > 1 says 0
    refused NONCE_REPLAYED
    > 1 says 2
    refused NONCE_SKIPPED
    > kept 0
    accepted 1/0
    > at 1000
    persist 1 at 1 s: 1/0
    wake at 2000
    > 1 says 0
    refused NONCE_REPLAYED
    > stored
    publish 1 whole
    > 1 says 0
    refused NONCE_REPLAYED
    > 1 old 0
    refused NONCE_REPLAYED
    > 1 says 1
    keep 1/1 as 1
  `);
});

Deno.test("LeaderMachine does not trust a nonce that was read more than two blocks ago", () => {
  new LeaderScript().check(`
    > 1 says 0
    keep 1/0 as 0
    > kept 0
    accepted 1/0
    > at 1000
    persist 1 at 1 s: 1/0
    wake at 2000
    > stored
    publish 1 whole
    > at 2000
    persist 2 at 2 s: empty
    wake at 3000
    > stored
    publish 2 whole
    > 1 old 0
    refused NONCE_REPLAYED
    > at 3000
    persist 3 at 3 s: empty
    wake at 4000
    > stored
    publish 3 whole
    > 1 old 0
    refused STATE_OUTDATED
    > 1 says 1
    keep 1/1 as 1
  `);
});

Deno.test("LeaderMachine refuses what is forged, unsigned or too large", () => {
  new LeaderScript({}, { maxContentBytes: 10 }).check(`
    > 1 forges 0 short
    refused MESSAGE_SIGNATURE_INVALID
    > 1 bare 0 short
    refused MESSAGE_UNSIGNED
    > 1 says 0 more than ten
    refused CONTENT_TOO_LARGE
    > 1 says 0 short
    keep 1/0 as 0
  `);
});

Deno.test("LeaderMachine gives up a message that cannot be stored, and all that its sender sent after it", () => {
  new LeaderScript().check(`
    > 1 says 0
    keep 1/0 as 0
    > kept 0
    accepted 1/0
    > 1 says 1
    keep 1/1 as 1
    > 2 says 0
    keep 2/0 as 2
    > 1 says 2
    keep 1/2 as 3
    > kept 2
    > lost 1
    refused STORE_FAILED
    refused STORE_FAILED
    forget 1/1 1/2
    accepted 2/0
    > kept 3
    > 1 says 1
    keep 1/1 as 4
    > kept 4
    accepted 1/1
    > at 1000
    persist 1 at 1 s: 1/0 2/0 1/1
    wake at 2000
    > stored
    publish 1 whole
  `);
});

Deno.test("LeaderMachine makes the block again when it could not be written, and loses nothing", () => {
  new LeaderScript().check(`
    > 1 says 0
    keep 1/0 as 0
    > kept 0
    accepted 1/0
    > at 1000
    persist 1 at 1 s: 1/0
    wake at 2000
    > unstored
    note persist-failed 1
    wake at 2000
    > at 2000
    persist 1 at 2 s: 1/0
    wake at 3000
    > stored
    publish 1 whole
  `);
});

Deno.test("LeaderMachine keeps its rhythm when a write is slow or the clock jumps", () => {
  new LeaderScript().check(`
    > at 1000
    persist 1 at 1 s: empty
    wake at 2000
    > at 2003
    note late 1
    wake at 3000
    > stored
    publish 1 whole
    > at 7500
    persist 2 at 7 s: empty
    wake at 8000
    > stored
    publish 2 whole
    > at 100
    wake at 1100
  `);
});

Deno.test("LeaderMachine cuts a block at its count, and what is left follows at once", () => {
  new LeaderScript({}, { maxBlockMessages: 2 }).check(`
    > 1 says 0
    keep 1/0 as 0
    > 1 says 1
    keep 1/1 as 1
    > 1 says 2
    keep 1/2 as 2
    > kept 0
    accepted 1/0
    > kept 1
    accepted 1/1
    > kept 2
    accepted 1/2
    > at 1000
    note cut 1
    persist 1 at 1 s: 1/0 1/1
    wake at 2000
    > stored
    publish 1 whole
    persist 2 at 1 s: 1/2
    > stored
    publish 2 whole
  `);
});

Deno.test("LeaderMachine says when too much is pending, in all and from one sender", () => {
  new LeaderScript({ maxPending: 3, maxPendingPerSender: 2 }).check(`
    > 1 says 0
    keep 1/0 as 0
    > 1 says 1
    keep 1/1 as 1
    > 1 says 2
    refused PENDING_FULL
    > 2 says 0
    keep 2/0 as 2
    > 3 says 0
    refused PENDING_FULL
  `);
});

Deno.test("LeaderMachine finishes the block it writes when it stops, and begins none", () => {
  new LeaderScript().check(`
    > at 1000
    persist 1 at 1 s: empty
    wake at 2000
    > stop
    > 1 says 0
    refused STOPPING
    > stored
    publish 1 whole
    > at 2000
  `);
});

Deno.test("LeaderMachine puts what was accepted before a restart into its first block", () => {
  const script = new LeaderScript({}, {}, [testMessage(1, 0), testMessage(1, 1)]);
  script.check(`
    > 1 says 2
    keep 1/2 as 2
    > at 1000
    persist 1 at 1 s: ? ?
    wake at 2000
  `);
});

/** A leader with `count` accepted messages, and its blocks of the next moment. */
function blocksOf(
  count: number,
  oversize: "announce" | "split",
  maxBlockBytes = 1e9,
): [LeaderScript, string] {
  // Signatures are not this test's business, and thousands of them take their time.
  const rules = { leader: undefined };
  const messages = Array.from(
    { length: count },
    (_, nonce) =>
      makeMessage({ sender: "alice", content: `message ${nonce}`, timestamp: 0n, nonce: BigInt(nonce) }),
  );
  const script = new LeaderScript({ oversize, maxBlockBytes }, rules, messages);
  const effects = script.machine.step({ kind: "tick" }, 1e15);
  const lines: string[] = [];
  for (let queue = effects; queue.length > 0;) {
    const effect = queue.shift()!;
    if (effect.kind === "persist") {
      script.chain.push(effect.full);
      queue = [
        ...queue,
        ...script.machine.step({ kind: "persisted", height: effect.full.block.header.height }, 1e15),
      ];
    }
    if (effect.kind === "publish") lines.push(`${effect.form} ${effect.block.messageIds.length}`);
  }
  return [script, lines.join(", ")];
}

Deno.test("LeaderMachine announces a block of 5,000 messages, and splits it where nodes of the original listen", () => {
  assert.equal(blocksOf(5_000, "announce")[1], "announcement 5000");
  const [{ chain }, lines] = blocksOf(5_000, "split");
  assert.match(lines, /^whole \d+, whole \d+, whole \d+$/);
  assert.equal(chain.reduce((sum, { messages }) => sum + messages.length, 0), 5_000);
  for (const { block } of chain) assert(blockToJson(block).length <= MAX_GOSSIP_DATA_BYTES);
  assert(blockToJson(chain[0]!.block).length > MAX_GOSSIP_DATA_BYTES - 2_000);
});

Deno.test("LeaderMachine cuts a block at its bytes", () => {
  const [{ chain }] = blocksOf(10, "announce", 100);
  assert(chain.length > 1);
  assert.equal(chain.reduce((sum, { messages }) => sum + messages.length, 0), 10);
});

Deno.test("LeaderMachine makes a valid chain of exactly what it accepted, whatever comes in which order", () => {
  const command = fc.oneof(
    fc.tuple(fc.integer({ min: 1, max: 3 }), fc.nat(4)).map(([sender, nonce]) => `${sender} says ${nonce} x`),
    fc.nat(12).map((order) => `kept ${order}`),
    fc.nat(12).map((order) => `lost ${order}`),
    fc.constant("stored"),
    fc.constant("unstored"),
    fc.constant("tick"),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const script = new LeaderScript();
      const accepted: string[] = [];
      let [asked, writing, nowMs] = [0, false, 0];
      for (const text of [...commands, "tick", "stored", "tick", "stored", "tick", "stored"]) {
        const [verb, order] = text.split(" ");
        // A driver answers what it was asked, once, and writes one block at a time.
        if ((verb === "kept" || verb === "lost") && Number(order) >= asked) continue;
        if (verb === "stored" || verb === "unstored") {
          if (!writing) continue;
          writing = false;
        }
        const lines = script.run(verb === "tick" ? `at ${nowMs += 1_000}` : text);
        for (const line of lines) {
          if (line.startsWith("keep")) asked++;
          if (line.startsWith("persist ")) writing = true;
          if (line.startsWith("accepted")) accepted.push(line.split(" ")[1]!);
        }
      }
      const stored = script.chain.flatMap(({ messages }) => messages);
      // `stored` has checked every block against its parent; here: all of it, nothing twice.
      assert.equal(stored.length, accepted.length);
      assert.equal(new Set(stored.map(({ id }) => id.toHex())).size, stored.length);
    }),
    { numRuns: 30 },
  );
});

Deno.test("NonceTable forgets senders two blocks after their last message", () => {
  const table = new NonceTable(0n);
  for (let height = 1n; height <= 10n; height++) {
    table.add(`s${height}`, 0n);
    table.stored(height, new Map([[`s${height}`, 0n]]));
    assert(table.size <= 2);
    assert.equal(table.last(`s${height}`, undefined), 0n);
  }
  assert.equal(table.last("s1", 5n), 5n);
  assert(table.isCurrent(8n) && !table.isCurrent(7n));
});
