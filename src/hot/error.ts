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
  | "BUS_SUBSCRIBER_EXPELLED"
  | "RLP_TRUNCATED"
  | "RLP_TRAILING_BYTES"
  | "RLP_NOT_A_LIST"
  | "RLP_NOT_CANONICAL"
  | "RLP_NOT_AN_INTEGER"
  | "RLP_TOO_MANY_FIELDS"
  | "RLP_TOO_DEEP"
  | "RLP_TOO_LARGE";

/** A failure of shared memory, of a ring in it, or of bytes that a kernel refuses. */
export class HotError extends Error {
  override readonly name = "HotError";
  readonly code: HotErrorCode;

  constructor(code: HotErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
