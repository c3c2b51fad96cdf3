/**
 * What goes into the subscribe machine and what comes out: plain data.
 *
 * Layer: protocols. Imports types of this room. Source: spec/block-node.md §4.
 *
 * @module
 */

import type { ItemSet } from "./publish_messages.ts";
import type { SubscribeRequest, SubscribeStatus } from "./subscribe_messages.ts";

/** Names one subscription; the driver chooses it and never gives it twice. */
export type SubscriberId = number;

/** Limits of the subscribe machine: docs/blocks.md says what happens at each. */
export interface SubscribeConfig {
  /** How far past the latest known block a subscription may start. @default {4_000n} */
  readonly maximumFutureRequest: bigint;
  /** Most bytes of one set out of history, where items allow. @default {1_048_576} */
  readonly chunkBytes: number;
  /** Most bytes of live blocks held for all subscribers together. @default {67_108_864} */
  readonly liveBytes: number;
  /** What holding one live set costs beyond its bytes. @default {256} */
  readonly setOverheadBytes: number;
  /** Time to take a message, for each `chunkBytes` of it; who needs longer is dropped. 0 = never. @default {30_000} */
  readonly stallTimeoutMs: number;
}

/** See {@link SubscribeConfig} for each value. */
export const DEFAULT_SUBSCRIBE_CONFIG: SubscribeConfig = {
  maximumFutureRequest: 4_000n,
  chunkBytes: 1_048_576,
  liveBytes: 67_108_864,
  setOverheadBytes: 256,
  stallTimeoutMs: 30_000,
};

/** Something that happened to a subscriber, to a block or to the node. */
export type SubscribeEvent =
  /** `first` is the lowest stored block, undefined while there is none. */
  | {
    readonly kind: "connected";
    readonly subscriber: SubscriberId;
    readonly request: SubscribeRequest;
    readonly first: bigint | undefined;
  }
  /** A publisher's set was accepted. One that opens with a header begins its block, anew if it was begun before. */
  | { readonly kind: "accepted"; readonly number: bigint; readonly set: ItemSet }
  /** All sets of a block are there. */
  | { readonly kind: "complete"; readonly number: bigint }
  /** A block is verified and durably stored; numbers ascend. */
  | { readonly kind: "persisted"; readonly number: bigint }
  /** The answer to `read`: the serialized Block, `missing`, or `unreadable`. */
  | {
    readonly kind: "history";
    readonly subscriber: SubscriberId;
    readonly block: Uint8Array | "missing" | "unreadable";
  }
  /** The transport has taken what was sent last and has room for more. */
  | { readonly kind: "ready"; readonly subscriber: SubscriberId }
  /** The driver failed while it served this subscriber. */
  | { readonly kind: "failed"; readonly subscriber: SubscriberId }
  /** The call is over: cancelled, reset or lost. */
  | { readonly kind: "gone"; readonly subscriber: SubscriberId }
  | { readonly kind: "tick" }
  | { readonly kind: "shutdown" };

/** How a subscription ended: its status, or why it got none that tells. */
export type SubscribeOutcome = SubscribeStatus | "SLOW" | "GONE";

/** Where the last bytes of a block came from. */
export type BlockOrigin = "live" | "history";

/**
 * What the driver must do, in order. For one subscriber there is at most one `send` or `read` outstanding.
 *
 * `send`: give the serialized response to the transport, then answer `ready` as soon as it has room.
 * `read`: fetch a stored block and answer `history`.
 * `finish`: send the status and end the call; nothing more comes for this subscriber, and nothing more is heard of it.
 * With the outcome GONE there is nobody left to tell.
 */
export type SubscribeEffect =
  | {
    readonly kind: "send";
    readonly subscriber: SubscriberId;
    readonly message: Uint8Array;
    /** Set where the message is the end of a block. */
    readonly completes?: BlockOrigin;
  }
  | { readonly kind: "read"; readonly subscriber: SubscriberId; readonly number: bigint }
  | {
    readonly kind: "finish";
    readonly subscriber: SubscriberId;
    readonly status: SubscribeStatus;
    readonly outcome: SubscribeOutcome;
  };

/** State for status pages and gauges. */
export interface SubscribeSnapshot {
  readonly subscribers: number;
  /** Bytes of live blocks held, with the overhead of each set. */
  readonly liveBytes: number;
  /** Stored blocks the slowest subscriber has not got yet; 0 if nobody is behind. */
  readonly lag: number;
}
