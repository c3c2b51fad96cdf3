/**
 * Double SHA-256: Bitcoin's hash of headers, transactions and Merkle nodes.
 *
 * Layer: hot. Source: FIPS 180-4; spec/hot-path.md sections 3 and 6. Short inputs and batches are hashed by the kernels;
 * from {@link NATIVE_FROM_BYTES} on the runtime's own code, which has the processor's SHA instructions.
 *
 * @module
 */

import { createHash, hash } from "node:crypto";
import { DIGEST_BYTES } from "../../wasm/layout.ts";
import { assertDigestFits, defineHash, type HashFunction, type StreamingHash } from "./hash_function.ts";
import { assertOutputBytes } from "./kernel_stream.ts";
import type { HotMemory } from "./memory.ts";

/** Where the native code, which costs a microsecond a call, overtakes the kernel (docs/benchmarks/hot.md). */
const NATIVE_FROM_BYTES = 512;

const inner = new Uint8Array(DIGEST_BYTES);

/** The second hash is short, so it is the kernel's. */
function finish(memory: HotMemory, first: string, out: number): void {
  inner.setFromHex(first);
  memory.u8.set(inner, out);
  memory.kernels.sha256(out, DIGEST_BYTES, out);
}

const second = (first: Uint8Array) => createHash("sha256").update(first).digest();

/** Two native hashes, one over the other. */
class NativeStream implements StreamingHash {
  #first: ReturnType<typeof createHash> | undefined = createHash("sha256");

  #live(action: string): ReturnType<typeof createHash> {
    if (this.#first === undefined) throw new TypeError(`Cannot ${action}: the digest was taken before`);
    return this.#first;
  }

  update(input: Uint8Array): this {
    this.#live("update").update(input);
    return this;
  }

  digest(bytes: number = DIGEST_BYTES): Uint8Array<ArrayBuffer> {
    assertOutputBytes(bytes, DIGEST_BYTES);
    const first = this.#live("take the digest").digest();
    this.#first = undefined;
    return new Uint8Array(second(first));
  }

  peek<Out extends Uint8Array>(out: Out): Out {
    assertDigestFits(out);
    out.set(second(this.#live("peek at the digest").copy().digest()));
    return out;
  }
}

/**
 * SHA-256 applied twice. It has no modes. Digests come in wire order; explorers show them reversed.
 *
 * @example
 * ```ts
 * import { sha256d } from "./sha256d.ts";
 * const digest = sha256d(new TextEncoder().encode("hello")).toHex();
 * if (!digest.startsWith("9595c9df90075148")) throw new Error("expected the digest of hello");
 * ```
 */
export const sha256d: HashFunction<undefined> = defineHash<undefined>({
  at(memory, address, bytes, out) {
    if (bytes < NATIVE_FROM_BYTES) return memory.kernels.sha256d(address, bytes, out);
    finish(memory, hash("sha256", memory.u8.subarray(address, address + bytes)), out);
  },
  batchAt: (memory, rows, count) => memory.kernels.sha256dBatch(rows, count),
  create: () => new NativeStream(),
});
