/**
 * The blocks service: a Hiero block node's API on one gRPC listener.
 *
 * Layer: services. Life cycle and wiring only; what happens to a block is pipeline.ts, what readers get access.ts.
 *
 * @module
 */

import { BlockAccessService } from "../../../proto/gen/org/hiero/block/api/block_access_service_pb.ts";
import { BlockStreamPublishService } from "../../../proto/gen/org/hiero/block/api/block_stream_publish_service_pb.ts";
import { BlockStreamSubscribeService } from "../../../proto/gen/org/hiero/block/api/block_stream_subscribe_service_pb.ts";
import { BlockNodeService } from "../../../proto/gen/org/hiero/block/api/node_service_pb.ts";
import { ProofService } from "../../../proto/gen/org/hiero/block/api/proof_service_pb.ts";
import { ReconnectService } from "../../../proto/gen/org/hiero/block/api/reconnect_service_pb.ts";
import { StateService } from "../../../proto/gen/org/hiero/block/api/state_service_pb.ts";
import type { Bus } from "../../kernel/bus/mod.ts";
import type { Context, Readiness, Service } from "../../kernel/service.ts";
import type { Tracer } from "../../kernel/telemetry.ts";
import {
  decodeVerificationData,
  encodeVerificationData,
  NO_VERIFICATION_DATA,
  type VerificationData,
} from "../../protocols/hiero/proofs/verification_data.ts";
import { PublishMachine } from "../../protocols/hiero/publish_machine.ts";
import { SubscribeMachine } from "../../protocols/hiero/subscribe_machine.ts";
import { RpcServer } from "../../rpc/server.ts";
import type { DescService } from "../../rpc/types.ts";
import type { Engine } from "../../store/engine.ts";
import type { FamilySpec } from "../../store/family.ts";
import { type AccessDeps, accessHandlers, type SemanticVersionParts, statusHandlers } from "./access.ts";
import type { Backfill } from "./backfill.ts";
import { startBackfill } from "./backfill_start.ts";
import type { BlocksConfig } from "./config.ts";
import { proofHandlers } from "./contents_proofs.ts";
import { createBlocksMetrics } from "./metrics.ts";
import { PublishPipeline } from "./pipeline.ts";
import { BLOCKS_FAMILIES, BlockStore } from "./store.ts";
import { SubscribeService } from "./subscribe.ts";
import { createSubscribeMetrics } from "./subscribe_metrics.ts";
import { Tiers } from "./tiers.ts";
import { PERSISTED_TOPIC, TOPICS_OVERHEAD_BYTES } from "./topics.ts";
import { loadVerificationData } from "./verification_start.ts";
import { VerifyLane } from "./verify_lane.ts";

/** Time for blocks in flight to reach the disk at a stop, in milliseconds. */
const DRAIN_TIMEOUT_MS = 5_000;
/** Time for calls to end once publishers were told, in milliseconds. */
const STOP_GRACE_MS = 2_000;

/** Version of the block stream definitions in proto/ (consensus node v0.76.1). */
const STREAM_VERSION: SemanticVersionParts = { major: 0, minor: 76, patch: 1, pre: "" };

/** What the service needs of the node. */
export interface BlocksServiceDeps {
  /** Asked at the start, when the services that this one needs are up. */
  readonly engine: () => Engine;
  readonly bus: () => Bus;
  /** Root of the archives; absent where nothing is kept on disk. */
  readonly historicDirectory: string | undefined;
  readonly nodeVersion: SemanticVersionParts;
  readonly tracer: Tracer;
}

/** Where the chain stands. */
interface Chain {
  readonly store: BlockStore;
  readonly machine: PublishMachine;
  /** `earliestManagedBlock` as configured. */
  readonly earliest: bigint;
}

/** Everything that lives between start and stop. */
interface Running extends Chain {
  readonly tiers: Tiers;
  readonly lane: VerifyLane;
  readonly pipeline: PublishPipeline;
  readonly backfill: Backfill | undefined;
  readonly subscribe: SubscribeService;
  readonly server: RpcServer;
  readonly address: string;
}

/** A Hiero block node. */
export class BlocksService implements Service {
  readonly name = "blocks";
  readonly needs: readonly string[] = ["store", "bus"];
  readonly #config: BlocksConfig;
  readonly #deps: BlocksServiceDeps;
  #running: Running | undefined;

