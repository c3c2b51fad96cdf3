import assert from "node:assert/strict";
import fc from "fast-check";
import { PeerScript } from "./_peer_script.ts";

Deno.test("PeerMachine passes on the leader's block, verifies it, and stores it", () => {
  new PeerScript(3).check(`
    > a joins
    ask a for its tip
    > a tip 0
    > a block 1
    accept
    verify 1..1
    > a block 1
    accept
    > verified
    persist 1..1
    > stored
    > a block 1
    ignore
    > a block 2
    accept
    verify 2..2
  `);
});

Deno.test("PeerMachine refuses every block that is not the leader's next one, each with its code", () => {
  new PeerScript(3).check(`
    > a joins
    ask a for its tip
    > a tip 0
    > a unsigned 1
    reject LEADER_UNSIGNED
    > a foreign 1
    reject LEADER_KEY_WRONG
    > a broken 1
    reject LEADER_SIGNATURE_INVALID
    > a future 1
    reject TIMESTAMP_AHEAD
    > a unlinked 1
    reject PREV_HASH_MISMATCH
    > a unsigned 3
    reject LEADER_UNSIGNED
    > a block 1
    accept
    verify 1..1
  `);
});

Deno.test("PeerMachine puts a block together from the messages that came by gossip", () => {
  new PeerScript(3).check(`
    > a joins
    ask a for its tip
    > a tip 2
    ask a for 1..2
    > a sends
    verify 1..2
    > verified
    persist 1..2
    > stored
    > message 3 0
    accept
    > message 3 0
    ignore
    > forged 3 1
    reject MESSAGE_SIGNATURE_INVALID
    > message 3 1
    accept
    > a block 3
    accept
    verify 3..3
    > verified
    persist 3..3
    > stored
  `);
});

Deno.test("PeerMachine asks for messages that did not come, and for the whole block if that fails", () => {
  const upTo2 = `
    > a joins
    ask a for its tip
    > a tip 2
    ask a for 1..2
    > a sends
    verify 1..2
    > verified
    persist 1..2
    > stored
    > message 3 1
    accept
    > a block 3
    accept
    note incomplete 3
    ask a for 1 messages
  `;
  new PeerScript(3).check(`${upTo2}
    > a sends
    verify 3..3
  `);
  new PeerScript(3).check(`${upTo2}
    > a empty
    ask a for 3..3
    > a sends
    verify 3..3
  `);
  new PeerScript(3).check(`${upTo2}
    > a fails
    penalise a 10 ANSWER_EMPTY
    > at 500
    ask a for its tip
    > a tip 3
    ask a for 3..3
    > a sends
    verify 3..3
  `);
});

Deno.test("PeerMachine does not blame the leader's block for a message that a stranger has changed", () => {
  new PeerScript(3).check(`
    > a joins
    ask a for its tip
    > a tip 2
    ask a for 1..2
    > a sends
    verify 1..2
    > verified
    persist 1..2
    > stored
    > late 3 0
    accept
    > message 3 1
    accept
    > a block 3
    accept
    verify 3..3
    > verified
    ask a for 3..3
    > a sends
    verify 3..3
    > verified
    persist 3..3
  `);
});

Deno.test("PeerMachine closes a gap from several peers, in ranges, and verifies in order", () => {
  const script = new PeerScript(12).check(`
    > a joins
    ask a for its tip
    > b joins
    ask b for its tip
    > a block 12
    accept
    note gap 12
    > b tip 12
    ask b for 1..4
    > a tip 12
    ask a for 5..8
    > a sends
    ask a for 9..12
    > b sends 2
    verify 1..2
    ask b for 3..4
    > verified
    persist 1..2
    > a sends
    > stored
    > b sends
    verify 3..12
    > verified
    persist 3..12
    > stored
    note caught-up 12
  `);
  assert.deepEqual(script.stored, script.chain);
});

Deno.test("PeerMachine keeps what is good of a liar's range, punishes it, and asks another", () => {
  new PeerScript(4).check(`
    > liar joins
    ask liar for its tip
    > liar tip 4
    ask liar for 1..4
    > honest joins
    ask honest for its tip
    > honest tip 4
    > liar lies
    verify 1..4
    > verified
    penalise liar 100 LEADER_SIGNATURE_INVALID
    persist 1..1
    ask honest for 2..4
    > stored
    > honest sends
    verify 2..4
    > verified
    persist 2..4
    > stored
  `);
});

Deno.test("PeerMachine detects a body that was tampered with on its way", () => {
  new PeerScript(3).check(`
    > liar joins
    ask liar for its tip
    > liar tip 3
    ask liar for 1..3
    > liar tampers
    verify 1..3
    > verified
    penalise liar 100 MESSAGE_ROOT_MISMATCH
    persist 1..2
    > stored
    > at 500
    ask liar for its tip
  `);
});

Deno.test("PeerMachine does not wait for who is silent, sends nothing, or sends garbage", () => {
  new PeerScript(4).check(`
    > slow joins
    ask slow for its tip
    > slow tip 4
    ask slow for 1..4
    > b joins
    ask b for its tip
    > b tip 4
    > at 1000
    penalise slow 10 ANSWER_LATE
    ask b for 1..4
    > b empty
    penalise b 10 ANSWER_EMPTY
    > at 1500
    ask slow for its tip
    ask b for its tip
    > b garbles
    penalise b 100 MALFORMED_BYTES
    > slow tip 4
    ask slow for 1..4
    > slow leaves
    > at 2500
    ask b for its tip
    > b tip 4
    ask b for 1..4
    > b sends
    verify 1..4
  `);
});

