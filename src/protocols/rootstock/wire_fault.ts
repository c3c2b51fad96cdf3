/**
 * What is wrong with what a peer sent, as a code that peer scoring and metrics can hold on to.
 *
 * Layer: protocols/rootstock. Bytes of the peer are never part of a message.
 *
 * @module
 */

/** Why a session ended or a message was refused. */
export const WIRE_FAULT_CODES = [
  /** auth or ack is not for this key, or malformed. */
  "handshake",
  /** An auth that came before. */
  "replayed-auth",
  /** A frame that was not made with the keys of this connection. */
  "bad-mac",
  /** More bytes or elements than are taken. */
  "oversize",
  /** RLP that is not canonical, or not what the message has. */
  "malformed",
  /** A code or type that does not exist, or comes at the wrong time. */
  "unexpected-message",
  /** Another version of devp2p, or no `rsk` 62 in common. */
  "incompatible-version",
  /** Another network id in Status. */
  "wrong-network",
  /** Another genesis hash in Status. */
  "wrong-genesis",
  /** The peer has our own key. */
  "own-identity",
  /** No handshake, Hello and Status in time. */
  "handshake-timeout",
  /** Nothing came for as long as rskj waits. */
  "idle-timeout",
] as const;

/** See {@link WIRE_FAULT_CODES}. */
export type WireFaultCode = (typeof WIRE_FAULT_CODES)[number];

/** A fault on its way out of a codec. */
export class WireFault extends Error {
  override readonly name = "WireFault";
  readonly code: WireFaultCode;

  constructor(code: WireFaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Runs a decoder of bytes from a peer: whatever it throws, RLP faults of the hot floor included, leaves as a fault.
 *
 * @throws {WireFault} As thrown, or `malformed`.
 */
export function decoding<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof WireFault) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new WireFault("malformed", `Cannot decode ${what}: ${why}`, { cause: error });
  }
}
