/**
 * What a topic is: declared once, beside the types of its events, and used on every thread.
 *
 * Layer: kernel.
 *
 * @module
 */

import type { RingPolicy } from "../../hot/ring.ts";
import type { Codec } from "./codec.ts";

/** Declaration of a topic; see {@link defineTopic}. */
export interface TopicSpec<E> {
  /** Dotted, lower case: `blocks.received`. Label of its metrics. */
  readonly name: string;
  /** Events that fit before the slowest subscriber has to catch up. Power of two. */
  readonly slots: number;
  /** Bytes for bodies in flight; also the largest body. @default {0} */
  readonly arenaBytes?: number;
  /** `gating`: nothing is lost, the publisher waits. `lossy`: the publisher never waits, losses are counted. */
  readonly policy: RingPolicy;
  readonly codec: Codec<E>;
  /**
   * A subscriber that stands still for so long on a full ring is taken out and reported; 0 for never.
   * @default {30_000}
   */
  readonly deadAfterMs?: number;
  /** First sequence; other than 0 only to test what happens near a wrap. @default {0n} */
  readonly firstSequence?: bigint;
}

/** A checked {@link TopicSpec} with its defaults filled in. */
export type TopicDefinition<E> = Readonly<Required<TopicSpec<E>>>;

/**
 * Checks a declaration and fills in the defaults.
 *
 * @throws {RangeError} If the name is not dotted lower case. Sizes are checked when the topic is opened.
 *
 * @example A topic of small JSON events
 * ```ts
 * import { jsonCodec } from "./codec.ts";
 * import { defineTopic } from "./topic_definition.ts";
 * const changed = defineTopic({
 *   name: "config.updated",
 *   slots: 16,
 *   arenaBytes: 65_536,
 *   policy: "lossy",
 *   codec: jsonCodec<{ keys: string[] }>(),
 * });
 * if (changed.deadAfterMs !== 30_000) throw new Error("expected the default");
 * ```
 */
export function defineTopic<E>(spec: TopicSpec<E>): TopicDefinition<E> {
  if (!/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/.test(spec.name)) {
    throw new RangeError(`Cannot define topic: 'name' must be dotted lower case, got '${spec.name}'`);
  }
  return Object.freeze({ arenaBytes: 0, deadAfterMs: 30_000, firstSequence: 0n, ...spec });
}

/** The right to produce a topic; can be posted to a Worker. */
export interface ProducerHandle {
  readonly topic: string;
  /** Address of the ring in hot memory. */
  readonly base: number;
}

/** A reserved place in a topic; can be posted to a Worker. */
export interface ConsumerHandle extends ProducerHandle {
  /** Name of the subscriber in messages and metrics. */
  readonly name: string;
  readonly consumer: number;
}
