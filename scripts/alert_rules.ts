/**
 * When an operator is called: `scripts/dashboards.ts` renders these rules, `docs/runbook.md` has a section for each.
 *
 * Thresholds that the block node's own documents name are theirs (spec/block-node.md §9.1).
 *
 * @module
 */

/** One alert. */
export interface Alert {
  readonly name: string;
  readonly expr: string;
  /** How long it must hold, as Prometheus writes it; "0m" fires at once. */
  readonly for: string;
  /** `page`: somebody gets up; `ticket`: somebody looks at it in the morning. */
  readonly severity: "page" | "ticket";
  /** One sentence, with `{{ $labels.x }}` and `{{ $value }}` as Prometheus fills them in. */
  readonly summary: string;
}

/** Mean time of a stage over five minutes. */
const stageMean = (stage: string) =>
  `rate(cairn_blocks_stage_seconds_sum{stage="${stage}"}[5m]) / ` +
  `rate(cairn_blocks_stage_seconds_count{stage="${stage}"}[5m])`;

/** All rules, most urgent first. */
export const ALERTS: readonly Alert[] = [
  {
    name: "CairnDown",
    expr: 'up{job="cairn"} == 0',
    for: "2m",
    severity: "page",
    summary: "{{ $labels.instance }} does not answer its scrapes",
  },
  {
    name: "CairnNotRunning",
    expr: "cairn_node_phase != 1",
    for: "5m",
    severity: "page",
    summary: "{{ $labels.instance }} is in phase {{ $value }} instead of 1, running",
  },
  {
    name: "CairnNoBlockStored",
    expr: "increase(cairn_blocks_persisted_total[5m]) == 0 and cairn_blocks_publishers > 0",
    for: "5m",
    severity: "page",
    summary: "{{ $labels.instance }} has publishers and stores no block",
  },
  {
    name: "CairnWriteFailed",
    expr: "increase(cairn_store_write_failures_total[10m]) > 0",
    for: "0m",
    severity: "page",
    summary: "{{ $labels.instance }} could not write to its disk",
  },
  {
    name: "CairnBlockUnreadable",
    expr: 'increase(cairn_blocks_get_requests_total{status="NOT_FOUND"}[10m]) > 0 or ' +
      'increase(cairn_blocks_contents_proof_requests_total{status="ERROR"}[10m]) > 0',
    for: "0m",
    severity: "page",
    summary: "{{ $labels.instance }} cannot read a block it has stored",
  },
  {
    name: "CairnRootstockContradiction",
    expr: "increase(cairn_rootstock_checkpoint_contradictions_total[1h]) > 0",
    for: "0m",
    severity: "page",
    summary: "{{ $labels.instance }} was shown a valid Rootstock chain that contradicts a checkpoint",
  },
  {
    name: "CairnRootstockNoPeers",
    expr: "sum by (instance) (cairn_rootstock_peers) == 0",
    for: "10m",
    severity: "page",
    summary: "{{ $labels.instance }} has no Rootstock peer and learns nothing of the chain",
  },
  {
    name: "CairnRootstockSyncStalls",
    expr: "sum by (instance) (increase(cairn_rootstock_headers_stored_total[5m])) == 0 and " +
      "sum by (instance) (cairn_rootstock_highest_number - cairn_rootstock_stored_number) > 24",
    for: "5m",
    severity: "page",
    summary: "{{ $labels.instance }} is behind its peers and stores no header",
  },
  {
    name: "CairnChainConflict",
    expr: "increase(cairn_chain_conflicts_total[1h]) > 0",
    for: "0m",
    severity: "page",
    summary:
      "{{ $labels.instance }} has seen two blocks of one height that the leader of the message chain signed",
  },
  {
    name: "CairnChainStalled",
    expr: "increase(cairn_chain_blocks_stored_total[2m]) == 0",
    for: "1m",
    severity: "page",
    summary: "{{ $labels.instance }} has stored no block of the message chain for minutes",
  },
  {
    name: "CairnBlockRefused",
    expr: "sum by (instance, fault) (increase(cairn_blocks_rejected_total[10m])) > 0",
    for: "0m",
    severity: "ticket",
    summary: "{{ $labels.instance }} refused blocks: {{ $labels.fault }}",
  },
  {
    name: "CairnNoPublisher",
    expr: "cairn_blocks_publishers == 0",
    for: "10m",
    severity: "ticket",
    summary: "Nobody publishes to {{ $labels.instance }}",
  },
  {
    name: "CairnBlockMissing",
    expr: 'cairn_blocks_pending_blocks{state="resend"} > 0',
    for: "10m",
    severity: "ticket",
    summary: "{{ $labels.instance }} waits for {{ $value }} blocks that no publisher sends again",
  },
  {
    name: "CairnBlocksPileUp",
    expr: "increase(cairn_blocks_publish_pauses_total[10m]) > 10",
    for: "10m",
    severity: "ticket",
    summary: "{{ $labels.instance }} keeps pausing its publishers: blocks fill the memory",
  },
  {
    name: "CairnReceiveSlow",
    expr: "rate(cairn_blocks_receive_seconds_sum[5m]) / rate(cairn_blocks_receive_seconds_count[5m]) > 10",
    for: "10m",
    severity: "ticket",
    summary: "Blocks take {{ $value }} s to arrive at {{ $labels.instance }}",
  },
  {
    name: "CairnHashSlow",
    expr: `${stageMean("hash")} > 2`,
    for: "10m",
    severity: "ticket",
    summary: "{{ $labels.instance }} takes {{ $value }} s to verify a block",
  },
  {
    name: "CairnPersistSlow",
    expr: `${stageMean("persist")} > 0.02`,
    for: "10m",
    severity: "ticket",
    summary: "{{ $labels.instance }} takes {{ $value }} s to store a block",
  },
  {
    name: "CairnRootstockTipOld",
    expr: "sum by (instance) (increase(cairn_rootstock_headers_stored_total[15m])) == 0 and " +
      "sum by (instance) (cairn_rootstock_peers) > 0",
    for: "0m",
    severity: "ticket",
    summary: "{{ $labels.instance }} has peers and has heard of no new Rootstock block for 15 minutes",
  },
  {
    name: "CairnRootstockHeadersRefused",
    expr:
      'sum by (instance, rule) (increase(cairn_rootstock_headers_refused_total{rule!="timestamp-future"}[1h])) > 5',
    for: "0m",
    severity: "ticket",
    summary: "{{ $labels.instance }} keeps being sent headers that break the rule {{ $labels.rule }}",
  },
  {
    name: "CairnRootstockBans",
    expr: "sum by (instance) (increase(cairn_rootstock_bans_total[1h])) > 20",
    for: "0m",
    severity: "ticket",
    summary: "{{ $labels.instance }} banned {{ $value | humanize }} Rootstock peers within an hour",
  },
  {
    name: "CairnRootstockRpcErrors",
    expr: 'sum by (instance) (rate(cairn_rootstock_jsonrpc_calls_total{outcome=~"-32603|-32011"}[5m])) / ' +
      "sum by (instance) (rate(cairn_rootstock_jsonrpc_calls_total[5m])) > 0.05",
    for: "5m",
    severity: "ticket",
    summary: "{{ $labels.instance }} fails {{ $value | humanizePercentage }} of its JSON-RPC calls",
  },
  {
    name: "CairnChainBehind",
    expr: 'cairn_chain_height{state="target"} - ignoring (state) cairn_chain_height{state="stored"} > 10',
    for: "5m",
    severity: "ticket",
    summary: "{{ $labels.instance }} lacks {{ $value }} blocks of the message chain",
  },
  {
    name: "CairnChainNoPeers",
    expr: "sum by (instance) (cairn_chain_p2p_open_connections) == 0",
    for: "10m",
    severity: "ticket",
    summary: "{{ $labels.instance }} is connected to no other node of the message chain",
  },
  {
    name: "CairnChainPendingHigh",
    expr: 'cairn_chain_waiting_messages{where="pending"} > 25000',
    for: "5m",
    severity: "ticket",
    summary: "{{ $value }} accepted messages wait for a block on {{ $labels.instance }}",
  },
  {
    name: "CairnChainBans",
    expr: "increase(cairn_chain_p2p_bans_total[1h]) > 20",
    for: "0m",
    severity: "ticket",
    summary:
      "{{ $labels.instance }} cut off {{ $value | humanize }} nodes of the message chain within an hour",
  },
  {
    name: "CairnArchiveDamaged",
    expr: "cairn_blocks_historic_zips_damaged > 0",
    for: "0m",
    severity: "ticket",
    summary: "{{ $labels.instance }} has found {{ $value }} damaged archives; their blocks cannot be read",
  },
  {
    name: "CairnStoreReopened",
    expr: "increase(cairn_store_recoveries_total[1h]) > 0",
    for: "0m",
    severity: "ticket",
    summary: "{{ $labels.instance }} opened its database again after a disk error",
  },
  {
    name: "CairnRestarts",
    expr: "resets(cairn_process_uptime_seconds[1h]) > 2",
    for: "0m",
    severity: "ticket",
    summary: "{{ $labels.instance }} restarted {{ $value }} times within an hour",
  },
  {
    name: "CairnEventLoopLag",
    expr: "histogram_quantile(0.99, sum by (instance, le) " +
      "(rate(cairn_process_event_loop_lag_seconds_bucket[5m]))) > 0.5",
    for: "10m",
    severity: "ticket",
    summary: "The main thread of {{ $labels.instance }} is {{ $value }} s late",
  },
  {
    name: "CairnMemoryHigh",
    expr: "cairn_process_resident_memory_bytes > 4e9",
    for: "15m",
    severity: "ticket",
    summary: "{{ $labels.instance }} holds {{ $value | humanize1024 }}B of memory",
  },
  {
    name: "CairnSubscriberExpelled",
    expr: "cairn_bus_subscriber_expelled == 1",
    for: "0m",
    severity: "ticket",
    summary: "{{ $labels.subscriber }} was taken out of {{ $labels.topic }} on {{ $labels.instance }}",
  },
  {
    name: "CairnConnectionsRefused",
    expr: 'increase(cairn_blocks_rpc_connections_refused_total{reason="limit"}[10m]) > 0 or ' +
      'increase(cairn_blocks_rpc_calls_refused_total{reason="limit"}[10m]) > 0',
    for: "0m",
    severity: "ticket",
    summary: "{{ $labels.instance }} refuses connections or calls because it is at its limit",
  },
];
