/**
 * The message chain: one leader makes blocks, peers follow it.
 *
 * Layer: services. Life cycle and wiring only: leader.ts and follower.ts have the roles.
 *
 * @module
 */

import { createJsonRpcMetrics, listenJsonRpc } from "../../http/json_rpc.ts";
import type { HttpListener } from "../../http/listen.ts";
import { SYSTEM_CLOCK } from "../../kernel/clock.ts";
import { CairnError } from "../../kernel/errors.ts";
import type { Context, Readiness, Service } from "../../kernel/service.ts";
import type { BuildInfo } from "../../kernel/version.ts";
import { SYNC_PROTOCOL } from "../../protocols/kimura/gossip.ts";
import { isPublicKey, publicKeyOf, VerifyingKey } from "../../protocols/kimura/keys.ts";
import type { ChainRules } from "../../protocols/kimura/rules.ts";
import { P2pNode } from "../../p2p/node.ts";
import type { Engine } from "../../store/engine.ts";
import type { FamilySpec } from "../../store/family.ts";
import { ChainApi, type Submitter } from "./api.ts";
import type { ChainConfig } from "./config.ts";
import { Follower } from "./follower.ts";
import type { ChainDeps } from "./gossip.ts";
import { Leader } from "./leader.ts";
import { createChainMetrics } from "./metrics.ts";
import { chainMethods, chainRoutes } from "./rpc.ts";
import { IDENTITY_FILE, LEADER_KEY_FILE, makeSecretKey, newSecretKey, readSecretKey } from "./secret_key.ts";
import { CHAIN_FAMILIES, ChainStore } from "./store.ts";
import { syncHandler } from "./sync_server.ts";

/** A leader without a new block for so many intervals is not ready. */
const LATE_INTERVALS = 3;
/** What a request that cannot be read costs a peer. */
const MALFORMED_POINTS = 10;

/** Whether a node makes blocks or follows. */
export type ChainRole = "leader" | "peer";

/** What the service needs of the node. */
export interface ChainServiceDeps {
  /** Asked at the start, when the services that this one needs are up. */
  readonly engine: () => Engine;
  /** Where keys are kept; absent where nothing is kept on disk. */
  readonly keyDirectory: string | undefined;
  readonly role: ChainRole;
  readonly build: BuildInfo;
}

/** Everything that lives between start and stop. */
interface Running {
  readonly store: ChainStore;
  readonly p2p: P2pNode;
  readonly role: Leader | Follower;
  readonly rpc: HttpListener | undefined;
  readonly rules: ChainRules;
  readonly stack: AsyncDisposableStack;
}

/** A leader or a peer of the message chain. */
export class ChainService implements Service {
  readonly name = "chain";
  readonly needs: readonly string[] = ["store"];
  readonly #config: ChainConfig;
  readonly #deps: ChainServiceDeps;
  #running: Running | undefined;
  /** When the last block was stored, by a clock that only goes forward. */
  #storedMs = 0;

