/**
 * Leaders and followers on loopback, each with a network, a store and metrics of its own.
 *
 * Layer: services. Not imported by the node.
 *
 * @module
 */

import { MetricScope } from "../../kernel/metrics.ts";
import { LEADER_SECRET, TEST_RULES } from "../../protocols/kimura/_chain.ts";
import type { LeaderConfig } from "../../protocols/kimura/leader_events.ts";
import type { PeerConfig } from "../../protocols/kimura/peer_events.ts";
import type { ChainRules } from "../../protocols/kimura/rules.ts";
import { eventually, NEVER, testNode } from "../../p2p/_testing.ts";
import type { P2pNode } from "../../p2p/node.ts";
import type { Engine } from "../../store/engine.ts";
import { openMemoryEngine } from "../../store/memory_engine.ts";
import { Follower } from "./follower.ts";
import type { ChainDeps } from "./gossip.ts";
import { Leader } from "./leader.ts";
import { type ChainMetrics, createChainMetrics } from "./metrics.ts";
import { CHAIN_FAMILIES, ChainStore } from "./store.ts";
import { syncHandler } from "./sync_server.ts";

/** Options of a test node. */
export interface TestChainOptions {
  readonly engine?: Engine;
  readonly rules?: Partial<ChainRules>;
  readonly leader?: Partial<LeaderConfig>;
  readonly peer?: Partial<PeerConfig>;
  readonly p2p?: Record<string, unknown>;
  readonly secretKey?: Uint8Array;
}

/** What both roles have. */
export interface TestChain<Role> extends AsyncDisposable {
  readonly role: Role;
  readonly store: ChainStore;
  readonly p2p: P2pNode;
  /** Sum of a metric over the series whose labels include `labels`. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
}

async function open<Role extends AsyncDisposable>(
  { engine = openMemoryEngine({ families: CHAIN_FAMILIES }), p2p: network }: TestChainOptions,
  create: (deps: ChainDeps) => Promise<Role>,
): Promise<TestChain<Role>> {
  const { node: p2p, log } = testNode(network);
  const scope = new MetricScope().scope("chain");
  const store = await ChainStore.open(engine);
  const zero = () => 0;
  const metrics: ChainMetrics = createChainMetrics(scope, {
    height: () => store.tip.height,
    target: () => store.tip.height,
    pending: zero,
    pooled: zero,
  });
  const deps: ChainDeps = { store, p2p, metrics, log, nowMs: () => Date.now(), onStored: () => {} };
  await p2p.serve(SYNC, syncHandler(store, log, (peer) => p2p.penalise(peer, 10, "MALFORMED_BYTES")));
  const role = await create(deps);
  await p2p.start(NEVER);
  return {
    role,
    store,
    p2p,
    async metric(name, labels = {}) {
      const found = await scope.registry.getSingleMetric(`${scope.prefix}${name}`)!.get();
      return found.values
        .filter((value) =>
          Object.entries(labels).every(([key, text]) => Reflect.get(value.labels, key) === text)
        )
        .reduce((sum, { value }) => sum + value, 0);
    },
    async [Symbol.asyncDispose]() {
      await role[Symbol.asyncDispose]();
      await p2p[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

const SYNC = "/kimura/sync/1.0.0";

/** A leader that makes a block every 200 ms. */
export function openLeader(options: TestChainOptions = {}): Promise<TestChain<Leader>> {
  return open(options, async (deps) => {
    const leader = new Leader({
      rules: { ...TEST_RULES, ...options.rules },
      secretKey: options.secretKey ?? LEADER_SECRET,
      config: { blockIntervalMs: 200, ...options.leader },
      pending: await deps.store.pending(),
    }, deps);
    leader.start();
    return leader;
  });
}

/** A follower that keeps itself connected to `leader`. */
export async function openFollower(
  leader: P2pNode,
  options: TestChainOptions = {},
): Promise<TestChain<Follower>> {
  const rules = { ...TEST_RULES, ...options.rules };
  const config = { backoffMs: 50, tipIntervalMs: 500, ...options.peer };
  // deno-lint-ignore require-await -- the shape of a leader, which reads its pending messages
  const chain = await open(options, async (deps) => new Follower({ rules, config }, deps));
  chain.p2p.keepConnected(leader.addresses[0]!);
  return chain;
}

/** Waits until all have block `height`, and the same one. */
export async function eventuallyAt(height: bigint, ...chains: readonly TestChain<unknown>[]): Promise<void> {
  await eventually(
    () => chains.every(({ store }) => store.tip.height >= height),
    `everybody at block ${height}`,
  );
}
