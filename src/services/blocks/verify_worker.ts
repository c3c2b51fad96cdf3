/**
 * The verify Worker: takes blocks off `blocks.received`, hashes and links them, answers on `blocks.verified`.
 *
 * Layer: services. Blocks its event loop on the ring; it stops when the topic closes. Source: spec/block-node.md §6.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { HotMemory, type HotMemoryHandle } from "../../hot/memory.ts";
import {
  attachConsumer,
  attachProducer,
  type ConsumerHandle,
  type ProducerHandle,
} from "../../kernel/bus/mod.ts";
import { ChainVerifier, decodeChainHead, encodeChainHead } from "../../protocols/hiero/chain.ts";
import { ChainGenerator } from "../../protocols/hiero/generate.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import type { MismatchPolicy } from "../../protocols/hiero/verdict.ts";
import { toBlockRecord } from "./report.ts";
import { RECEIVED_KIND, type ReceivedEvent, receivedTopic, VERIFIED_TOPIC } from "./topics.ts";
import { encodeVerdict, type VerdictBody } from "./verdict_codec.ts";

/** The first message to the Worker. */
export interface VerifyWorkerStart {
  readonly memory: HotMemoryHandle;
  readonly received: ConsumerHandle;
  readonly verified: ProducerHandle;
  /** Chain state of the last stored block; empty for none. */
  readonly chainState: Uint8Array;
  readonly brokenLink: MismatchPolicy;
  readonly unverifiable: "refuse" | "store";
}

/** What the Worker posts back. */
export type VerifyWorkerReply = { readonly kind: "ready" } | { readonly kind: "stopped" };

/** Blocks run through every kernel before the node reports ready: the first calls are 2-20 times slower. */
const WARM_UP_BLOCKS = 200;
/** Private memory for a block's bytes; grows to the largest block seen. */
const SCRATCH_BYTES = 1_048_576;

function warmUp(): void {
  const generator = new ChainGenerator({ sha384: nativeSha384, items: 10, itemBytes: 200 });
  const chain = new ChainVerifier({ sha384: nativeSha384 });
  for (let i = 0; i < WARM_UP_BLOCKS; i++) chain.verify(generator.next().bytes);
}

class VerifyTask {
  readonly #chain: ChainVerifier;
  readonly #unverifiable: VerifyWorkerStart["unverifiable"];
  #scratch = new Uint8Array(SCRATCH_BYTES);

  constructor({ chainState, brokenLink, unverifiable }: VerifyWorkerStart) {
    this.#unverifiable = unverifiable;
    this.#chain = new ChainVerifier({
      sha384: nativeSha384,
      onBrokenLink: brokenLink,
      onWrongAllBlocksRoot: brokenLink,
    });
    this.rebase(chainState);
  }

  rebase(chainState: Uint8Array): void {
    this.#chain.rebase(chainState.length === 0 ? undefined : decodeChainHead(chainState.slice()));
  }

  verify(number: bigint, block: Uint8Array): VerdictBody {
    // Hashing writes into the bytes for a moment (RootHasher.addItem), so it needs memory nobody else reads.
    if (this.#scratch.length < block.length) this.#scratch = new Uint8Array(block.length);
    this.#scratch.set(block);
    const before = this.#chain.head;
    const verdict = this.#chain.verify(this.#scratch.subarray(0, block.length), true);
    if (verdict.status === "fault") return { status: "fault", fault: verdict.fault };
    const fault = this.#objection(number, verdict.number, verdict.level);
    if (fault === undefined) {
      return {
        status: "ok",
        record: toBlockRecord(verdict),
        warnings: verdict.warnings,
        chainState: encodeChainHead(this.#chain.head!),
      };
    }
    this.#chain.rebase(before);
    return { status: "fault", fault };
  }

  #objection(announced: bigint, number: bigint, level: string) {
    if (announced !== number) {
      return {
        type: "MISSING_VERIFICATION_DATA",
        message: `Cannot accept block ${number}: it was announced as ${announced}`,
        detail: { check: "number", expected: String(announced), actual: String(number) },
      } as const;
    }
    if (level === "not-verifiable" && this.#unverifiable === "refuse") {
      return {
        type: "UNSUPPORTED_HAPI_VERSION",
        message: `Cannot accept block ${number}: the root hash of its generation cannot be computed`,
        detail: { check: "structure" },
      } as const;
    }
    return undefined;
  }
}

function run(start: VerifyWorkerStart): void {
  const memory = HotMemory.attach(start.memory);
  // The codec is all that is taken from the definition here, and it does not depend on the arena's size.
  using received = attachConsumer<ReceivedEvent>(memory, start.received, receivedTopic(0).codec);
  const verified = attachProducer(memory, start.verified, VERIFIED_TOPIC.codec);
  const task = new VerifyTask(start);
  warmUp();
  self.postMessage({ kind: "ready" } satisfies VerifyWorkerReply);
  received.consume(({ kind, number, attempt, segments }) => {
    const body = segments[0]!;
    if (kind === RECEIVED_KIND.REBASE) return task.rebase(body);
    const verdict = task.verify(number, body);
    const verifiedAtMs = performance.timeOrigin + performance.now();
    verified.stage({ number, attempt, verifiedAtMs, body: encodeVerdict(verdict) });
    verified.commit();
  }, { maxBatch: 1, wait: { parkForMs: 0 } });
  self.postMessage({ kind: "stopped" } satisfies VerifyWorkerReply);
  self.close();
}

self.onmessage = (event: MessageEvent<VerifyWorkerStart>) => run(event.data);
