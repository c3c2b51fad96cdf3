/**
 * Node ids: the public key of a node, as the network names it.
 *
 * Layer: protocols/rootstock. Imports hot (Keccak) and @noble/curves. Source: spec/rootstock-network.md sections 2.1,
 * 2.5.
 *
 * @module
 */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak256 } from "../../hot/keccak256.ts";

/** Bytes of a node id: the uncompressed public key without its first byte, 04. */
export const NODE_ID_BYTES = 64;

/** A node id as 128 lower-case hexadecimal digits: what maps, logs and the store name nodes by. */
export type NodeId = string;

/** Whether the text is a node id. */
export function isNodeId(text: string): text is NodeId {
  return /^[0-9a-f]{128}$/.test(text);
}

/**
 * Id of the node that has this private key.
 *
 * @param privateKey 32 bytes.
 * @throws {Error} If it is no private key of secp256k1.
 */
export function nodeIdOf(privateKey: Uint8Array): NodeId {
  return secp256k1.getPublicKey(privateKey, false).subarray(1).toHex();
}

/** keccak(keccak(id)): where the node lies in the space that discovery measures distances in. */
export function nodeHash(id: NodeId): Uint8Array {
  const hash = keccak256(Uint8Array.fromHex(id));
  return keccak256.into(hash, hash);
}
