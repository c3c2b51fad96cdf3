/**
 * Keeps peers connected: dials, waits while the connection lasts, dials again with growing waits, for ever.
 *
 * Layer: p2p.
 *
 * @module
 */

import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/log.ts";
import type { DialResult } from "./metrics.ts";
import type { PeerName } from "./types.ts";

/** Most waits differ by up to this share, so that many nodes do not dial a restarted one at the same moment. */
const JITTER = 0.25;

/** What the dialer needs. */
export interface DialerDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** One attempt. @returns Who answered. */
  readonly dial: (address: string, signal: AbortSignal) => Promise<PeerName>;
  /** Resolves when the peer is not connected, or with the signal. */
  readonly gone: (peer: PeerName, signal: AbortSignal) => Promise<void>;
  readonly count: (result: DialResult) => void;
  /** 0 to 1. */
  readonly random: () => number;
}

/** Bounds of the wait between two attempts, in milliseconds. */
export interface DialerOptions {
  readonly minMs: number;
  readonly maxMs: number;
}

/** Wait before attempt `failures + 1`. `random` is from 0 to 1. */
export function redialDelay({ minMs, maxMs }: DialerOptions, failures: number, random: number): number {
  const full = Math.min(maxMs, minMs * 2 ** Math.min(failures, 30));
  return full * (1 - JITTER * random);
}

/** Keeps one address connected until `signal` aborts. Never rejects. */
export async function keepConnected(
  address: string,
  options: DialerOptions,
  deps: DialerDeps,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      const peer = await deps.dial(address, signal);
      deps.count("ok");
      failures = 0;
      await deps.gone(peer, signal);
    } catch (error) {
      if (signal.aborted) return;
      deps.count("failed");
      // The first failure is worth a line, the hundredth is not.
      deps.log[failures === 0 ? "info" : "debug"]("Peer not reached", {
        address,
        failures: failures + 1,
        error,
      });
      failures++;
    }
    await deps.clock.sleep(redialDelay(options, failures, deps.random()), signal);
  }
}
