import assert from "node:assert/strict";
import { vectorTest } from "../../../tests/vectors.ts";
import { unpackBlockFile } from "./block_file.ts";
import { splitBlock } from "./block_split.ts";
import { ChainVerifier } from "./chain.ts";
import { HieroFault } from "./fault.ts";
import { ChainGenerator } from "./generate.ts";
import { nativeSha384 } from "./native_sha384.ts";
import type { PublishEvent } from "./publish_events.ts";
import { PublishMachine } from "./publish_machine.ts";
import { encodeEndOfBlock, encodeItemsRequest, parsePublishRequest } from "./publish_messages.ts";
import { encodePublishResponse, parsePublishResponse, type PublishResponse } from "./publish_responses.ts";

/** A node in miniature: parse, race, verify, store, answer; every message crosses the wire format. */
class TinyNode {
  readonly stored: Uint8Array[] = [];
  readonly closed = new Set<number>();
  readonly #machine = new PublishMachine({ lastPersisted: -1n });
  readonly #chain = new ChainVerifier({ sha384: nativeSha384 });
  readonly #verified = new Map<bigint, Uint8Array>();

  connect(handler: number): void {
    this.#step({ kind: "connected", handler });
  }

  send(handler: number, message: Uint8Array): PublishResponse[] {
    try {
      return this.#step({ kind: "message", handler, request: parsePublishRequest(message) });
    } catch (error) {
      assert.ok(error instanceof HieroFault);
      return this.#step({ kind: "malformed", handler });
    }
  }

  publish(handler: number, number: bigint, block: Uint8Array, setBytes: number): PublishResponse[] {
    const responses = splitBlock(block, setBytes).flatMap((run) =>
      this.send(handler, encodeItemsRequest(run))
    );
    return [...responses, ...this.send(handler, encodeEndOfBlock(number))];
  }

  #step(event: PublishEvent): PublishResponse[] {
    const responses: PublishResponse[] = [];
    for (const effect of this.#machine.step(event, 0)) {
      if (effect.kind === "respond") {
        responses.push(parsePublishResponse(encodePublishResponse(effect.response))!);
      } else if (effect.kind === "close") this.closed.add(effect.handler);
      else if (effect.kind === "verify") {
        const { number, attempt, segments, bytes } = effect;
        const block = new Uint8Array(bytes);
        let at = 0;
        for (const segment of segments) {
          block.set(segment, at);
          at += segment.length;
        }
        const isGood = this.#chain.verify(block).status === "ok";
        this.#verified.set(number, block);
        responses.push(...this.#step({ kind: isGood ? "verified" : "failed", number, attempt }));
      } else if (effect.kind === "persist") {
        this.stored.push(this.#verified.get(effect.number)!);
        responses.push(...this.#step({ kind: "persisted", number: effect.number }));
      }
    }
    return responses;
  }
}

const ack = (number: bigint) => ({ kind: "acknowledgement", number });

vectorTest("a real chain goes through messages, race and verification byte for byte", (dir) => {
  for (const [set, count] of [["CN_11_12_TSS_SCHNORR", 6], ["CN_0_73_TSS_WRAPS_LEGACY", 5]] as const) {
    const node = new TinyNode();
    node.connect(1);
    for (let i = 0; i < count; i++) {
      const block = unpackBlockFile(Deno.readFileSync(`${dir}/block-node/${set}/${i}.blk.gz`));
      assert.deepEqual(node.publish(1, BigInt(i), block, 5_000), [ack(BigInt(i))]);
      assert.deepEqual(node.stored[i], block);
    }
  }
});

Deno.test("a changed block gets BAD_BLOCK_PROOF, nothing of it is stored, and the right one follows", () => {
  const generator = new ChainGenerator({ sha384: nativeSha384, items: 3, itemBytes: 200 });
  const blocks = Array.from({ length: 3 }, () => generator.next().bytes);
  const forked = new ChainGenerator({ sha384: nativeSha384, items: 3, itemBytes: 200, seed: 2 });
  forked.next();
  const node = new TinyNode();
  node.connect(1);
  assert.deepEqual(node.publish(1, 0n, blocks[0]!, 500), [ack(0n)]);

  const wrongLink = forked.next().bytes;
  const noFooter = splitBlock(blocks[1]!, 1).filter((_, i) => i !== 4);
  for (const [i, bad] of [wrongLink, Uint8Array.from(noFooter.flatMap((run) => [...run]))].entries()) {
    node.connect(10 + i);
    assert.deepEqual(node.publish(10 + i, 1n, bad, 500), [
      { kind: "end-stream", status: "BAD_BLOCK_PROOF", number: 0n, proximate: 1n },
    ]);
    assert.ok(node.closed.has(10 + i));
    assert.equal(node.stored.length, 1);
  }
  assert.deepEqual(node.publish(1, 1n, blocks[1]!, 500), [ack(1n)]);
  assert.deepEqual(node.publish(1, 2n, blocks[2]!, 500), [ack(2n)]);
  assert.deepEqual(node.stored, blocks);
});

Deno.test("garbage in place of a message gets ERROR and hurts no other stream", () => {
  const node = new TinyNode();
  node.connect(1);
  node.connect(2);
  const truncated = encodeItemsRequest(new Uint8Array(9)).subarray(0, 5);
  assert.equal(node.send(1, truncated)[0]?.kind, "end-stream");
  assert.deepEqual([node.closed.has(1), node.closed.has(2)], [true, false]);
  const { bytes } = new ChainGenerator({ sha384: nativeSha384, items: 1, itemBytes: 50 }).next();
  assert.deepEqual(node.publish(2, 0n, bytes, 500), [ack(0n)]);
});
