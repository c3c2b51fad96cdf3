/**
 * `cairn start`: runs the node until a signal or a failure ends it.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import { SYSTEM_CLOCK } from "../kernel/clock.ts";
import type { ConfigFlag } from "../kernel/config/layers.ts";
import { ConfigWatcher } from "../kernel/config/watch.ts";
import { CairnError, toCairnError } from "../kernel/errors.ts";
import { Health } from "../kernel/health.ts";
import { Logging } from "../kernel/logging.ts";
import { MetricScope } from "../kernel/metrics.ts";
import { Node } from "../kernel/node.ts";
import { startProcessMetrics } from "../kernel/process_metrics.ts";
import type { Service } from "../kernel/service.ts";
import { handleSignals } from "../kernel/signals.ts";
import { notifySystemd } from "../kernel/systemd.ts";
import { Tracer } from "../kernel/telemetry.ts";
import { buildNode, type NodeConfig, PROFILES } from "../node.ts";
import { type CliDeps, loadCliConfig } from "./deps.ts";
import { ReportedError } from "./exit.ts";

interface StartOptions {
  readonly profile?: string;
  readonly data?: string;
  readonly leader?: string;
}

/** Adds `start`. */
export function registerStart(program: Command, deps: CliDeps): void {
  program.command("start")
    .description("Run the node until SIGINT or SIGTERM; SIGHUP reloads the configuration")
    .helpGroup("Node:")
    .option(
      "--profile <name>",
      `what to run: ${Object.keys(PROFILES).join(", ")} (env CAIRN__NODE__PROFILE, default "default")`,
    )
    .option("--data <dir>", 'data directory (env CAIRN__NODE__DATA_DIR, default "data")')
    .option("--leader <multiaddr>", "leader that a chain-peer follows (env CAIRN__CHAIN__LEADER)")
    .addHelpText(
      "after",
      "\nExamples:\n  cairn start\n  cairn start --data /var/lib/cairn --set admin.port=9700\n" +
        "  cairn start --profile rootstock --set rootstock.network=testnet",
    )
    .action(async (options: StartOptions, command: Command) => {
      const flags = startFlags(options);
      const load = () => loadCliConfig(command, deps, flags);
      await runNode(await load(), load, deps);
    });
}

function startFlags({ profile, data, leader }: StartOptions): ConfigFlag[] {
  const flags: ConfigFlag[] = [];
  if (profile !== undefined) flags.push({ key: "node.profile", value: profile, flag: "--profile" });
  if (data !== undefined) flags.push({ key: "node.dataDir", value: data, flag: "--data" });
  if (leader !== undefined) flags.push({ key: "chain.leader", value: leader, flag: "--leader" });
  return flags;
}

async function runNode(config: NodeConfig, load: () => Promise<NodeConfig>, deps: CliDeps): Promise<void> {
  const { values } = config;
  const tracer = new Tracer(values.telemetry);
  const logging = new Logging(values.log, { traceFields: () => tracer.activeIds() });
  const log = logging.root.child("node");
  const metrics = new MetricScope();
  const health = new Health({ build: deps.build, ...values.admin }, { metrics, clock: SYSTEM_CLOCK });
  const facts = { configHash: config.hash, profile: values.node.profile, dataDir: values.node.dataDir };
  for (const [name, value] of Object.entries(facts)) health.setFact(name, value);

  try {
    await using stack = new AsyncDisposableStack();
    const built = buildNode(config, { metrics, health, tracer, build: deps.build });
    const node = new Node(built.services, values.node, { log, metrics, health, tracer, clock: SYSTEM_CLOCK });
    stack.use(startProcessMetrics(values.telemetry, { metrics, build: deps.build }));
    const watcher = stack.use(
      new ConfigWatcher({ initial: config, load, watchFiles: values.node.watchConfig }, {
        log: logging.root.child("config"),
        onUpdate: (event) => {
          logging.update(event.config.values.log);
          health.setFact("configHash", event.config.hash);
          built.onConfigUpdated?.(event);
        },
      }),
    );
    stack.use(handleSignals({
      onStop: (signal) => {
        void notifySystemd("STOPPING=1", log);
        void node.stop(signal);
      },
      onReload: () => void watcher.reload("SIGHUP"),
      onForce: (code) => {
        log.warn("Exit forced by a second signal", { exitCode: code });
        Deno.exit(code);
      },
    }));

    // Said once signals are handled, so that whoever waits for this line may send one.
    log.info("Node is starting", { ...deps.build, ...facts, telemetry: tracer.enabled, pid: Deno.pid });
    await node.start();
    if (health.phase === "running") {
      announce(node.services, logging, deps);
      await notifySystemd("READY=1", log);
    }
    const failure = await node.finished;
    if (failure) throw failure;
  } catch (thrown) {
    throw report(thrown, logging, deps);
  }
}

/** Says where everything listens: as a picture on a terminal, as one record elsewhere. */
function announce(services: readonly Service[], logging: Logging, deps: CliDeps): void {
  const lines = services.flatMap((service) =>
    (service.listening?.() ?? []).map((at) => [service.name, at] as const)
  );
  if (logging.format === "json") {
    const listening = lines.map(([name, at]) => `${name} ${at}`);
    logging.root.child("node").info("Node is ready", { listening });
    return;
  }
  const width = Math.max(0, ...lines.map(([name]) => name.length));
  const rows = lines.map(([name, at]) => `  ${name.padEnd(width)}  ${at}`);
  deps.err([`\ncairn ${deps.build.version} is ready; Ctrl-C stops it`, ...rows, ""].join("\n"));
}

/** The one line of a failed run: a record where logs are records, plain text on a terminal. */
function report(thrown: unknown, logging: Logging, deps: CliDeps): ReportedError {
  const error = toCairnError(thrown);
  const log = logging.root.child("node");
  if (logging.format === "json") {
    log.error(error.message, { code: error.code, hint: error.hint, ...error.detail });
  } else deps.err(`cairn: ${error.toLine()}`);
  const cause = thrown instanceof CairnError ? error.cause : thrown;
  if (cause instanceof Error && !(cause instanceof CairnError)) {
    log.debug("Cause of the failure", { error: cause });
  }
  return new ReportedError(error);
}
