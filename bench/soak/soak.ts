/**
 * Runs a node for a while under publishers that race and die, subscribers fast and slow, and kill -9 of itself, and
 * holds it to what it promises: nothing acknowledged is lost, nobody sees a gap or a double, memory stays flat.
 *
 * @module
 */

import { BlockNodeClient } from "../../src/services/blocks/node_client.ts";
import { tempDirectory } from "../../tests/support/node_process.ts";
import { Audit, range } from "./audit.ts";
import { type Child, startPublisher, startSubscribers } from "./children.ts";
import { isLeaking, type MemoryReport, reportMemory } from "./memory.ts";
import { delay, type PublisherMessage, type SubscriberMessage } from "./messages.ts";
import { NodeLife } from "./node_life.ts";
import type { SoakSettings } from "./settings.ts";

/** After each restart so many of the newest blocks are compared first, then so many of before the last restart. */
const OLD_BLOCKS = 50;
/** No kills so short before the end: a block that a dead publisher had begun is asked for again with the next. */
const QUIET_END_SECONDS = 5;
/** For the publishers to get their last acknowledgements, and for the fast subscribers to get the last block. */
const FINISH_SECONDS = 120;
const SAMPLE_MS = 2_000;
/** Statuses a publisher must never get here: all it sends is right, and the disk is large enough. */
const WRONG_ENDS = ["BAD_BLOCK_PROOF", "INVALID_REQUEST", "ERROR", "PERSISTENCE_FAILED", "UNKNOWN"];

/** How a soak went. */
export interface SoakResult {
  readonly violations: readonly string[];
  readonly seconds: number;
  readonly blocks: number;
  readonly blockBytes: number;
  readonly nodeKills: number;
  readonly publisherKills: number;
  /** Seconds from starting a node on the data directory to its readiness: the longest of all restarts. */
  readonly slowestRestartSeconds: number;
  /** Blocks compared with getBlock, each as often as it was. */
  readonly comparedBlocks: number;
  readonly subscribers: readonly { readonly pauseMs: number; readonly blocks: number }[];
  readonly subscribedBlocks: number;
  /** CPU of the node, mean. */
  readonly cores: number;
  readonly memory: MemoryReport;
  readonly acknowledgedMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** How calls ended that were taken up again. */
  readonly publisherEnds: Readonly<Record<string, number>>;
  readonly subscriberEnds: Readonly<Record<string, number>>;
}

/** Counts by name. */
class Tally {
  readonly counts: Record<string, number> = {};
  add(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }
}

class Soak implements AsyncDisposable {
  readonly #settings: SoakSettings;
  readonly #say: (line: string) => void;
  readonly #node: NodeLife;
  readonly #violations: string[] = [];
  readonly #audit: Audit;
  readonly #publishers: Child[] = [];
  readonly #subscribers: Child[] = [];
  readonly #next: number[][] = [];
  readonly #subscribedBlocks: number[] = [];
  readonly #latenciesMs: number[] = [];
  readonly #publisherEnds = new Tally();
  readonly #subscriberEnds = new Tally();
  /** Digests that subscribers told, not compared yet. */
  readonly #told = new Map<number, string>();
  #startMs = 0;
  #isEnding = false;
  #acknowledged = -1;
  #publisherKills = 0;
  #random: number;

  constructor(settings: SoakSettings, dataDir: string, say: (line: string) => void) {
    this.#settings = settings;
    this.#node = new NodeLife(dataDir);
    this.#say = say;
    this.#random = settings.seed || 1;
    this.#audit = new Audit(settings, (what) => this.#violate(what), () => this.#node.isKilling);
  }

  get #elapsedSeconds(): number {
    return (Date.now() - this.#startMs) / 1_000;
  }

