/**
 * Ed25519 keys that are imported once, not for every message.
 *
 * Layer: p2p. The library makes a native key of its bytes, by way of base64 text, for each signature it checks or makes.
 * For three keys of four that text has one of the two characters at which Deno's decoder starts over, and the import
 * costs as much as the signature (`bench/kimura_bench.ts`). Here keys are kept; the native functions that sign and
 * verify are the same.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import type { PrivateKey } from "@libp2p/interface";

/** Most authors whose keys are kept; the one kept longest goes first. */
const MAX_KEYS = 1_024;
/** DER of an Ed25519 public key before its 32 bytes (RFC 8410 §4). */
const SPKI_PREFIX = Uint8Array.fromHex("302a300506032b6570032100");
/** DER of an Ed25519 private key before its 32 bytes (RFC 8410 §7). */
const PKCS8_PREFIX = Uint8Array.fromHex("302e020100300506032b657004220420");

type Bytes = Uint8Array | { subarray(): Uint8Array };
interface VerifyOptions {
  readonly signal?: AbortSignal;
}
interface Ed25519PublicKey {
  readonly raw: Uint8Array;
  verify(data: Bytes, signature: Uint8Array, options?: VerifyOptions): boolean;
}

const keys = new Map<string, KeyObject>();
const replaced = new WeakSet<object>();

function keyOf(raw: Uint8Array): KeyObject {
  const name = raw.toHex();
  const known = keys.get(name);
  if (known !== undefined) return known;
  const key = createPublicKey({ format: "der", type: "spki", key: Buffer.concat([SPKI_PREFIX, raw]) });
  keys.set(name, key);
  if (keys.size > MAX_KEYS) keys.delete(keys.keys().next().value!);
  return key;
}

function bytesOf(data: Bytes): Uint8Array {
  return data instanceof Uint8Array ? data : data.subarray();
}

/**
 * Makes this node's key sign, and all Ed25519 keys of the library verify, with kept native keys. Keys of other types stay
 * as they are.
 */
export function keepNativeKeys(own: PrivateKey): void {
  if (own.type !== "Ed25519") return;
  const prototype = Object.getPrototypeOf(own.publicKey) as Ed25519PublicKey;
  if (!replaced.has(prototype)) {
    replaced.add(prototype);
    prototype.verify = function (this: Ed25519PublicKey, data, signature, options) {
      options?.signal?.throwIfAborted();
      // The native function throws on other lengths; that is no signature either.
      return signature.length === 64 && verify(null, bytesOf(data), keyOf(this.raw), signature);
    };
  }
  const key = createPrivateKey({
    format: "der",
    type: "pkcs8",
    key: Buffer.concat([PKCS8_PREFIX, own.raw.subarray(0, 32)]),
  });
  own.sign = (data: Bytes) => sign(null, bytesOf(data), key);
}