  constructor(config: BlocksConfig, deps: BlocksServiceDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  /** Column families to declare at open. */
  static readonly families: readonly FamilySpec[] = BLOCKS_FAMILIES;

  /** Shared memory this service needs, in bytes. */
  static memoryBytes(config: BlocksConfig): number {
    return config.maxBlockBytes + TOPICS_OVERHEAD_BYTES;
  }

  async start({ log, metrics: scope, fatal }: Context): Promise<void> {
    const config = this.#config;
    const bus = this.#deps.bus();
    const store = await BlockStore.open(this.#deps.engine());
    const metrics = createBlocksMetrics(scope, {
      publishers: () => this.#running?.pipeline.publishers ?? 0,
      queuedBytes: () => this.#running?.machine.snapshot().queuedBytes ?? 0,
      lastPersisted: () => store.last,
      firstAvailable: () => store.first,
      nextExpected: () => this.#running && nextExpected(this.#running),
      blocks: () => {
        const { queuedBlocks: queued = 0, inFlight = 0, resend = [] } = this.#running?.machine.snapshot() ??
          {};
        return { queued, inFlight, resend: resend.length };
      },
    });
    await using stack = new AsyncDisposableStack();
    // Before anything reads a block: block 0, which tells the network's keys, may be archived.
    const directory = this.#deps.historicDirectory;
    const tiers = stack.use(await Tiers.open(config, { store, directory, metrics: scope, log }));
    const verificationData = config.proofs === "off"
      ? NO_VERIFICATION_DATA
      : await loadVerificationData(store, config);
    const policies = {
      brokenLink: config.brokenLink,
      unverifiable: config.unverifiable,
      proofs: config.proofs,
      unknownProofs: config.unknownProofs,
      ledgerId: Uint8Array.fromHex(config.ledgerId),
    };
    const lane = stack.use(
      await VerifyLane.open({
        ...policies,
        arenaBytes: config.maxBlockBytes,
        chainState: store.chainState,
        verificationData: encodeVerificationData(verificationData),
      }, { bus, fatal }),
    );
    // Only a node without blocks may choose where to begin: later on it would tear a hole into its chain.
    const configured = BigInt(config.earliestManagedBlock);
    const earliestManagedBlock = store.last !== undefined && store.last < configured
      ? store.last + 1n
      : configured;
    if (earliestManagedBlock !== configured) {
      log.warn("blocks.earliestManagedBlock does not apply: the store has blocks below it", {
        configured,
        last: store.last,
      });
    }
    const machine = new PublishMachine({
      lastPersisted: store.last ?? -1n,
      config: {
        earliestManagedBlock,
        duplicateBlockSkipWindow: BigInt(config.duplicateBlockSkipWindow),
        maxFutureBlocksBeforeStalled: BigInt(config.maxFutureBlocksBeforeStalled),
        staleResendPruneBuffer: BigInt(config.staleResendPruneBuffer),
        idleTimeoutMs: config.publisherIdleMs,
        maxBlockBytes: config.maxBlockBytes,
        pauseAboveBytes: config.pauseAboveBytes,
        maxQueuedBytes: config.maxQueuedBytes,
        perHandlerMessageBudget: config.perHandlerMessageBudget,
        totalMessageBudgetPerInterval: config.totalMessageBudgetPerInterval,
        fullIntervalsForPenalty: config.fullIntervalsForPenalty,
      },
    });
    const subscribeMachine = new SubscribeMachine({
      lastPersisted: store.last ?? -1n,
      config: {
        maximumFutureRequest: BigInt(config.maximumFutureRequest),
        chunkBytes: config.maxChunkSizeBytes,
        liveBytes: config.subscriberLiveBytes,
        stallTimeoutMs: config.subscriberStallMs,
      },
    });
    const subscribe = stack.use(
      new SubscribeService({
        machine: subscribeMachine,
        store,
        metrics: createSubscribeMetrics(scope, () => subscribeMachine.snapshot()),
        log,
        maxSubscribers: config.maxSubscribers,
        historyBytes: config.subscriberHistoryBytes,
        now: () => performance.now(),
      }),
    );
    const persisted = bus.open(PERSISTED_TOPIC);
    const pipeline = new PublishPipeline({
      machine,
      lane,
      store,
      metrics,
      log,
      tracer: this.#deps.tracer,
      onPersisted: (event) => {
        persisted.tryPublish(event);
        tiers.notify();
        subscribe.persisted(event.number);
      },
      onBehind: (upTo) => this.#running?.backfill?.demand(upTo),
      live: subscribe,
      fatal,
      now: () => performance.timeOrigin + performance.now(),
    });
    stack.defer(() => pipeline.shutdown());
    const server = stack.use(
      new RpcServer(config.rpc, {
        log: log.child("rpc"),
        metrics: scope.scope("rpc"),
        tracer: this.#deps.tracer,
      }),
    );
    this.#addServices(server, { pipeline, subscribe }, {
      store,
      metrics,
      log,
      ...this.#versions(),
      served: this.#served().map(({ typeName }) => typeName),
      verificationData: () => knownNow(verificationData, store),
      nextExpected: () => nextExpected({ machine, store, earliest: configured }),
    });
    const { host, port } = await server.listen();
    const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const backfill = startBackfill(config, {
      machine,
      pipeline,
      store,
      verifyOptions: () => ({
        ...policies,
        // Links are all that names a block below the first one.
        brokenLink: "refuse",
        chainState: new Uint8Array(0),
        verificationData: encodeVerificationData(knownNow(verificationData, store)),
      }),
      onKeys: (learned) => lane.learn(learned),
      onStored: () => tiers.notify(),
      metrics: scope.scope("backfill"),
      log: log.child("backfill"),
    });
    const chain = { store, machine, earliest: configured };
    this.#running = { ...chain, tiers, lane, pipeline, subscribe, backfill, server, address };
    stack.move();
    this.#sayServing(server);
    log.info("Block node serves", { address, first: store.first, last: store.last });
  }

