/**
 * Node ids: the public key of a node, as the network names it.
 *
 * Layer: protocols/rootstock. Imports hot (Keccak). Source: spec/rootstock-network.md sections 2.1,
 * 2.5.
 *
 * @module
 */

import { keccak256 } from "../../hot/keccak256.ts";

/** A node id as 128 lower-case hexadecimal digits: what maps, logs and the store name nodes by. */
export type NodeId = string;

/** Whether the text is a node id. */
export function isNodeId(text: string): text is NodeId {
  return /^[0-9a-f]{128}$/.test(text);
}

/** keccak(keccak(id)): where the node lies in the space that discovery measures distances in. */
export function nodeHash(id: NodeId): Uint8Array {
  const hash = keccak256(Uint8Array.fromHex(id));
  return keccak256.into(hash, hash);
}
