/**
 * Subscribers of a soak, each with a connection of its own. Each goes on where it stopped whenever its call ends, and
 * holds what it gets to what it must get: the next block, the same bytes as all others got.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { CairnError } from "../../src/kernel/errors.ts";
import { BlockNodeClient } from "../../src/services/blocks/node_client.ts";
import { delay, say, type SubscriberJob } from "./messages.ts";

/** Blocks kept whole to compare with; later subscribers compare digests. */
const REMEMBERED_BLOCKS = 16;
const RECONNECT_MS = 500;
const PROGRESS_MS = 1_000;

const { address, pausesMs }: SubscriberJob = JSON.parse(Deno.args[0]!);
const next = pausesMs.map(() => 0);
const digests: string[] = [];
const kept = new Map<number, Uint8Array>();
let blocks = 0;

const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function isTheSame(number: number, bytes: Uint8Array): boolean {
  if (digests[number] === undefined) {
    digests[number] = digestOf(bytes);
    say({ kind: "block", number, sha256: digests[number] });
    kept.set(number, bytes);
    if (kept.size > REMEMBERED_BLOCKS) kept.delete(kept.keys().next().value!);
    return true;
  }
  const other = kept.get(number);
  return other === undefined ? digestOf(bytes) === digests[number] : Buffer.compare(bytes, other) === 0;
}

async function follow(index: number, signal: AbortSignal): Promise<never> {
  for (;;) {
    using client = new BlockNodeClient(address);
    try {
      for await (const { number, bytes } of client.subscribe({ first: BigInt(next[index]!) }, signal)) {
        if (Number(number) !== next[index]) {
          say({ kind: "violation", what: `subscriber ${index} got block ${number}, not ${next[index]}` });
        } else if (!isTheSame(Number(number), bytes)) {
          say({ kind: "violation", what: `subscriber ${index} got another block ${number} than others` });
        }
        next[index]!++;
        blocks++;
        if (pausesMs[index]! > 0) await delay(pausesMs[index]!);
      }
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      if (error.code === "BLOCK_MALFORMED") {
        say({ kind: "violation", what: `subscriber ${index} at block ${next[index]}: ${error.message}` });
      }
      const status = error.detail["status"] ?? null;
      // Until the first block is there.
      if (next[index] !== 0) {
        say({ kind: "ended", how: status === null ? error.code : `${error.code} ${status}` });
      }
    }
    await delay(RECONNECT_MS);
  }
}

setInterval(() => say({ kind: "progress", next, blocks }), PROGRESS_MS);
const { signal } = new AbortController();
await Promise.all(pausesMs.map((_, index) => follow(index, signal)));
