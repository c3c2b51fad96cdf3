/**
 * The node of a soak over all its lives: killed with SIGKILL, started again on the same data and address, and looked at
 * all the while.
 *
 * @module
 */

import { type NodeProcess, startNode } from "../../tests/support/node_process.ts";
import { processUse } from "../_process.ts";
import type { MemorySample } from "./memory.ts";

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** One node, life after life. */
export class NodeLife implements AsyncDisposable {
  /** `HOST:PORT` of the block API, the same for all lives: subscribers and publishers find it again by themselves. */
  readonly address = `127.0.0.1:${freePort()}`;
  readonly samples: MemorySample[] = [];
  readonly #dataDir: string;
  #node: NodeProcess | undefined;
  #readyMs = 0;
  #isKilling = false;
  #kills = 0;
  #slowestStartMs = 0;
  #cpuSeconds = 0;
  #lifeCpuSeconds = 0;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** Whether it was killed and is not ready again: calls that fail now are no wonder. */
  get isKilling(): boolean {
    return this.#isKilling;
  }

  get kills(): number {
    return this.#kills;
  }

  /** From the start of a process to its readiness: the longest of all lives. */
  get slowestStartSeconds(): number {
    return this.#slowestStartMs / 1_000;
  }

  /** Of all lives, up to the last sample of each. */
  get cpuSeconds(): number {
    return this.#cpuSeconds + this.#lifeCpuSeconds;
  }

  /** Resolves when it is ready. Proofs are off: generated blocks carry no network's signature. */
  async start(): Promise<void> {
    const startedMs = Date.now();
    this.#node = await startNode({
      dataDir: this.#dataDir,
      settings: { "blocks.rpc.address": this.address, "blocks.proofs": "off" },
    });
    this.#readyMs = Date.now();
    this.#slowestStartMs = Math.max(this.#slowestStartMs, this.#readyMs - startedMs);
    this.#isKilling = false;
  }

  /** SIGKILL. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#isKilling = true;
    this.#cpuSeconds += this.#lifeCpuSeconds;
    this.#lifeCpuSeconds = 0;
    await this.#node?.kill9();
    this.#kills++;
  }

  /** SIGTERM, then the exit code. */
  async stop(): Promise<number> {
    return await this.#node!.stop();
  }

  /** Takes a sample of memory and CPU, unless there is no process to take it from. */
  async sample(atSeconds: number): Promise<void> {
    const { pid } = this.#node!;
    const ageSeconds = (Date.now() - this.#readyMs) / 1_000;
    const life = this.#kills;
    const { cpuSeconds, residentBytes } = await processUse(pid);
    if (this.#isKilling || pid !== this.#node!.pid || !(residentBytes > 0)) return;
    this.#lifeCpuSeconds = cpuSeconds;
    this.samples.push({ atSeconds, ageSeconds, life, megabytes: residentBytes / 1e6 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node?.[Symbol.asyncDispose]();
  }
}
