/**
 * How an event becomes a slot: a kind, forty bytes of scalars, and a body.
 *
 * Layer: kernel. Source: wasm/layout.ts, slots.
 *
 * @module
 */

import { SLOT_BODY_ADDRESS, SLOT_BODY_BYTES, SLOT_KIND, SLOT_SCALARS } from "../../../wasm/layout.ts";
import type { HotMemory } from "../../hot/memory.ts";
import type { RingConsumer } from "../../hot/ring_consumer.ts";

const KIND_WORD = SLOT_KIND >>> 2;
const ADDRESS_WORD = SLOT_BODY_ADDRESS >>> 2;
const BYTES_WORD = SLOT_BODY_BYTES >>> 2;
const SCALAR_WORD = SLOT_SCALARS >>> 2;
const SCALAR_DOUBLE = SLOT_SCALARS >>> 3;
const EMPTY = new Uint8Array(0);

/**
 * Writes one claimed slot. Scalars share 40 bytes: u32 scalars 0 to 9, f64 scalars 0 to 4; f64 scalar `i` lies
 * over u32 scalars `2i` and `2i + 1`. A scalar that is not written keeps what an older event left there.
 */
export class SlotWriter {
  readonly #u8: Uint8Array<ArrayBufferLike>;
  readonly #u32: Uint32Array<ArrayBufferLike>;
  readonly #f64: Float64Array<ArrayBufferLike>;
  #word = 0;

  constructor(memory: HotMemory) {
    this.#u8 = memory.u8;
    this.#u32 = memory.u32;
    this.#f64 = memory.f64;
  }

  /** Points this writer at the slot with this index in u32 views. */
  moveTo(word: number): this {
    this.#word = word;
    return this;
  }

  setKind(kind: number): void {
    this.#u32[this.#word + KIND_WORD] = kind;
  }

  /** @param index 0 to 9. */
  setU32(index: number, value: number): void {
    this.#u32[this.#word + SCALAR_WORD + index] = value;
  }

  /** @param index 0 to 4. */
  setF64(index: number, value: number): void {
    this.#f64[(this.#word >>> 1) + SCALAR_DOUBLE + index] = value;
  }

  /** The claimed body, to be filled before the commit. A new view at each call. */
  get body(): Uint8Array<ArrayBufferLike> {
    const at = this.#u32[this.#word + ADDRESS_WORD]!;
    return this.#u8.subarray(at, at + this.#u32[this.#word + BYTES_WORD]!);
  }

  /** Address of the claimed body in hot memory. */
  get bodyAddress(): number {
    return this.#u32[this.#word + ADDRESS_WORD]!;
  }
}

/** Reads one slot. Valid only while its event is: see {@link Codec.decode}. */
export class SlotReader {
  /** Sequence of the event, modulo 2^53. */
  sequence = 0;
  #u32: Uint32Array<ArrayBufferLike>;
  #f64: Float64Array<ArrayBufferLike>;
  readonly #shared: HotMemory;
  #word = 0;
  /** Body that was copied out of a lossy ring; `undefined` where the body lies in shared memory. */
  #copied: Uint8Array | undefined;

  constructor(memory: HotMemory) {
    this.#shared = memory;
    this.#u32 = memory.u32;
    this.#f64 = memory.f64;
  }

  /** Points this reader at the shared slot with this index in u32 views. */
  moveTo(word: number, sequence: number): this {
    this.#word = word;
    this.sequence = sequence;
    return this;
  }

  /** Points this reader at what `consumer` has copied. */
  moveToCopy(consumer: RingConsumer, body: Uint8Array, sequence: number): this {
    this.#u32 = consumer.copyWords;
    this.#f64 = consumer.copyDoubles;
    this.#copied = body;
    return this.moveTo(0, sequence);
  }

  get kind(): number {
    return this.#u32[this.#word + KIND_WORD]!;
  }

  /** @param index 0 to 9. */
  u32(index: number): number {
    return this.#u32[this.#word + SCALAR_WORD + index]!;
  }

  /** @param index 0 to 4. */
  f64(index: number): number {
    return this.#f64[(this.#word >>> 1) + SCALAR_DOUBLE + index]!;
  }

  get bodyBytes(): number {
    return this.#u32[this.#word + BYTES_WORD]!;
  }

  /** Address of the body in hot memory, for kernels that work in place. Gating topics only. */
  get bodyAddress(): number {
    return this.#u32[this.#word + ADDRESS_WORD]!;
  }

  /** The body: borrowed shared memory on a gating topic, a copy of one's own on a lossy one. */
  get body(): Uint8Array<ArrayBufferLike> {
    if (this.#copied !== undefined) return this.#copied.slice();
    const bytes = this.bodyBytes;
    if (bytes === 0) return EMPTY;
    const at = this.bodyAddress;
    return this.#shared.u8.subarray(at, at + bytes);
  }
}

/** Writes events of one topic to slots and reads them back. */
export interface Codec<E> {
  /** Bytes of the body of `event`. Leave it out for events without bodies: batches of those are faster. */
  bodyBytes?(event: E): number;
  /** Writes `event`; `slot.body` has the length that `bodyBytes` said. */
  encode(event: E, slot: SlotWriter): void;
  /**
   * Reads an event. On a gating topic `slot.body` is borrowed: it stays valid until the event is released, so an
   * event may keep that view, and whoever keeps the event longer must copy.
   */
  decode(slot: SlotReader): E;
}

/** Events as JSON in the body: for small, rare events such as configuration changes. */
export function jsonCodec<E>(): Codec<E> {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  let encoded = EMPTY;
  return {
    bodyBytes(event) {
      encoded = encoder.encode(JSON.stringify(event));
      return encoded.length;
    },
    encode(_event, slot) {
      // `bodyBytes` was called for this very event just before.
      slot.body.set(encoded);
    },
    decode(slot) {
      return JSON.parse(decoder.decode(slot.body)) as E;
    },
  };
}
