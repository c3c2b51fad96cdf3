/**
 * The Rootstock light client: finds peers, downloads and proves headers, follows the chain, answers JSON-RPC.
 *
 * Layer: services. Life cycle and wiring only: peers.ts has the connections, sync_driver.ts the sync.
 *
 * @module
 */

import { createJsonRpcMetrics, listenJsonRpc } from "../../http/json_rpc.ts";
import { formatAddress, type HttpListener } from "../../http/listen.ts";
import { SYSTEM_CLOCK } from "../../kernel/clock.ts";
import type { Context, Readiness, Service } from "../../kernel/service.ts";
import type { BuildInfo } from "../../kernel/version.ts";
import type { KademliaNode } from "../../protocols/rootstock/kademlia.ts";
import type { RootstockNetwork } from "../../protocols/rootstock/network.ts";
import { NETWORKS } from "../../protocols/rootstock/networks/mod.ts";
import type { RskStatus } from "../../protocols/rootstock/rsk_message.ts";
import { NodeKey } from "../../protocols/rootstock/secp256k1.ts";
import { genesisStatus } from "../../protocols/rootstock/session_events.ts";
import { lowerBound } from "../../protocols/rootstock/total_difficulty.ts";
import type { Engine } from "../../store/engine.ts";
import type { FamilySpec } from "../../store/family.ts";
import { headerReader } from "./header_reader.ts";
import { CHAIN_FAMILIES } from "./chain_records.ts";
import { RootstockChainStore } from "./chain_store.ts";
import type { RootstockConfig } from "./config.ts";
import { Discovery } from "./discovery.ts";
import { HeaderService } from "./header_service.ts";
import { rootstockMethods, RSKJ_BAD_REQUEST_CODES, type SyncHeights } from "./json_rpc_methods.ts";
import { createRootstockMetrics, type RootstockMetrics } from "./metrics.ts";
import { openNodeKey } from "./node_key.ts";
import { PEER_FAMILIES, PeerStore } from "./peer_store.ts";
import { Peers } from "./peers.ts";
import { SyncDriver } from "./sync_driver.ts";
import { SyncReporter } from "./sync_report.ts";
import { genesisHeader, startOfSync } from "./sync_start.ts";
import { VerifyLane } from "./verify_lane.ts";

/** Name of the file in the data directory that holds the key which peers know this node by. */
const NODE_KEY_FILE = "rootstock.key";
/** A sync is long, and said to be one, when so many blocks are missing (spec/rootstock-network.md section 5.1). */
const LONG_SYNC_BLOCKS = 24;
/** How often peers hear of this node's chain, if it serves one (section 5.3). */
const STATUS_INTERVAL_MS = 10_000;

/** What the service needs of the node. */
export interface RootstockServiceDeps {
  /** Asked at the start, when the services that this one needs are up. */
  readonly engine: () => Engine;
  /** Where the node key is kept; absent where nothing is kept on disk. */
  readonly keyDirectory: string | undefined;
  readonly build: BuildInfo;
}

/** Everything that lives between start and stop. */
interface Running {
  readonly store: RootstockChainStore;
  readonly driver: SyncDriver;
  readonly peers: Peers;
  readonly discovery: Discovery | undefined;
  readonly rpc: HttpListener | undefined;
  readonly stack: AsyncDisposableStack;
  readonly startingBlock: number;
}

/** A Rootstock light client. */
export class RootstockService implements Service {
  readonly name = "rootstock";
  readonly needs: readonly string[] = ["store"];
  readonly #config: RootstockConfig;
  readonly #deps: RootstockServiceDeps;
  readonly #network: RootstockNetwork;
  #running: Running | undefined;

  constructor(config: RootstockConfig, deps: RootstockServiceDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#network = NETWORKS[config.network];
  }

  /** Column families to declare at open. */
  static readonly families: readonly FamilySpec[] = [...CHAIN_FAMILIES, ...PEER_FAMILIES];

