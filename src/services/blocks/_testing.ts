/**
 * A pipeline with everything real but the transport and the disk, for tests.
 *
 * Layer: services. Not imported by the node.
 *
 * @module
 */

import { HotMemory } from "../../hot/memory.ts";
import { RecordingLog } from "../../kernel/_testing.ts";
import { Bus } from "../../kernel/bus/mod.ts";
import { Tracer } from "../../kernel/telemetry.ts";
import { MetricScope } from "../../kernel/metrics.ts";
import { splitBlock } from "../../protocols/hiero/block_split.ts";
import { ChainGenerator } from "../../protocols/hiero/generate.ts";
import { itemRanges } from "../../protocols/hiero/items.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import type { PublishConfig } from "../../protocols/hiero/publish_events.ts";
import { PublishMachine } from "../../protocols/hiero/publish_machine.ts";
import { encodeEndOfBlock, encodeItemsRequest } from "../../protocols/hiero/publish_messages.ts";
import { parsePublishResponse } from "../../protocols/hiero/publish_responses.ts";
import { metricValue } from "../../rpc/_testing.ts";
import type { BidiCall, StreamHandler } from "../../rpc/types.ts";
import type { Engine } from "../../store/engine.ts";
import { openMemoryEngine } from "../../store/memory_engine.ts";
import { type BlocksMetrics, createBlocksMetrics } from "./metrics.ts";
import { PublishPipeline } from "./pipeline.ts";
import { BLOCKS_FAMILIES, BlockStore } from "./store.ts";
import { TOPICS_OVERHEAD_BYTES } from "./topics.ts";
import { VerifyLane } from "./verify_lane.ts";
import type { VerifyTaskOptions } from "./verify_task.ts";

/** Room for a few dozen of the blocks that {@link makeChain} makes. */
export const TEST_ARENA_BYTES = 65_536;

/** A verify task as a node without any setting has it. */
export const TEST_VERIFY_OPTIONS = {
  brokenLink: "refuse",
  unverifiable: "refuse",
  proofs: "when-known",
  unknownProofs: "refuse",
  verificationData: new Uint8Array(0),
  ledgerId: new Uint8Array(0),
} as const;

/** The first `count` blocks of a chain, of some 4 kB each. */
export function makeChain(count: number, seed = 1): Uint8Array[] {
  const generator = new ChainGenerator({ sha384: nativeSha384, items: 4, itemBytes: 100, seed });
  return Array.from({ length: count }, () => generator.next().bytes);
}

/** The same block with one bit of its footer's previous hash changed. */
export function withBrokenLink(block: Uint8Array): Uint8Array {
  const broken = block.slice();
  const footer = [...itemRanges(block)].at(-2)!;
  broken[footer.start + 20]! ^= 1;
  return broken;
}

/** An engine in memory whose writes fail while told so. */
export class BrittleEngine implements Engine {
  readonly #engine = openMemoryEngine({ families: BLOCKS_FAMILIES });
  /** Survives its fixture, for the next one to open. */
  keepsOpen = false;
  /** Awaited before each write; may throw. */
  beforeWrite: () => Promise<void> | void = () => {};

  family(name: string): ReturnType<Engine["family"]> {
    return this.#engine.family(name);
  }

  async write(...args: Parameters<Engine["write"]>): Promise<void> {
    await this.beforeWrite();
    await this.#engine.write(...args);
  }

  probe(): Promise<void> {
    return this.#engine.probe();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.keepsOpen) await this.#engine[Symbol.asyncDispose]();
  }
}

/** One publisher's call, as the pipeline sees it; what it was told can be read. */
export class FakeCall implements BidiCall<Uint8Array> {
  readonly context: BidiCall<Uint8Array>["context"];
  /** Answers as text, such as `acknowledgement 3` or `end-stream BAD_BLOCK_PROOF`. */
  readonly answers: string[] = [];
  paused = false;
  ended = false;
  endError: unknown;
  /** Called from within `resume()` and `send()`: transports call back synchronously. */
  onResume: () => void = () => {};
  onSend: () => void = () => {};
  readonly #handler: StreamHandler<Uint8Array>;

