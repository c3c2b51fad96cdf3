/**
 * Keys, shared secrets and recoverable signatures over secp256k1, in the shapes of devp2p.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md sections 2.1, 3.1, 3.2. Shared secrets are computed by
 * the runtime's native code, in a sixth of the time and without branches on the key; it cannot recover a key from a
 * signature, so signatures are @noble/curves'.
 *
 * @module
 */

import { createECDH } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";

/** Bytes of a private key. */
export const PRIVATE_KEY_BYTES = 32;
/** Bytes of a node id: an uncompressed public key without its first byte. */
export const NODE_ID_BYTES = 64;
/** Bytes of a signature: r, s and the recovery bit. */
export const SIGNATURE_BYTES = 65;

const UNCOMPRESSED = 0x04;
const RAW = { prehash: false, format: "recovered" } as const;

/** Whether the bytes are a private key of the curve: 32 of them, neither zero nor beyond its order. */
export function isPrivateKey(bytes: Uint8Array): boolean {
  return bytes.length === PRIVATE_KEY_BYTES && secp256k1.utils.isValidSecretKey(bytes);
}

/** A public key as SEC 1 writes it: the byte 04, then the node id. */
export function toPublicKey(nodeId: Uint8Array): Uint8Array<ArrayBuffer> {
  const key = new Uint8Array(1 + NODE_ID_BYTES);
  key[0] = UNCOMPRESSED;
  key.set(nodeId, 1);
  return key;
}

/** A private key and what follows from it. */
export class NodeKey {
  /** 64 bytes. */
  readonly id: Uint8Array<ArrayBuffer>;
  readonly #privateKey: Uint8Array;
  readonly #ecdh = createECDH("secp256k1");

  /** @throws {RangeError} If the 32 bytes are no private key. */
  constructor(privateKey: Uint8Array) {
    if (!isPrivateKey(privateKey)) {
      throw new RangeError("Cannot use the private key: it is not one of secp256k1");
    }
    this.#privateKey = privateKey.slice();
    this.#ecdh.setPrivateKey(this.#privateKey);
    this.id = new Uint8Array(this.#ecdh.getPublicKey().subarray(1));
  }

  /** A key of chance; asks again in the one case of 2^128 in which the bytes are none. */
  static generate(randomBytes: (bytes: number) => Uint8Array): NodeKey {
    while (true) {
      const bytes = randomBytes(PRIVATE_KEY_BYTES);
      if (isPrivateKey(bytes)) return new NodeKey(bytes);
    }
  }

  /**
   * The x-coordinate that both sides of a key exchange compute, 32 bytes.
   *
   * @throws {Error} If the id is no point of the curve.
   */
  sharedSecret(nodeId: Uint8Array): Uint8Array {
    return this.#ecdh.computeSecret(toPublicKey(nodeId));
  }

  /** Signs a hash of 32 bytes: r, s, then the recovery bit 0 or 1. */
  sign(hash: Uint8Array): Uint8Array<ArrayBuffer> {
    const signed = secp256k1.sign(hash, this.#privateKey, RAW);
    const signature = new Uint8Array(SIGNATURE_BYTES);
    signature.set(signed.subarray(1));
    signature[SIGNATURE_BYTES - 1] = signed[0]!;
    return signature;
  }
}

/**
 * Node id that signed a hash of 32 bytes.
 *
 * @param signature r, s, and 0 or 1; 65 bytes.
 * @throws {Error} If there is none.
 */
export function recoverNodeId(hash: Uint8Array, signature: Uint8Array): Uint8Array<ArrayBuffer> {
  const recovery = signature[SIGNATURE_BYTES - 1]!;
  if (signature.length !== SIGNATURE_BYTES || recovery > 1) {
    throw new RangeError("Cannot recover a node id: the signature must be r, s, and 0 or 1");
  }
  const recovered = new Uint8Array(SIGNATURE_BYTES);
  recovered[0] = recovery;
  recovered.set(signature.subarray(0, SIGNATURE_BYTES - 1), 1);
  const key = secp256k1.recoverPublicKey(recovered, hash, { prehash: false });
  return secp256k1.Point.fromBytes(key).toBytes(false).slice(1);
}
