/**
 * What the Grafana dashboard of a Rootstock light client shows. `scripts/dashboards.ts` renders it.
 *
 * @module
 */

import { MACHINE_ROW, UP_ROW } from "./dashboard_panels.ts";
import { mean, quantile, rate, rateBy, type Row } from "./panel.ts";

/** The dashboard, from the first question to ask to the last. */
export const ROOTSTOCK_ROWS: readonly Row[] = [
  UP_ROW,
  {
    question: "Does the chain of headers grow?",
    panels: [
      {
        title: "Blocks",
        help:
          "Highest block that peers claim, best one verified, best one on disk. The three meet when it is synced",
        unit: "none",
        targets: [
          ["cairn_rootstock_highest_number{$}", "claimed {{instance}}"],
          ["cairn_rootstock_tip_number{$}", "verified {{instance}}"],
          ["cairn_rootstock_stored_number{$}", "stored {{instance}}"],
        ],
      },
      {
        title: "Headers a second",
        help: "Verified by every rule, and written to disk: on the chain and on forks",
        unit: "ops",
        targets: [
          [rate("cairn_rootstock_headers_verified_total{$}"), "verified"],
          [rateBy("chain", "cairn_rootstock_headers_stored_total{$}"), "stored: {{chain}}"],
        ],
      },
      {
        title: "Reorganisations",
        help:
          "Times another branch became the chain in an hour, and blocks that left it. A few of one or two are normal",
        unit: "none",
        targets: [
          ["increase(cairn_rootstock_reorganisations_total{$}[1h])", "reorganisations"],
          ["increase(cairn_rootstock_reorganised_blocks_total{$}[1h])", "blocks"],
        ],
      },
      {
        title: "Window",
        help: "Headers asked for and not stored yet. Full while a sync runs well: bounds are in LIMITS.md",
        unit: "none",
        targets: [
          ["cairn_rootstock_window_headers{$}", "headers {{instance}}"],
          ["cairn_rootstock_requests_in_flight{$}", "requests {{instance}}"],
        ],
      },
      {
        title: "Bytes in the window",
        help: "Received headers that are not on disk yet",
        unit: "bytes",
        targets: [["cairn_rootstock_window_bytes{$}", "{{instance}}"]],
      },
      {
        title: "Where the time goes",
        help: "Mean of one segment: in the verify Worker with its wait, and until it is on disk",
        unit: "s",
        targets: [
          [mean("cairn_rootstock_verify_duration_seconds"), "verify"],
          [mean("cairn_rootstock_store_duration_seconds"), "store"],
        ],
      },
    ],
  },
  {
    question: "Does anybody lie?",
    panels: [
      {
        title: "Headers refused",
        help: "By the rule they broke. Whoever sends one is banned; timestamp-future is forgiven",
        unit: "ops",
        targets: [[rateBy("rule", "cairn_rootstock_headers_refused_total{$}"), "{{rule}}"]],
      },
      {
        title: "Checkpoint contradictions",
        help:
          "Valid chains that do not agree with a checkpoint, since the start. One is an attack, or a wrong checkpoint",
        unit: "none",
        stat: "value",
        targets: [["cairn_rootstock_checkpoint_contradictions_total{$}", "{{instance}}"]],
      },
      {
        title: "What peers did",
        help: "Events that count for or against peers; invalid ones begin a ban",
        unit: "ops",
        targets: [[rateBy("event", "cairn_rootstock_peer_events_total{$}"), "{{event}}"]],
      },
      {
        title: "Bans",
        help: "Begun, by node and by address, and in force",
        unit: "none",
        targets: [
          ["sum by (instance, kind) (increase(cairn_rootstock_bans_total{$}[1h]))", "in an hour: {{kind}}"],
          ["cairn_rootstock_bans_in_force{$}", "in force {{instance}}"],
        ],
      },
      {
        title: "Broken sessions",
        help: "Connections that this node ended because of what came over them, or did not",
        unit: "ops",
        targets: [[rateBy("code", "cairn_rootstock_session_faults_total{$}"), "{{code}}"]],
      },
    ],
  },
  {
    question: "Are there peers?",
    panels: [
      {
        title: "Peers",
        help:
          "Connected; outbound is who this node dialled. With inbound alone others choose whom it listens to",
        unit: "none",
        targets: [["cairn_rootstock_peers{$}", "{{direction}} {{instance}}"]],
      },
      {
        title: "Nodes",
        help: "That answer over UDP, and that could be dialled",
        unit: "none",
        targets: [
          ["cairn_rootstock_discovery_nodes{$}", "answer {{instance}}"],
          ["cairn_rootstock_peer_candidates{$}", "to dial {{instance}}"],
        ],
      },
      {
        title: "Dials and refusals",
        help: "Connections tried, by whether there was somebody; connections of others closed unread, by why",
        unit: "ops",
        targets: [
          [rateBy("outcome", "cairn_rootstock_dials_total{$}"), "dial {{outcome}}"],
          [rateBy("reason", "cairn_rootstock_connections_refused_total{$}"), "refused: {{reason}}"],
        ],
      },
      {
        title: "Goodbyes",
        help: "Connections that peers ended, by the reason they gave; too-many-peers is normal",
        unit: "ops",
        targets: [[rateBy("reason", "cairn_rootstock_goodbyes_total{$}"), "{{reason}}"]],
      },
      {
        title: "Datagrams not sent",
        help: "Since the start: no route, no permission, or the other address family",
        unit: "none",
        targets: [["cairn_rootstock_discovery_send_failures{$}", "{{instance}}"]],
      },
    ],
  },
  {
    question: "How do peers answer, and what are they served?",
    panels: [
      {
        title: "Answers of peers, 99th percentile",
        help: "Time from a request to its answer, by type of the answer",
        unit: "s",
        targets: [[quantile(0.99, "type", "cairn_rootstock_request_duration_seconds"), "{{type}}"]],
      },
      {
        title: "Ping, 99th percentile",
        help: "Time until a ping comes back",
        unit: "s",
        targets: [[quantile(0.99, "instance", "cairn_rootstock_ping_duration_seconds"), "{{instance}}"]],
      },
      {
        title: "Messages in",
        help: "By type, without Status",
        unit: "ops",
        targets: [[rateBy("type", "cairn_rootstock_messages_received_total{$}"), "{{type}}"]],
      },
      {
        title: "Messages out",
        help: "By type; rskj takes 1,000 a minute from a peer",
        unit: "ops",
        targets: [[rateBy("type", "cairn_rootstock_messages_sent_total{$}"), "{{type}}"]],
      },
      {
        title: "Requests of peers",
        help: "Answered by type, and met with silence: beyond their rate, or nothing to answer",
        unit: "ops",
        targets: [
          [rateBy("type", "cairn_rootstock_requests_served_total{$}"), "{{type}}"],
          [rate("cairn_rootstock_requests_ignored_total{$}"), "silence"],
        ],
      },
    ],
  },
  {
    question: "How is the JSON-RPC used?",
    panels: [
      {
        title: "Calls",
        help:
          "By outcome: ok, or the code of the error. -32603 is a fault of this node, -32011 is out of time",
        unit: "ops",
        targets: [[rateBy("outcome", "cairn_rootstock_jsonrpc_calls_total{$}"), "{{outcome}}"]],
      },
      {
        title: "Calls by method",
        help: "What callers ask",
        unit: "ops",
        targets: [[rateBy("method", "cairn_rootstock_jsonrpc_calls_total{$}"), "{{method}}"]],
      },
      {
        title: "Time of a call",
        help: "From a parsed call to its answer, median and 99th percentile",
        unit: "s",
        targets: [
          [quantile(0.5, "instance", "cairn_rootstock_jsonrpc_call_duration_seconds"), "p50 {{instance}}"],
          [quantile(0.99, "instance", "cairn_rootstock_jsonrpc_call_duration_seconds"), "p99 {{instance}}"],
        ],
      },
      {
        title: "Requests",
        help: "HTTP requests by status; 429 and 503: callers meet the limits of rootstock.rpc",
        unit: "ops",
        targets: [[rateBy("status", "cairn_rootstock_jsonrpc_requests_total{$}"), "{{status}}"]],
      },
      {
        title: "Requests in flight",
        help: "Being answered now",
        unit: "none",
        targets: [["cairn_rootstock_jsonrpc_requests_in_flight{$}", "{{instance}}"]],
      },
    ],
  },
  MACHINE_ROW,
];
