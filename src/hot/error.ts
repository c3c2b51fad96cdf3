/**
 * The error of the hot floor. It carries a code of the node's table, which lies a floor above: `toCairnError()`
 * keeps the code.
 *
 * Layer: hot. Imports nothing.
 *
 * @module
 */

/** Codes that the hot floor raises; each stands in the table of `src/kernel/errors.ts`. */
export type HotErrorCode =
  | "HOT_LAYOUT_MISMATCH"
  | "HOT_MEMORY_EXHAUSTED"
  | "HOT_OUT_OF_BOUNDS"
  | "HOT_POOL_STOPPED"
  | "BUS_EVENT_TOO_LARGE"
  | "BUS_SUBSCRIBERS_EXHAUSTED"
  | "BUS_SUBSCRIBER_EXPELLED";

/** A failure of shared memory or of a ring in it. */
export class HotError extends Error {
  override readonly name = "HotError";
  readonly code: HotErrorCode;

  constructor(code: HotErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
