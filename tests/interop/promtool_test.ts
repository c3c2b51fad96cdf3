/** Prometheus' own tool on the rules and on every expression of the dashboard. */

import assert from "node:assert/strict";
import { ALERTS } from "../../scripts/alert_rules.ts";
import { DASHBOARDS, renderAlerts } from "../../scripts/dashboards.ts";

async function promtool(...args: string[]): Promise<{ code: number; text: string } | undefined> {
  try {
    const { code, stdout, stderr } = await new Deno.Command("promtool", { args }).output();
    return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const ignore = await promtool("--version") === undefined;

/** Writes files to a folder of their own, runs the tool on the last, and removes them. */
async function runOn(files: Readonly<Record<string, string>>, ...command: string[]): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${directory}/${name}`, text);
    const { code, text } = (await promtool(...command, `${directory}/${Object.keys(files).at(-1)}`))!;
    assert.equal(code, 0, text);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name: "Dashboards: Prometheus takes the rules and every expression of the dashboard (needs promtool)",
  ignore,
  async fn() {
    const rules = DASHBOARDS.flatMap(({ rows }) => rows).flatMap(({ panels }) => panels).flatMap((
      { targets },
    ) => targets).map(([expr], i) => ({
      record: `panel:${i}`,
      expr: expr.replaceAll("{$}", '{instance=~".+"}').replaceAll("$__rate_interval", "5m"),
    }));
    // JSON is YAML.
    await runOn({ "panels.yml": JSON.stringify({ groups: [{ name: "panels", rules }] }) }, "check", "rules");
    await runOn({ "alerts.yml": renderAlerts() }, "check", "rules");
  },
});

/** Samples a minute of each series, in promtool's notation: `0+2x30` is 0, 2, 4 ... */
type Series = Readonly<Record<string, string>>;

const stage = (name: string, seconds: number): Series => ({
  [`cairn_blocks_stage_seconds_sum{stage="${name}",instance="a"}`]: `0+${60 * seconds}x30`,
  [`cairn_blocks_stage_seconds_count{stage="${name}",instance="a"}`]: "0+60x30",
});
const lag = (share: number): Series => ({
  'cairn_process_event_loop_lag_seconds_bucket{le="0.1",instance="a"}': `0+${600 * (1 - share)}x30`,
  'cairn_process_event_loop_lag_seconds_bucket{le="1",instance="a"}': "0+600x30",
  'cairn_process_event_loop_lag_seconds_bucket{le="+Inf",instance="a"}': "0+600x30",
});
const one = (name: string, labels: string, values: string): Series => ({
  [`cairn_${name}{${labels}${labels && ","}instance="a"}`]: values,
});
/** A counter that rises once, at the 18th of 30 minutes. */
const ONCE = "0x17 1x12";

const rootstockPeers = (direction: string, values: string) =>
  one("rootstock_peers", `direction="${direction}"`, values);
/** A chain that peers say is 5,000 blocks long, unless told otherwise, with what is stored of it and of forks. */
const rootstockSync = (stored: string, forks: string, highest = "5000x30"): Series => ({
  ...one("rootstock_headers_stored_total", 'chain="canonical"', stored),
  ...one("rootstock_headers_stored_total", 'chain="fork"', forks),
  ...one("rootstock_highest_number", "", highest),
  ...one("rootstock_stored_number", "", stored),
  ...rootstockPeers("outbound", "8x30"),
});
/** Every tenth call fails with this code. */
const rootstockCalls = (code: string): Series => ({
  ...one("rootstock_jsonrpc_calls_total", 'method="eth_blockNumber",outcome="ok"', "0+900x30"),
  ...one("rootstock_jsonrpc_calls_total", `method="eth_call",outcome="${code}"`, "0+100x30"),
});

/** A peer that knows of block 100. */
const chainHeights = (stored: string): Series => ({
  ...one("chain_height", 'state="stored"', stored),
  ...one("chain_height", 'state="target"', "100x30"),
});
const chainConnections = (outbound: string): Series => ({
  ...one("chain_p2p_open_connections", 'direction="inbound"', "0x30"),
  ...one("chain_p2p_open_connections", 'direction="outbound"', outbound),
});

/** For each alert a node that is in trouble after 20 minutes, and one that is not. */
const CASES: Readonly<Record<string, readonly [trouble: Series, calm: Series]>> = {
  CairnDown: [{ 'up{job="cairn",instance="a"}': "0x30" }, { 'up{job="cairn",instance="a"}': "1x30" }],
  CairnNotRunning: [one("node_phase", "", "0x30"), one("node_phase", "", "0 0 1x28")],
  CairnNoBlockStored: [
    { ...one("blocks_persisted_total", "", "7x30"), ...one("blocks_publishers", "", "1x30") },
    { ...one("blocks_persisted_total", "", "0+1x30"), ...one("blocks_publishers", "", "1x30") },
  ],
  CairnWriteFailed: [
    one("store_write_failures_total", "", ONCE),
    one("store_write_failures_total", "", "3x30"),
  ],
  CairnBlockUnreadable: [
    one("blocks_get_requests_total", 'status="NOT_FOUND"', ONCE),
    one("blocks_get_requests_total", 'status="NOT_AVAILABLE"', ONCE),
  ],
  CairnBlockRefused: [
    one("blocks_rejected_total", 'fault="BAD_BLOCK_PROOF"', ONCE),
    one("blocks_rejected_total", 'fault="BAD_BLOCK_PROOF"', "0x30"),
  ],
  CairnNoPublisher: [one("blocks_publishers", "", "0x30"), one("blocks_publishers", "", "0x15 1x15")],
  CairnBlockMissing: [
    one("blocks_pending_blocks", 'state="resend"', "1x30"),
    one("blocks_pending_blocks", 'state="queued"', "1x30"),
  ],
  CairnBlocksPileUp: [
    one("blocks_publish_pauses_total", "", "0+5x30"),
    one("blocks_publish_pauses_total", "", ONCE),
  ],
  CairnReceiveSlow: [
    {
      ...one("blocks_receive_seconds_sum", "", "0+330x30"),
      ...one("blocks_receive_seconds_count", "", "0+30x30"),
    },
    {
      ...one("blocks_receive_seconds_sum", "", "0+60x30"),
      ...one("blocks_receive_seconds_count", "", "0+30x30"),
    },
  ],
  CairnHashSlow: [stage("hash", 3), stage("persist", 3)],
  CairnPersistSlow: [stage("persist", 0.03), stage("persist", 0.01)],
  CairnArchiveDamaged: [
    one("blocks_historic_zips_damaged", "", "1x30"),
    one("blocks_historic_zips_damaged", "", "0x30"),
  ],
  CairnStoreReopened: [one("store_recoveries_total", "", ONCE), one("store_recoveries_total", "", "0x30")],
  CairnRestarts: [
    one("process_uptime_seconds", "", "9 8 7 6x27"),
    one("process_uptime_seconds", "", "0+60x10 0+60x19"),
  ],
  CairnEventLoopLag: [lag(0.1), lag(0.001)],
  CairnMemoryHigh: [
    one("process_resident_memory_bytes", "", "5000000000x30"),
    one("process_resident_memory_bytes", "", "1000000000x30"),
  ],
  CairnSubscriberExpelled: [
    one("bus_subscriber_expelled", 'topic="t",subscriber="s"', "1x30"),
    one("bus_subscriber_expelled", 'topic="t",subscriber="s"', "0x30"),
  ],
  CairnChainConflict: [one("chain_conflicts_total", "", ONCE), one("chain_conflicts_total", "", "1x30")],
  CairnChainStalled: [
    one("chain_blocks_stored_total", "", "7x30"),
    one("chain_blocks_stored_total", "", "0+12x30"),
  ],
  CairnChainBehind: [chainHeights("50x30"), chainHeights("95x30")],
  CairnChainNoPeers: [chainConnections("0x30"), chainConnections("1x30")],
  CairnChainPendingHigh: [
    one("chain_waiting_messages", 'where="pending"', "30000x30"),
    one("chain_waiting_messages", 'where="pool"', "30000x30"),
  ],
  CairnChainBans: [one("chain_p2p_bans_total", "", "0+2x30"), one("chain_p2p_bans_total", "", ONCE)],
  CairnRootstockContradiction: [
    one("rootstock_checkpoint_contradictions_total", "", ONCE),
    one("rootstock_checkpoint_contradictions_total", "", "0x30"),
  ],
  CairnRootstockNoPeers: [
    { ...rootstockPeers("outbound", "0x30"), ...rootstockPeers("inbound", "0x30") },
    { ...rootstockPeers("outbound", "0x30"), ...rootstockPeers("inbound", "1x30") },
  ],
  CairnRootstockSyncStalls: [rootstockSync("0x30", "0x30"), rootstockSync("0+100x30", "0x30")],
  CairnRootstockTipOld: [
    rootstockSync("9x30", "0x30", "9x30"),
    rootstockSync("9x10 10x20", "0x30", "10x30"),
  ],
  CairnRootstockHeadersRefused: [
    one("rootstock_headers_refused_total", 'rule="proof-of-work"', "0+1x30"),
    one("rootstock_headers_refused_total", 'rule="timestamp-future"', "0+1x30"),
  ],
  CairnRootstockBans: [
    one("rootstock_bans_total", 'kind="id"', "0+2x30"),
    one("rootstock_bans_total", 'kind="id"', ONCE),
  ],
  CairnRootstockRpcErrors: [rootstockCalls("-32603"), rootstockCalls("-32004")],
  CairnConnectionsRefused: [
    one("blocks_rpc_calls_refused_total", 'reason="limit"', ONCE),
    one("blocks_rpc_connections_refused_total", 'reason="timeout"', ONCE),
  ],
};

Deno.test({
  name: "Dashboards: every alert fires for a node in its trouble and for no calm one (needs promtool)",
  ignore,
  async fn() {
    assert.deepEqual(Object.keys(CASES).sort(), ALERTS.map(({ name }) => name).sort());
    const tests = Object.entries(CASES).flatMap(([name, [trouble, calm]]) =>
      [trouble, calm].map((series) => ({
        name: `${name}, ${series === trouble ? "trouble" : "calm"}`,
        interval: "1m",
        input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
        promql_expr_test: [{
          expr: `count(ALERTS{alertname="${name}",alertstate="firing"})`,
          eval_time: "20m",
          exp_samples: series === trouble ? [{ labels: "{}", value: 1 }] : [],
        }],
      }))
    );
    const suite = JSON.stringify({ rule_files: ["alerts.yml"], evaluation_interval: "1m", tests });
    await runOn({ "alerts.yml": renderAlerts(), "suite.yml": suite }, "test", "rules");
  },
});
