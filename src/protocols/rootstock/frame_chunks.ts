/**
 * Messages that came in several frames, put together.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 3.4: rskj splits payloads above 32,768 bytes for
 * a peer that said version 5. Every chunk repeats the message code; the first one says the size of the whole.
 *
 * @module
 */

import { GrowingBytes } from "./growing_bytes.ts";
import type { Frame } from "./rlpx_frames.ts";
import { WireFault } from "./wire_fault.ts";

/** rskj sends one message after the other; some interleave two. */
const MAX_OPEN_MESSAGES = 4;

/** A whole message. */
export interface WireMessage {
  readonly code: number;
  readonly payload: Uint8Array;
}

interface OpenMessage {
  readonly code: number;
  readonly totalBytes: number;
  readonly bytes: GrowingBytes;
}

const malformed = (why: string) => new WireFault("malformed", `Cannot put a message together: ${why}`);

/** Puts the chunks of one connection together. */
export class ChunkAssembler {
  readonly #maxMessageBytes: number;
  readonly #open = new Map<number, OpenMessage>();

  /** @param maxMessageBytes Largest message, and the most that all unfinished ones may hold. */
  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /**
   * @returns The message that the frame is or completes; undefined if chunks are missing.
   * @throws {WireFault} `oversize` or `malformed`.
   */
  add(frame: Frame): WireMessage | undefined {
    const { code, payload, contextId, totalBytes } = frame;
    if (contextId === undefined) return { code, payload };
    const open = this.#open.get(contextId);
    if (totalBytes !== undefined) {
      if (open !== undefined) throw malformed("it begins twice");
      if (totalBytes === payload.length) return { code, payload };
      return this.#begin(contextId, { code, totalBytes, bytes: new GrowingBytes() }, payload);
    }
    // Some send whole messages with a context id.
    if (open === undefined) return { code, payload };
    if (open.code !== code) throw malformed("a chunk has another code");
    return this.#append(contextId, open, payload);
  }

  #begin(contextId: number, message: OpenMessage, payload: Uint8Array): undefined {
    const { totalBytes } = message;
    if (totalBytes > this.#maxMessageBytes) {
      throw new WireFault("oversize", `Cannot put a message together: ${totalBytes} bytes announced`);
    }
    if (this.#open.size === MAX_OPEN_MESSAGES) {
      throw new WireFault("oversize", `Cannot put a message together: ${MAX_OPEN_MESSAGES} are unfinished`);
    }
    if (payload.length > totalBytes) throw malformed("its first chunk is longer than the whole");
    this.#open.set(contextId, message);
    this.#append(contextId, message, payload);
  }

  #append(contextId: number, message: OpenMessage, payload: Uint8Array): WireMessage | undefined {
    const { code, totalBytes, bytes } = message;
    if (payload.length === 0) throw malformed("a chunk is empty");
    if (bytes.length + payload.length > totalBytes) throw malformed("its chunks are longer than the whole");
    let held = payload.length;
    for (const open of this.#open.values()) held += open.bytes.length;
    if (held > this.#maxMessageBytes) {
      throw new WireFault("oversize", `Cannot put a message together: ${held} bytes of unfinished ones`);
    }
    bytes.append(payload);
    if (bytes.length < totalBytes) return undefined;
    this.#open.delete(contextId);
    return { code, payload: bytes.take() };
  }
}
