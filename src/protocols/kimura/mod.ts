/**
 * The face of this room for other projects; `mod.ts` exports it as `kimura`.
 *
 * Layer: protocols. Files of the node import each other directly.
 *
 * @module
 */

// Blocks, messages, their wire forms and hashes
export {
  type Block,
  blockHash,
  type BlockHeader,
  decodeBlock,
  encodeBlock,
  GENESIS,
  type LeaderSeal,
  sealDigest,
} from "./block.ts";
export {
  decodeMessage,
  encodeMessage,
  keyToSender,
  makeMessage,
  type Message,
  messageDigest,
  messageId,
  senderToKey,
} from "./message.ts";
export { blockFromJson, blockToJson, messageFromJson, messageToJson } from "./json.ts";
export { FAULT_CODES, type FaultCode, KimuraFault } from "./fault.ts";
export {
  type BlockSigner,
  createBlockSigner,
  isSealedBy,
  isSignedBySender,
  publicKeyOf,
  signMessage,
  VerifyingKey,
} from "./keys.ts";
export {
  type Announcement,
  announcementFromJson,
  ANNOUNCEMENTS_TOPIC,
  announcementToJson,
  BLOCKS_TOPIC,
  isAnnouncedBy,
  MAX_GOSSIP_BYTES,
  MAX_GOSSIP_DATA_BYTES,
  MESSAGES_TOPIC,
  signAnnouncement,
  SYNC_PROTOCOL,
} from "./gossip.ts";
export {
  decodeSyncAnswer,
  decodeSyncRequest,
  encodeSyncAnswer,
  encodeSyncRequest,
  type FullBlock,
  type SyncAnswer,
  type SyncRequest,
} from "./sync_messages.ts";

// Rules, proofs, evidence
export {
  type ChainRules,
  checkBody,
  checkHeader,
  checkMessage,
  checkNonce,
  DEFAULT_CHAIN_RULES,
  type Tip,
  tipOf,
} from "./rules.ts";
export { merklePath, messageRoot, verifyPath } from "./merkle.ts";
export {
  checkEvidence,
  type ConflictEvidence,
  evidenceFromJson,
  evidenceToJson,
  makeProof,
  type MessageProof,
  proofFromJson,
  proofToJson,
  type ProofTrust,
  type ProofVerdict,
  verifyProof,
  verifyProofFile,
} from "./proof.ts";

// The leader and the follower as machines
export { LeaderMachine, type LeaderMachineOptions } from "./leader_machine.ts";
export {
  DEFAULT_LEADER_CONFIG,
  type LeaderConfig,
  type LeaderEffect,
  type LeaderEvent,
  type LeaderNote,
  type LeaderSnapshot,
} from "./leader_events.ts";
export { type ChainState, type ChainVerdict, checkChain, checkChainSteps } from "./check_chain.ts";
export { PeerMachine, type PeerMachineOptions } from "./peer_machine.ts";
export {
  DEFAULT_PEER_CONFIG,
  type PeerConfig,
  type PeerEffect,
  type PeerEvent,
  type PeerNote,
  type PeerSnapshot,
} from "./peer_events.ts";