  constructor(pipeline: PublishPipeline, log: RecordingLog) {
    this.context = {
      signal: new AbortController().signal,
      peer: "test",
      requestId: "test",
      metadata: new Map(),
      log,
    };
    this.#handler = pipeline.connect(this);
  }

  send(bytes: Uint8Array): boolean {
    const response = parsePublishResponse(bytes)!;
    this.answers.push(
      response.kind === "end-stream"
        ? `end-stream ${response.status}`
        : `${response.kind} ${BigInt.asIntN(64, response.number)}`,
    );
    this.onSend();
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  end(error?: Error): void {
    this.ended = true;
    this.endError = error;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.onResume();
  }

  /** A message from the publisher. */
  message(bytes: Uint8Array): void {
    this.#handler.message(bytes);
  }

  block(number: bigint, block: Uint8Array): void {
    for (const run of splitBlock(block)) this.message(encodeItemsRequest(run));
    this.message(encodeEndOfBlock(number));
  }

  halfClose(): void {
    this.#handler.halfClosed();
  }

  close(): void {
    this.#handler.closed();
  }
}

/** A running pipeline and what it is made of. */
export interface PipelineFixture extends AsyncDisposable {
  readonly pipeline: PublishPipeline;
  readonly machine: PublishMachine;
  readonly lane: VerifyLane;
  readonly store: BlockStore;
  readonly engine: BrittleEngine;
  readonly bus: Bus;
  readonly log: RecordingLog;
  readonly metrics: BlocksMetrics;
  readonly persisted: bigint[];
  readonly fatal: Error[];
  connect(): FakeCall;
  /** Events in shared memory that somebody has not released. */
  held(): Promise<number>;
}

/** Metrics that nobody scrapes. */
export function testMetrics(scope: MetricScope = new MetricScope()): BlocksMetrics {
  return createBlocksMetrics(scope, {
    publishers: () => 2,
    queuedBytes: () => 3,
    lastPersisted: () => 7n,
    firstAvailable: () => undefined,
    nextExpected: () => 8n,
    blocks: () => ({ queued: 4, inFlight: 1, resend: 2 }),
  });
}

/** Starts a pipeline with a verify Worker of its own. */
export async function openPipeline(
  { engine = new BrittleEngine(), config = {}, verify = {}, arenaBytes = TEST_ARENA_BYTES }: {
    engine?: BrittleEngine;
    config?: Partial<PublishConfig>;
    verify?: Partial<VerifyTaskOptions>;
    arenaBytes?: number;
  } = {},
): Promise<PipelineFixture> {
  const memory = await HotMemory.create({ bytes: arenaBytes + TOPICS_OVERHEAD_BYTES });
  const scope = new MetricScope().scope("bus");
  const bus = new Bus({ memory, metrics: scope });
  const log = new RecordingLog();
  const store = await BlockStore.open(engine);
  const fatal: Error[] = [];
  const onFatal = (error: Error) => void fatal.push(error);
  const lane = await VerifyLane.open({
    arenaBytes,
    chainState: store.chainState,
    ...TEST_VERIFY_OPTIONS,
    ...verify,
  }, { bus, fatal: onFatal });
  const machine = new PublishMachine({
    lastPersisted: store.last ?? -1n,
    config: { maxBlockBytes: arenaBytes, ...config },
  });
  const persisted: bigint[] = [];
  const metrics = testMetrics();
  const pipeline = new PublishPipeline({
    machine,
    lane,
    store,
    metrics,
    log,
    tracer: new Tracer(),
    onPersisted: ({ number }) => void persisted.push(number),
    live: { accepted: () => {}, complete: () => {} },
    fatal: onFatal,
    now: () => performance.timeOrigin + performance.now(),
  });
  return {
    pipeline,
    machine,
    lane,
    store,
    engine,
    bus,
    log,
    metrics,
    persisted,
    fatal,
    connect: () => new FakeCall(pipeline, log),
    held: () => metricValue(scope, "subscriber_lag", { topic: "blocks.received" }),
    async [Symbol.asyncDispose]() {
      pipeline.shutdown();
      await lane[Symbol.asyncDispose]();
      bus[Symbol.dispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}
