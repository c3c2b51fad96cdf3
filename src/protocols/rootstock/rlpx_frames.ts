/**
 * RLPx frames: messages sealed and opened with the secrets of a handshake.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 3.4. Header (16) and its MAC (16), then the
 * padded body and its MAC (16). One cipher stream a direction, which never starts over. The running MACs are Keccak
 * hashes of the hot floor, peeked at: a tenth of the time of the JavaScript one (`bench/rootstock_wire_bench.ts`).
 *
 * @module
 */

import { type Cipheriv, createCipheriv, timingSafeEqual } from "node:crypto";
import type { StreamingHash } from "../../hot/hash_function.ts";
import { RlpIndex } from "../../hot/rlp.ts";
import { GrowingBytes } from "./growing_bytes.ts";
import { integerOf, leadingRlp } from "./rlp_reading.ts";
import type { FrameSecrets } from "./rlpx_handshake.ts";
import { decoding, WireFault } from "./wire_fault.ts";

const BLOCK_BYTES = 16;
const HEADER_BYTES = 16;
const MAC_BYTES = 16;
const SIZE_BYTES = 3;
/** Memory that a connection keeps: a headers response of 192 mainnet headers fits. */
const KEPT_BYTES = 262_144;
/** rskj reads the size as signed: it drops frames from here on, and then fails at the next MAC. */
export const FRAME_BYTES_LIMIT = 0x80_0000;
/** Header data that rskj writes: a list of one zero. */
const HEADER_DATA = [0xc1, 0x80] as const;
/** How RLP writes code 0. */
const CODE_ZERO = 0x80;

const padded = (bytes: number) => (bytes + BLOCK_BYTES - 1) & ~(BLOCK_BYTES - 1);

const aes256Ctr = (key: Uint8Array) => createCipheriv("aes-256-ctr", key, new Uint8Array(BLOCK_BYTES));

/** The running MAC of one direction. */
class FrameMac {
  readonly #hash: StreamingHash;
  readonly #blockCipher: Cipheriv;
  /** Digest of what was absorbed. */
  readonly #digest = new Uint8Array(32);
  readonly #block = new Uint8Array(BLOCK_BYTES);

  constructor(hash: StreamingHash, key: Uint8Array) {
    this.#hash = hash;
    // Of a block cipher without chaining, one object encrypts any number of blocks.
    this.#blockCipher = createCipheriv("aes-256-ecb", key, null);
    this.#blockCipher.setAutoPadding(false);
    hash.peek(this.#digest);
  }

  /** Gives the native object back. */
  close(): void {
    this.#blockCipher.final();
  }

  /** MAC of an encrypted header; good until the next call. */
  header(header: Uint8Array): Uint8Array {
    return this.#update(header);
  }

  /** MAC of an encrypted body; good until the next call. */
  body(body: Uint8Array): Uint8Array {
    this.#hash.update(body).peek(this.#digest);
    return this.#update(this.#digest);
  }

  /** Absorbs the encrypted digest xor the first 16 bytes of `seed`. */
  #update(seed: Uint8Array): Uint8Array {
    const digest = this.#digest.subarray(0, BLOCK_BYTES);
    const encrypted = this.#blockCipher.update(digest);
    for (let i = 0; i < BLOCK_BYTES; i++) this.#block[i] = encrypted[i]! ^ seed[i]!;
    this.#hash.update(this.#block).peek(this.#digest);
    return digest;
  }
}

/** Seals messages. It holds native objects until it is disposed of. */
export class FrameWriter implements Disposable {
  #isClosed = false;
  readonly #cipher: Cipheriv;
  readonly #mac: FrameMac;

  constructor({ aes, mac, egressMac }: FrameSecrets) {
    this.#cipher = aes256Ctr(aes);
    this.#mac = new FrameMac(egressMac, mac);
  }

