/**
 * The gate for the runtime: releases of Deno whose node:http2 corrupts memory at GOAWAY do not get past it
 * (docs/decisions/0001-deno-2.9.3-and-grpc-js.md).
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const CONNECTIONS_PER_ROUND = 250;
const CONCURRENCY = 25;
const MESSAGE_BYTES = 40_000;

const MEASURED_ROUNDS = 4;

/**
 * The runtime keeps about 30 kB of native memory for every HTTP/2 connection there ever was (docs/rpc.md): twice that,
 * and 24 MiB for an allocator that settles late, is what may grow.
 */
const RSS_TOLERANCE_BYTES = MEASURED_ROUNDS * CONNECTIONS_PER_ROUND * 60_000 + 24 * 1_048_576;
/** Sessions that stayed reachable would be 4 kB each. */
const HEAP_TOLERANCE_BYTES = MEASURED_ROUNDS * CONNECTIONS_PER_ROUND * 2_500;
const DESCRIPTOR_TOLERANCE = 5;

interface Stats {
  readonly descriptors: number;
  readonly rss: number;
  readonly heapUsed: number;
  readonly openCalls: number;
}

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The Node on the PATH, or else the Deno that runs this test. */
async function clientCommand(): Promise<readonly [string, readonly string[]]> {
  try {
    await new Deno.Command("node", { args: ["--version"], stdout: "null", stderr: "null" }).output();
    return ["node", []];
  } catch {
    return [Deno.execPath(), ["run", "--no-prompt", "--allow-net=127.0.0.1", "--allow-read", "--allow-env"]];
  }
}

/** A server in a process of its own. */
class ServerChild implements AsyncDisposable {
  readonly #process = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--quiet", "--v8-flags=--expose-gc", "--allow-net=127.0.0.1"],
      ...["--allow-read=.", "--allow-env=CAIRN_*", "--ignore-env", here("rpc_server_child.ts")],
    ],
    cwd: here("../"),
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  readonly #input = this.#process.stdin.getWriter();
  readonly #lines = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  #rest = "";

  async next<T>(): Promise<T> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error(`Server died: ${JSON.stringify(await this.#process.status)}`);
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return JSON.parse(line);
  }

  /** Figures once nothing is open any more. */
  async stats(): Promise<Stats> {
    for (let attempt = 0;; attempt++) {
      await this.#input.write(new TextEncoder().encode("stats\n"));
      const stats = {
        ...await this.next<Omit<Stats, "descriptors">>(),
        descriptors: await this.#descriptors(),
      };
      if (stats.openCalls === 0 || attempt === 50) return stats;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Counted from outside: Deno itself may read /proc only with every permission. */
  async #descriptors(): Promise<number> {
    const { stdout } = await new Deno.Command("ls", { args: [`/proc/${this.#process.pid}/fd`] }).output();
    return new TextDecoder().decode(stdout).trim().split("\n").length;
  }

  /** Ends the input and waits. @returns The exit code. */
  async stop(): Promise<number> {
    await this.#input.close();
    while (!(await this.#lines.read()).done);
    return (await this.#process.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      return; // It has ended, as it should.
    }
    await this.#lines.cancel();
    await this.#process.status;
  }
}

/** Runs one round of connections in a process of its own. @returns How many were served to the end. */
async function round(port: number, manner: "goaway" | "cut"): Promise<number> {
  const [command, args] = await clientCommand();
  const numbers = [port, CONNECTIONS_PER_ROUND, CONCURRENCY, MESSAGE_BYTES].map(String);
  const { code, stdout } = await new Deno.Command(command, {
    args: [...args, here("rpc_connections_client.mjs"), ...numbers, manner],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  assert.equal(code, 0, "the client's exit code");
  return JSON.parse(new TextDecoder().decode(stdout)).whole;
}

Deno.test({
  name:
    "RpcServer neither dies nor leaks when another process opens, streams and closes 1,000 connections (needs Linux)",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using server = new ServerChild();
    const { port } = await server.next<{ port: number }>();
    // Warm-up: code is compiled and pools are filled.
    assert.equal(await round(port, "goaway"), CONNECTIONS_PER_ROUND);
    await round(port, "goaway");
    await round(port, "cut");
    const before = await server.stats();
    for (let n = 0; n < MEASURED_ROUNDS; n++) {
      if (n === 2) await round(port, "cut");
      else assert.equal(await round(port, "goaway"), CONNECTIONS_PER_ROUND);
    }
    const after = await server.stats();
    const grown = {
      descriptors: after.descriptors - before.descriptors,
      rss: after.rss - before.rss,
      heapUsed: after.heapUsed - before.heapUsed,
    };
    const said = JSON.stringify({ grown, before, after });
    assert.equal(after.openCalls, 0, said);
    assert(grown.descriptors <= DESCRIPTOR_TOLERANCE, said);
    assert(grown.heapUsed < HEAP_TOLERANCE_BYTES, said);
    assert(grown.rss < RSS_TOLERANCE_BYTES, said);
    assert.equal(await server.stop(), 0);
  },
});
