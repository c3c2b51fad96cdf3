/**
 * How fast a sync goes and how long it will take, as numbers and in words.
 *
 * Layer: services. Pure. For the log and the command line.
 *
 * @module
 */

/** Where a sync was at some time. */
export interface SyncLook {
  /** Height of the chain. */
  readonly stored: number;
  /** On a clock that does not go back. */
  readonly atMs: number;
}

/** Rate and time left of a sync. */
export interface SyncPace {
  /** Headers stored a second. */
  readonly headersPerSecond: number;
  /** Absent while nothing moves. */
  readonly secondsLeft?: number;
}

/** Pace between two looks, and what is left up to `highest` at this pace. */
export function paceOf(before: SyncLook, now: SyncLook, highest: number): SyncPace {
  const elapsedMs = Math.max(1, now.atMs - before.atMs);
  // A reorganisation takes blocks away.
  const rate = Math.max(0, now.stored - before.stored) * 1_000 / elapsedMs;
  if (rate === 0) return { headersPerSecond: 0 };
  const secondsLeft = Math.ceil(Math.max(0, highest - now.stored) / rate);
  return { headersPerSecond: rate < 10 ? Math.round(10 * rate) / 10 : Math.round(rate), secondsLeft };
}

/** As `1,234,567 of 9,280,000 (13 %), 24,000/s, 5 min left`. */
export function progressText(stored: number, highest: number, pace?: SyncPace): string {
  const percent = highest === 0 ? 100 : Math.min(100, Math.floor(100 * stored / highest));
  const parts = [`${grouped(stored)} of ${grouped(highest)} (${percent} %)`];
  if (pace !== undefined) parts.push(`${grouped(pace.headersPerSecond)}/s`);
  if (pace?.secondsLeft !== undefined) parts.push(`${durationText(pace.secondsLeft)} left`);
  return parts.join(", ");
}

/** As `45 s`, `5 min`, `2 h 10 min`, `3 d 4 h`: two units at most, rounded up. */
export function durationText(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const [hours, restMinutes] = [Math.floor(minutes / 60), minutes % 60];
  if (hours < 24) return restMinutes === 0 ? `${hours} h` : `${hours} h ${restMinutes} min`;
  const [days, restHours] = [Math.floor(hours / 24), hours % 24];
  return restHours === 0 ? `${days} d` : `${days} d ${restHours} h`;
}

function grouped(value: number): string {
  return value.toLocaleString("en-US");
}
