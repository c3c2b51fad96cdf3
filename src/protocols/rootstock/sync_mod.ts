/**
 * What header sync offers to other programs: `mod.ts` of the package hands it on.
 *
 * Layer: protocols/rootstock.
 *
 * @module
 */

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
  type SyncHeader,
  type SyncPeerId,
  type SyncPhase,
  type SyncProgress,
  type SyncScore,
  type SyncVerdict,
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
export { MinuteLimit, type RateOptions, RequestBudget } from "./request_rate.ts";
export type { BlockIdentifier } from "./block_identifier.ts";
export type { RskMessage, RskStatus } from "./rsk_message.ts";
