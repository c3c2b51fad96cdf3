/**
 * How much of what was handed to HTTP/2 has not reached the socket yet.
 *
 * Layer: rpc. Deno's node:http2 calls a write done as soon as it has copied it, even when the peer's flow-control
 * window is shut: neither its callbacks nor `write()` tell of a slow reader, and memory would grow without bound.
 * The bytes that the connection's socket has written do tell. So back-pressure is kept by connection, not by call.
 *
 * @module
 */

/** Bytes that may wait on one connection before senders are asked to wait. */
const HIGH_WATER_BYTES = 1_048_576;

/** Prefix of every gRPC message. Frame headers are left out: counting too little never makes a sender wait for ever. */
const MESSAGE_PREFIX_BYTES = 5;

/** Nothing announces that a socket has written, so it is looked at: soon, then less and less often. */
const FIRST_LOOK_MS = 1;
const LAST_LOOK_MS = 32;

/** The part of a socket that is looked at. */
export interface WriteCounter {
  /** Bytes handed to the socket so far. */
  readonly bytesWritten: number;
  /** Of these, bytes still in the socket's own buffer. */
  readonly writableLength: number;
  readonly destroyed: boolean;
}

/** Back-pressure of one connection. */
export class WriteGauge {
  readonly #socket: WriteCounter;
  /** What {@link WriteCounter.bytesWritten} will be at least when everything is written. */
  #target = 0;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(socket: WriteCounter) {
    this.#socket = socket;
  }

  /** Whether senders may go on. */
  get hasRoom(): boolean {
    return this.#socket.destroyed || this.#target - this.#written < HIGH_WATER_BYTES;
  }

  /** Counts a message of `bytes` that was handed over. @returns {@link WriteGauge.hasRoom} */
  add(bytes: number): boolean {
    // Frame headers and control frames were written too: never fall behind them.
    this.#target = Math.max(this.#target, this.#written) + bytes + MESSAGE_PREFIX_BYTES;
    return this.hasRoom;
  }

  /** A call was cut: what it had waiting will never be written, and nobody knows how much that was. */
  forget(): void {
    this.#target = this.#written;
  }

  /** Resolves when there is room, or when the connection is gone. */
  drained(): Promise<void> {
    if (this.hasRoom) return Promise.resolve();
    if (this.#drained === undefined) {
      this.#drained = Promise.withResolvers();
      this.#look(FIRST_LOOK_MS);
    }
    return this.#drained.promise;
  }

  get #written(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  #look(delayMs: number): void {
    setTimeout(() => {
      if (!this.hasRoom) return this.#look(Math.min(delayMs * 2, LAST_LOOK_MS));
      this.#drained?.resolve();
      this.#drained = undefined;
    }, delayMs);
  }
}
