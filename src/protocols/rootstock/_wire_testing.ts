/**
 * What tests of the wire share: chance that repeats itself, and two ends of a connection.
 *
 * Layer: protocols/rootstock. Not imported by the node.
 *
 * @module
 */

import { keccak256 } from "../../hot/keccak256.ts";
import { joinBytes } from "./growing_bytes.ts";
import type { HandshakeForm, RandomBytes } from "./handshake_packets.ts";
import { type FrameSecrets, InitiatorHandshake, ReplayGuard, ResponderHandshake } from "./rlpx_handshake.ts";
import { NodeKey } from "./secp256k1.ts";

/** The same bytes for the same seed. */
export function seededBytes(seed: number): RandomBytes {
  let block = new Uint8Array(32).fill(seed);
  return (bytes) => {
    const blocks: Uint8Array[] = [];
    for (let made = 0; made < bytes; made += block.length) blocks.push(block = keccak256(block));
    return joinBytes(blocks).slice(0, bytes);
  };
}

/** Secrets of both ends after a handshake between them. */
export function shakeHands(
  form: HandshakeForm = "eip8",
  seed = 1,
): Record<"initiator" | "responder", FrameSecrets> {
  const randomBytes = seededBytes(seed);
  const [a, b] = [NodeKey.generate(randomBytes), NodeKey.generate(randomBytes)];
  const initiator = new InitiatorHandshake({ key: a, remoteId: b.id, randomBytes, form });
  const responder = new ResponderHandshake({ key: b, randomBytes, replays: new ReplayGuard() });
  const answer = responder.receive(initiator.packet)!;
  return { initiator: initiator.receive(answer.packet)!.secrets, responder: answer.secrets };
}