Deno.test("PeerMachine asks no further than its bounds", () => {
  new PeerScript(20, { maxAhead: 8, maxRequests: 2 }).check(`
    > a joins
    ask a for its tip
    > b joins
    ask b for its tip
    > c joins
    ask c for its tip
    > a tip 20
    ask a for 1..4
    > b tip 20
    ask b for 5..8
    > c tip 20
    > b sends
    > a sends
    verify 1..8
    > verified
    persist 1..8
    > stored
    ask a for 9..12
    ask b for 13..16
  `);
});

Deno.test("PeerMachine tries a failed write again without asking for the blocks again", () => {
  const script = new PeerScript(2);
  script.showsWakes = true;
  script.check(`
    > a joins
    ask a for its tip
    wake at 1000
    > a tip 2
    ask a for 1..2
    > a sends
    verify 1..2
    wake at 10000
    > verified
    persist 1..2
    > unstored
    note persist-failed 1
    wake at 1000
    > at 1000
    verify 1..2
    wake at 10000
    > verified
    persist 1..2
    > stored
    > at 10000
    ask a for its tip
    wake at 11000
  `);
});

Deno.test("PeerMachine reports a second block of a stored height that the leader signed, and nothing less", () => {
  new PeerScript(3).check(`
    > a joins
    ask a for its tip
    > a tip 3
    ask a for 1..3
    > a sends
    verify 1..3
    > verified
    persist 1..3
    > stored
    > a block 1
    ignore
    > a fork 1
    ignore
    conflict 1
    > a foreign 3
    reject LEADER_KEY_WRONG
  `);
});

Deno.test("PeerMachine fetches a block that was announced, and refuses an announcement of a stranger", () => {
  new PeerScript(2).check(`
    > a joins
    ask a for its tip
    > a tip 0
    > a forges 2
    reject LEADER_SIGNATURE_INVALID
    > a announces 2
    accept
    ask a for 1..2
    > a sends
    verify 1..2
  `);
});

Deno.test("PeerMachine without a leader's key follows continuity alone, and passes on nothing it cannot link", () => {
  new PeerScript(3, {}, { leader: undefined }).check(`
    > a joins
    ask a for its tip
    > a tip 0
    > a unsigned 1
    accept
    verify 1..1
    > verified
    persist 1..1
    > stored
    > a unlinked 2
    reject PREV_HASH_MISMATCH
    > a unsigned 3
    ignore
    note gap 3
    ask a for 2..3
  `);
});

Deno.test("PeerMachine ends with exactly the chain, whatever its peers do, as long as one is honest", () => {
  const acts = [
    "joins",
    "leaves",
    "sends",
    "sends 1",
    "empty",
    "fails",
    "garbles",
    "lies",
    "tip 12",
    "tip 99",
  ];
  const command = fc.oneof(
    fc.tuple(fc.constantFrom("a", "b"), fc.constantFrom(...acts)).map((words) => words.join(" ")),
    fc.tuple(
      fc.constantFrom("a", "b"),
      fc.constantFrom("block", "fork", "unlinked"),
      fc.integer({ min: 1, max: 12 }),
    )
      .map((words) => words.join(" ")),
    fc.tuple(fc.constantFrom("message", "late"), fc.constantFrom(3, 6, 9, 12), fc.nat(1)).map((words) =>
      words.join(" ")
    ),
    fc.constantFrom("verified", "stored", "unstored", "tick"),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
      const script = new PeerScript(12);
      let nowMs = 0;
      const open = { verify: false, persist: false, asked: new Map<string, string>() };
      const run = (text: string) => {
        for (const line of script.run(text)) {
          if (line.startsWith("verify")) open.verify = true;
          if (line.startsWith("persist ")) open.persist = true;
          const asked = /^ask (\w+) for (.*)/.exec(line);
          if (asked) open.asked.set(asked[1]!, asked[2]!);
        }
      };
      const tryRun = (text: string) => {
        const [who = "", verb = ""] = text.split(" ");
        if (text === "tick") return run(`at ${nowMs += 500}`);
        if (text === "verified" || text === "stored" || text === "unstored") {
          const gate = text === "verified" ? "verify" : "persist";
          if (!open[gate]) return;
          open[gate] = false;
          return run(text);
        }
        if (["sends", "empty", "fails", "garbles", "lies", "tip"].includes(verb)) {
          const ask = open.asked.get(who);
          if (ask === undefined || (verb === "tip") !== (ask === "its tip")) return;
          if (verb === "lies" && !ask.includes("..")) return;
          open.asked.delete(who);
        }
        run(text);
      };
      for (const text of commands) tryRun(text);
      // Now the honest one, for as long as it takes.
      tryRun("honest joins");
      for (let round = 0; round < 400 && script.stored.length < 12; round++) {
        for (const text of ["honest tip 12", "honest sends", "verified", "stored", "tick"]) tryRun(text);
      }
      assert.deepEqual(script.stored.map(({ block }) => block), script.chain.map(({ block }) => block));
    }),
    { numRuns: 60 },
  );
});
