/**
 * What the Grafana dashboard of a block node shows: panels by the question they answer. `scripts/dashboards.ts` renders
 * them.
 *
 * @module
 */

import { mean, quantile, rate, rateBy, type Row } from "./panel.ts";

/** Of every node: the first question to ask. */
export const UP_ROW: Row = {
  question: "Is the node up?",
  panels: [
    {
      title: "Phase",
      help: "0 starting, 1 running, 2 stopping, 3 stopped",
      unit: "none",
      stat: "value",
      targets: [["cairn_node_phase{$}", "{{instance}}"]],
    },
    {
      title: "Uptime",
      help: "Falls to 0 with every restart",
      unit: "s",
      stat: "value",
      targets: [["cairn_process_uptime_seconds{$}", "{{instance}}"]],
    },
    {
      title: "Build",
      help: "Version, commit and runtime; two lines mean a roll-out under way",
      unit: "none",
      stat: "name",
      targets: [["cairn_build_info{$}", "{{version}} {{commit}} deno {{deno}}"]],
    },
    {
      title: "Probes and scrapes",
      help: "Requests to the admin listener; a flat line means that probes no longer get through",
      unit: "ops",
      targets: [[rateBy("path, status", "cairn_admin_requests_total{$}"), "{{path}} {{status}}"]],
    },
  ],
};

/** Of every node: the last one. */
export const MACHINE_ROW: Row = {
  question: "Is the machine large enough?",
  panels: [
    {
      title: "Memory",
      help: "What the process holds in RAM, and the JavaScript heap in it",
      unit: "bytes",
      targets: [
        ["cairn_process_resident_memory_bytes{$}", "resident {{instance}}"],
        ["cairn_process_heap_used_bytes{$}", "heap {{instance}}"],
      ],
    },
    {
      title: "CPU",
      help: "Cores in use",
      unit: "short",
      targets: [[rate("cairn_process_cpu_seconds_total{$}"), "{{instance}}"]],
    },
    {
      title: "Event loop lag, 99th percentile",
      help: "How late the main thread gets to its timers, and so to everything else",
      unit: "s",
      targets: [[quantile(0.99, "instance", "cairn_process_event_loop_lag_seconds"), "{{instance}}"]],
    },
    {
      title: "Open descriptors",
      help: "Only where the process may read /proc",
      unit: "none",
      targets: [["cairn_process_open_fds{$}", "{{instance}}"]],
    },
  ],
};

