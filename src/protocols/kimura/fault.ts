/**
 * What is wrong with a block, a message or a proof: one code for each rule.
 *
 * Layer: protocols. Imports nothing. Source: spec/kimura.md §1, §4, §6. A service maps these to its own error codes:
 * the cores of this room know neither transports nor the kernel.
 *
 * @module
 */

/** Every refusal of this room. Stable: scripts and metrics name them. */
export const FAULT_CODES = [
  // Encodings
  "MALFORMED_JSON",
  "MALFORMED_BYTES",
  "OVERSIZE",
  // Headers
  "HEIGHT_MISMATCH",
  "PREV_HASH_MISMATCH",
  "TIMESTAMP_BEFORE_PARENT",
  "TIMESTAMP_AHEAD",
  "LEADER_UNSIGNED",
  "LEADER_KEY_WRONG",
  "LEADER_SIGNATURE_INVALID",
  "TERM_BEFORE_PARENT",
  "TOO_MANY_MESSAGES",
  "MESSAGE_ID_REPEATED",
  // Bodies
  "BODY_MISMATCH",
  "MESSAGE_ROOT_MISMATCH",
  "SENDER_INVALID",
  "CONTENT_TOO_LARGE",
  "MESSAGE_UNSIGNED",
  "MESSAGE_SIGNATURE_INVALID",
  "NONCE_REPLAYED",
  "NONCE_SKIPPED",
  // Submission
  "PENDING_FULL",
  "STATE_OUTDATED",
  "STORE_FAILED",
  "STOPPING",
  // Catch-up
  "ANSWER_EMPTY",
  "ANSWER_UNASKED",
  "ANSWER_LATE",
  // Proofs
  "PROOF_INVALID",
  "EVIDENCE_INVALID",
] as const;

/** A code of {@link FAULT_CODES}. */
export type FaultCode = (typeof FAULT_CODES)[number];

/** A refusal as plain data: what machines hand on and what the command line prints. */
export interface Fault {
  readonly code: FaultCode;
  /** What was expected and what was found. */
  readonly message: string;
}

/** A fault on its way out of a codec. */
export class KimuraFault extends Error implements Fault {
  override readonly name = "KimuraFault";
  readonly code: FaultCode;

  constructor(code: FaultCode, message: string) {
    super(message);
    this.code = code;
  }

  /** The same facts without the stack. */
  toFault(): Fault {
    return { code: this.code, message: this.message };
  }
}

/**
 * Runs a codec whose faults are data to the caller.
 *
 * @throws Whatever is not a {@link KimuraFault}.
 */
export function attempt<T>(read: () => T): { readonly value: T } | { readonly fault: Fault } {
  try {
    return { value: read() };
  } catch (thrown) {
    if (thrown instanceof KimuraFault) return { fault: thrown.toFault() };
    throw thrown;
  }
}
