import assert from "node:assert/strict";
import { CairnError } from "../../kernel/errors.ts";
import { parsePublishRequest } from "../../protocols/hiero/publish_messages.ts";
import { encodePublishResponse, type PublishResponse } from "../../protocols/hiero/publish_responses.ts";
import { UINT64_MAX } from "../../protocols/hiero/wire.ts";
import { eventually } from "../../rpc/_testing.ts";
import { makeChain } from "./_testing.ts";
import { publishBlocks, type PublishChannel, type PublishOptions, type PublishResult } from "./publisher.ts";

const CHAIN = makeChain(12);

/** A node played by the test: sees what is sent, answers what it likes. */
class FakeNode implements PublishChannel {
  /** `block N`, at its BlockEnd; `bye`; `end`; `cancel`. */
  readonly seen: string[] = [];
  onBlock: (number: bigint) => void = () => {};
  onHeader: (number: bigint) => void = () => {};
  hasRoom = true;
  readonly #queue: PublishResponse[] = [];
  #wake: () => void = () => {};
  #over = false;
  #error: unknown;

  send(bytes: Uint8Array): boolean {
    const request = parsePublishRequest(bytes);
    if (request.kind === "items" && request.set.opening.kind === "header") {
      this.onHeader(request.set.opening.number);
    } else if (request.kind === "end-of-block") {
      this.seen.push(`block ${request.number}`);
      this.onBlock(request.number);
    } else if (request.kind === "end-stream") {
      this.seen.push("bye");
      this.finish();
    }
    return this.hasRoom;
  }

  drained(): Promise<void> {
    this.seen.push("drained");
    this.hasRoom = true;
    return Promise.resolve();
  }

  end(): void {
    this.seen.push("end");
  }

  cancel(): void {
    this.seen.push("cancel");
    this.finish(new Error("cancelled"));
  }

  answer(response: PublishResponse): void {
    this.#queue.push(response);
    this.#wake();
  }

  finish(error?: unknown): void {
    this.#over = true;
    this.#error ??= error;
    this.#wake();
  }

  readonly responses: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => this.#read() };