  #versions(): Pick<AccessDeps, "nodeVersion" | "streamVersion"> {
    return { nodeVersion: this.#deps.nodeVersion, streamVersion: STREAM_VERSION };
  }

  #addServices(
    server: RpcServer,
    { pipeline, subscribe }: Pick<Running, "pipeline" | "subscribe">,
    access: AccessDeps,
  ): void {
    server.add(BlockAccessService, accessHandlers(access));
    server.add(BlockNodeService, statusHandlers(access));
    server.add(ProofService, proofHandlers(access));
    // Known to reflection, answered with UNIMPLEMENTED and a code, as the block node does.
    for (const service of [StateService, ReconnectService]) {
      server.add(service as DescService, {});
    }
    server.add(
      BlockStreamPublishService,
      this.#config.enablePublish
        ? { publishBlockStream: { raw: true, handle: (call) => pipeline.connect(call) } }
        : {},
    );
    server.add(
      BlockStreamSubscribeService,
      this.#config.enableSubscribe
        ? { subscribeBlockStream: { raw: true, handle: (...call) => subscribe.subscribe(...call) } }
        : {},
    );
  }

  /** Services of the API that have handlers. */
  #served(): DescService[] {
    const served: DescService[] = [BlockAccessService, BlockNodeService, ProofService];
    if (this.#config.enablePublish) served.push(BlockStreamPublishService);
    if (this.#config.enableSubscribe) served.push(BlockStreamSubscribeService);
    return served;
  }

  #sayServing(server: RpcServer): void {
    for (const { typeName } of this.#served()) server.setHealth(typeName, "SERVING");
    server.setHealth("", "SERVING");
  }

  readiness(): Readiness {
    if (this.#running === undefined) return { ready: false, reason: "the block node does not serve" };
    const { writeFailure } = this.#running.pipeline;
    const { note } = this.#running.tiers;
    return writeFailure === undefined
      ? { ready: true, ...(note === undefined ? {} : { note }) }
      : { ready: false, reason: `the last block could not be written: ${writeFailure}` };
  }

  listening(): readonly string[] {
    return this.#running === undefined ? [] : [`grpc ${this.#running.address}`];
  }

  status(): Readonly<Record<string, unknown>> {
    if (this.#running === undefined) return {};
    const { store, machine, subscribe, backfill, tiers } = this.#running;
    const { resend, handlers, queuedBlocks, queuedBytes, inFlight, paused } = machine.snapshot();
    return {
      firstBlock: store.first?.toString(),
      lastBlock: store.last?.toString(),
      nextExpectedBlock: nextExpected(this.#running)?.toString(),
      verification: "hash-verified",
      proofs: this.#config.proofs,
      publishers: handlers,
      subscribers: subscribe.subscribers,
      resend: resend.map(String),
      queuedBlocks,
      queuedBytes,
      inFlight,
      paused,
      ...(backfill === undefined ? {} : { backfill: backfill.status() }),
      historic: tiers.status(),
    };
  }

  /** Blocks that arrived whole reach the disk and are acknowledged; then peers are told, then the port closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    const { pipeline, subscribe, server, lane, backfill, tiers } = running;
    await backfill?.[Symbol.asyncDispose]();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, DRAIN_TIMEOUT_MS));
    if (!lane.failed) await Promise.race([pipeline.drain(), late]);
    clearTimeout(timer);
    pipeline.shutdown();
    subscribe.shutdown();
    await server.stop({ graceMs: STOP_GRACE_MS });
    await lane[Symbol.asyncDispose]();
    await tiers[Symbol.asyncDispose]();
  }
}

/** What was known at the start, or what block 0 has told since. */
function knownNow(atStart: VerificationData, { verificationData }: BlockStore): VerificationData {
  return atStart.tss !== undefined || verificationData === undefined
    ? atStart
    : { ...atStart, tss: decodeVerificationData(verificationData).tss };
}

/** Block the node wants next; undefined below the configured start, and while it has none and nobody has started one (spec §5.2). */
function nextExpected({ machine, store, earliest }: Chain): bigint | undefined {
  const { nextUnstarted } = machine.snapshot();
  if (store.last === undefined && nextUnstarted === earliest) return undefined;
  return nextUnstarted < earliest ? undefined : nextUnstarted;
}
