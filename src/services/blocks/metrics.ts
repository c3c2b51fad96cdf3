/**
 * Metrics of the blocks service: what came in, what became of it, and where the time went.
 *
 * Layer: services. One histogram per stage, all measured from wall-clock stamps taken at the stage's edge.
 *
 * @module
 */

import type { Counter, Gauge, Histogram } from "prom-client";
import { LATENCY_BUCKETS_SECONDS, type MetricScope } from "../../kernel/metrics.ts";
import { BLOCK_RESPONSE_CODE } from "../../protocols/hiero/access_messages.ts";
import { FAILURE_TYPES } from "../../protocols/hiero/fault.ts";
import { CONTENTS_PROOF_CODE } from "../../protocols/hiero/proof_messages.ts";

/** The stages of a block's way through the node, in order. */
export const STAGES = ["ingest", "hash", "persist", "acknowledge", "total"] as const;
export type Stage = (typeof STAGES)[number];

const FUTURE_HANDLING = ["hashed", "not-hashed", "refused"] as const;

/** Every metric of the service. */
export interface BlocksMetrics {
  readonly bytesReceived: Counter;
  readonly itemsReceived: Counter;
  readonly blocksReceived: Counter;
  readonly blocksVerified: Counter<"rule">;
  readonly blocksRejected: Counter<"fault">;
  readonly proofsVerified: Counter<"kind">;
  readonly proofsUnverified: Counter<"reason">;
  readonly proofsRefused: Counter<"step">;
  readonly futureItems: Counter<"handling">;
  readonly blocksPersisted: Counter;
  readonly acknowledgements: Counter;
  readonly responses: Counter<"kind">;
  readonly setsDropped: Counter;
  readonly endOfStreams: Counter<"status">;
  readonly endStreams: Counter<"code">;
  readonly publishEvents: Counter<"event">;
  readonly streamErrors: Counter<"reason">;
  readonly pauses: Counter;
  readonly persistedBytes: Counter;
  readonly receiveSeconds: Histogram;
  readonly publishersHeld: Counter<"reason">;
  readonly publishers: Gauge;
  readonly queuedBytes: Gauge;
  readonly pendingBlocks: Gauge<"state">;
  readonly latest: Gauge<"state">;
  readonly stageSeconds: Histogram<"stage">;
  readonly getBlockRequests: Counter<"status">;
  readonly contentsProofRequests: Counter<"status">;
}

/** What the gauges read when they are scraped. */
export interface BlocksGaugeSource {
  publishers(): number;
  queuedBytes(): number;
  /** Highest persisted block, or undefined when nothing is stored. */
  lastPersisted(): bigint | undefined;
  firstAvailable(): bigint | undefined;
  /** Block wanted next, or undefined when the node cannot say. */
  nextExpected(): bigint | undefined;
  /** Blocks by what they wait for. */
  blocks(): { readonly queued: number; readonly inFlight: number; readonly resend: number };
}

/** Registers the metrics in `scope`. What alerts count is shown with 0 from the start: a first event is then a rise. */
export function createBlocksMetrics(scope: MetricScope, source: BlocksGaugeSource): BlocksMetrics {
  const metrics = register(scope, source);
  for (const fault of FAILURE_TYPES) metrics.blocksRejected.inc({ fault }, 0);
  for (const handling of FUTURE_HANDLING) metrics.futureItems.inc({ handling }, 0);
  for (const status of Object.keys(BLOCK_RESPONSE_CODE)) metrics.getBlockRequests.inc({ status }, 0);
  for (const status of Object.keys(CONTENTS_PROOF_CODE)) metrics.contentsProofRequests.inc({ status }, 0);
  return metrics;
}

