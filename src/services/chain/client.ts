/**
 * A node of the message chain as a client sees it, over its HTTP routes.
 *
 * Layer: services. For the command line, tests and benchmarks.
 *
 * @module
 */

import { CairnError, CODES, type ErrorCode, toCairnError } from "../../kernel/errors.ts";
import type { Message } from "../../protocols/kimura/message.ts";
import type { SubmissionView } from "./api.ts";
import type { BlockView, HeightView, MessageView } from "./views.ts";

/** Time for an answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 10_000;

/** Talks to one node. */
export class ChainClient {
  readonly url: string;

  /** @throws {CairnError} `USAGE` if this is no URL of HTTP. */
  constructor(url: string) {
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) {
      throw new CairnError("USAGE", `Cannot ask '${url}'`, {
        hint: "give a URL such as http://127.0.0.1:8545",
      });
    }
    this.url = url.replace(/\/+$/, "");
  }

  /** The last block's height and hash. @throws {CairnError} As {@link get}. */
  height(): Promise<HeightView> {
    return this.#json("/height");
  }

  /** A block. @throws {CairnError} As {@link get}; `BLOCK_NOT_FOUND`. */
  block(height: number | "latest"): Promise<BlockView> {
    return this.#json(height === "latest" ? "/latest" : `/block/${height}`);
  }

  /** A message and where it is. @throws {CairnError} As {@link get}; `MESSAGE_NOT_FOUND`. */
  message(id: string): Promise<MessageView> {
    return this.#json(`/message/${id}`);
  }

  /** The text of a proof file. @throws {CairnError} As {@link get}; `MESSAGE_NOT_FOUND`. */
  proof(id: string): Promise<string> {
    return this.get(`/proof/${id}`);
  }

  /** The nonce that a sender's next message must have. @throws {CairnError} As {@link get}. */
  async nextNonce(sender: string): Promise<bigint> {
    const { next_nonce: next } = await this.#json<{ next_nonce: number }>(`/nonce/${sender}`);
    return BigInt(next);
  }

  /** Submits a message. @throws {CairnError} As {@link get}, and with the code of the refusal. */
  async submit({ sender, content, nonce, signature }: Message): Promise<SubmissionView> {
    const body = {
      sender,
      content,
      nonce: Number(nonce),
      ...(signature && { signature: signature.toHex() }),
    };
    return JSON.parse(
      await this.#fetch("/message", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    );
  }

  /**
   * The text behind a path.
   *
   * @throws {CairnError} `PEER_UNAVAILABLE` if there is no answer that can be read; what the node answered.
   */
  get(path: string): Promise<string> {
    return this.#fetch(path, {});
  }

  async #json<T>(path: string): Promise<T> {
    const text = await this.get(path);
    try {
      return JSON.parse(text);
    } catch {
      throw this.#failure("the answer is not JSON");
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<string> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.url + path, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
      text = await response.text();
    } catch (thrown) {
      const cause = thrown instanceof Error ? thrown.cause ?? thrown : thrown;
      throw this.#failure(toCairnError(cause).message.split("\n", 1)[0]!);
    }
    if (response.ok) return text;
    throw this.#refusal(response.status, text);
  }

  /** What a node that is not this version answers is not relied on. */
  #refusal(status: number, text: string): CairnError {
    let problem: { code?: unknown; title?: unknown; detail?: unknown; error?: { message?: unknown } };
    try {
      problem = JSON.parse(text);
    } catch {
      return this.#failure(`status ${status}`);
    }
    const { code, title, detail, error } = problem;
    if (typeof code !== "string" || !Object.hasOwn(CODES, code)) {
      return this.#failure(`${error?.message ?? title ?? "no reason given"} (status ${status})`);
    }
    return new CairnError(
      code as ErrorCode,
      String(title),
      typeof detail === "string" ? { hint: detail } : {},
    );
  }

  #failure(reason: string): CairnError {
    return new CairnError("PEER_UNAVAILABLE", `Cannot ask ${this.url}: ${reason}`, {
      hint: "is a node of the chain running there, with chain.rpc.enabled?",
    });
  }
}
