/**
 * The RLPx handshake from both sides: from keys to the secrets of the frames.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md sections 3.1 and 3.3. Both classes are given what has
 * come so far and answer when it is enough.
 *
 * @module
 */

import type { StreamingHash } from "../../hot/hash_function.ts";
import { keccak256 } from "../../hot/keccak256.ts";
import {
  ACK_BYTES,
  type Auth,
  AUTH_BYTES,
  decodeAck,
  decodeAuth,
  encodeAck,
  encodeAuth,
  type HandshakeForm,
  NONCE_BYTES,
  PacketOpener,
  type RandomBytes,
} from "./handshake_packets.ts";
import { NodeKey, recoverNodeId } from "./secp256k1.ts";
import { WireFault } from "./wire_fault.ts";

/** What frames are sealed and opened with (section 3.3). */
export interface FrameSecrets {
  /** Key of both cipher streams, 32 bytes. */
  readonly aes: Uint8Array;
  /** Key of the MAC's block cipher, 32 bytes. */
  readonly mac: Uint8Array;
  /** Running hash over what is sent. */
  readonly egressMac: StreamingHash;
  /** Running hash over what is received. */
  readonly ingressMac: StreamingHash;
}

/** What both sides know after auth and ack. */
export interface SecretInput {
  readonly role: "initiator" | "responder";
  /** Own ephemeral key. */
  readonly ephemeralKey: NodeKey;
  /** The other side's ephemeral public key, 64 bytes. */
  readonly remoteEphemeralId: Uint8Array;
  readonly initiatorNonce: Uint8Array;
  readonly responderNonce: Uint8Array;
  /** The packets whole, as they were sent. */
  readonly auth: Uint8Array;
  readonly ack: Uint8Array;
}

const hashOf = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const hash = keccak256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
};

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(a, (byte, i) => byte ^ b[i]!);

/**
 * Computes the secrets.
 *
 * @throws {Error} If the other side's key is no point of the curve.
 */
export function deriveSecrets(input: SecretInput): FrameSecrets {
  const { role, ephemeralKey, remoteEphemeralId, initiatorNonce, responderNonce, auth, ack } = input;
  const agreed = ephemeralKey.sharedSecret(remoteEphemeralId);
  const shared = hashOf(agreed, hashOf(responderNonce, initiatorNonce));
  const aes = hashOf(agreed, shared);
  const mac = hashOf(agreed, aes);
  const ofInitiator = keccak256.create().update(xor(mac, responderNonce)).update(auth);
  const ofResponder = keccak256.create().update(xor(mac, initiatorNonce)).update(ack);
  return role === "initiator"
    ? { aes, mac, egressMac: ofInitiator, ingressMac: ofResponder }
    : { aes, mac, egressMac: ofResponder, ingressMac: ofInitiator };
}

/** Remembers auth packets that were answered, so that a recorded one is refused before it costs a multiplication. */
export class ReplayGuard {
  readonly #seen = new Set<string>();
  readonly #limit: number;

  /** @param limit Auths remembered; beyond it the oldest is forgotten. */
  constructor(limit = 4_096) {
    this.#limit = limit;
  }

  /** Auths remembered now. */
  get size(): number {
    return this.#seen.size;
  }

  /**
   * @param ephemeralX x-coordinate of the packet's ephemeral key. Not the whole key: with the other y the shared secret,
   *   and so every tag, is the same.
   * @throws {WireFault} `replayed-auth` if it was remembered.
   */
  check(ephemeralX: Uint8Array): void {
    if (this.#seen.has(ephemeralX.toHex())) {
      throw new WireFault("replayed-auth", "Cannot answer the auth packet: it came before");
    }
  }

  /** Remembers a packet that could be opened: others would only crowd those out. */
  remember(ephemeralX: Uint8Array): void {
    this.#seen.add(ephemeralX.toHex());
    if (this.#seen.size <= this.#limit) return;
    for (const oldest of this.#seen) {
      this.#seen.delete(oldest);
      return;
    }
  }
}

/** What a handshake has come to. */
export interface HandshakeResult {
  /** Node id of the other side, 64 bytes. */
  readonly remoteId: Uint8Array;
  readonly form: HandshakeForm;
  /** Bytes of the input that were the other side's packet; frames follow. */
  readonly bytesRead: number;
  readonly secrets: FrameSecrets;
  /** The ack packet, to be sent in one write; of a responder only. */
  readonly packet?: Uint8Array;
}

/** Options of {@link InitiatorHandshake}. */
export interface InitiatorOptions {
  readonly key: NodeKey;
  /** Node id of the responder. */
  readonly remoteId: Uint8Array;
  readonly randomBytes: RandomBytes;
  /** @default {"eip8"} */
  readonly form?: HandshakeForm;
}

/** The side that dials: sends auth, receives ack in either form. */
export class InitiatorHandshake {
  /** The auth packet: to be sent in one write. */
  readonly packet: Uint8Array;
  readonly #remoteId: Uint8Array;
  readonly #ephemeralKey: NodeKey;
  readonly #nonce: Uint8Array;
  readonly #opener: PacketOpener;

