/**
 * What the Grafana dashboard of a node of the message chain shows. `scripts/dashboards.ts` renders it.
 *
 * @module
 */

import { MACHINE_ROW, UP_ROW } from "./dashboard_panels.ts";
import { mean, quantile, rate, rateBy, type Row } from "./panel.ts";

/** The dashboard, from the first question to ask to the last. */
export const CHAIN_ROWS: readonly Row[] = [
  UP_ROW,
  {
    question: "Does the message chain grow?",
    panels: [
      {
        title: "Height",
        help:
          "Last block on disk, and the last one that other nodes speak of. The two meet when a peer follows",
        unit: "none",
        targets: [["cairn_chain_height{$}", "{{state}} {{instance}}"]],
      },
      {
        title: "Blocks and messages a second",
        help: "Written with their sync; a leader's blocks come at its interval",
        unit: "ops",
        targets: [
          [rate("cairn_chain_blocks_stored_total{$}"), "blocks {{instance}}"],
          [rate("cairn_chain_messages_stored_total{$}"), "messages {{instance}}"],
        ],
      },
      {
        title: "Messages in no block",
        help:
          "pending: a leader has accepted them; pool: a peer has heard of them. Both fall with every block",
        unit: "none",
        targets: [["cairn_chain_waiting_messages{$}", "{{where}} {{instance}}"]],
      },
      {
        title: "Notes",
        help:
          "late: a block was due while one was written; cut: it left messages for the next; gap: a peer begins to catch up",
        unit: "ops",
        targets: [[rateBy("event", "cairn_chain_events_total{$}"), "{{event}}"]],
      },
      {
        title: "Time to disk",
        help: "Of a batch of blocks, and of a submission until its answer",
        unit: "s",
        targets: [
          [mean("cairn_chain_persist_duration_seconds"), "blocks, mean"],
          [quantile(0.99, "instance", "cairn_chain_submit_duration_seconds"), "submission, 99th percentile"],
        ],
      },
    ],
  },
  {
    question: "Does a node of the chain lie?",
    panels: [
      {
        title: "Refused",
        help: "Blocks, announcements and messages of gossip, and submissions, by the rule they break",
        unit: "ops",
        targets: [[rateBy("what, code", "cairn_chain_refused_total{$}"), "{{what}}: {{code}}"]],
      },
      {
        title: "Conflicts",
        help:
          "Second blocks that the leader has signed, since the start. One is a second leader with its key",
        unit: "none",
        stat: "value",
        targets: [["cairn_chain_conflicts_total{$}", "{{instance}}"]],
      },
      {
        title: "Faults and penalties",
        help: "Lies and failures during catch-up, and points held against nodes",
        unit: "ops",
        targets: [
          [rateBy("code", "cairn_chain_peer_faults_total{$}"), "catch-up: {{code}}"],
          [rateBy("reason", "cairn_chain_p2p_penalties_total{$}"), "penalty: {{reason}}"],
        ],
      },
      {
        title: "Bans in an hour",
        help: "Nodes cut off and kept away for their score",
        unit: "none",
        targets: [["increase(cairn_chain_p2p_bans_total{$}[1h])", "{{instance}}"]],
      },
    ],
  },
  {
    question: "Does gossip get through?",
    panels: [
      {
        title: "Received",
        help: "Messages by topic and verdict, each once; reject counts against whoever sent it",
        unit: "ops",
        targets: [[
          rateBy("topic, verdict", "cairn_chain_p2p_gossip_received_total{$}"),
          "{{topic}} {{verdict}}",
        ]],
      },
      {
        title: "Published",
        help: "By this node: a leader's blocks, announcements and messages; a peer's forwarded messages",
        unit: "ops",
        targets: [[rateBy("topic", "cairn_chain_p2p_gossip_published_total{$}"), "{{topic}}"]],
      },
      {
        title: "Bytes",
        help: "Of gossip, without envelopes",
        unit: "Bps",
        targets: [
          [rateBy("topic", "cairn_chain_p2p_gossip_received_bytes_total{$}"), "in: {{topic}}"],
          [rateBy("topic", "cairn_chain_p2p_gossip_published_bytes_total{$}"), "out: {{topic}}"],
        ],
      },
      {
        title: "Time to a verdict, 99th percentile",
        help: "Until then a message is not passed on; a leader's messages wait for its disk",
        unit: "s",
        targets: [[
          quantile(0.99, "topic", "cairn_chain_p2p_gossip_validation_duration_seconds"),
          "{{topic}}",
        ]],
      },
    ],
  },
  {
    question: "Are there other nodes of the chain?",
    panels: [
      {
        title: "Connections",
        help: "By who dialled; a peer has at least the one to its leader",
        unit: "none",
        targets: [["cairn_chain_p2p_open_connections{$}", "{{direction}} {{instance}}"]],
      },
      {
        title: "Dials and refusals",
        help: "Attempts to reach nodes that are kept connected; incoming connections closed unread, by why",
        unit: "ops",
        targets: [
          [rateBy("result", "cairn_chain_p2p_dials_total{$}"), "dial {{result}}"],
          [rateBy("reason", "cairn_chain_p2p_connections_refused_total{$}"), "refused: {{reason}}"],
        ],
      },
      {
        title: "Catch-up requests",
        help: "Asked (out) and answered (in), by result",
        unit: "ops",
        targets: [[
          rateBy("direction, result", "cairn_chain_p2p_requests_total{$}"),
          "{{direction}} {{result}}",
        ]],
      },
      {
        title: "Time of a request, 99th percentile",
        help: "Of catch-up; a slow answer delays a peer that is behind",
        unit: "s",
        targets: [[
          quantile(0.99, "direction", "cairn_chain_p2p_request_duration_seconds"),
          "{{direction}}",
        ]],
      },
    ],
  },
  {
    question: "Do callers of the chain get answers?",
    panels: [
      {
        title: "HTTP requests",
        help: "By status, JSON-RPC included; 429 and 503 are callers at their limits",
        unit: "ops",
        targets: [[rateBy("status", "cairn_chain_jsonrpc_requests_total{$}"), "{{status}}"]],
      },
      {
        title: "JSON-RPC calls",
        help: "By method, and by the code of the error",
        unit: "ops",
        targets: [[
          rateBy("method, outcome", "cairn_chain_jsonrpc_calls_total{$}"),
          "{{method}} {{outcome}}",
        ]],
      },
      {
        title: "Time of a call, 99th percentile",
        help: "From the parsed call to its answer; submissions wait for the disk",
        unit: "s",
        targets: [[quantile(0.99, "instance", "cairn_chain_jsonrpc_call_duration_seconds"), "{{instance}}"]],
      },
      {
        title: "Requests in flight",
        help: "Being answered; one more than chain.rpc.requestsInFlight is refused",
        unit: "none",
        targets: [["cairn_chain_jsonrpc_requests_in_flight{$}", "{{instance}}"]],
      },
    ],
  },
  MACHINE_ROW,
];