  constructor(config: ChainConfig, deps: ChainServiceDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  /** Column families to declare at open. */
  static readonly families: readonly FamilySpec[] = CHAIN_FAMILIES;

  async start({ log, metrics: scope }: Context, signal: AbortSignal): Promise<void> {
    const config = this.#config;
    const secretKey = this.#secretKey();
    const rules = this.#rules(secretKey);
    await using stack = new AsyncDisposableStack();
    const store = await ChainStore.open(this.#deps.engine());
    const metrics = createChainMetrics(scope, {
      height: () => store.tip.height,
      target: () => this.#follower?.snapshot().target ?? store.tip.height,
      pending: () => this.#leader?.snapshot().pending ?? 0,
      pooled: () => this.#follower?.snapshot().pooled ?? 0,
    });
    const { keyDirectory } = this.#deps;
    const keepsIdentity = keyDirectory !== undefined && !config.ephemeralIdentity;
    const p2p = new P2pNode(
      { ...config.p2p, identityFile: keepsIdentity ? `${keyDirectory}/${IDENTITY_FILE}` : undefined },
      {
        log: log.child("p2p"),
        metrics: scope.scope("p2p"),
        clock: SYSTEM_CLOCK,
        agent: `cairn/${this.#deps.build.version}`,
      },
    );
    const deps: ChainDeps = {
      store,
      p2p,
      metrics,
      log,
      nowMs: () => Date.now(),
      onStored: (height) => {
        this.#storedMs = performance.now();
        log.debug("Block stored", { height });
      },
    };
    // The role stops before the network does: what it finishes, it still publishes.
    stack.use(p2p);
    await p2p.serve(
      SYNC_PROTOCOL,
      syncHandler(store, log, (peer, { code }) => p2p.penalise(peer, MALFORMED_POINTS, code)),
    );
    const role = stack.use(await this.#role(rules, secretKey, deps));
    await p2p.start(signal);
    for (const address of [config.leader, ...config.peers]) if (address !== "") p2p.keepConnected(address);
    const rpc = this.#listen(store, role, log, scope);
    if (rpc !== undefined) stack.use(rpc);
    this.#storedMs = performance.now();
    if (role instanceof Leader) role.start();
    this.#running = { store, p2p, role, rpc, rules, stack: stack.move() };
    log.info(`Chain ${this.#deps.role} runs`, {
      id: p2p.id,
      addresses: p2p.addresses,
      leaderKey: rules.leader?.bytes.toHex() ?? null,
      height: store.tip.height,
    });
    if (config.unsigned) log.warn("Anybody can publish blocks: chain.unsigned accepts what nobody signed");
  }

  readiness(): Readiness {
    const running = this.#running;
    if (running === undefined) return { ready: false, reason: "is not running" };
    const { role } = running;
    if (role instanceof Leader) {
      const sinceMs = performance.now() - this.#storedMs;
      return sinceMs <= LATE_INTERVALS * this.#config.production.blockIntervalMs + 1_000
        ? { ready: true }
        : { ready: false, reason: `has made no block for ${Math.round(sinceMs / 1_000)} s` };
    }
    const { height, target, peers } = role.snapshot();
    if (peers === 0) return { ready: false, reason: "is connected to no other node" };
    const behind = target - height;
    return behind <= BigInt(this.#config.sync.readyWithinBlocks)
      ? { ready: true }
      : { ready: false, reason: `is ${behind} blocks behind` };
  }

  listening(): readonly string[] {
    const running = this.#running;
    if (running === undefined) return [];
    const { p2p, rpc, rules } = running;
    const lines: string[] = [];
    if (rpc !== undefined) lines.push(`json-rpc http://${formatHost(rpc.host)}:${rpc.port}`);
    lines.push(...p2p.addresses.map((address) => `p2p ${address}`));
    if (rules.leader !== undefined) lines.push(`leader-key ${rules.leader.bytes.toHex()}`);
    return lines;
  }

  status(): Readonly<Record<string, unknown>> {
    const running = this.#running;
    if (running === undefined) return {};
    const { store: { tip }, p2p, role, rules } = running;
    const { height: _, ...state } = role.snapshot();
    return {
      role: this.#deps.role,
      id: p2p.id,
      addresses: p2p.addresses,
      leaderKey: rules.leader?.bytes.toHex() ?? null,
      height: Number(tip.height),
      hash: tip.hash.toHex(),
      ...Object.fromEntries(
        Object.entries(state).map((
          [name, value],
        ) => [name, typeof value === "bigint" ? Number(value) : value]),
      ),
      connections: p2p.peers(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.stack[Symbol.asyncDispose]();
  }

  get #leader(): Leader | undefined {
    const role = this.#running?.role;
    return role instanceof Leader ? role : undefined;
  }

  get #follower(): Follower | undefined {
    const role = this.#running?.role;
    return role instanceof Follower ? role : undefined;
  }

  /** The key that signs blocks, if this node makes signed ones. */
  #secretKey(): Uint8Array | undefined {
    if (this.#deps.role !== "leader" || this.#config.unsigned) return undefined;
    const { keyDirectory } = this.#deps;
    if (keyDirectory === undefined) return newSecretKey();
    const path = `${keyDirectory}/${LEADER_KEY_FILE}`;
    return readSecretKey(path) ?? makeSecretKey(path);
  }

  #rules(secretKey: Uint8Array | undefined): ChainRules {
    const { leaderKey, unsigned, rules: { maxDriftSeconds, ...rules } } = this.#config;
    const common = { ...rules, maxDriftSeconds: BigInt(maxDriftSeconds) };
    if (unsigned) return { ...common, leader: undefined };
    const own = secretKey && publicKeyOf(secretKey);
    if (own !== undefined && leaderKey !== "" && own.toHex() !== leaderKey) {
      throw new CairnError(
        "NODE_KEY_INVALID",
        `Cannot lead: chain.leaderKey is ${leaderKey}, this node's key is another`,
        {
          hint: `restore ${LEADER_KEY_FILE}, or set chain.leaderKey to ${own.toHex()}`,
        },
      );
    }
    const key = own ?? Uint8Array.fromHex(leaderKey);
    if (isPublicKey(key)) return { ...common, leader: new VerifyingKey(key) };
    throw new CairnError("CONFIG_INVALID", "Cannot follow: chain.leaderKey is not a leader's public key", {
      hint: "set it to what `cairn chain keys show` prints at the leader",
    });
  }

  async #role(
    rules: ChainRules,
    secretKey: Uint8Array | undefined,
    deps: ChainDeps,
  ): Promise<Leader | Follower> {
    const { production, sync: { readyWithinBlocks: _, ...sync } } = this.#config;
    if (this.#deps.role === "peer") return new Follower({ rules, config: sync }, deps);
    return new Leader({ rules, secretKey, config: production, pending: await deps.store.pending() }, deps);
  }

  #listen(
    store: ChainStore,
    role: Leader | Follower,
    log: Context["log"],
    scope: Context["metrics"],
  ): HttpListener | undefined {
    const { rpc } = this.#config;
    if (!rpc.enabled) return undefined;
    const submitter: Submitter = {
      submit: (message) => role instanceof Leader ? role.submit(message) : role.forward(message),
      nextNonce: (sender) => role.nextNonce(sender),
    };
    const api = new ChainApi({ store, submitter, nowMs: () => Date.now() });
    const health = () => {
      const { ready } = this.readiness();
      return { status: ready ? "ok" : "not-ready", role: this.#deps.role, ...api.height() };
    };
    return listenJsonRpc(
      { config: rpc, section: "chain.rpc", badRequestCodes: new Set() },
      {
        methods: chainMethods(api),
        routes: chainRoutes(api, health),
        log: log.child("rpc"),
        metrics: createJsonRpcMetrics(scope.scope("jsonrpc")),
      },
    );
  }
}

function formatHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