  async start({ log, metrics: scope, fatal }: Context): Promise<void> {
    const network = this.#network;
    const engine = this.#deps.engine();
    const metrics = createRootstockMetrics(scope, {
      sync: () => this.#running?.driver.progress,
      peers: () => this.#running?.peers.snapshot(),
      discovery: () => this.#running?.discovery?.snapshot(),
    });
    await using stack = new AsyncDisposableStack();
    const store = await RootstockChainStore.open(engine, {
      genesisHash: network.genesis.hash,
      keptForkBlocks: this.#config.keptForkBlocks,
    });
    const options = await startOfSync(this.#config, network, store);
    const peerStore = stack.use(
      await PeerStore.open(engine, { clock: SYSTEM_CLOCK, log: log.child("peers") }),
    );
    const nowSeconds = () => Math.floor(Date.now() / 1_000);
    const lane = stack.use(
      await VerifyLane.open({
        network,
        ancestorsOf: (block) => driver.ancestorsOf(block),
        nowSeconds,
        failed: fatal,
      }),
    );
    const driver: SyncDriver = stack.use(
      new SyncDriver(options, {
        network,
        store,
        lane,
        peers: {
          send: (peer, message) => peers.send(peer, message),
          score: (peer, event) => peers.score(peer, event),
          served: (peer, headers, elapsedMs) => peers.served(peer, headers, elapsedMs),
        },
        metrics,
        log: log.child("sync"),
        nowSeconds,
        fatal,
      }),
    );
    const { keyDirectory } = this.#deps;
    const key = keyDirectory === undefined
      ? NodeKey.generate((count) => crypto.getRandomValues(new Uint8Array(count)))
      : openNodeKey(`${keyDirectory}/${NODE_KEY_FILE}`);
    const peers: Peers = this.#peers({ key, store, driver, peerStore, metrics, log });
    // The goodbyes go out before the sync stops, or peers would be asked for nothing.
    stack.use(peers);
    await peers.start();
    const discovery = await this.#discover(key, peers, peerStore, log);
    if (discovery !== undefined) {
      stack.use(discovery);
      peers.follow(discovery);
    }
    const known = () => ({
      candidates: peers.snapshot().candidates,
      nodes: discovery?.snapshot().nodes ?? 0,
    });
    stack.use(new SyncReporter({ log: log.child("sync"), progress: () => driver.progress, known }));
    driver.start();
    const rpc = this.#listen({ store, driver, peers, log, scope });
    if (rpc !== undefined) stack.use(rpc);
    if (this.#config.p2p.serve) {
      const timer = setInterval(
        () => peers.broadcast({ type: "status", status: this.#status(store) }),
        STATUS_INTERVAL_MS,
      );
      stack.defer(() => clearInterval(timer));
    }
    const startingBlock = store.tip?.number ?? options.base.number;
    this.#running = { store, driver, peers, discovery, rpc, startingBlock, stack: stack.move() };
    log.info("Rootstock client runs", {
      network: network.name,
      id: peers.id,
      tip: store.tip?.number ?? null,
    });
  }

  readiness(): Readiness {
    const running = this.#running;
    if (running === undefined) return { ready: false, reason: "is not running" };
    const { phase } = running.driver.progress;
    const contradiction = running.driver.contradictions.at(-1);
    const note = contradiction &&
      (contradiction.isProven
        ? `the chain of a peer contradicts the checkpoint at block ${contradiction.number}`
        : `a peer denies block ${contradiction.number}, which the sync begins from`);
    if (phase === "stopped") return { ready: false, reason: note ?? "the sync has stopped" };
    if (running.store.tip === undefined) {
      const reason = "has not reached its checkpoint yet";
      return { ready: false, reason: note === undefined ? reason : `${reason}: ${note}` };
    }
    return note === undefined ? { ready: true } : { ready: true, note };
  }

  listening(): readonly string[] {
    const running = this.#running;
    if (running === undefined) return [];
    const { peers, discovery, rpc } = running;
    const lines: string[] = [];
    if (rpc !== undefined) lines.push(`json-rpc http://${formatAddress(rpc)}`);
    const { host } = this.#config.p2p;
    if (peers.port !== undefined) lines.push(`peers ${formatAddress({ host, port: peers.port })}`);
    if (discovery !== undefined) lines.push(`discovery ${formatAddress(discovery.endpoint)}/udp`);
    return lines;
  }

  status(): Readonly<Record<string, unknown>> {
    const running = this.#running;
    if (running === undefined) return {};
    const { tip, ...progress } = running.driver.progress;
    return {
      network: this.#network.name,
      id: running.peers.id,
      tip: { number: tip.number, hash: tip.hash.toHex() },
      ...progress,
      contradictions: running.driver.contradictions,
      connections: running.peers.snapshot(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.stack[Symbol.asyncDispose]();
  }

  #peers({ key, store, driver, peerStore, metrics, log }: {
    readonly key: NodeKey;
    readonly store: RootstockChainStore;
    readonly driver: SyncDriver;
    readonly peerStore: PeerStore;
    readonly metrics: RootstockMetrics;
    readonly log: Context["log"];
  }): Peers {
    const { p2p } = this.#config;
    const { networkId, port, genesis } = this.#network;
    const headers = new HeaderService({ perMinute: p2p.messagesPerMinute }, {
      store,
      metrics,
      log: log.child("serve"),
      send: (peer, message) => peers.send(peer, message),
    });
    const peers: Peers = new Peers({
      key,
      clientId: clientName(this.#deps.build),
      networkId,
      genesisHash: genesis.hash,
      host: p2p.host,
      port: p2p.port === 0 ? port : p2p.port,
      listen: p2p.listen,
      machine: { targetPeers: p2p.targetPeers, maxInbound: p2p.maxInbound, maxOutbound: 2 * p2p.targetPeers },
      staticPeers: p2p.staticPeers.map(parsePeer),
      connection: { messagesPerWindow: p2p.messagesPerMinute },
    }, {
      clock: SYSTEM_CLOCK,
      log: log.child("peers"),
      metrics,
      store: peerStore,
      status: () => this.#status(store),
      events: {
        joined: (peer) => driver.joined(peer),
        status: (peer, status) => driver.status(peer, status),
        gone: (peer) => {
          headers.gone(peer);
          driver.gone(peer);
        },
        message: (peer, message) => {
          if (message.type.endsWith("-request") || message.type === "get-block") {
            return headers.request(peer, message);
          }
          driver.message(peer, message);
        },
      },
    });
    return peers;
  }

  /** What peers are told of the chain: genesis, unless this node is to be synced from (section 6). */
  #status(store: RootstockChainStore): Required<RskStatus> {
    const { hash, totalDifficulty } = this.#network.genesis;
    const { tip } = store;
    if (!this.#config.p2p.serve || tip?.totalDifficulty === undefined || tip.number === 0) {
      return genesisStatus(hash, totalDifficulty);
    }
    return {
      bestNumber: tip.number,
      bestHash: tip.hash,
      parentHash: tip.parentHash,
      totalDifficulty: lowerBound(tip.totalDifficulty),
    };
  }

  async #discover(
    key: NodeKey,
    peers: Peers,
    store: PeerStore,
    log: Context["log"],
  ): Promise<Discovery | undefined> {
    const { discovery } = this.#config;
    if (!discovery.enabled) return undefined;
    const { networkId, port, bootNodes } = this.#network;
    return await Discovery.open({
      key,
      networkId,
      host: discovery.host,
      // rskj dials the port that it heard from.
      port: discovery.port === 0 ? peers.port ?? port : discovery.port,
      bootHosts: discovery.bootNodes.length === 0 ? bootNodes : discovery.bootNodes.map(parseEndpoint),
      known: store.peers,
      isBanned: (id, host) => peers.isBanned(id, host),
    }, { clock: SYSTEM_CLOCK, log: log.child("discovery"), onFound: (node) => peers.found(node) });
  }

  #listen({ store, driver, peers, log, scope }: {
    readonly store: RootstockChainStore;
    readonly driver: SyncDriver;
    readonly peers: Peers;
    readonly log: Context["log"];
    readonly scope: Context["metrics"];
  }): HttpListener | undefined {
    const { rpc } = this.#config;
    if (!rpc.enabled) return undefined;
    const network = this.#network;
    const methods = rootstockMethods({
      chain: store,
      reader: headerReader(network),
      unknownTransactions: rpc.unknownTransactions,
      chainId: network.chainId,
      genesis: { ...genesisHeader(network), canonical: true },
      syncing: () => this.#syncing(driver),
      peers: () =>
        peers.views().map(({ id, host, port }) => ({ id, address: formatAddress({ host, port }) })),
      listening: () => peers.port !== undefined,
      clientVersion: clientName(this.#deps.build),
    });
    return listenJsonRpc(
      { config: rpc, section: "rootstock.rpc", badRequestCodes: RSKJ_BAD_REQUEST_CODES },
      { methods, log: log.child("rpc"), metrics: createJsonRpcMetrics(scope.scope("jsonrpc")) },
    );
  }

  #syncing(driver: SyncDriver): SyncHeights | undefined {
    const { stored, highest } = driver.progress;
    if (highest - stored <= LONG_SYNC_BLOCKS) return undefined;
    return {
      startingBlock: this.#running?.startingBlock ?? stored,
      currentBlock: stored,
      highestBlock: highest,
    };
  }
}

/** As `Cairn/0.1.0/linux-x86_64/deno2.9.3`. */
function clientName({ version, deno }: BuildInfo): string {
  return `Cairn/${version}/${Deno.build.os}-${Deno.build.arch}/deno${deno}`;
}

/** `host:port`, whose form the schema has checked. */
function parseEndpoint(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(":");
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(text.slice(at + 1)) };
}

/** `id@host:port`, whose form the schema has checked. */
function parsePeer(text: string): KademliaNode {
  const [id = "", address = ""] = text.split("@");
  return { id, ...parseEndpoint(address) };
}
