/**
 * What the Rootstock core offers to other programs: `mod.ts` of the package hands it on.
 *
 * Layer: protocols/rootstock. Names that mean something else for Hiero's blocks begin with `Rootstock`.
 *
 * @module
 */

// Networks and their rules
export {
  adaptNetwork,
  type BootNode,
  type DifficultyCheckpoint,
  type DifficultyParameters,
  type Genesis,
  type HashCheckpoint,
  type Heights,
  isActive,
  type NetworkFacts,
  type NetworkOverrides,
  type RootstockNetwork,
  type RskRule,
  type Upgrade,
} from "./network.ts";
export { NETWORKS } from "./networks/mod.ts";
export { type BlockRules, rulesAt } from "./block_rules.ts";

// Headers
export type { RootstockHeader } from "./header.ts";
export type { BlockIdentifier } from "./block_identifier.ts";
export {
  decodeHeader,
  type DecodeOptions,
  encodeHeader,
  type HeaderForm,
  headerNumber,
} from "./header_codec.ts";
export { extensionData, extensionHash, type HeaderExtension, isExtensionOf } from "./extension.ts";
export { hashForMergedMining, hashHeader, hashUncles, type HeaderHashes } from "./header_hash.ts";
export { type HeaderFile, readHeaderFile } from "./header_file.ts";
export {
  type HeaderReport,
  readTip,
  type ReportedRule,
  reportHeader,
  type ReportOptions,
} from "./header_report.ts";
export { headerFromRpc, type StatedHeader } from "./rpc_block.ts";
export { RootstockFault, type RootstockFaultOptions } from "./fault.ts";

// Rules, chains and forks
export { Ancestors, type ChainTip, tipOf } from "./ancestors.ts";
export {
  type SegmentOptions,
  type SegmentVerdict,
  type VerifiedHeader,
  verifySegment,
} from "./verify_segment.ts";
export {
  HEADER_RULES,
  type HeaderCase,
  type HeaderRule,
  judgeHeader,
  type RuleStatus,
  type RuleVerdict,
} from "./header_rules.ts";
export {
  checkUncles,
  type UncleAncestor,
  type UncleCase,
  type UncleRule,
  type UnclesVerdict,
  type VerifiedUncle,
} from "./uncles.ts";
export {
  addBlock,
  type DifficultyBound,
  type ExactDifficulty,
  exactly,
  lowerBound,
  type TotalDifficulty,
} from "./total_difficulty.ts";
export { type ChainHead as RootstockChainHead, type Choice, chooseChain } from "./fork_choice.ts";
export {
  ChainGenerator as RootstockChainGenerator,
  type ChainGeneratorOptions as RootstockChainGeneratorOptions,
  generateChain as generateRootstockChain,
  type GeneratedHeader,
  toFullHeader,
} from "./generate.ts";
export type { BreakableRule } from "./breaks.ts";

// Discovery
export {
  type AddressKind,
  addressKind,
  endpointKey,
  type IpAddress,
  networkRange,
  parseIpAddress,
  type RangeBits,
} from "./ip_address.ts";
export { isNodeId, type NodeId } from "./node_id.ts";
export {
  type DiscoveryMessage,
  type DiscoveryNode,
  encodePacket,
  type InspectedPacket,
  inspectPacket,
  MAX_PACKET_BYTES,
  type PacketFault,
  type PacketInspection,
  type PacketSignatures,
  SECP256K1_SIGNATURES,
  signerOf,
} from "./discovery_packet.ts";
export {
  type AddOutcome,
  DEFAULT_KADEMLIA_CONFIG,
  hashDistance,
  type KademliaConfig,
  type KademliaNode,
  KademliaTable,
  nodeDistance,
} from "./kademlia.ts";
export {
  type BudgetRefusal,
  DEFAULT_PACKET_BUDGET_CONFIG,
  type PacketBudgetConfig,
  type PacketRate,
} from "./packet_budget.ts";
export { DiscoveryMachine, type DiscoveryMachineOptions } from "./discovery_machine.ts";
export {
  DEFAULT_DISCOVERY_CONFIG,
  type DiscoveryConfig,
  type DiscoveryEffect,
  type DiscoveryEvent,
  type DiscoverySnapshot,
  type Endpoint,
  type PacketDrop,
} from "./discovery_events.ts";

// Peers
export { PeerMachine, type PeerMachineOptions } from "./peer_machine.ts";
export {
  type ConnectionId,
  DEFAULT_PEER_CONFIG,
  type PeerConfig,
  type PeerDirection,
  type PeerDisconnect,
  type PeerEffect,
  type PeerEvent,
  type PeerRecord,
  type PeerSnapshot,
  type PeerView,
} from "./peer_events.ts";
export {
  ADDRESS_PUNISHMENT,
  type Ban,
  ID_PUNISHMENT,
  type PeerScoreConfig,
  PeerScores,
  type PunishmentConfig,
  punishmentMs,
  type ScoreEvent,
} from "./peer_score.ts";

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

// Sync, and the answers to peers that sync from us
export { SyncMachine, type SyncMachineOptions } from "./sync_machine.ts";
export {
  type ChainPosition,
  DEFAULT_SYNC_CONFIG,
  type HeaderIdentity,
  type StoredHeader,
  type SyncCheckpoint,
  type SyncConfig,
  type SyncEffect,
  type SyncEvent,
  type SyncPhase,
  type SyncProgress,
  type SyncScore,
} from "./sync_events.ts";
export type { IdentifyHeader } from "./sync_context.ts";
export type { IsHeavier } from "./sync_chain.ts";
export type { GrowthRules } from "./sync_claims.ts";
export {
  answerOf,
  type AnswerPlan,
  DEFAULT_HEADER_SERVER,
  HeaderServer,
  type HeaderServerOptions,
  planAnswer,
} from "./header_server.ts";
export { MinuteLimit, type RateOptions, RequestBudget } from "./message_rate.ts";
