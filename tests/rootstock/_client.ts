/**
 * The Rootstock service inside a test: real store on disk, real sockets, without the time that a process takes to start.
 *
 * @module
 */

import { Registry } from "prom-client";
import { RecordingLog } from "../../src/kernel/_testing.ts";
import { MetricScope } from "../../src/kernel/metrics.ts";
import { NETWORKS } from "../../src/protocols/rootstock/networks/mod.ts";
import { RootstockChainStore } from "../../src/services/rootstock/chain_store.ts";
import { rootstockConfig } from "../../src/services/rootstock/config.ts";
import { RootstockService } from "../../src/services/rootstock/service.ts";
import type { Engine } from "../../src/store/engine.ts";
import { openRocksEngine } from "../../src/store/rocks_engine.ts";
import type { ChainBlock, TestChain } from "./_chain.ts";
import { until } from "../support/until.ts";
import { freePort } from "./_peer.ts";

/** What a client is started with. */
export interface ClientOptions {
  readonly dataDir: string;
  readonly staticPeers?: readonly string[];
  readonly sync?: Readonly<Record<string, unknown>>;
  /** Listens for peers. @default {false} */
  readonly listen?: boolean;
  /** Answers over UDP. @default {false} */
  readonly discovery?: boolean;
}

/** A client. Disposing stops it; its directory can then be opened again. */
export class TestClient implements AsyncDisposable {
  readonly service: RootstockService;
  readonly log = new RecordingLog();
  readonly port: number;
  readonly #registry = new Registry();
  readonly #engine: Engine;
  readonly #failures: Error[] = [];
  #isStopped = false;

  private constructor(service: RootstockService, engine: Engine, port: number) {
    this.service = service;
    this.#engine = engine;
    this.port = port;
  }

  static async start(options: ClientOptions): Promise<TestClient> {
    const { dataDir, staticPeers = [], sync = {}, listen = false, discovery = false } = options;
    const port = freePort();
    const config = rootstockConfig.parse({
      network: "regtest",
      p2p: { host: "127.0.0.1", port, listen, staticPeers },
      discovery: { enabled: discovery, host: "127.0.0.1", port },
      sync: { requestTimeoutMs: 1_000, ...sync },
      rpc: { enabled: false },
    });
    const engine = await openRocksEngine({ directory: dataDir, families: RootstockService.families });
    const build = { version: "0.1.0", commit: "test", deno: Deno.version.deno, wasmDigest: "" };
    const service = new RootstockService(config, { engine: () => engine, keyDirectory: dataDir, build });
    const client = new TestClient(service, engine, port);
    try {
      await service.start({
        log: client.log,
        metrics: new MetricScope(client.#registry).scope("rootstock"),
        fatal: (error) => client.#failures.push(error),
      });
      return client;
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Sum over the series of `cairn_rootstock_NAME` with these labels. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const metric = await this.#registry.getSingleMetric(`cairn_rootstock_${name}`)!.get();
    return metric.values
      .filter((value) => Object.entries(labels).every(([key, label]) => value.labels[key] === label))
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** `/statusz`. */
  // deno-lint-ignore no-explicit-any
  get status(): any {
    return this.service.status();
  }

  /** Resolves once the tip is that of the chain, on disk. */
  async reaches({ tip }: TestChain, withinMs = 30_000): Promise<void> {
    await until(
      () => `block ${tip.number}: ${JSON.stringify(this.status)}\n${this.lines.slice(-20).join("\n")}`,
      () => {
        const [failure] = this.#failures;
        if (failure !== undefined) throw failure;
        const { tip: { hash }, stored } = this.status;
        return hash === tip.hash.toHex() && stored === tip.number;
      },
      { withinMs, everyMs: 10 },
    );
  }

  /** Hash of the stored canonical block of a height. */
  async stored(number: number): Promise<ChainBlock["hash"] | undefined> {
    const { genesis } = NETWORKS.regtest;
    const store = await RootstockChainStore.open(this.#engine, {
      genesisHash: genesis.hash,
      keptForkBlocks: 30_000,
    });
    return await store.canonicalHash(number);
  }

  /** Log lines from info on. */
  get lines(): string[] {
    return this.log.lines.filter(({ level }) => level !== "debug" && level !== "trace")
      .map(({ level, message, fields }) => `${level} ${message} ${JSON.stringify(fields ?? {})}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    await this.service[Symbol.asyncDispose]();
    await this.#engine[Symbol.asyncDispose]();
  }
}
