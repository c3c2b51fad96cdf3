/**
 * The servers that a load test compares: a node, a bare gRPC server, and a runtime that does nothing.
 *
 * @module
 */

import { startNode, tempDirectory } from "../../tests/support/node_process.ts";

/** A process under load. */
export interface Target extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly grpc: string;
  /** Text of /metrics; empty where there is none. */
  metrics(): Promise<string>;
}

/** A node with its defaults on an empty directory. */
export async function startCairn(): Promise<Target> {
  const directory = await tempDirectory();
  const node = await startNode({ dataDir: directory.path });
  return {
    name: "cairn",
    pid: node.pid,
    grpc: node.grpc,
    metrics: async () => await (await fetch(`${node.admin}/metrics`)).text(),
    async [Symbol.asyncDispose]() {
      await node.stop();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** echo_server.mjs on Node. */
export async function startEcho(): Promise<Target> {
  const script = new URL("./echo_server.mjs", import.meta.url).pathname;
  const child = new Deno.Command("node", { args: [script], stdout: "piped", stdin: "null" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  const { port } = JSON.parse(value!);
  return {
    name: "bare grpc-js on Node",
    pid: child.pid,
    grpc: `127.0.0.1:${port}`,
    metrics: () => Promise.resolve(""),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
    },
  };
}

/** A Deno that waits: what the runtime alone needs. It serves nothing. */
export function startBareRuntime(): Target {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "setInterval(() => {}, 1_000_000)"],
    stdin: "null",
  }).spawn();
  return {
    name: "Deno alone",
    pid: child.pid,
    grpc: "",
    metrics: () => Promise.resolve(""),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}
