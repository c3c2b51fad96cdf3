/**
 * Finds the consumers that hold a full ring up without moving, so that a dead one does not stop it for ever.
 *
 * Layer: hot. Time comes in: the producer asks whenever it finds the ring full.
 *
 * @module
 */

import { RING_CONSUMERS_MAX } from "../../wasm/layout.ts";
import type { Ring } from "./ring.ts";

/** Remembers since when each consumer of one ring has stood still. */
export class StallWatch {
  readonly #ring: Ring;
  /** Released sequence seen last, and when it was first seen; index = consumer. */
  readonly #released = new Float64Array(RING_CONSUMERS_MAX).fill(-1);
  readonly #sinceMs = new Float64Array(RING_CONSUMERS_MAX);
  #lastFullMs = -Infinity;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /**
   * Expels every consumer that is behind and has not moved for its own limit while the ring was full.
   *
   * @param nowMs Monotonic time.
   * @returns Numbers of the consumers expelled by this call.
   */
  expelDead(nowMs: number): readonly number[] {
    // A second without a full ring starts the clocks anew: a slow consumer then is not a dead one.
    const fresh = nowMs - this.#lastFullMs > 1_000;
    this.#lastFullMs = nowMs;
    const dead: number[] = [];
    const { base, memory: { kernels } } = this.#ring;
    for (let set = this.#ring.members; set !== 0; set &= set - 1) {
      const consumer = 31 - Math.clz32(set & -set);
      const limitMs = this.#ring.deadAfterMs(consumer);
      const released = kernels.ringReleasedAt(base, consumer);
      // One that has caught up stands still for want of events.
      if (fresh || released !== this.#released[consumer] || kernels.ringBehind(base, consumer) === 0) {
        this.#released[consumer] = released;
        this.#sinceMs[consumer] = nowMs;
      } else if (limitMs > 0 && nowMs - this.#sinceMs[consumer]! >= limitMs) {
        this.#ring.expel(consumer);
        this.#released[consumer] = -1;
        dead.push(consumer);
      }
    }
    return dead;
  }
}
