/**
 * Contenders outside this process.
 *
 * @module
 */

import { readOutput } from "../_report.ts";
import type { Contender } from "./_rows.ts";

/** What a program prints; `undefined` if it is not installed or fails. */
async function read(program: string, ...args: string[]): Promise<string | undefined> {
  const output = await readOutput(program, ...args).catch((error: unknown) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  return output || undefined;
}

/** A digest by the `openssl` program's own measurement, one hash after the other. */
export function openssl(digest: string, bytes: number, hashes = 1): Contender {
  return {
    name: `openssl speed ${digest}`,
    kind: "program",
    async measure() {
      const output = await read("openssl", "speed", "-evp", digest, "-bytes", `${bytes}`, "-seconds", "1");
      const kilobytes = /([\d.]+)k\s*$/.exec(output ?? "")?.[1];
      return kilobytes === undefined ? undefined : hashes * bytes * 1e6 / Number(kilobytes);
    },
  };
}

/** A script for Node: hashes one-shot where this Node can, and prints nanoseconds a hash. */
const NODE_SCRIPT = `
const crypto = require("node:crypto");
const [digest, bytes, rounds] = [process.argv[1], Number(process.argv[2]), Number(process.argv[3])];
const input = Buffer.alloc(bytes, 7);
const once = crypto.hash ? () => crypto.hash(digest, input, "buffer") : () => crypto.createHash(digest).update(input).digest();
const hash = rounds === 2 ? () => crypto.createHash(digest).update(once()).digest() : once;
const run = (ms) => {
  const end = performance.now() + ms;
  let count = 0;
  const started = performance.now();
  while (performance.now() < end) { for (let i = 0; i < 100; i++) hash(); count += 100; }
  return (performance.now() - started) * 1e6 / count;
};
run(50);
console.log(run(100));
`;

/** A digest by node:crypto in a process of Node. */
export function nodeProcess(digest: string, bytes: number, hashes = 1, rounds: 1 | 2 = 1): Contender {
  return {
    name: "node:crypto in Node",
    kind: "program",
    async measure() {
      const output = await read("node", "-e", NODE_SCRIPT, digest, `${bytes}`, `${rounds}`);
      return output === undefined ? undefined : hashes * Number(output);
    },
  };
}

/** `b3sum` with one thread on a file in the page cache; its start-up, measured with an empty file, is taken off. */
export function b3sum(jobBytes: number, fileBytes: number): Contender & { close(): void } {
  const folder = Deno.makeTempDirSync();
  const [large, empty] = [`${folder}/large`, `${folder}/empty`];
  Deno.writeFileSync(large, new Uint8Array(fileBytes).fill(7));
  Deno.writeFileSync(empty, new Uint8Array());
  const timeMs = async (file: string) => {
    const startedMs = performance.now();
    const output = await read("b3sum", "--num-threads", "1", file);
    return output === undefined ? undefined : performance.now() - startedMs;
  };
  return {
    name: "b3sum, one thread",
    kind: "program",
    async measure() {
      const [ms, startMs] = [await timeMs(large), await timeMs(empty)];
      if (ms === undefined || startMs === undefined) return undefined;
      return (ms - startMs) * 1e6 * jobBytes / fileBytes;
    },
    close: () => Deno.removeSync(folder, { recursive: true }),
  };
}
