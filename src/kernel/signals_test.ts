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
  let nowMs = 0;
  const handle = handleSignals(
    {
      onStop: (signal) => calls.push(`stop ${signal}`),
      onReload: () => calls.push("reload"),
      onForce: (code) => calls.push(`force ${code}`),
    },
    source,
    () => nowMs,
  );
  const send = (signal: string, atMs = 0) => {
    nowMs = atMs;
    listeners.get(signal)!();
  };
  return { handle, calls, listeners, send };
}

Deno.test("handleSignals() stops on the first signal and forces 128 + n on the second", () => {
  const { calls, send } = setup();
  send("SIGTERM", 1_000);
  send("SIGINT", 1_251);
  send("SIGTERM", 1_252);
  assert.deepEqual(calls, ["stop SIGTERM", "force 130", "force 143"]);
});

Deno.test("handleSignals() takes what comes within 250 ms of the first for the same request", () => {
  const { calls, send } = setup();
  send("SIGINT", 1_000);
  send("SIGINT", 1_001);
  send("SIGTERM", 1_250);
  assert.deepEqual(calls, ["stop SIGINT"]);
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
