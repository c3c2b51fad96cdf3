/**
 * Everything of the Rootstock core that others may use: `mod.ts` passes it on.
 *
 * Layer: protocols/rootstock.
 *
 * @module
 */

// Rootstock: discovery
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

// Rootstock: peers
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
