/**
 * Load test: one client publishes generated blocks to a node, then to a bare gRPC server on Node, at the same rates;
 * what an idle node uses; how many subscribers a node serves at once.
 *
 * Writes `bench/results/load.json` and `docs/benchmarks/load.md`. `--seconds N` shortens the paced runs.
 *
 * @module
 */

import { currentCommit, describeMachine, readOutput } from "../_report.ts";
import { measurePublish, scenarios } from "./publish_load.ts";
import { type LoadReport, type LoadResult, writeReport } from "./report.ts";
import { measureSubscribers, SUBSCRIBER_CASES, type SubscribersResult } from "./subscribe_load.ts";
import { startCairn, startEcho } from "./targets.ts";
import { measureUse, type UseResult } from "./use.ts";

/** Length of one row of subscribers, and of one of idle use. */
const ROW_SECONDS = 15;

if (import.meta.main) {
  const at = Deno.args.indexOf("--seconds");
  const seconds = at < 0 ? 60 : Number(Deno.args[at + 1]);
  const rowSeconds = Math.min(seconds, ROW_SECONDS);
  const machine = describeMachine();
  const commit = await currentCommit();
  // deno-lint-ignore no-console -- progress of a script
  const say = (line: string) => console.error(line);

  const use: UseResult[] = [];
  for await (const result of measureUse(rowSeconds)) {
    use.push(result);
    say(
      `${result.process}, ${result.load}: ${result.cores.toFixed(4)} cores, ${
        result.residentMegabytes.toFixed(0)
      } MB`,
    );
  }
  const results: LoadResult[] = [];
  for (const scenario of scenarios(seconds)) {
    for (const start of [startCairn, startEcho]) {
      await using target = await start();
      const result = await measurePublish(target, scenario);
      results.push(result);
      say(`${scenario.name}, ${target.name}: ${result.blocksPerSecond.toFixed(0)} blocks/s`);
    }
  }
  const subscribers: SubscribersResult[] = [];
  for (const one of SUBSCRIBER_CASES) {
    const result = await measureSubscribers(one, rowSeconds);
    subscribers.push(result);
    say(
      `${one.subscribers} subscribers of ${result.blockBytes} bytes: ${result.mostBehind} blocks behind at most`,
    );
  }
  const report: LoadReport = {
    date: new Date().toISOString().slice(0, 10),
    commit,
    command: `deno task bench:load${at < 0 ? "" : ` --seconds ${seconds}`}`,
    machine: { ...machine, node: await readOutput("node", "--version") },
    use,
    results,
    subscribers,
  };
  await writeReport(report);
}
