/**
 * The two packets that open an RLPx connection, auth and ack, in the EIP-8 form and in the older one.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 3.1; EIP-8.
 *
 * @module
 */

import { RlpIndex } from "../../hot/rlp.ts";
import { rlpEncode, type RlpInput } from "../../hot/rlp_encode.ts";
import { ECIES_OVERHEAD_BYTES, eciesDecrypt, eciesEncrypt } from "./ecies.ts";
import { joinBytes } from "./growing_bytes.ts";
import { leadingRlp } from "./rlp_reading.ts";
import { NODE_ID_BYTES, NodeKey, SIGNATURE_BYTES } from "./secp256k1.ts";
import { decoding, WireFault } from "./wire_fault.ts";

/** `plain` is the form before EIP-8, of fixed size. */
export type HandshakeForm = "eip8" | "plain";

/** Bytes of chance, of the number asked for. */
export type RandomBytes = (bytes: number) => Uint8Array;

/** Bytes of a nonce. */
export const NONCE_BYTES = 32;
const HASH_BYTES = 32;
const FLAG_BYTES = 1;
const IV_BYTES = 16;
/** What EIP-8 packets carry; others are tolerated. */
const HANDSHAKE_VERSION = 4;
const PREFIX_BYTES = 2;
/** rskj reads the size as a signed number of 16 bits. */
const EIP8_BYTES_MAX = 0x7fff;
const PADDING_BYTES_MIN = 100;
const PADDING_BYTES_SPAN = 200;

const PLAIN_AUTH_BYTES = SIGNATURE_BYTES + HASH_BYTES + NODE_ID_BYTES + NONCE_BYTES + FLAG_BYTES;
const PLAIN_ACK_BYTES = NODE_ID_BYTES + NONCE_BYTES + FLAG_BYTES;
/** Bytes of the packets in the plain form; in the EIP-8 form they are the least. */
export const AUTH_BYTES = PLAIN_AUTH_BYTES + ECIES_OVERHEAD_BYTES;
export const ACK_BYTES = PLAIN_ACK_BYTES + ECIES_OVERHEAD_BYTES;

/** What the initiator says. */
export interface Auth {
  /** By the ephemeral key, over the static shared secret xor the nonce; r, s, and 0 or 1. */
  readonly signature: Uint8Array;
  /** Node id of the initiator. */
  readonly id: Uint8Array;
  readonly nonce: Uint8Array;
}

/** What the responder says. */
export interface Ack {
  /** Its ephemeral public key, 64 bytes. */
  readonly ephemeralId: Uint8Array;
  readonly nonce: Uint8Array;
}

/** How a packet is sealed. */
export interface SealOptions {
  readonly form: HandshakeForm;
  /** Node id of the receiver. */
  readonly to: Uint8Array;
  readonly randomBytes: RandomBytes;
}

function seal(plain: Uint8Array, fields: RlpInput, { form, to, randomBytes }: SealOptions): Uint8Array {
  const message = { to, ephemeralKey: NodeKey.generate(randomBytes), iv: randomBytes(IV_BYTES) };
  if (form === "plain") return eciesEncrypt({ ...message, plaintext: plain });
  const [high, low] = randomBytes(2);
  const padding = PADDING_BYTES_MIN + ((high! << 8) | low!) % PADDING_BYTES_SPAN;
  const plaintext = joinBytes([rlpEncode(fields), randomBytes(padding)]);
  const bytes = plaintext.length + ECIES_OVERHEAD_BYTES;
  const macData = Uint8Array.of(bytes >>> 8, bytes);
  return joinBytes([macData, eciesEncrypt({ ...message, plaintext, macData })]);
}

/**
 * Makes an auth packet.
 *
 * @param ephemeralIdHash Keccak-256 of the ephemeral public key; in the plain form only, where nobody checks it.
 */
export function encodeAuth(auth: Auth, ephemeralIdHash: Uint8Array, options: SealOptions): Uint8Array {
  const { signature, id, nonce } = auth;
  const plain = joinBytes([signature, ephemeralIdHash, id, nonce, new Uint8Array(FLAG_BYTES)]);
  return seal(plain, [signature, id, nonce, HANDSHAKE_VERSION], options);
}

/** Makes an ack packet. */
export function encodeAck({ ephemeralId, nonce }: Ack, options: SealOptions): Uint8Array {
  const plain = joinBytes([ephemeralId, nonce, new Uint8Array(FLAG_BYTES)]);
  return seal(plain, [ephemeralId, nonce, HANDSHAKE_VERSION], options);
}

