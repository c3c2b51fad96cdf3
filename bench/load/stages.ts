/**
 * Quantiles of the node's stage histogram between two scrapes.
 *
 * @module
 */

/** Latency of one stage, in microseconds, interpolated inside the bucket. */
export interface StageLatency {
  readonly stage: string;
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** Share of blocks at or under 5 ms. */
  readonly within5Ms: number;
}

const STAGES = ["ingest", "hash", "persist", "acknowledge", "total"];
const BOUND_SECONDS = 0.005;

/** Cumulative counts by upper bound in seconds. */
function buckets(text: string, stage: string): Map<number, number> {
  const found = new Map<number, number>();
  const line = new RegExp(
    `^cairn_blocks_stage_seconds_bucket\\{le="([^"]+)",stage="${stage}"\\} (\\d+)`,
    "gm",
  );
  for (const [, bound, count] of text.matchAll(line)) {
    found.set(bound === "+Inf" ? Infinity : Number(bound), Number(count));
  }
  return found;
}

/** Stages of the blocks between the scrapes; empty where the target has no such histogram. */
export function readStages(before: string, after: string): StageLatency[] {
  return STAGES.flatMap((stage) => {
    const start = buckets(before, stage);
    const counts = [...buckets(after, stage)].map(([bound, count]) =>
      [bound, count - (start.get(bound) ?? 0)] as const
    );
    const total = counts.at(-1)?.[1] ?? 0;
    if (total === 0) return [];
    const quantile = (share: number) => {
      let lowBound = 0;
      let lowCount = 0;
      for (const [bound, count] of counts) {
        if (count >= total * share) {
          if (bound === Infinity) return lowBound * 1e6;
          return (lowBound + (bound - lowBound) * (total * share - lowCount) / (count - lowCount)) * 1e6;
        }
        [lowBound, lowCount] = [bound, count];
      }
      return NaN;
    };
    const within = counts.find(([bound]) => bound === BOUND_SECONDS)?.[1] ?? 0;
    return [{ stage, p50Micros: quantile(0.5), p99Micros: quantile(0.99), within5Ms: within / total }];
  });
}
