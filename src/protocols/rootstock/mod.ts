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
export { type CheckpointCase, type Contradiction, findContradictions } from "./checkpoints.ts";
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
export { isNodeId, type NodeId, nodeIdOf } from "./node_id.ts";
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
