/**
 * Waiting on a word of shared memory without blocking the thread.
 *
 * Layer: hot. Imports nothing.
 *
 * @module
 */

/** Longer than any time-out a test or a node could be waiting out: it only has to outlive the wait below. */
const KEEP_ALIVE_MS = 60_000;

/**
 * Resolves when `i32[index]` is notified, differs from `seen`, or after `timeoutMs`.
 *
 * A pending `Atomics.waitAsync` does not keep the event loop alive: a process that only waits for its bus would
 * end in the middle of the wait. A timer holds it, and is cleared with the wait.
 */
export async function waitForWord(
  i32: Int32Array<ArrayBufferLike>,
  index: number,
  seen: number,
  timeoutMs: number,
): Promise<void> {
  const wait = Atomics.waitAsync(i32 as Int32Array<SharedArrayBuffer>, index, seen, timeoutMs);
  if (!wait.async) return;
  const timer = setTimeout(() => {}, KEEP_ALIVE_MS);
  try {
    await wait.value;
  } finally {
    clearTimeout(timer);
  }
}