  async *#read(): AsyncGenerator<Uint8Array> {
    while (true) {
      const next = this.#queue.shift();
      if (next !== undefined) yield encodePublishResponse(next);
      else if (this.#error !== undefined) throw this.#error;
      else if (this.#over) return;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

function publish(
  node: FakeNode,
  count: number,
  options: Partial<PublishOptions> & { first?: bigint } = {},
): Promise<PublishResult> {
  const { first = 0n, ...rest } = options;
  return publishBlocks(node, {
    first,
    block: (number) => number >= first && number < count ? CHAIN[Number(number)] : undefined,
  }, { signal: new AbortController().signal, ...rest });
}

const acknowledge = (number: bigint) => ({ kind: "acknowledgement", number }) as const;

Deno.test("publishBlocks() sends every block, waits for the acknowledgements and says goodbye", async () => {
  const node = new FakeNode();
  node.onBlock = (number) => number % 3n === 2n && node.answer(acknowledge(number));
  node.hasRoom = false;
  const steps: number[] = [];
  const result = await publish(node, 6, { onProgress: ({ acknowledged }) => steps.push(acknowledged) });
  assert.deepEqual(node.seen.filter((text) => text !== "drained"), [
    ...Array.from({ length: 6 }, (_, i) => `block ${i}`),
    "bye",
    "end",
  ]);
  assert.ok(node.seen.includes("drained"));
  assert.equal(result.acknowledged, 6);
  assert.equal(result.lastAcknowledged, 5n);
  assert.equal(result.latenciesMs.length, 6);
  assert.equal(result.bytes, CHAIN.slice(0, 6).reduce((sum, block) => sum + block.length, 0));
  assert.equal(result.ended, undefined);
  assert.deepEqual(steps, [3, 6]);
});

Deno.test("publishBlocks() has no more than its window unacknowledged", async () => {
  const node = new FakeNode();
  let open = 0;
  let most = 0;
  node.onBlock = (number) => {
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      node.answer(acknowledge(number));
    }, 5);
  };
  assert.equal((await publish(node, 12, { window: 3 })).acknowledged, 12);
  assert.equal(most, 3);
});

Deno.test("publishBlocks() keeps to its rate, and asks its source for a block only when it is due", async () => {
  const node = new FakeNode();
  node.onBlock = (number) => node.answer(acknowledge(number));
  const started = performance.now();
  const asked: bigint[] = [];
  const block = (number: bigint) => {
    asked.push(number);
    return number < 6 ? CHAIN[Number(number)] : undefined;
  };
  const { signal } = new AbortController();
  await publishBlocks(node, { first: 0n, block }, { signal, blocksPerSecond: 50 });
  // Five intervals of 20 ms lie between six blocks; timers may come a millisecond early.
  assert.ok(performance.now() - started > 95);
  assert.deepEqual(asked.slice(0, 6), [0n, 1n, 2n, 3n, 4n, 5n]);
});

Deno.test("publishBlocks() sends a block again once, however often the node asks while it is on its way", async () => {
  const node = new FakeNode();
  let asked = false;
  node.onBlock = (number) => {
    if (number === 0n && !asked) return node.answer({ kind: "skip", number: 0n });
    if (number === 4n) {
      asked = true;
      for (let i = 0; i < 5; i++) node.answer({ kind: "resend", number: 0n });
    }
    if (number !== 0n) return;
    for (let i = 0; i < 5; i++) node.answer({ kind: "resend", number: 0n });
    node.answer(acknowledge(4n));
  };
  const result = await publish(node, 5);
  assert.deepEqual(node.seen.filter((text) => text === "block 0").length, 2);
  assert.deepEqual([result.resent, result.skipped, result.acknowledged], [1, 1, 5]);
});

Deno.test("publishBlocks() goes back once when the node is behind, whatever answers were on their way", async () => {
  const node = new FakeNode();
  let expected = 0n;
  let refusals = 0;
  node.onHeader = (number) => {
    // Full for a moment: block 3 and what follows it on its way are refused.
    if (number <= expected && (number !== 3n || refusals > 0)) return;
    refusals++;
    setTimeout(() => node.answer({ kind: "behind", number: 2n }), 5 * refusals);
  };
  node.onBlock = (number) => {
    if (number === expected && (number !== 3n || node.seen.indexOf("block 3") < node.seen.length - 1)) {
      node.answer(acknowledge(expected++));
    }
  };
  const result = await publish(node, 9);
  assert.equal(result.acknowledged, 9);
  assert.ok(refusals > 1);
  const sent = node.seen.filter((text) => text.startsWith("block"));
  assert.deepEqual(sent.slice(-6), [3, 4, 5, 6, 7, 8].map((number) => `block ${number}`));
  assert.ok(sent.length <= 9 + 6, sent.join());
});

Deno.test("publishBlocks() counts what is acknowledged after all, though the node said it was behind", async () => {
  const node = new FakeNode();
  node.onBlock = (number) => {
    if (number !== 3n) return;
    node.onBlock = () => {};
    node.answer({ kind: "behind", number: UINT64_MAX });
    node.answer(acknowledge(3n));
  };
  const result = await publish(node, 4);
  assert.deepEqual([result.sent, result.acknowledged], [4, 4]);
});

Deno.test("publishBlocks() fails when the node asks for what is not at hand, and breaks the call off", async () => {
  const behind = new FakeNode();
  behind.onBlock = () => behind.answer({ kind: "behind", number: 1n });
  await assert.rejects(publish(behind, 8, { first: 5n }), { code: "BLOCK_NOT_FOUND" });
  const resend = new FakeNode();
  resend.onBlock = () => resend.answer({ kind: "resend", number: 2n });
  await assert.rejects(publish(resend, 8, { first: 5n }), { code: "BLOCK_NOT_FOUND" });
  assert.ok(resend.seen.includes("cancel"));
});

Deno.test("publishBlocks() breaks the call off when its source fails", async () => {
  const node = new FakeNode();
  const broken = new CairnError("FILE_UNREADABLE", "Cannot read 'x'");
  const source = { first: 0n, block: () => Promise.reject(broken) };
  await assert.rejects(publishBlocks(node, source, { signal: new AbortController().signal }), broken);
  assert.deepEqual(node.seen, ["cancel"]);
});

Deno.test("publishBlocks() reports an EndOfStream, and a stream that ends too early as a failure", async () => {
  const node = new FakeNode();
  node.onBlock = () => {
    node.answer({ kind: "end-stream", status: "BAD_BLOCK_PROOF", number: UINT64_MAX, proximate: 0n });
    node.finish();
  };
  assert.deepEqual((await publish(node, 3)).ended, {
    kind: "end-stream",
    status: "BAD_BLOCK_PROOF",
    number: UINT64_MAX,
    proximate: 0n,
  });
  const silent = new FakeNode();
  silent.onBlock = () => silent.finish();
  await assert.rejects(publish(silent, 3), { code: "PEER_UNAVAILABLE" });
});

Deno.test("publishBlocks() stops at once when it is aborted: waiting for its rate or for an answer", async () => {
  for (const options of [{ blocksPerSecond: 0.001 }, { window: 1 }]) {
    const node = new FakeNode();
    const controller = new AbortController();
    const publication = publish(node, 5, { ...options, signal: controller.signal });
    await eventually(() => node.seen.length > 0, "the first block");
    controller.abort(new Error("enough"));
    await assert.rejects(publication, /enough/);
    assert.ok(node.seen.includes("cancel"));
  }
});
