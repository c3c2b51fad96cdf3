/**
 * What a row of the report is: one job, who does it, and what is asked of the kernel.
 *
 * @module
 */

/** Who does the job: a kernel, an npm package, the runtime (node:crypto), or a program outside. */
export type Kind = "cairn" | "npm" | "runtime" | "program";

/** One way to do the job of a row. */
export interface Contender {
  readonly name: string;
  readonly kind: Kind;
  /** Nanoseconds the job takes; `undefined` if what it needs is absent on this machine. */
  measure(): Promise<number | undefined>;
}

/** Speeds of a row by contender, in work per nanosecond; the first one is what is asked about. */
export type Speeds = ReadonlyMap<string, number>;

/** Something asked of the first contender of a row. */
export interface Ask {
  readonly text: string;
  /** `undefined` if the contender it is compared with is absent. */
  judge(row: Row, speeds: Speeds): Verdict | undefined;
}

/** How an ask ended. */
export interface Verdict {
  readonly met: boolean;
  /** Times the speed of the contender it is compared with. */
  readonly factor?: number;
}

/** One job. */
export interface Row {
  readonly name: string;
  readonly unit: "ns" | "GB/s" | "M/s" | "k/s";
  /** What one job is, in the unit: jobs of a batch, or bytes. */
  readonly work: number;
  readonly asks: readonly Ask[];
  /** The kernel first. */
  readonly contenders: readonly Contender[];
}

/** The rows of one kind of kernel. */
export interface Family {
  readonly name: string;
  readonly rows: readonly Row[];
  /** Ends what the rows started. */
  close?(): void | Promise<void>;
}

/** A speed in the unit of a row. */
export function inUnit({ unit }: Row, speed: number): number {
  return unit === "ns" ? 1 / speed : speed * { "GB/s": 1, "M/s": 1e3, "k/s": 1e6 }[unit];
}

/** Asks for a value in the row's unit: at most for times, at least for rates. */
export function value(limit: number, unit: Row["unit"]): Ask {
  return {
    text: `${limit} ${unit}`,
    judge: (row, speeds) => {
      const own = inUnit(row, first(speeds));
      return { met: unit === "ns" ? own <= limit : own >= limit };
    },
  };
}

/** Asks for so many times the speed of a contender, or of the fastest npm package. */
export function times(asked: number, peer?: string): Ask {
  return {
    text: `${asked} x ${peer ?? "best npm peer"}`,
    judge: (row, speeds) => {
      const other = peer === undefined ? bestPeer(row, speeds)?.speed : speeds.get(peer);
      if (other === undefined) return undefined;
      const factor = first(speeds) / other;
      return { met: factor >= asked, factor };
    },
  };
}

/** The fastest npm package of a row. */
export function bestPeer(
  row: Row,
  speeds: Speeds,
): { readonly name: string; readonly speed: number } | undefined {
  const peers = row.contenders.filter(({ kind, name }) => kind === "npm" && speeds.has(name));
  const all = peers.map(({ name }) => ({ name, speed: speeds.get(name)! }));
  return all.sort((a, b) => b.speed - a.speed)[0];
}

const first = (speeds: Speeds) => speeds.values().next().value!;

/** As {@link inProcess}, of a function that is called so many times. */
export function repeat(name: string, kind: Kind, job: () => unknown): Contender {
  return inProcess(name, kind, (iterations) => {
    for (let i = 0; i < iterations; i++) job();
  });
}

/** Throws unless a peer computes what the kernel does: only then its time says something. */
export function assertSame(peer: string, digest: Uint8Array, expected: Uint8Array): void {
  if (digest.toHex() !== expected.toHex()) throw new Error(`${peer} has ${digest.toHex()}`);
}

/** Least time of one round of a contender in this process. */
const ROUND_MS = 50;

/**
 * A contender in this process.
 *
 * @param run Does the job so many times; the loop is its own, so that no call is between the jobs.
 */
export function inProcess(
  name: string,
  kind: Kind,
  run: (iterations: number) => void | Promise<void>,
): Contender {
  let iterations = 1;
  return {
    name,
    kind,
    async measure() {
      while (true) {
        const startedMs = performance.now();
        await run(iterations);
        const tookMs = performance.now() - startedMs;
        if (tookMs >= ROUND_MS) return tookMs * 1e6 / iterations;
        iterations = Math.ceil(iterations * Math.max(1.1, Math.min(10, 1.2 * ROUND_MS / tookMs)));
      }
    },
  };
}
