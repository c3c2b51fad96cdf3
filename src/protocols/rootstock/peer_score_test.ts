import assert from "node:assert/strict";
import fc from "fast-check";
import { vectorTest } from "../../../tests/vectors.ts";
import {
  ADDRESS_PUNISHMENT,
  type Ban,
  ID_PUNISHMENT,
  PeerScores,
  punishmentMs,
  type ScoreEvent,
} from "./peer_score.ts";

const ID = "ab".repeat(64);
const HOST = "192.0.2.1";
const idAt = (n: number) => n.toString(16).padStart(128, "0");

vectorTest("punishmentMs() gives the durations of rskj's tests", async (dir) => {
  const { cases } = JSON.parse(await Deno.readTextFile(`${dir}/rootstock/sync.json`));
  const punishments = cases.filter(({ kind }: { kind: string }) => kind === "punishment");
  assert.equal(punishments.length, 4);
  for (
    const { duration, incrementPercent, maximum, previousPunishments, score, expect, name } of punishments
  ) {
    const config = { durationMs: duration, incrementPercent, maximumMs: maximum };
    assert.equal(punishmentMs(config, previousPunishments, score), expect, name);
  }
});

Deno.test("punishmentMs() truncates at every step, and stays a safe integer", () => {
  const odd = { durationMs: 15, incrementPercent: 10, maximumMs: 0 };
  // 15, 16.5, 17.6 and 18.7, each cut down before the next.
  assert.deepEqual([0, 1, 2, 3].map((count) => punishmentMs(odd, count, -1)), [15, 16, 17, 18]);
  fc.assert(fc.property(fc.nat(2_000), fc.integer({ min: -1_000, max: 0 }), (count, score) => {
    const byId = punishmentMs(ID_PUNISHMENT, count, score);
    assert(Number.isSafeInteger(byId) && byId >= 720_000);
    assert(punishmentMs(ADDRESS_PUNISHMENT, count, score) <= 360_000_000);
  }));
});

Deno.test("PeerScores.record() bans id and address on the first invalid block, message or header", () => {
  for (const event of ["invalid-block", "invalid-message", "invalid-header"] as const) {
    const scores = new PeerScores();
    const expected: Ban[] = [
      { kind: "id", key: ID, untilMs: 721_000, punishments: 1 },
      { kind: "address", key: HOST, untilMs: 721_000, punishments: 1 },
    ];
    assert.deepEqual(scores.record(ID, HOST, event, 1_000), expected);
    assert.deepEqual(scores.record(ID, HOST, event, 1_001), [], "one punishment at a time");
    assert.equal(scores.scoreOf(ID), -2);
    assert(scores.isBanned(ID, undefined, 720_999) && scores.isBanned(undefined, HOST, 720_999));
    assert(scores.isBanned(idAt(1), HOST, 720_999), "the ban hits every client behind the address");
    assert(!scores.isBanned(idAt(1), "192.0.2.2", 720_999));
    assert.deepEqual(scores.bans(2_000), expected);
    assert(!scores.isBanned(ID, HOST, 721_000));
    assert.equal(scores.scoreOf(ID), 0);
  }
});

Deno.test("PeerScores.record() changes the score as rskj does", () => {
  const score = (...events: ScoreEvent[]) => {
    const scores = new PeerScores();
    for (const event of events) scores.record(ID, undefined, event, 0);
    return scores.scoreOf(ID);
  };
  assert.equal(score("valid-block", "valid-transaction", "incompatible-protocol", "unexpected-genesis"), 4);
  assert.equal(score("disconnection"), 1);
  assert.equal(score("valid-block", "valid-block", "invalid-network"), -1);
  assert.equal(score("invalid-transaction", "invalid-transaction", "valid-block"), -2);
  assert.equal(
    score(
      "unexpected-message",
      "timeout-message",
      "repeated-message",
      "failed-handshake",
      "successful-handshake",
    ),
    0,
  );
  const scores = new PeerScores();
  for (const event of ["invalid-network", "invalid-transaction", "timeout-message"] as const) {
    assert.deepEqual(scores.record(ID, HOST, event, 0), [], event);
  }
  assert.equal(scores.countOf(ID, "timeout-message"), 1);
});

Deno.test("PeerScores makes each punishment longer than the one before, and multiplies it by a bad score", () => {
  const scores = new PeerScores();
  const punish = (nowMs: number) => scores.record(ID, undefined, "invalid-header", nowMs)[0]!;
  assert.equal(punish(0).untilMs, 720_000);
  const second = punish(720_000);
  assert.deepEqual([second.untilMs - 720_000, second.punishments], [792_000, 2]);
  const third = punish(second.untilMs);
  assert.equal(third.untilMs - second.untilMs, 871_200);
  // The two that ended before, each seen when the next one began.
  assert.deepEqual(scores.expire(third.untilMs - 1), []);
  assert(!scores.isBanned(ID, undefined, third.untilMs));
  assert.deepEqual(scores.expire(third.untilMs), [{ kind: "id", key: ID }]);
  assert.deepEqual(scores.expire(third.untilMs), []);
  for (let i = 0; i < 4; i++) scores.record(ID, undefined, "invalid-network", third.untilMs);
  // 720,000 × 1.1³, truncated, times 5.
  assert.equal(punish(third.untilMs).untilMs - third.untilMs, 958_320 * 5);
});

Deno.test("PeerScores.restore() takes bans from before a restart", () => {
  const before = new PeerScores();
  before.record(ID, HOST, "invalid-header", 0);
  const after = new PeerScores();
  for (const ban of before.bans(1)) after.restore(ban, 100_000);
  assert(after.isBanned(ID, undefined, 719_999) && after.isBanned(undefined, HOST, 719_999));
  assert(!after.isBanned(ID, HOST, 720_000));
  assert.equal(after.record(ID, undefined, "invalid-header", 720_000)[0]!.untilMs, 720_000 + 792_000);
});

Deno.test("PeerScores keeps 100 ids: the quietest goes first, and the punished last", () => {
  const scores = new PeerScores({ maxAddresses: 10 });
  scores.record(ID, HOST, "invalid-header", 0);
  scores.record(idAt(1), undefined, "valid-block", 0);
  scores.record(idAt(2), undefined, "valid-block", 0);
  for (let n = 3; n < 100; n++) scores.record(idAt(n), undefined, "valid-block", 0);
  scores.record(idAt(1), undefined, "valid-block", 1);
  assert.equal(scores.scoreOf(idAt(2)), 1);
  scores.record(idAt(100), undefined, "valid-block", 2);
  assert.equal(scores.scoreOf(idAt(2)), 0, "forgotten");
  assert.equal(scores.scoreOf(idAt(1)), 2);
  for (let n = 1_000; n < 2_000; n++) scores.record(idAt(n), `10.0.${n >>> 8}.${n & 255}`, "valid-block", 3);
  assert.equal(scores.size, 110);
  assert(scores.isBanned(ID, HOST, 3));
  // Nor do more bans than it has places for make it grow.
  for (let n = 3_000; n < 4_000; n++) scores.record(idAt(n), undefined, "invalid-header", 4);
  assert.equal(scores.size, 110);
  assert(!scores.isBanned(ID, undefined, 4));
  // What was forgotten while punished is to be forgotten by the store too.
  assert(scores.expire(4).some(({ key }) => key === ID));
  assert(scores.expire(4).length === 0);
});
