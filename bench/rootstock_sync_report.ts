/**
 * How long header sync takes where nothing but the limits of the peers holds it up: the whole of mainnet's headers from
 * eight simulated peers that each take 1,000 messages a minute, on a virtual clock; and what the machine itself costs.
 *
 * Headers are toys of 64 bytes, verification and storage take no more than the virtual time given: what those cost is
 * measured elsewhere. `deno task bench:sync [HEADERS]`
 *
 * @module
 */

import { SyncNetwork } from "../src/protocols/rootstock/_sync_network.ts";
import { ToyWorld } from "../src/protocols/rootstock/_sync_world.ts";
import { describeMachine, machineLine, table } from "./_report.ts";

const HEADERS = Number(Deno.args[0] ?? 9_280_000);
const PEERS = 8;
const PER_MINUTE = 1_000;

function run(headers: number, requestsPerMinute: number, latencyMs: number): readonly string[] {
  const world = new ToyWorld([{ difficulty: 1_000 }]);
  const peers = Array.from({ length: PEERS }, () => ({ branch: 0, best: headers, latencyMs }));
  const plan = {
    world,
    peers,
    perMinute: PER_MINUTE,
    config: { requestsPerMinute },
    verifyMs: 1,
    kept: 5_000,
  };
  const network = new SyncNetwork(plan, () => performance.now());
  if (!network.run(86_400_000, () => network.tip.number >= headers)) throw new Error("expected the tip");
  network.assertRules();
  const { nowMs, events, machineMs } = network;
  return [
    `${latencyMs} ms`,
    String(requestsPerMinute),
    `${(nowMs / 60_000).toFixed(2)} min`,
    String(Math.max(...network.peers.map(({ busiestMinute }) => busiestMinute))),
    `${Math.round((events * 1_000) / machineMs)}`,
    `${((machineMs * 1_000) / headers).toFixed(2)} µs`,
  ];
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

print(`${machineLine(describeMachine())}, ${HEADERS} headers from ${PEERS} peers\n`);
print(table(
  [
    "latency each way",
    "requests a minute",
    "virtual time",
    "busiest minute",
    "events/s",
    "machine per header",
  ],
  [run(HEADERS, PER_MINUTE, 50), run(HEADERS, PER_MINUTE, 300), run(HEADERS, 900, 50)],
));
