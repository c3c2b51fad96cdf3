/**
 * Signals: the first SIGINT or SIGTERM asks for a stop, a second one forces the exit, SIGHUP reloads. What comes
 * right behind the first is the same request: `deno task`, npx and file watchers repeat a Ctrl-C that the terminal has
 * already delivered to the whole process group.
 *
 * Layer: kernel.
 *
 * @module
 */

/** Signals that ask for a stop, with the number that goes into a forced exit code. */
const STOP_SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/** Base of the exit code of a process that was forced to end by signal n. */
const FORCED_EXIT_BASE = 128;

/** Repeats arrive within a few milliseconds; a person needs longer for a second Ctrl-C. */
const REPEAT_MS = 250;

/** Where signals come from; the runtime, or a test. */
export interface SignalSource {
  addSignalListener(signal: Deno.Signal, listener: () => void): void;
  removeSignalListener(signal: Deno.Signal, listener: () => void): void;
}

/** What the signals set off. */
export interface SignalActions {
  readonly onStop: (signal: string) => void;
  readonly onReload: () => void;
  /** Ends the process at once. */
  readonly onForce: (exitCode: number) => void;
}

/** Listens until disposed. */
export function handleSignals(
  actions: SignalActions,
  source: SignalSource = Deno,
  now: () => number = () => performance.now(),
): Disposable {
  let stopAskedMs: number | undefined;
  const listeners: [Deno.Signal, () => void][] = [["SIGHUP", actions.onReload]];
  for (const [signal, number] of Object.entries(STOP_SIGNALS)) {
    listeners.push([signal as keyof typeof STOP_SIGNALS, () => {
      if (stopAskedMs === undefined) {
        stopAskedMs = now();
        actions.onStop(signal);
      } else if (now() - stopAskedMs > REPEAT_MS) actions.onForce(FORCED_EXIT_BASE + number);
    }]);
  }
  for (const [signal, listener] of listeners) source.addSignalListener(signal, listener);
  return {
    [Symbol.dispose]: () => {
      for (const [signal, listener] of listeners) source.removeSignalListener(signal, listener);
    },
  };
}
