/**
 * Keeps the library from holding the process open and from logging on its own.
 *
 * Layer: p2p. The peer store locks with `mortice`, which opens one BroadcastChannel for the life of the process and
 * relies on Node's `unref`, which Deno's channels lack: a stopped node would never let the process end. The channel is
 * for locks that Workers share; this node's peers live in one thread. So it is opened here, once, and closed at once.
 * `mortice` must be the version the peer store resolves to; a test counts resources after a stop.
 *
 * @module
 */

import type { ComponentLogger, Logger } from "@libp2p/interface";
import createMortice from "mortice";

let isQuiet = false;

/** Opens and closes the channel. Idempotent; call it before the first node is made. */
export function closeLockChannel(): void {
  if (isQuiet) return;
  isQuiet = true;
  const Channel = globalThis.BroadcastChannel;
  const opened: BroadcastChannel[] = [];
  globalThis.BroadcastChannel = class extends Channel {
    constructor(name: string) {
      super(name);
      opened.push(this);
    }
  };
  try {
    createMortice({ name: "cairn", singleProcess: true }).finalize();
  } finally {
    globalThis.BroadcastChannel = Channel;
  }
  for (const channel of opened) channel.close();
}

const ignore = () => {};
const SILENT: Logger = Object.assign(ignore, {
  enabled: false,
  error: ignore,
  trace: ignore,
  newScope: () => SILENT,
});

/** The library's own lines go nowhere: what matters comes as events, errors and metrics. */
export const SILENT_LOGGER: ComponentLogger = { forComponent: () => SILENT };
