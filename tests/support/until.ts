/**
 * Waiting for what other processes do.
 *
 * @module
 */

/** Time for what is waited for; generous, because tests run side by side on few cores. */
const WAIT_MS = 60_000;

/** Waits until a condition holds. @throws {Error} With `what` when the time is over. */
export async function until(
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
  { withinMs = WAIT_MS, everyMs = 50 }: { readonly withinMs?: number; readonly everyMs?: number } = {},
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error(`Waited ${withinMs} ms in vain: ${typeof what === "string" ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
