/**
 * What of the Rootstock core is for other programs: the package exports all of it.
 *
 * Layer: protocols/rootstock.
 *
 * @module
 */

// Wire: keys, RLPx, messages, sessions
export { isPrivateKey, NODE_ID_BYTES, NodeKey, recoverNodeId } from "./secp256k1.ts";
export { WIRE_FAULT_CODES, WireFault, type WireFaultCode } from "./wire_fault.ts";
export { type HandshakeForm } from "./handshake_packets.ts";
export {
  type FrameSecrets,
  type HandshakeResult,
  InitiatorHandshake,
  type InitiatorOptions,
  ReplayGuard,
  ResponderHandshake,
  type ResponderOptions,
} from "./rlpx_handshake.ts";
export { type Frame, FrameReader, FrameWriter } from "./rlpx_frames.ts";
export { type Capability, DISCONNECT_CODE, type DisconnectReason, type Hello } from "./p2p_messages.ts";
export { type EthStatus } from "./eth_status.ts";
export type { BlockIdentifier } from "./block_identifier.ts";
export type { RskMessage, RskStatus } from "./rsk_message.ts";
export { decodeRskMessage } from "./rsk_decode.ts";
export { encodeRskMessage } from "./rsk_encode.ts";
export { RskSession } from "./rsk_session.ts";
export {
  DEFAULT_SESSION_CONFIG,
  genesisStatus,
  type RskSessionOptions,
  type SessionConfig,
  type SessionEvent,
  type SessionState,
} from "./session_events.ts";
