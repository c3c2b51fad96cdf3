/**
 * What the processes of a soak are given and what they say: one line of JSON on standard output for each message.
 *
 * @module
 */

import type { BlockShape, ChainStateJson } from "./chain.ts";

/** Argument of publisher.ts. */
export interface PublisherJob extends BlockShape {
  readonly address: string;
  /** Block N is due at this time plus N / `blocksPerSecond`. Milliseconds since 1970, as the next. */
  readonly startMs: number;
  /** No new block from here on. */
  readonly endMs: number;
  readonly blocksPerSecond: number;
  /** At or below the first block it will be asked for. */
  readonly from: ChainStateJson;
}

/** What a publisher says. Written at once: a kill loses nothing that was acknowledged. */
export type PublisherMessage =
  /** The node acknowledged everything up to this block; milliseconds of those that this publisher had sent. */
  | { readonly kind: "acknowledged"; readonly number: number; readonly latenciesMs: readonly number[] }
  /** Its call ended: with an EndOfStream status, or a transport error's code. */
  | { readonly kind: "ended"; readonly how: string };

/** Argument of subscriber.ts. */
export interface SubscriberJob {
  readonly address: string;
  /** One subscriber for each: milliseconds it waits after every block. */
  readonly pausesMs: readonly number[];
}

/** What a process of subscribers says. */
export type SubscriberMessage =
  /** The first time any of them got this block: SHA-256 of it. */
  | { readonly kind: "block"; readonly number: number; readonly sha256: string }
  /** Once a second: next block of each, and blocks received by all. */
  | { readonly kind: "progress"; readonly next: readonly number[]; readonly blocks: number }
  | { readonly kind: "ended"; readonly how: string }
  | { readonly kind: "violation"; readonly what: string };

/** Writes a message; returns when the pipe has it. */
export function say(message: PublisherMessage | SubscriberMessage): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(message)}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

export const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