  get #isFailed(): boolean {
    return this.#violations.length > 0;
  }

  #violate(what: string): void {
    this.#violations.push(what);
    this.#say(`VIOLATION: ${what}`);
  }

  /** 0 to 1. */
  #chance(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#random / 2 ** 32;
  }

  async run(): Promise<SoakResult> {
    const { seconds, publishers, slowPausesMs, fastSubscribers } = this.#settings;
    await this.#node.start();
    this.#startMs = Date.now();
    for (let i = 0; i < publishers; i++) this.#startPublisher(i);
    this.#startSubscribers(Array.from({ length: fastSubscribers }, () => 0));
    this.#startSubscribers(slowPausesMs);
    const sampling = this.#sample();
    await Promise.all([this.#killNodes(), this.#killPublishers()]);
    await this.#until(seconds);
    this.#isEnding = true;
    await this.#finish();
    await sampling;
    const memory = reportMemory(this.#node.samples, seconds);
    if (isLeaking(memory)) {
      this.#violate(
        `memory grew from ${memory.firstHalfMegabytes.toFixed(0)} MB in the first half to ` +
          `${memory.secondHalfMegabytes.toFixed(0)} MB in the second`,
      );
    }
    return this.#result(memory);
  }

  /** Waits until that many seconds have passed, or something is wrong. */
  async #until(seconds: number): Promise<void> {
    while (!this.#isFailed && this.#elapsedSeconds < seconds) await delay(100);
  }

  #startPublisher(index: number): void {
    const { items, itemBytes, blocksPerSecond, seconds } = this.#settings;
    const onMessage = (message: PublisherMessage) => this.#onPublisher(message);
    const child = startPublisher(
      {
        address: this.#node.address,
        items,
        itemBytes,
        blocksPerSecond,
        startMs: this.#startMs,
        endMs: this.#startMs + seconds * 1_000,
        // Behind what is acknowledged, in case the node asks for a little of it again.
        from: this.#audit.stateBelow(Math.max(0, this.#acknowledged + 1 - 100)),
      },
      onMessage,
      (what) => this.#violate(what),
    );
    this.#publishers[index] = child;
    void child.over.then(async () => {
      if (this.#isEnding || this.#isFailed || this.#elapsedSeconds > seconds) return;
      await delay(this.#chance() * 2_000);
      if (!this.#isEnding && this.#publishers[index] === child) this.#startPublisher(index);
    });
  }

  #onPublisher(message: PublisherMessage): void {
    if (message.kind === "acknowledged") {
      this.#acknowledged = Math.max(this.#acknowledged, message.number);
      this.#latenciesMs.push(...message.latenciesMs);
    } else {
      this.#publisherEnds.add(message.how);
      if (WRONG_ENDS.includes(message.how)) this.#violate(`a publisher was told ${message.how}`);
    }
  }

  #startSubscribers(pausesMs: readonly number[]): void {
    if (pausesMs.length === 0) return;
    const index = this.#subscribers.length;
    this.#next[index] = pausesMs.map(() => 0);
    this.#subscribedBlocks[index] = 0;
    const onMessage = (message: SubscriberMessage) => {
      switch (message.kind) {
        case "progress":
          this.#next[index] = [...message.next];
          this.#subscribedBlocks[index] = message.blocks;
          return;
        case "block":
          // Compared after the kill: making the block here would hold the reading of acknowledgements up.
          return void this.#told.set(message.number, message.sha256);
        case "ended":
          return this.#subscriberEnds.add(message.how);
        case "violation":
          return this.#violate(message.what);
      }
    };
    this.#subscribers.push(
      startSubscribers({ address: this.#node.address, pausesMs }, onMessage, (what) => this.#violate(what)),
    );
  }

  async #killNodes(): Promise<void> {
    const { nodeKillSeconds, seconds } = this.#settings;
    if (nodeKillSeconds === 0) return;
    const last = seconds - QUIET_END_SECONDS;
    let audited = -1;
    let audit: Promise<void> = Promise.resolve();
    for (let at = nodeKillSeconds; at < last; at += nodeKillSeconds) {
      await this.#until(at);
      if (this.#isFailed) break;
      await this.#node.kill();
      await audit;
      // The lines that publishers had written by then are read by now, or within this moment.
      await delay(100);
      const promised = this.#acknowledged;
      await this.#node.start();
      await this.#requireStored(promised);
      audit = this.#auditBlocks(audited + 1, promised);
      audited = promised;
    }
    await audit;
  }

  async #requireStored(promised: number): Promise<void> {
    using client = new BlockNodeClient(this.#node.address);
    const { lastAvailableBlock = -1n } = await client.status(AbortSignal.timeout(30_000));
    const seen = Math.max(...this.#next.flat()) - 1;
    this.#say(
      `${
        this.#elapsedSeconds.toFixed(0)
      } s: ${promised} acknowledged, ${seen} seen, ${lastAvailableBlock} stored; ` +
        `slowest subscriber at ${Math.min(...this.#next.flat())}; ${
          this.#node.samples.at(-1)?.megabytes.toFixed(0)
        } MB`,
    );
    if (lastAvailableBlock < promised) {
      this.#violate(`after a kill the node has ${lastAvailableBlock}, but acknowledged ${promised}`);
    }
    if (lastAvailableBlock < seen) {
      this.#violate(`after a kill the node has ${lastAvailableBlock}, but subscribers got ${seen}`);
    }
  }

  /** The newest first: they are what a kill could take. What the next kill leaves no time for is left to the end. */
  async #auditBlocks(first: number, last: number): Promise<void> {
    const newest = Array.from({ length: last - first + 1 }, (_, i) => last - i);
    const old = Array.from(
      { length: first === 0 ? 0 : OLD_BLOCKS },
      () => Math.floor(this.#chance() * first),
    );
    this.#audit.digest(last);
    this.#compareTold(last);
    await this.#audit.compare(this.#node.address, [
      ...newest.slice(0, OLD_BLOCKS),
      ...old,
      ...newest.slice(OLD_BLOCKS),
    ]);
  }

  /** Compares what subscribers got up to `last` with what was sent. */
  #compareTold(last: number): void {
    for (const [number, sha256] of this.#told) {
      if (number > last) continue;
      this.#told.delete(number);
      if (this.#audit.digest(number) !== sha256) {
        this.#violate(`subscribers got block ${number} with other bytes`);
      }
    }
  }

  async #killPublishers(): Promise<void> {
    const { publisherKillSeconds, seconds, publishers } = this.#settings;
    if (publisherKillSeconds === 0) return;
    for (let at = 0;;) {
      // Exponential waits: kills come in pairs, too.
      at += -Math.log(1 - this.#chance()) * publisherKillSeconds;
      if (at > seconds - QUIET_END_SECONDS) return;
      await this.#until(at);
      if (this.#isFailed) return;
      this.#publishers[Math.floor(this.#chance() * publishers)]!.kill();
      this.#publisherKills++;
    }
  }

  async #sample(): Promise<void> {
    while (!this.#isEnding && !this.#isFailed) {
      await this.#node.sample(this.#elapsedSeconds);
      await delay(SAMPLE_MS);
    }
  }

  /** Every publisher gets its last acknowledgements, every fast subscriber the last block; then all is compared. */
  async #finish(): Promise<void> {
    const deadline = Date.now() + FINISH_SECONDS * 1_000;
    const isLate = () => Date.now() > deadline || this.#isFailed;
    let done = false;
    void Promise.all(this.#publishers.map(({ over }) => over)).then(() => done = true);
    while (!done && !isLate()) await delay(100);
    if (this.#isFailed) return;
    if (!done) this.#violate("publishers still wait for acknowledgements after the end");
    const last = this.#acknowledged;
    const behind = () => this.#next[0]!.filter((next) => next <= last).length;
    while (this.#settings.fastSubscribers > 0 && behind() > 0 && !isLate()) await delay(100);
    if (this.#isFailed) return;
    if (behind() > 0) this.#violate(`${behind()} fast subscribers did not get block ${last}`);
    // What the slow ones have is on its way to here.
    await delay(1_500);
    for (const child of this.#subscribers) child.kill();
    this.#say(`Comparing all ${last + 1} blocks`);
    await this.#audit.compare(this.#node.address, range(0, last));
    this.#compareTold(last);
    const code = await this.#node.stop();
    if (code !== 0) this.#violate(`the node stopped with exit code ${code}`);
  }

  #result(memory: MemoryReport): SoakResult {
    const { seconds, fastSubscribers, slowPausesMs } = this.#settings;
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b);
    const at = (share: number) =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
    const pauses = [...Array.from({ length: fastSubscribers }, () => 0), ...slowPausesMs];
    return {
      violations: this.#violations,
      seconds,
      blocks: this.#acknowledged + 1,
      blockBytes: this.#audit.blockBytes,
      nodeKills: this.#node.kills,
      publisherKills: this.#publisherKills,
      slowestRestartSeconds: this.#node.slowestStartSeconds,
      comparedBlocks: this.#audit.compared,
      subscribers: this.#next.flat().map((blocks, i) => ({ pauseMs: pauses[i]!, blocks })),
      subscribedBlocks: this.#subscribedBlocks.reduce((sum, blocks) => sum + blocks, 0),
      cores: this.#node.cpuSeconds / seconds,
      memory,
      acknowledgedMs: { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? NaN },
      publisherEnds: this.#publisherEnds.counts,
      subscriberEnds: this.#subscriberEnds.counts,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true;
    const children = [...this.#publishers, ...this.#subscribers];
    await Promise.all(children.map((child) => child[Symbol.asyncDispose]()));
    await this.#node[Symbol.asyncDispose]();
  }
}

/** Runs a soak. Violations are in the result, and each is said as it is found; the soak ends with the first. */
export async function runSoak(settings: SoakSettings, say: (line: string) => void): Promise<SoakResult> {
  await using directory = await tempDirectory();
  await using soak = new Soak(settings, directory.path, say);
  return await soak.run();
}