function bytesOf(what: string, bytes: Uint8Array, expected: number): Uint8Array {
  if (bytes.length === expected) return bytes;
  throw new WireFault("handshake", `Cannot decode the handshake: ${what} has ${bytes.length} bytes`);
}

/** Reads what an auth packet held. Elements after the third are not looked at. */
export function decodeAuth({ form, plaintext }: OpenedPacket): Auth {
  if (form === "plain") {
    const idAt = SIGNATURE_BYTES + HASH_BYTES;
    return {
      signature: plaintext.slice(0, SIGNATURE_BYTES),
      id: plaintext.slice(idAt, idAt + NODE_ID_BYTES),
      nonce: plaintext.slice(idAt + NODE_ID_BYTES, idAt + NODE_ID_BYTES + NONCE_BYTES),
    };
  }
  return decoding("the auth packet", () => {
    const fields = RlpIndex.of(leadingRlp(plaintext));
    return {
      signature: bytesOf("the signature", fields.bytes(0), SIGNATURE_BYTES),
      id: bytesOf("the node id", fields.bytes(1), NODE_ID_BYTES),
      nonce: bytesOf("the nonce", fields.bytes(2), NONCE_BYTES),
    };
  });
}

/** Reads what an ack packet held. */
export function decodeAck({ form, plaintext }: OpenedPacket): Ack {
  if (form === "plain") {
    return {
      ephemeralId: plaintext.slice(0, NODE_ID_BYTES),
      nonce: plaintext.slice(NODE_ID_BYTES, NODE_ID_BYTES + NONCE_BYTES),
    };
  }
  return decoding("the ack packet", () => {
    const fields = RlpIndex.of(leadingRlp(plaintext));
    return {
      ephemeralId: bytesOf("the ephemeral key", fields.bytes(0), NODE_ID_BYTES),
      nonce: bytesOf("the nonce", fields.bytes(1), NONCE_BYTES),
    };
  });
}

/** A packet that was meant for us. */
export interface OpenedPacket {
  readonly form: HandshakeForm;
  /** The packet as it came, size prefix included: the frame MACs begin with it. */
  readonly packet: Uint8Array;
  readonly plaintext: Uint8Array;
}

/**
 * Finds and opens the first packet of a stream. Which form it has shows only when one of them can be decrypted: the
 * first byte of a plain packet is 04, and so is that of an EIP-8 packet of 1,024 bytes and more.
 */
export class PacketOpener {
  readonly #key: NodeKey;
  readonly #plainBytes: number;
  readonly #inspect: (ephemeralX: Uint8Array) => void;
  #isPlainPossible = true;

  /**
   * @param plainBytes {@link AUTH_BYTES} or {@link ACK_BYTES}.
   * @param inspect Sees the x-coordinate of the packet's ephemeral key before anything is computed with it.
   */
  constructor(key: NodeKey, plainBytes: number, inspect: (ephemeralX: Uint8Array) => void = () => {}) {
    this.#key = key;
    this.#plainBytes = plainBytes;
    this.#inspect = inspect;
  }

  /**
   * @param buffer What has come so far, from the first byte on.
   * @returns undefined if more must come.
   * @throws {WireFault} `handshake` if no packet begins there that this key can open; what `inspect` throws.
   */
  open(buffer: Uint8Array): OpenedPacket | undefined {
    if (buffer.length < PREFIX_BYTES) return undefined;
    if (this.#isPlainPossible && buffer[0] === 0x04) {
      if (buffer.length < this.#plainBytes) return undefined;
      const plain = this.#tryPlain(buffer.slice(0, this.#plainBytes));
      if (plain !== undefined) return plain;
      this.#isPlainPossible = false;
    }
    const bytes = (buffer[0]! << 8) | buffer[1]!;
    if (bytes > EIP8_BYTES_MAX || bytes < this.#plainBytes) {
      throw new WireFault("handshake", `Cannot open the handshake packet: a size of ${bytes} bytes`);
    }
    if (buffer.length < PREFIX_BYTES + bytes) return undefined;
    const packet = buffer.slice(0, PREFIX_BYTES + bytes);
    const message = packet.subarray(PREFIX_BYTES);
    this.#inspect(message.subarray(1, 1 + HASH_BYTES));
    const plaintext = eciesDecrypt(message, this.#key, packet.subarray(0, PREFIX_BYTES));
    return { form: "eip8", packet, plaintext };
  }

  #tryPlain(packet: Uint8Array): OpenedPacket | undefined {
    this.#inspect(packet.subarray(1, 1 + HASH_BYTES));
    try {
      return { form: "plain", packet, plaintext: eciesDecrypt(packet, this.#key) };
    } catch (error) {
      if (error instanceof WireFault) return undefined;
      throw error;
    }
  }
}