  /** @throws {Error} If the remote id is no point of the curve. */
  constructor({ key, remoteId, randomBytes, form = "eip8" }: InitiatorOptions) {
    this.#remoteId = remoteId;
    this.#ephemeralKey = NodeKey.generate(randomBytes);
    this.#nonce = randomBytes(NONCE_BYTES);
    this.#opener = new PacketOpener(key, ACK_BYTES);
    const signature = this.#ephemeralKey.sign(xor(key.sharedSecret(remoteId), this.#nonce));
    const auth = { signature, id: key.id, nonce: this.#nonce };
    const idHash = keccak256(this.#ephemeralKey.id);
    this.packet = encodeAuth(auth, idHash, { form, to: remoteId, randomBytes });
  }

  /**
   * @param buffer What has come so far.
   * @returns undefined if more must come.
   * @throws {WireFault} `handshake` or `malformed`.
   */
  receive(buffer: Uint8Array): HandshakeResult | undefined {
    const opened = this.#opener.open(buffer);
    if (opened === undefined) return undefined;
    const { ephemeralId, nonce } = decodeAck(opened);
    const secrets = secretsOf({
      role: "initiator",
      ephemeralKey: this.#ephemeralKey,
      remoteEphemeralId: ephemeralId,
      initiatorNonce: this.#nonce,
      responderNonce: nonce,
      auth: this.packet,
      ack: opened.packet,
    });
    return { remoteId: this.#remoteId, form: opened.form, bytesRead: opened.packet.length, secrets };
  }
}

/** Options of {@link ResponderHandshake}. */
export interface ResponderOptions {
  readonly key: NodeKey;
  readonly randomBytes: RandomBytes;
  /** Shared by all connections of a listener. */
  readonly replays: ReplayGuard;
}

/** The side that is dialled: receives auth in either form, answers in kind. */
export class ResponderHandshake {
  readonly #options: ResponderOptions;
  readonly #opener: PacketOpener;
  #ephemeralX = new Uint8Array();

  constructor(options: ResponderOptions) {
    this.#options = options;
    this.#opener = new PacketOpener(options.key, AUTH_BYTES, (ephemeralX) => {
      options.replays.check(ephemeralX);
      this.#ephemeralX = ephemeralX.slice();
    });
  }

  /**
   * @param buffer What has come so far.
   * @returns undefined if more must come.
   * @throws {WireFault} `handshake`, `malformed` or `replayed-auth`.
   */
  receive(buffer: Uint8Array): Required<HandshakeResult> | undefined {
    const opened = this.#opener.open(buffer);
    if (opened === undefined) return undefined;
    const { key, randomBytes, replays } = this.#options;
    replays.remember(this.#ephemeralX);
    const auth = decodeAuth(opened);
    const remoteEphemeralId = signerOf(auth, key);
    const ephemeralKey = NodeKey.generate(randomBytes);
    const nonce = randomBytes(NONCE_BYTES);
    const { form } = opened;
    const packet = encodeAck({ ephemeralId: ephemeralKey.id, nonce }, { form, to: auth.id, randomBytes });
    const secrets = secretsOf({
      role: "responder",
      ephemeralKey,
      remoteEphemeralId,
      initiatorNonce: auth.nonce,
      responderNonce: nonce,
      auth: opened.packet,
      ack: packet,
    });
    return { remoteId: auth.id, form, bytesRead: opened.packet.length, secrets, packet };
  }
}

/** Ephemeral public key of the initiator, from its signature. */
function signerOf({ signature, id, nonce }: Auth, key: NodeKey): Uint8Array {
  return orHandshakeFault("its signature or its keys are invalid", () => {
    return recoverNodeId(xor(key.sharedSecret(id), nonce), signature);
  });
}

const secretsOf = (input: SecretInput): FrameSecrets =>
  orHandshakeFault("its ephemeral key is no point of the curve", () => deriveSecrets(input));

function orHandshakeFault<T>(why: string, compute: () => T): T {
  try {
    return compute();
  } catch (cause) {
    throw new WireFault("handshake", `Cannot answer the handshake: ${why}`, { cause });
  }
}
