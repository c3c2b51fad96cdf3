import assert from "node:assert/strict";
import { handleSignals, type SignalSource } from "./signals.ts";

function setup() {
  const listeners = new Map<string, () => void>();
  const source: SignalSource = {
    addSignalListener: (signal, listener) => void listeners.set(signal, listener),
    removeSignalListener: (signal, listener) => {
      if (listeners.get(signal) === listener) listeners.delete(signal);
    },
  };
  const calls: string[] = [];
  const handle = handleSignals({
    onStop: (signal) => calls.push(`stop ${signal}`),
    onReload: () => calls.push("reload"),
    onForce: (code) => calls.push(`force ${code}`),
  }, source);
  return { handle, calls, listeners, send: (signal: string) => listeners.get(signal)!() };
}

Deno.test("handleSignals() stops on the first signal and forces 128 + n on the second", () => {
  const { calls, send } = setup();
  send("SIGTERM");
  send("SIGINT");
  send("SIGTERM");
  assert.deepEqual(calls, ["stop SIGTERM", "force 130", "force 143"]);
});

Deno.test("handleSignals() reloads on every SIGHUP and never counts it as a stop", () => {
  const { calls, send } = setup();
  send("SIGHUP");
  send("SIGHUP");
  send("SIGINT");
  assert.deepEqual(calls, ["reload", "reload", "stop SIGINT"]);
});

Deno.test("handleSignals() lets go of every signal when disposed", () => {
  const { handle, listeners } = setup();
  assert.deepEqual([...listeners.keys()].sort(), ["SIGHUP", "SIGINT", "SIGTERM"]);
  handle[Symbol.dispose]();
  assert.equal(listeners.size, 0);
});