/** The dashboard, from the first question to ask to the last. */
export const ROWS: readonly Row[] = [
  UP_ROW,
  {
    question: "Does the chain move?",
    panels: [
      {
        title: "Blocks available",
        help: "First and last block on disk and the next one wanted; -1 is none. The last must rise",
        unit: "none",
        targets: [["cairn_blocks_available_block{$}", "{{state}} {{instance}}"]],
      },
      {
        title: "Blocks and items a second",
        help:
          "Received whole, then stored, and acknowledgements sent. Received above stored: blocks are refused or repeated",
        unit: "ops",
        targets: [
          [rate("cairn_blocks_received_total{$}"), "received"],
          [rate("cairn_blocks_persisted_total{$}"), "stored"],
          [rate("cairn_blocks_acknowledgements_total{$}"), "acknowledgements"],
          [rate("cairn_blocks_received_items_total{$}"), "items"],
        ],
      },
      {
        title: "Bytes a second",
        help: "What publishers send, doubled and refused blocks included, and what of it is stored",
        unit: "Bps",
        targets: [
          [rate("cairn_blocks_received_bytes_total{$}"), "received"],
          [rate("cairn_blocks_persisted_bytes_total{$}"), "stored"],
        ],
      },
    ],
  },
  {
    question: "Who publishes, and what are they told?",
    panels: [
      {
        title: "Publishers",
        help: "Open publish streams",
        unit: "none",
        targets: [["cairn_blocks_publishers{$}", "{{instance}}"]],
      },
      {
        title: "Answers",
        help: "skip: publishers race, which is normal; behind: this node is missing blocks",
        unit: "ops",
        targets: [[rateBy("kind", "cairn_blocks_publish_responses_total{$}"), "{{kind}}"]],
      },
      {
        title: "Streams ended",
        help: "By this node with a status, or by the publisher with a code",
        unit: "ops",
        targets: [
          [rateBy("status", "cairn_blocks_end_of_stream_sent_total{$}"), "node: {{status}}"],
          [rateBy("code", "cairn_blocks_end_stream_received_total{$}"), "publisher: {{code}}"],
        ],
      },
      {
        title: "What nobody is told",
        help: "Blocks abandoned, stalled or evicted, items dropped, messages that make no sense",
        unit: "ops",
        targets: [
          [rateBy("event", "cairn_blocks_publish_events_total{$}"), "{{event}}"],
          [rateBy("reason", "cairn_blocks_publish_errors_total{$}"), "error: {{reason}}"],
          [rate("cairn_blocks_sets_dropped_total{$}"), "sets dropped"],
        ],
      },
    ],
  },
  {
    question: "Are blocks refused?",
    panels: [
      {
        title: "Verified",
        help: "Blocks that passed, by root hash rule",
        unit: "ops",
        targets: [[rateBy("rule", "cairn_blocks_verified_total{$}"), "{{rule}}"]],
      },
      {
        title: "Refused",
        help: "Attempts refused, by failure type; the log names the check",
        unit: "ops",
        targets: [[rateBy("fault", "cairn_blocks_rejected_total{$}"), "{{fault}}"]],
      },
      {
        title: "Proofs",
        help:
          "Blocks whose proofs were checked, could not be checked, or were refused, by the step that failed",
        unit: "ops",
        targets: [
          [rateBy("kind", "cairn_blocks_proofs_verified_total{$}"), "verified: {{kind}}"],
          [rateBy("reason", "cairn_blocks_proofs_unverified_total{$}"), "unverified: {{reason}}"],
          [rateBy("step", "cairn_blocks_proofs_refused_total{$}"), "refused: {{step}}"],
        ],
      },
      {
        title: "Items of the future",
        help:
          "Items of kinds this version does not know, hashed or not by their number; refused counts blocks",
        unit: "ops",
        targets: [[rateBy("handling", "cairn_blocks_future_items_total{$}"), "{{handling}}"]],
      },
    ],
  },
  {
    question: "Where does a block's time go?",
    panels: [
      {
        title: "Stages, mean",
        help: "From a block's end on the stream to its acknowledgement; total is the sum of the others",
        unit: "s",
        targets: [[mean("cairn_blocks_stage_seconds"), "{{stage}}"]],
      },
      {
        title: "Stages, 99th percentile",
        help: "What to do about a high stage is in docs/blocks.md",
        unit: "s",
        targets: [[quantile(0.99, "stage", "cairn_blocks_stage_seconds"), "{{stage}}"]],
      },
      {
        title: "Receiving",
        help: "From a block's header to its end: the publisher's time, and the network's",
        unit: "s",
        targets: [
          [mean("cairn_blocks_receive_seconds"), "mean {{instance}}"],
          [quantile(0.99, "instance", "cairn_blocks_receive_seconds"), "99th percentile {{instance}}"],
        ],
      },
    ],
  },
  {
    question: "Does anything pile up?",
    panels: [
      {
        title: "Blocks not on disk, bytes",
        help: "Near blocks.pauseAboveBytes for long: disk or verification are slower than the publishers",
        unit: "bytes",
        targets: [["cairn_blocks_queued_bytes{$}", "{{instance}}"]],
      },
      {
        title: "Blocks not on disk",
        help:
          "Started, in flight, and to be sent again: a hole in the chain that stays holds up all above it",
        unit: "none",
        targets: [
          ["cairn_blocks_pending_blocks{$}", "{{state}}"],
          [rate("cairn_blocks_publish_pauses_total{$}"), "pauses a second"],
          [rateBy("reason", "cairn_blocks_publishers_held_total{$}"), "held a second: {{reason}}"],
        ],
      },
      {
        title: "Bus: behind and full",
        help:
          "Events that a subscriber has not released; a lossless topic that is full makes its publisher wait",
        unit: "none",
        targets: [
          ["cairn_bus_subscriber_lag{$}", "behind: {{topic}} {{subscriber}}"],
          [rateBy("topic", "cairn_bus_producer_full_total{$}"), "full a second: {{topic}}"],
          [
            rateBy("topic, subscriber", "cairn_bus_dropped_total{$}"),
            "lost a second: {{topic}} {{subscriber}}",
          ],
          ["cairn_bus_subscriber_expelled{$}", "taken out: {{topic}} {{subscriber}}"],
        ],
      },
      {
        title: "Bus: events",
        help: "Events published, by topic",
        unit: "ops",
        targets: [[rateBy("topic", "cairn_bus_published_total{$}"), "{{topic}}"]],
      },
      {
        title: "Bus: memory",
        help: "Bytes of each topic's arena in use; blocks.received has room for blocks.maxBlockBytes",
        unit: "bytes",
        targets: [["cairn_bus_arena_used_bytes{$}", "{{topic}}"]],
      },
    ],
  },
  {
    question: "Does the disk keep up?",
    panels: [
      {
        title: "Commit and write, 99th percentile",
        help: "Commit is the disk with its sync; write is what a caller waits, the queue included",
        unit: "s",
        targets: [
          [quantile(0.99, "instance", "cairn_store_commit_duration_seconds"), "commit {{instance}}"],
          [quantile(0.99, "instance", "cairn_store_write_duration_seconds"), "write {{instance}}"],
        ],
      },
      {
        title: "Written",
        help: "Bytes of keys and values committed",
        unit: "Bps",
        targets: [[rate("cairn_store_write_bytes_total{$}"), "{{instance}}"]],
      },
      {
        title: "Batches",
        help: "Committed, how many share one sync, and how many wait",
        unit: "short",
        targets: [
          ["cairn_store_write_queue_batches{$}", "waiting"],
          [rate("cairn_store_write_batches_total{$}"), "a second"],
          [mean("cairn_store_commit_group_batches"), "a group, mean"],
        ],
      },
      {
        title: "Waiting to be written",
        help: "Bytes of batches whose write has not settled",
        unit: "bytes",
        targets: [["cairn_store_write_queue_bytes{$}", "{{instance}}"]],
      },
      {
        title: "Failures",
        help: "Batches that were not committed, and times the database was opened again after a disk error",
        unit: "short",
        targets: [
          ["increase(cairn_store_write_failures_total{$}[$__rate_interval])", "failed writes"],
          ["increase(cairn_store_recoveries_total{$}[$__rate_interval])", "opened again"],
        ],
      },
    ],
  },
  {
    question: "Do blocks reach the archive?",
    panels: [
      {
        title: "Blocks of the tiers",
        help: "Hot: in the store. Cold: in archives; a block is in both until it is removed from the store",
        unit: "short",
        targets: [
          ["cairn_blocks_recent_blocks_stored{$}", "hot {{instance}}"],
          ["cairn_blocks_historic_blocks_stored{$}", "cold {{instance}}"],
        ],
      },
      {
        title: "Archived, removed and read",
        help: "Blocks a second. Archived without removed: recent.blockRetentionThreshold keeps them hot",
        unit: "ops",
        targets: [
          [rate("cairn_blocks_historic_blocks_written_total{$}"), "archived"],
          [rate("cairn_blocks_recent_blocks_deleted_total{$}"), "removed from the store"],
          [rateBy("result", "cairn_blocks_historic_blocks_read_total{$}"), "read from archives: {{result}}"],
        ],
      },
      {
        title: "Archives",
        help: "Usable ones, and those found damaged since the start: the log names them",
        unit: "short",
        targets: [
          ["cairn_blocks_historic_zips_stored{$}", "usable {{instance}}"],
          ["cairn_blocks_historic_zips_damaged{$}", "damaged {{instance}}"],
          ["cairn_blocks_missing_blocks{$}", "blocks missing {{instance}}"],
          [rate("cairn_blocks_historic_zips_deleted_total{$}"), "removed a second, by retention"],
        ],
      },
      {
        title: "Bytes of archives",
        help: "On disk, compressed",
        unit: "bytes",
        targets: [["cairn_blocks_historic_stored_bytes{$}", "{{instance}}"]],
      },
      {
        title: "Time to archive a batch, mean",
        help: "From its first block to its place on disk; bounded by historic.maxBytesPerSecond",
        unit: "s",
        targets: [[mean("cairn_blocks_historic_batch_seconds"), "{{instance}}"]],
      },
      {
        title: "Tier failures a second",
        help: "All are tried again; the log says why",
        unit: "ops",
        targets: [
          [rate("cairn_blocks_historic_failures_total{$}"), "archiving"],
          [rate("cairn_blocks_recent_deletes_failed_total{$}"), "removal from the store"],
          [rate("cairn_blocks_historic_zips_deleted_failed_total{$}"), "removal of archives"],
        ],
      },
    ],
  },
  {
    question: "What do readers ask, and how long do they wait?",
    panels: [
      {
        title: "Blocks asked for",
        help: "getBlock by answer; NOT_FOUND is a block that should be there",
        unit: "ops",
        targets: [[rateBy("status", "cairn_blocks_get_requests_total{$}"), "{{status}}"]],
      },
      {
        title: "Contents proofs asked for",
        help: "getBlockContentsProof by answer; each costs the hash of its block",
        unit: "ops",
        targets: [[rateBy("status", "cairn_blocks_contents_proof_requests_total{$}"), "{{status}}"]],
      },
      {
        title: "Subscribers",
        help: "Open subscriptions, and how many stored blocks the slowest of them has not been sent",
        unit: "short",
        targets: [
          ["cairn_blocks_subscribers{$}", "subscribers {{instance}}"],
          ["cairn_blocks_subscriber_lag_blocks{$}", "slowest is behind by {{instance}}"],
        ],
      },
      {
        title: "Blocks sent to subscribers",
        help: "history growing while all should be live: somebody catches up, or is too slow",
        unit: "ops",
        targets: [[rateBy("origin", "cairn_blocks_subscriber_blocks_total{$}"), "{{origin}}"]],
      },
      {
        title: "Subscriptions ended",
        help: "GONE: left by the subscriber; SLOW: dropped, it did not read; ERROR: look at the log",
        unit: "ops",
        targets: [[rateBy("outcome", "cairn_blocks_subscriber_sessions_total{$}"), "{{outcome}}"]],
      },
      {
        title: "Live blocks held for subscribers, bytes",
        help: "Near blocks.subscriberLiveBytes: slow subscribers go on from the store",
        unit: "bytes",
        targets: [["cairn_blocks_subscriber_live_bytes{$}", "{{instance}}"]],
      },
      {
        title: "Backfill: blocks and calls",
        help: "Blocks fetched from peers, and calls for them by outcome; only with blocks.backfill.peers",
        unit: "ops",
        targets: [
          [rateBy("lane", "cairn_blocks_backfill_blocks_total{$}"), "blocks: {{lane}}"],
          [rateBy("lane, outcome", "cairn_blocks_backfill_fetches_total{$}"), "{{outcome}}: {{lane}}"],
        ],
      },
      {
        title: "Backfill: peers",
        help: "refused, unlinked, wrong-block, malformed, too-large: a peer sends what it should not",
        unit: "short",
        targets: [
          ["cairn_blocks_backfill_peers_in_back_off{$}", "in back-off {{instance}}"],
          [rateBy("peer, reason", "cairn_blocks_backfill_peer_failures_total{$}"), "{{reason}}: {{peer}}"],
        ],
      },
      {
        title: "Calls",
        help: "Calls that arrived, and calls that ended by gRPC status",
        unit: "ops",
        targets: [
          [rateBy("method", "cairn_blocks_rpc_calls_started_total{$}"), "arrived: {{method}}"],
          [rateBy("method, code", "cairn_blocks_rpc_calls_handled_total{$}"), "{{code}}: {{method}}"],
        ],
      },
      {
        title: "Time of a call, 99th percentile",
        help: "A publish stream lives for days: look at the unary methods",
        unit: "s",
        targets: [[quantile(0.99, "method", "cairn_blocks_rpc_call_duration_seconds"), "{{method}}"]],
      },
      {
        title: "Messages",
        help: "In and out, by method",
        unit: "ops",
        targets: [
          [rateBy("method", "cairn_blocks_rpc_messages_received_total{$}"), "in: {{method}}"],
          [rateBy("method", "cairn_blocks_rpc_messages_sent_total{$}"), "out: {{method}}"],
        ],
      },
      {
        title: "Bytes",
        help: "In and out, by method, without framing",
        unit: "Bps",
        targets: [
          [rateBy("method", "cairn_blocks_rpc_received_bytes_total{$}"), "in: {{method}}"],
          [rateBy("method", "cairn_blocks_rpc_sent_bytes_total{$}"), "out: {{method}}"],
        ],
      },
      {
        title: "Connections and calls in flight",
        help: "Bounds are blocks.rpc.maxConnections and blocks.rpc.maxStreams",
        unit: "none",
        targets: [
          ["cairn_blocks_rpc_open_connections{$}", "connections {{instance}}"],
          ["cairn_blocks_rpc_open_streams{$}", "{{method}}"],
        ],
      },
      {
        title: "Connections made and refused",
        help: "Refused connections and calls, by reason",
        unit: "ops",
        targets: [
          [rate("cairn_blocks_rpc_connections_total{$}"), "connections"],
          [
            rateBy("reason", "cairn_blocks_rpc_connections_refused_total{$}"),
            "connection refused: {{reason}}",
          ],
          [rateBy("reason", "cairn_blocks_rpc_calls_refused_total{$}"), "call refused: {{reason}}"],
        ],
      },
    ],
  },
  MACHINE_ROW,
];
