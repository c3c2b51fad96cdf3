/**
 * Time as an input: the deadlines of the kernel run on a clock that tests can turn by hand.
 *
 * Layer: kernel.
 *
 * @module
 */

/** What time it is, and how to wait. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Resolves after `ms`, or as soon as `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The clock of the machine. */
export const SYSTEM_CLOCK: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal.addEventListener("abort", finish);
    }),
};

/** How a piece of work with a deadline ended. */
export type Outcome<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "late" };

/** Waits for `work` at most `ms`; late work goes on unobserved, and its failure is swallowed. */
export async function withDeadline<T>(work: Promise<T>, ms: number, clock: Clock): Promise<Outcome<T>> {
  const settled = new AbortController();
  const outcome = work.then(
    (value): Outcome<T> => ({ kind: "done", value }),
    (error): Outcome<T> => ({ kind: "failed", error }),
  );
  const late = clock.sleep(ms, settled.signal).then((): Outcome<T> => ({ kind: "late" }));
  try {
    return await Promise.race([outcome, late]);
  } finally {
    settled.abort();
  }
}
