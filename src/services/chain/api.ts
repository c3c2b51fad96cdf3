// deno-lint-ignore-file camelcase -- names of the protocol's JSON
/**
 * What callers may ask a node of the chain, whatever the transport; and how refusals become the node's errors.
 *
 * Layer: services. Source: spec/kimura.md §5.
 *
 * @module
 */

import { z } from "zod";
import { CairnError, CODES, type ErrorCode } from "../../kernel/errors.ts";
import { blockToJson } from "../../protocols/kimura/json.ts";
import type { Fault } from "../../protocols/kimura/fault.ts";
import { makeMessage, type Message } from "../../protocols/kimura/message.ts";
import { makeProof, proofToJson } from "../../protocols/kimura/proof.ts";
import type { ChainStore } from "./store.ts";
import { type BlockView, type HeightView, type MessageView, toBlockView, toMessageView } from "./views.ts";

/** What a leader and a follower do with a message. */
export interface Submitter {
  /** `accepted`: it is on the leader's disk; `forwarded`: it is on its way to the leader. */
  submit(message: Message): Promise<
    | { readonly status: "accepted" | "forwarded"; readonly message: Message }
    | { readonly status: "refused"; readonly fault: Fault }
  >;
  /** The nonce that a sender's next message must have, as far as this node knows. */
  nextNonce(sender: string): Promise<bigint>;
}

/** What {@link ChainApi} needs. */
export interface ChainApiDeps {
  readonly store: ChainStore;
  readonly submitter: Submitter;
  readonly nowMs: () => number;
}

const hex = (bytes: number) =>
  z.string().length(2 * bytes, `expected ${2 * bytes} hexadecimal digits`)
    .regex(/^[0-9a-fA-F]*$/, "expected hexadecimal digits").toLowerCase();

/** A message as it is submitted: the original's names. */
export const submissionSchema = z.object({
  sender: z.string().min(1).max(256).optional(),
  content: z.string(),
  nonce: z.int().min(0),
  signature: hex(64).optional(),
  public_key: hex(33).optional(),
});

/** A message as it is submitted. */
export type Submission = z.output<typeof submissionSchema>;

/** Id of a message: 64 hexadecimal digits. */
export const messageIdSchema = hex(32);

/** What a submission is answered. */
export interface SubmissionView {
  readonly message_id: string;
  readonly status: "accepted" | "forwarded";
}

/** Reads the chain and submits to it. */
export class ChainApi {
  readonly #deps: ChainApiDeps;

  constructor(deps: ChainApiDeps) {
    this.#deps = deps;
  }

  /** The last block's height and hash. */
  height(): HeightView {
    const { height, hash } = this.#deps.store.tip;
    return { height: Number(height), hash: hash.toHex() };
  }

  /** @throws {CairnError} `BLOCK_NOT_FOUND`. */
  async block(height: number): Promise<BlockView> {
    return toBlockView(await this.#block(height));
  }

  /** A block in the form of gossip, byte strings as lists of numbers. @throws {CairnError} `BLOCK_NOT_FOUND`. */
  async wireBlock(height: number): Promise<string> {
    return blockToJson(await this.#block(height));
  }

  /** @throws {CairnError} `MESSAGE_NOT_FOUND`. */
  async message(id: string): Promise<MessageView> {
    const { store } = this.#deps;
    const bytes = Uint8Array.fromHex(id);
    // Pending first: between the two reads a message may move into a block, not back.
    const pending = await store.pendingMessage(bytes);
    const stored = await store.message(bytes);
    if (stored !== undefined) return toMessageView(stored.message, stored);
    if (pending !== undefined) return toMessageView(pending);
    throw notFound(id);
  }

  /** The file that proves that a message is in the chain. @throws {CairnError} `MESSAGE_NOT_FOUND`. */
  async proof(id: string): Promise<string> {
    const { store } = this.#deps;
    const stored = await store.message(Uint8Array.fromHex(id));
    const full = stored && await store.fullBlock(stored.height);
    if (stored === undefined || full === undefined) throw notFound(id);
    return proofToJson(makeProof(full.block, full.messages, stored.index));
  }

  /** The nonce that a sender's next message must have. */
  async nextNonce(sender: string): Promise<number> {
    return Number(await this.#deps.submitter.nextNonce(sender));
  }

  /** @throws {CairnError} With the code of the refusal. */
  async submit(submission: Submission): Promise<SubmissionView> {
    const { submitter, nowMs } = this.#deps;
    const { sender = submission.public_key, public_key: publicKey, content, nonce, signature } = submission;
    if (sender === undefined || publicKey !== undefined && publicKey !== sender) {
      throw new CairnError("SENDER_INVALID", "Cannot take the message: sender and public_key differ", {
        hint: "the sender of a signed message is its public key, in 66 lower-case hexadecimal digits",
      });
    }
    const result = await submitter.submit(makeMessage({
      sender,
      content,
      nonce: BigInt(nonce),
      timestamp: BigInt(Math.floor(nowMs() / 1_000)),
      ...(signature === undefined ? {} : { signature: Uint8Array.fromHex(signature) }),
    }));
    if (result.status === "refused") throw refusal(result.fault);
    return { message_id: result.message.id.toHex(), status: result.status };
  }

  async #block(height: number) {
    const found = await this.#deps.store.block(BigInt(height));
    if (found !== undefined) return found;
    const { height: last } = this.height();
    throw new CairnError("BLOCK_NOT_FOUND", `Cannot find block ${height}: the chain ends at block ${last}`);
  }
}

function notFound(id: string): CairnError {
  return new CairnError("MESSAGE_NOT_FOUND", `Cannot find message ${id}`, {
    hint: "a message that was forwarded is here when a block has it",
  });
}

/** Refusals whose code means the same under another name. */
const RENAMED: Partial<Record<Fault["code"], ErrorCode>> = {
  STORE_FAILED: "STORE_WRITE_FAILED",
  STOPPING: "SHUTTING_DOWN",
  CONTENT_TOO_LARGE: "MESSAGE_TOO_LARGE",
};

/** A refusal of the protocol as an error of the node. */
export function refusal({ code, message }: Fault): CairnError {
  const own = RENAMED[code] ?? (Object.hasOwn(CODES, code) ? code as ErrorCode : "MALFORMED_MESSAGE");
  return new CairnError(own, `Cannot take the message: ${message}`);
}
