/**
 * The message chain between real processes: rhythm, propagation, large blocks, answers under load, gossip, catch-up.
 *
 * Writes `bench/results/chain.json` and `docs/benchmarks/chain.md`: `deno task bench:chain`
 *
 * @module
 */

import {
  type CatchUpRow,
  type GossipRow,
  type LargeBlock,
  measureCatchUp,
  measureGossip,
  measureLargeBlock,
  measureRhythm,
  measureRpc,
  type Rhythm,
  type RpcRow,
  type Times,
} from "./_chain_measures.ts";
import { busyNote, currentCommit, describeMachine, type Machine, machineLine, table } from "./_report.ts";

interface ChainReport {
  readonly date: string;
  readonly machine: Machine;
  readonly commit: string;
  readonly command: string;
  readonly slow: Rhythm;
  readonly fast: Rhythm;
  readonly large: LargeBlock;
  readonly rpc: readonly RpcRow[];
  readonly gossip: readonly GossipRow[];
  readonly catchUp: CatchUpRow;
  readonly loadAfter: number;
}

const say = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));

const machine = describeMachine();
const commit = await currentCommit();
say("gossip through three processes");
const gossip = await measureGossip([2_500, 0], 10);
say("answers under load");
const rpc = await measureRpc(500, 10);
say("catch-up");
const catchUp = await measureCatchUp(10_000);
say("one large block");
const large = await measureLargeBlock(5_000, 20_000);
say("a block every 200 ms");
const fast = await measureRhythm(200, 300, 5);
say("a block every 5 s");
const slow = await measureRhythm(5_000, 20, 0);
const report: ChainReport = {
  date: new Date().toISOString().slice(0, 10),
  machine,
  commit,
  command: "deno task bench:chain",
  slow,
  fast,
  large,
  rpc,
  gossip,
  catchUp,
  loadAfter: Math.round(Deno.loadavg()[0]! * 100) / 100,
};
await Deno.writeTextFile(
  new URL("./results/chain.json", import.meta.url),
  `${JSON.stringify(report, undefined, 2)}\n`,
);
await Deno.writeTextFile(new URL("../docs/benchmarks/chain.md", import.meta.url), toPage(report));
await Deno.stdout.write(new TextEncoder().encode(toPage(report)));

function toPage(
  { date, machine, commit, command, slow, fast, large, rpc, gossip, catchUp, loadAfter }: ChainReport,
): string {
  const show = ({ p50Ms, p99Ms, maxMs }: Times) =>
    [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(1)).join(" / ");
  const met = (isMet: boolean) => isMet ? "yes" : "**no**";
  const [paced, free] = gossip;
  const [reads, few, many, bare] = rpc;
  const slowest = Math.min(...paced!.receivedPerSecond);
  return `# Message chain

Measured ${date} at commit ${commit} by \`${command}\`: ${machineLine(machine)}, after: ${loadAfter}.
One leader and two peers, each a process of its own with RocksDB, on the loopback of one machine; the load comes from the
same machine. Times of blocks are those of the nodes' logs, to the millisecond. Milliseconds are p50 / p99 / greatest.
Raw data: [chain.json](../../bench/results/chain.json).
${busyNote(machine)}
${
    table(["what", "asked", "measured", "met"], [
      [
        `interval of ${slow.blocks} blocks, off ${slow.intervalMs} ms by`,
        "50 ms",
        `${show(slow.deviation)}`,
        met(slow.deviation.maxMs <= 50),
      ],
      [
        `interval of ${fast.blocks} blocks with 5 messages, off ${fast.intervalMs} ms by`,
        "",
        `${show(fast.deviation)}`,
        "",
      ],
      [
        `leader's disk to a peer's, ${fast.propagation.count} times at a block every ${fast.intervalMs} ms`,
        "p99 100 ms",
        `${show(fast.propagation)}`,
        met(fast.propagation.p99Ms <= 100),
      ],
      [
        `the same, ${slow.propagation.count} times at a block every ${slow.intervalMs} ms`,
        "p99 100 ms",
        `${show(slow.propagation)}`,
        met(slow.propagation.p99Ms <= 100),
      ],
      [
        `${large.messages} messages submitted one by one, most in one block`,
        "5,000",
        `${large.inOneBlock}, submitted at ${large.submitPerSecond}/s`,
        met(large.inOneBlock >= 5_000),
      ],
      ["that block, announced and fetched, to a peer's disk", "", show(large.propagation), ""],
      [
        `${reads!.name}, ${reads!.perSecond} requests/s`,
        "p99 20 ms",
        `${show(reads!.latency)}; ${reads!.failures} failed`,
        met(reads!.latency.p99Ms <= 20 && reads!.failures === 0),
      ],
      ...[few!, many!].map(({ name, perSecond, latency, failures }) => [
        `${name}, ${perSecond} requests/s`,
        "p99 20 ms",
        `${show(latency)}; ${failures} failed`,
        met(latency.p99Ms <= 20 && failures === 0),
      ]),
      [`${bare!.name}, ${bare!.perSecond} requests/s`, "", show(bare!.latency), ""],
      [
        "signed gossip of 256 bytes from one process through a second to a third",
        "2,500/s",
        `${paced!.receivedPerSecond.join(" and ")}/s of ${paced!.sentPerSecond}/s sent; lost ${
          paced!.lost.join(" and ")
        }`,
        met(slowest >= 2_450 && paced!.lost.every((lost) => lost === 0)),
      ],
      [
        "the same, as fast as it is sent",
        "",
        `${free!.receivedPerSecond.join(" and ")}/s of ${free!.sentPerSecond}/s sent; lost ${
          free!.lost.join(" and ")
        }`,
        "",
      ],
      [
        `a new peer at height ${catchUp.height}, until it has every block`,
        "10 s",
        `${(catchUp.fromReadyMs / 1_000).toFixed(1)} s; ${
          (catchUp.fromStartMs / 1_000).toFixed(1)
        } s from the start of its process`,
        met(catchUp.fromStartMs <= 10_000),
      ],
    ])
  }

CPU of the three gossiping processes for 10 s at 2,500/s: ${paced!.cpuSeconds.join(", ")} s.
`;
}
