/**
 * Signals: the first SIGINT or SIGTERM asks for a stop, a second one forces the exit, SIGHUP reloads.
 *
 * Layer: kernel.
 *
 * @module
 */

/** Signals that ask for a stop, with the number that goes into a forced exit code. */
const STOP_SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/** Base of the exit code of a process that was forced to end by signal n. */
const FORCED_EXIT_BASE = 128;

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
export function handleSignals(actions: SignalActions, source: SignalSource = Deno): Disposable {
  let isStopping = false;
  const listeners: [Deno.Signal, () => void][] = [["SIGHUP", actions.onReload]];
  for (const [signal, number] of Object.entries(STOP_SIGNALS)) {
    listeners.push([signal as keyof typeof STOP_SIGNALS, () => {
      if (isStopping) return actions.onForce(FORCED_EXIT_BASE + number);
      isStopping = true;
      actions.onStop(signal);
    }]);
  }
  for (const [signal, listener] of listeners) source.addSignalListener(signal, listener);
  return {
    [Symbol.dispose]: () => {
      for (const [signal, listener] of listeners) source.removeSignalListener(signal, listener);
    },
  };
}
