/**
 * A publishBlockStream call in the hands of a test: sends any bytes, waits for the answers it expects.
 *
 * @module
 */

import assert from "node:assert/strict";
import { splitBlock } from "../../src/protocols/hiero/block_split.ts";
import { encodeEndOfBlock, encodeItemsRequest } from "../../src/protocols/hiero/publish_messages.ts";
import { parsePublishResponse, type PublishResponse } from "../../src/protocols/hiero/publish_responses.ts";
import { BlockNodeClient } from "../../src/services/blocks/node_client.ts";

/** Time for an answer; generous, because tests run side by side on few cores. */
const ANSWER_TIMEOUT_MS = 30_000;

/** One stream to one node, with a client of its own. */
export class PublishStream implements AsyncDisposable {
  readonly #client: BlockNodeClient;
  readonly #abort = new AbortController();
  readonly #channel;
  readonly #answers: PublishResponse[] = [];
  readonly #reading: Promise<unknown>;
  #wake: () => void = () => {};
  #over = false;

  constructor(address: string) {
    this.#client = new BlockNodeClient(address);
    this.#channel = this.#client.openPublishStream(this.#abort.signal);
    this.#reading = this.#read();
  }

  async #read(): Promise<unknown> {
    try {
      for await (const bytes of this.#channel.responses) {
        const response = parsePublishResponse(bytes);
        if (response !== undefined) this.#answers.push(response);
        this.#wake();
      }
      return undefined;
    } catch (error) {
      return error;
    } finally {
      this.#over = true;
      this.#wake();
    }
  }

  /** Sends the bytes of one PublishStreamRequest. */
  send(request: Uint8Array): void {
    this.#channel.send(request);
  }

  /** Sends a whole block: its sets, then BlockEnd. */
  sendBlock(number: bigint, block: Uint8Array): void {
    for (const run of splitBlock(block)) this.send(encodeItemsRequest(run));
    this.send(encodeEndOfBlock(number));
  }

  /** Half-closes. */
  end(): void {
    this.#channel.end();
  }

  /** Breaks the call off, as a dying publisher does. */
  cancel(): void {
    this.#abort.abort(new Error("cancelled by the test"));
  }

  /** The next answer. @throws If the stream ends or stays silent instead. */
  async answer(): Promise<PublishResponse> {
    const deadline = performance.now() + ANSWER_TIMEOUT_MS;
    while (this.#answers.length === 0) {
      assert.ok(!this.#over, `stream ended without an answer: ${await Promise.race([this.#reading, "?"])}`);
      assert.ok(performance.now() < deadline, "no answer in time");
      await this.#change();
    }
    return this.#answers.shift()!;
  }

  /** Waits for the acknowledgement of `number` or of a higher block. */
  async acknowledged(number: bigint): Promise<void> {
    for (;;) {
      const answer = await this.answer();
      assert.equal(
        answer.kind,
        "acknowledgement",
        `got ${JSON.stringify(answer, (_, v) => typeof v === "bigint" ? `${v}` : v)}`,
      );
      if (answer.number >= number) return;
    }
  }

  /** Waits for an EndOfStream and the end of the call, which must be OK. Returns the EndOfStream. */
  async ended(): Promise<PublishResponse & { kind: "end-stream" }> {
    for (;;) {
      const answer = await this.answer();
      if (answer.kind !== "end-stream") continue;
      assert.equal(await this.#reading, undefined, "the call must end with OK");
      return answer;
    }
  }

  /** Waits for the end of the call; the error it ended with, or undefined for OK. */
  closed(): Promise<unknown> {
    return this.#reading;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 1_000);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.end();
    this.cancel();
    await this.#reading;
    this.#client[Symbol.dispose]();
  }
}