function register(scope: MetricScope, source: BlocksGaugeSource): BlocksMetrics {
  return {
    bytesReceived: scope.counter({ name: "received_bytes_total", help: "Block item bytes received" }),
    itemsReceived: scope.counter({ name: "received_items_total", help: "Block items received" }),
    blocksReceived: scope.counter({ name: "received_total", help: "Whole blocks received (BlockEnd seen)" }),
    blocksVerified: scope.counter({
      name: "verified_total",
      help: "Blocks that passed verification, by root hash rule",
      labels: ["rule"],
    }),
    blocksRejected: scope.counter({
      name: "rejected_total",
      help: "Blocks that failed verification, by fault",
      labels: ["fault"],
    }),
    proofsVerified: scope.counter({
      name: "proofs_verified_total",
      help: "Block proofs that were verified, by kind",
      labels: ["kind"],
    }),
    proofsUnverified: scope.counter({
      name: "proofs_unverified_total",
      help: "Blocks accepted although their proofs could not be checked, by reason",
      labels: ["reason"],
    }),
    proofsRefused: scope.counter({
      name: "proofs_refused_total",
      help: "Blocks refused for their proofs, by the step of the check that failed",
      labels: ["step"],
    }),
    futureItems: scope.counter({
      name: "future_items_total",
      help:
        "Items of kinds that this version does not know, by what their number says: hashed, not-hashed; " +
        "refused counts blocks",
      labels: ["handling"],
    }),
    blocksPersisted: scope.counter({ name: "persisted_total", help: "Blocks written durably" }),
    acknowledgements: scope.counter({ name: "acknowledgements_total", help: "Acknowledgements sent" }),
    responses: scope.counter({
      name: "publish_responses_total",
      help: "Responses sent to publishers, by kind",
      labels: ["kind"],
    }),
    setsDropped: scope.counter({
      name: "sets_dropped_total",
      help: "Item sets dropped because no block was in progress on their stream",
    }),
    endOfStreams: scope.counter({
      name: "end_of_stream_sent_total",
      help: "Publish streams that this node ended, by status",
      labels: ["status"],
    }),
    endStreams: scope.counter({
      name: "end_stream_received_total",
      help: "Publish streams that their publisher ended, by code",
      labels: ["code"],
    }),
    publishEvents: scope.counter({
      name: "publish_events_total",
      help:
        "What happened to blocks of publish streams without an answer, such as block-stalled or block-evicted",
      labels: ["event"],
    }),
    streamErrors: scope.counter({
      name: "publish_errors_total",
      help: "Publish messages that could not be taken: malformed, or internal when this node failed",
      labels: ["reason"],
    }),
    pauses: scope.counter({
      name: "publish_pauses_total",
      help: "Times a publish stream was no longer read because blocks fill the memory",
    }),
    persistedBytes: scope.counter({ name: "persisted_bytes_total", help: "Bytes of blocks written durably" }),
    receiveSeconds: scope.histogram({
      name: "receive_seconds",
      help: "Time a publisher takes to send a block, from its header to its end",
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
    publishersHeld: scope.counter({
      name: "publishers_held_total",
      help: "Times a publish stream was not read because its messages had used up a budget, or for a penalty",
      labels: ["reason"],
    }),
    publishers: scope.gauge({
      name: "publishers",
      help: "Open publish streams",
      collect: (gauge) => gauge.set(source.publishers()),
    }),
    queuedBytes: scope.gauge({
      name: "queued_bytes",
      help: "Bytes of blocks received and not yet persisted",
      collect: (gauge) => gauge.set(source.queuedBytes()),
    }),
    pendingBlocks: scope.gauge({
      name: "pending_blocks",
      help:
        "Blocks not persisted: queued (started), in-flight (being verified or stored), resend (to be sent again)",
      labels: ["state"],
      collect: (gauge) => {
        const { queued, inFlight, resend } = source.blocks();
        gauge.set({ state: "queued" }, queued);
        gauge.set({ state: "in-flight" }, inFlight);
        gauge.set({ state: "resend" }, resend);
      },
    }),
    latest: scope.gauge({
      name: "available_block",
      help: "First and last block available, and the next one wanted; -1 when there is none",
      labels: ["state"],
      collect: (gauge) => {
        gauge.set({ state: "first" }, Number(source.firstAvailable() ?? -1n));
        gauge.set({ state: "last" }, Number(source.lastPersisted() ?? -1n));
        gauge.set({ state: "next" }, Number(source.nextExpected() ?? -1n));
      },
    }),
    stageSeconds: scope.histogram({
      name: "stage_seconds",
      help:
        "Time a block spends in a stage. ingest: complete on the stream to on the bus; hash: on the bus to " +
        "verified; persist: verified to on disk; acknowledge: on disk to acknowledgement handed to the transport; " +
        "total: complete on the stream to acknowledged",
      labels: ["stage"],
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
    getBlockRequests: scope.counter({
      name: "get_requests_total",
      help: "getBlock requests, by answered status",
      labels: ["status"],
    }),
    contentsProofRequests: scope.counter({
      name: "contents_proof_requests_total",
      help: "getBlockContentsProof requests, by answered status",
      labels: ["status"],
    }),
  };
}
