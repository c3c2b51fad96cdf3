import assert from "node:assert/strict";
import { RecordingLog } from "../../kernel/_testing.ts";
import type { SyncProgress } from "../../protocols/rootstock/sync_events.ts";
import { SyncReporter } from "./sync_report.ts";

const TIP = { number: 0, hash: new Uint8Array(32) };
const IDLE: SyncProgress = {
  ...{ phase: "waiting", tip: TIP, stored: 0, highest: 0, peers: 0 },
  ...{ requestsInFlight: 0, windowHeaders: 0, windowBytes: 0 },
};

/** Reports ten seconds apart; gives the lines. */
function lines(states: readonly Partial<SyncProgress>[]): readonly unknown[] {
  const log = new RecordingLog();
  let [nowMs, progress] = [0, IDLE];
  using reporter = new SyncReporter({
    log,
    progress: () => progress,
    known: () => ({ candidates: 3, nodes: 5 }),
    nowMs: () => nowMs,
  });
  for (const state of states) {
    nowMs += 10_000;
    progress = { ...IDLE, ...state };
    reporter.report();
  }
  return log.lines.map(({ level, message, fields }) => [level, message, fields]);
}

Deno.test("SyncReporter says how far a long sync is, and once that it has ended", () => {
  const common = { phase: "downloading", highest: 1_000_000, peers: 8 } as const;
  assert.deepEqual(
    lines([
      { ...common, stored: 240_000 },
      { ...common, stored: 480_000 },
      { ...common, stored: 999_900 },
      { ...common, stored: 1_000_000 },
      { ...common, stored: 1_000_000, highest: 1_000_100 },
    ]),
    [
      ["info", "Syncing headers", {
        ...{ progress: "240,000 of 1,000,000 (24 %), 24,000/s, 32 s left", phase: "downloading", peers: 8 },
      }],
      ["info", "Syncing headers", {
        ...{ progress: "480,000 of 1,000,000 (48 %), 24,000/s, 22 s left", phase: "downloading", peers: 8 },
      }],
      ["info", "Headers are synced", { stored: 999_900, peers: 8 }],
    ],
  );
});

Deno.test("SyncReporter says that there are no peers at first and every five minutes, and goes on with the first peer", () => {
  const lonely = ["info", "Looking for peers", { candidates: 3, nodes: 5 }];
  const alone = (looks: number) => Array.from({ length: looks }, () => ({}));
  assert.deepEqual(lines(alone(30)), [lonely]);
  assert.deepEqual(lines(alone(31)), [lonely, lonely]);
  assert.deepEqual(lines([{}, { peers: 1, highest: 5, stored: 5 }, {}]), [lonely, lonely]);
});
