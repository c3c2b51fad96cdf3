/**
 * Resident memory of a process that is killed again and again: is the hundredth life larger than the first?
 *
 * @module
 */

/** Resident memory some time into a life. */
export interface MemorySample {
  /** Since the soak began, and since this process started. */
  readonly atSeconds: number;
  readonly ageSeconds: number;
  /** Which process: 0, 1, …. */
  readonly life: number;
  readonly megabytes: number;
}

/** What the samples say. */
export interface MemoryReport {
  /** Samples of lives past their first {@link WARM_UP_SECONDS}: what the means and the slope are of, if there are any. */
  readonly warmSamples: number;
  /** Mean over the lives, at the start, in the middle and at the end of the soak (a tenth of it each). */
  readonly startMegabytes: number;
  readonly middleMegabytes: number;
  readonly endMegabytes: number;
  readonly peakMegabytes: number;
  /** Mean of each minute, all samples; `null` in JSON for one without any. */
  readonly byMinuteMegabytes: readonly number[];
  /** Mean of each half of the soak. */
  readonly firstHalfMegabytes: number;
  readonly secondHalfMegabytes: number;
  /** Least squares over the samples past the first {@link WARM_UP_SECONDS} of each life. */
  readonly slopeMegabytesPerHour: number;
  /** Mean growth of a life, from {@link WARM_UP_SECONDS} on: least squares within each life. */
  readonly growthInLifeMegabytesPerMinute: number;
}

/** Until a process has compiled its code and filled its caches and buffers. */
export const WARM_UP_SECONDS = 20;
/** Growth between the halves that counts as a leak: the noise of the collector is well below it. */
const ALLOWED_GROWTH = 0.25;
/** Fewer samples than these say nothing about growth: a process grows until it is warm. */
const MIN_WARM_SAMPLES = 60;

const mean = (values: readonly number[]) =>
  values.length === 0 ? NaN : values.reduce((sum, value) => sum + value, 0) / values.length;

function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const x = mean(points.map(([at]) => at));
  const y = mean(points.map(([, value]) => value));
  const above = points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0);
  return above / points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
}

/** Sums up samples in order of time. */
export function reportMemory(samples: readonly MemorySample[], seconds: number): MemoryReport {
  const warm = samples.filter(({ ageSeconds }) => ageSeconds >= WARM_UP_SECONDS);
  // A short soak has no warm life.
  const used = warm.length > 1 ? warm : samples;
  const within = (from: number, to: number) =>
    mean(
      used.filter(({ atSeconds }) => atSeconds >= from * seconds && atSeconds < to * seconds)
        .map(({ megabytes }) => megabytes),
    );
  const lives = [...Map.groupBy(warm, ({ life }) => life).values()].filter((life) => life.length > 2);
  return {
    warmSamples: warm.length,
    startMegabytes: within(0, 0.1),
    middleMegabytes: within(0.45, 0.55),
    endMegabytes: within(0.9, 2),
    peakMegabytes: Math.max(...samples.map(({ megabytes }) => megabytes)),
    byMinuteMegabytes: Array.from({ length: Math.ceil(seconds / 60) }, (_, minute) =>
      Math.round(mean(
        samples.filter(({ atSeconds }) => Math.floor(atSeconds / 60) === minute).map(({ megabytes }) =>
          megabytes
        ),
      ))),
    firstHalfMegabytes: within(0, 0.5),
    secondHalfMegabytes: within(0.5, 2),
    slopeMegabytesPerHour: 3_600 * slope(used.map(({ atSeconds, megabytes }) => [atSeconds, megabytes])),
    growthInLifeMegabytesPerMinute: 60 *
      mean(lives.map((life) => slope(life.map(({ ageSeconds, megabytes }) => [ageSeconds, megabytes])))),
  };
}

/** Whether the second half needs clearly more than the first; never after too short a run to tell. */
export function isLeaking({ warmSamples, firstHalfMegabytes, secondHalfMegabytes }: MemoryReport): boolean {
  return warmSamples >= MIN_WARM_SAMPLES && secondHalfMegabytes > firstHalfMegabytes * (1 + ALLOWED_GROWTH);
}
