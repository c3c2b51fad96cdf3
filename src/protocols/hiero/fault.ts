/**
 * What is wrong with a block or a message, in the words of the block node's own verification.
 *
 * Layer: protocols. Imports nothing. Source: spec/block-node.md §6.9. A service maps these to its own error
 * codes: the cores of this room know neither transports nor the kernel.
 *
 * @module
 */

/** Failure types of a verification run (spec §6.9). On the publish wire every one of them is `BAD_BLOCK_PROOF`. */
export const FAILURE_TYPES = [
  "BAD_BLOCK_PROOF",
  "UNABLE_TO_PARSE",
  "MISSING_MANDATORY_ITEM",
  "MISSING_MANDATORY_FIELD",
  "MISSING_VERIFICATION_DATA",
  "UNRECOGNIZED_PROOF_TYPE",
  "UNSUPPORTED_HAPI_VERSION",
  "UNSUPPORTED_ITEM_TYPE",
  "UNSUPPORTED_STREAM_FORMAT",
  "CANCELLED",
  "UNKNOWN_ERROR",
] as const;

/** A failure type of spec §6.9. */
export type FailureType = (typeof FAILURE_TYPES)[number];

/** Which check found the fault: finer than the type, and stable for scripts and metrics. */
export type FaultCheck =
  | "wire"
  | "structure"
  | "number"
  | "previous-hash"
  | "all-blocks-root"
  | "proof"
  | "path"
  | "root";

/** Machine-readable facts of a fault; JSON-serializable, so no bigint and no bytes: numbers and hashes as text. */
export interface FaultDetail {
  readonly check: FaultCheck;
  readonly [key: string]: string | number | boolean | undefined;
}

/** A fault as plain data: what crosses a Worker boundary and what the command line prints. */
export interface Fault {
  readonly type: FailureType;
  readonly message: string;
  readonly detail: FaultDetail;
}

/** A fault on its way out of a parser or a check. */
export class HieroFault extends Error implements Fault {
  override readonly name = "HieroFault";
  readonly type: FailureType;
  readonly detail: FaultDetail;

  constructor(type: FailureType, message: string, detail: FaultDetail = { check: "structure" }) {
    super(message);
    this.type = type;
    this.detail = detail;
  }

  /** The same facts without the stack. */
  toFault(): Fault {
    return { type: this.type, message: this.message, detail: this.detail };
  }
}

/** Lower-case hex of some bytes, for messages and details. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** Whether two byte strings are equal. Not constant-time: nothing compared in this room is a secret. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
