/**
 * ECIES as RLPx uses it: a message for the holder of a public key.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 3.2. A message is the ephemeral public key
 * (65 bytes, the first one 04), an IV (16), AES-128-CTR ciphertext, and a tag (32): HMAC-SHA-256 over IV, ciphertext
 * and, in EIP-8 packets, the size prefix.
 *
 * @module
 */

import { createCipheriv, createHash, createHmac, timingSafeEqual } from "node:crypto";
import { NODE_ID_BYTES, type NodeKey, toPublicKey } from "./secp256k1.ts";
import { WireFault } from "./wire_fault.ts";

const KEY_BYTES = 1 + NODE_ID_BYTES;
const IV_BYTES = 16;
const TAG_BYTES = 32;
const SHA256_BYTES = 32;
/** What a message is longer by than its plaintext. */
export const ECIES_OVERHEAD_BYTES = KEY_BYTES + IV_BYTES + TAG_BYTES;

const NO_BYTES = new Uint8Array();
const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();

/** Key derivation of NIST SP 800-56 with SHA-256, at most 32 bytes. */
export function concatKdf(secret: Uint8Array, bytes: number): Uint8Array {
  if (bytes > SHA256_BYTES) throw new RangeError(`Cannot derive ${bytes} bytes: at most ${SHA256_BYTES}`);
  return createHash("sha256").update(Uint8Array.of(0, 0, 0, 1)).update(secret).digest().subarray(0, bytes);
}

function deriveKeys(secret: Uint8Array): { readonly cipherKey: Uint8Array; readonly macKey: Uint8Array } {
  const key = concatKdf(secret, SHA256_BYTES);
  return { cipherKey: key.subarray(0, 16), macKey: sha256(key.subarray(16)) };
}

function aes128Ctr(key: Uint8Array, iv: Uint8Array, input: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-128-ctr", key, iv);
  const output = cipher.update(input);
  // A stream cipher has nothing left; this gives the native object back.
  cipher.final();
  return output;
}

const tagOf = (macKey: Uint8Array, ivAndCiphertext: Uint8Array, macData: Uint8Array): Uint8Array =>
  createHmac("sha256", macKey).update(ivAndCiphertext).update(macData).digest();

/** What a message is made of. */
export interface EciesInput {
  readonly plaintext: Uint8Array;
  /** Node id of the one that can read it, 64 bytes. */
  readonly to: Uint8Array;
  /** Used for this message only. */
  readonly ephemeralKey: NodeKey;
  /** 16 bytes of chance. */
  readonly iv: Uint8Array;
  /** Bytes that the tag covers besides. */
  readonly macData?: Uint8Array;
}

/**
 * Makes a message.
 *
 * @throws {Error} If `to` is no point of the curve.
 */
export function eciesEncrypt(input: EciesInput): Uint8Array<ArrayBuffer> {
  const { plaintext, to, ephemeralKey, iv, macData = NO_BYTES } = input;
  const { cipherKey, macKey } = deriveKeys(ephemeralKey.sharedSecret(to));
  const message = new Uint8Array(plaintext.length + ECIES_OVERHEAD_BYTES);
  const tagAt = message.length - TAG_BYTES;
  message.set(toPublicKey(ephemeralKey.id));
  message.set(iv, KEY_BYTES);
  message.set(aes128Ctr(cipherKey, iv, plaintext), KEY_BYTES + IV_BYTES);
  message.set(tagOf(macKey, message.subarray(KEY_BYTES, tagAt), macData), tagAt);
  return message;
}

/**
 * Reads a message.
 *
 * @throws {WireFault} `handshake` if it is not for this key or was changed.
 */
export function eciesDecrypt(message: Uint8Array, key: NodeKey, macData: Uint8Array = NO_BYTES): Uint8Array {
  const tagAt = message.length - TAG_BYTES;
  if (message.length < ECIES_OVERHEAD_BYTES || message[0] !== 0x04) {
    throw new WireFault("handshake", "Cannot decrypt: no ECIES message");
  }
  let secret: Uint8Array;
  try {
    secret = key.sharedSecret(message.subarray(1, KEY_BYTES));
  } catch (cause) {
    throw new WireFault("handshake", "Cannot decrypt: the ephemeral key is no point of the curve", { cause });
  }
  const { cipherKey, macKey } = deriveKeys(secret);
  const body = message.subarray(KEY_BYTES, tagAt);
  if (!timingSafeEqual(tagOf(macKey, body, macData), message.subarray(tagAt))) {
    throw new WireFault("handshake", "Cannot decrypt: the tag does not fit");
  }
  return aes128Ctr(cipherKey, body.subarray(0, IV_BYTES), body.subarray(IV_BYTES));
}