  /**
   * A frame; frames must be sent in the order in which they were made. Messages are never split: rskj cannot read that.
   *
   * @param code Message code, below 0x80.
   * @throws {RangeError} If the message is too large for a frame.
   */
  seal(code: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
    const bytes = 1 + payload.length;
    if (bytes >= FRAME_BYTES_LIMIT) {
      throw new RangeError(
        `Cannot send a message of ${payload.length} bytes: a frame has at most ${FRAME_BYTES_LIMIT - 1}`,
      );
    }
    const bodyBytes = padded(bytes);
    const plain = new Uint8Array(HEADER_BYTES + bodyBytes);
    plain[0] = bytes >>> 16;
    plain[1] = bytes >>> 8;
    plain[2] = bytes;
    plain.set(HEADER_DATA, SIZE_BYTES);
    plain[HEADER_BYTES] = code === 0 ? CODE_ZERO : code;
    plain.set(payload, HEADER_BYTES + 1);
    const encrypted = this.#cipher.update(plain);
    const header = encrypted.subarray(0, HEADER_BYTES);
    const body = encrypted.subarray(HEADER_BYTES);
    const frame = new Uint8Array(HEADER_BYTES + MAC_BYTES + bodyBytes + MAC_BYTES);
    frame.set(header);
    frame.set(this.#mac.header(header), HEADER_BYTES);
    frame.set(body, HEADER_BYTES + MAC_BYTES);
    frame.set(this.#mac.body(body), HEADER_BYTES + MAC_BYTES + bodyBytes);
    return frame;
  }

  /** Idempotent. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cipher.final();
    this.#mac.close();
  }
}

/** What a frame held. */
export interface Frame {
  readonly code: number;
  /** The rest of the body, in memory of its own. */
  readonly payload: Uint8Array;
  /** Names the message that this frame is a chunk of. */
  readonly contextId?: number;
  /** Bytes of the whole message; in the first chunk only. */
  readonly totalBytes?: number;
}

/** What the header of a frame says. */
interface FrameHeader {
  readonly bytes: number;
  readonly contextId?: number;
  readonly totalBytes?: number;
}

/** Opens frames out of a stream that may be split anywhere. It holds native objects until it is disposed of. */
export class FrameReader implements Disposable {
  #isClosed = false;
  readonly #cipher: Cipheriv;
  readonly #mac: FrameMac;
  readonly #maxFrameBytes: number;
  readonly #partial = new GrowingBytes();
  /** Header of the frame whose body is awaited. */
  #header: FrameHeader | undefined;

  /** @param maxFrameBytes Largest body, less than 2^23. */
  constructor({ aes, mac, ingressMac }: FrameSecrets, maxFrameBytes: number = FRAME_BYTES_LIMIT - 1) {
    this.#cipher = aes256Ctr(aes);
    this.#mac = new FrameMac(ingressMac, mac);
    this.#maxFrameBytes = Math.min(maxFrameBytes, FRAME_BYTES_LIMIT - 1);
  }

  /**
   * Frames that `input` completes, one at a time. `input` must not change before the last one was taken.
   *
   * @throws {WireFault} `bad-mac`, `oversize` or `malformed`; the reader is useless then.
   */
  *receive(input: Uint8Array): Generator<Frame> {
    for (let at = 0; at < input.length;) {
      const wanted = this.#header === undefined
        ? HEADER_BYTES + MAC_BYTES
        : padded(this.#header.bytes) + MAC_BYTES;
      const missing = wanted - this.#partial.length;
      const piece = input.subarray(at, at + missing);
      at += piece.length;
      const isWhole = piece.length === wanted;
      if (!isWhole) this.#partial.append(piece);
      if (piece.length < missing) return;
      const sealed = isWhole ? piece : this.#partial.view();
      if (this.#header === undefined) this.#header = this.#openHeader(sealed);
      else {
        const frame = this.#openBody(sealed, this.#header);
        this.#header = undefined;
        yield frame;
      }
      this.#release(sealed.length);
    }
  }

  /** Memory of a body beyond what sync asks for goes back at once: most that follow are smaller. */
  #release(bytes: number): void {
    if (bytes > KEPT_BYTES) this.#partial.take();
    else this.#partial.clear();
  }

  #openHeader(sealed: Uint8Array): FrameHeader {
    const encrypted = sealed.subarray(0, HEADER_BYTES);
    if (!timingSafeEqual(this.#mac.header(encrypted), sealed.subarray(HEADER_BYTES))) {
      throw new WireFault("bad-mac", "Cannot open a frame: the MAC of its header does not fit");
    }
    const header = this.#cipher.update(encrypted);
    const bytes = (header[0]! << 16) | (header[1]! << 8) | header[2]!;
    if (bytes > this.#maxFrameBytes) {
      throw new WireFault(
        "oversize",
        `Cannot open a frame: ${bytes} bytes, at most ${this.#maxFrameBytes} are taken`,
      );
    }
    if (bytes === 0) throw new WireFault("malformed", "Cannot open a frame: it has no message code");
    return { bytes, ...readHeaderData(header.subarray(SIZE_BYTES)) };
  }

  #openBody(sealed: Uint8Array, { bytes, ...chunk }: FrameHeader): Frame {
    const encrypted = sealed.subarray(0, sealed.length - MAC_BYTES);
    if (!timingSafeEqual(this.#mac.body(encrypted), sealed.subarray(sealed.length - MAC_BYTES))) {
      throw new WireFault("bad-mac", "Cannot open a frame: the MAC of its body does not fit");
    }
    const body = this.#cipher.update(encrypted);
    const first = body[0]!;
    if (first > 0x80) throw new WireFault("unexpected-message", "Cannot open a frame: a code above 127");
    // Not a Buffer: its slice() is a view.
    const payload = new Uint8Array(body.buffer, body.byteOffset + 1, bytes - 1);
    return { code: first === CODE_ZERO ? 0 : first, payload, ...chunk };
  }

  /** Idempotent. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cipher.final();
    this.#mac.close();
  }
}

/** What the header data says of chunks: `[0, contextId, totalSize]`, `[0, contextId]`, or nothing. */
function readHeaderData(data: Uint8Array): Omit<FrameHeader, "bytes"> {
  return decoding("the header of a frame", () => {
    const rlp = leadingRlp(data);
    // rskj takes any valid RLP; an item says nothing of chunks.
    if (rlp[0]! < 0xc0) return {};
    const fields = RlpIndex.of(rlp);
    if (fields.count < 2) return {};
    const contextId = integerOf(fields, 1);
    return fields.count === 2 ? { contextId } : { contextId, totalBytes: integerOf(fields, 2) };
  });
}
