/**
 * The base messages of devp2p: Hello, Disconnect, Ping, Pong, GetPeers, Peers.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md sections 3.5, 3.6.
 *
 * @module
 */

import { RlpIndex } from "../../hot/rlp.ts";
import { rlpEncode } from "../../hot/rlp_encode.ts";
import { expectFields, integerOf, itemOf } from "./rlp_reading.ts";
import { NODE_ID_BYTES } from "./secp256k1.ts";
import { decoding, WireFault } from "./wire_fault.ts";

/** Codes of the base messages; 6 to 15 do not exist. */
export const P2P_CODE = { HELLO: 0, DISCONNECT: 1, PING: 2, PONG: 3, GET_PEERS: 4, PEERS: 5 } as const;
/** Base codes end below this; the sub-protocol's begin. */
export const SUBPROTOCOL_CODE = 0x10;

/** Longest Hello that is read. */
const HELLO_BYTES_MAX = 4_096;
const CLIENT_ID_CHARACTERS_MAX = 256;
const CAPABILITIES_MAX = 64;
const CAPABILITY_NAME_BYTES_MAX = 32;
/** More elements than a Hello has: those behind the fifth are ignored. */
const HELLO_FIELDS_MAX = 32;
const PEERS_MAX = 1_024;
const PEERS_BYTES_MAX = 262_144;

/** A sub-protocol that a peer speaks. */
export interface Capability {
  readonly name: string;
  readonly version: number;
}

/** The first message of either side. */
export interface Hello {
  readonly p2pVersion: number;
  /** Name and version of the program; of rskj `Ethereum(J)/v9.1.0/Linux/Dev/Java/MainNet`. */
  readonly clientId: string;
  readonly capabilities: readonly Capability[];
  readonly listenPort: number;
  /** 64 bytes; who the peer is says the handshake, not this. */
  readonly nodeId: Uint8Array;
}

/** Reasons of Disconnect by their codes. */
export const DISCONNECT_CODE = {
  "requested": 0x00,
  "tcp-error": 0x01,
  "bad-protocol": 0x02,
  "useless-peer": 0x03,
  "too-many-peers": 0x04,
  "duplicate-peer": 0x05,
  "incompatible-protocol": 0x06,
  /** What rskj says to a peer of another network. */
  "null-identity": 0x07,
  "peer-quitting": 0x08,
  "unexpected-identity": 0x09,
  "local-identity": 0x0a,
  "ping-timeout": 0x0b,
  "user-reason": 0x10,
  "unexpected-genesis": 0x11,
  "unknown": 0xff,
} as const;

/** Why a connection ends; codes that are not listed are `unknown`. */
export type DisconnectReason = keyof typeof DISCONNECT_CODE;

const REASONS = new Map<number, DisconnectReason>(
  Object.entries(DISCONNECT_CODE).map(([reason, code]) => [code, reason as DisconnectReason]),
);

/** Payload of Ping and Pong. */
export const EMPTY_LIST: Uint8Array = Uint8Array.of(0xc0);

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesOf = (value: string) => new TextEncoder().encode(value);

/** Payload of Hello. */
export function encodeHello({ p2pVersion, clientId, capabilities, listenPort, nodeId }: Hello): Uint8Array {
  const list = capabilities.map(({ name, version }) => [bytesOf(name), version]);
  return rlpEncode([p2pVersion, bytesOf(clientId), list, listenPort, nodeId]);
}

/** @throws {WireFault} `malformed`, or `oversize`. */
export function decodeHello(payload: Uint8Array): Hello {
  const what = "Hello";
  if (payload.length > HELLO_BYTES_MAX) {
    throw new WireFault("oversize", `Cannot decode Hello: ${payload.length} bytes`);
  }
  return decoding(what, () => {
    const fields = RlpIndex.of(payload, HELLO_FIELDS_MAX);
    expectFields(fields, 5, HELLO_FIELDS_MAX, what);
    const capabilities = fields.nested(2, CAPABILITIES_MAX);
    const nodeId = itemOf(fields, 4, what).slice();
    if (nodeId.length !== NODE_ID_BYTES) {
      throw new WireFault("malformed", `Cannot decode Hello: a node id of ${nodeId.length} bytes`);
    }
    return {
      p2pVersion: integerOf(fields, 0),
      clientId: text(itemOf(fields, 1, what)).slice(0, CLIENT_ID_CHARACTERS_MAX),
      capabilities: Array.from({ length: capabilities.count }, (_, i) => {
        const capability = capabilities.nested(i, 2);
        expectFields(capability, 2, 2, what);
        const name = itemOf(capability, 0, what).subarray(0, CAPABILITY_NAME_BYTES_MAX);
        return { name: text(name), version: integerOf(capability, 1) };
      }),
      listenPort: integerOf(fields, 3),
      nodeId,
    };
  });
}

/** Payload of Disconnect; reason 00 is `c180`, as rskj writes it. */
export function encodeDisconnect(reason: DisconnectReason): Uint8Array {
  return rlpEncode([DISCONNECT_CODE[reason]]);
}

/**
 * Reason of a Disconnect: in a list, or the bare integer of some implementations.
 *
 * @throws {WireFault} `malformed`.
 */
export function decodeDisconnect(payload: Uint8Array): DisconnectReason {
  return decoding("Disconnect", () => {
    const isBare = payload.length > 0 && payload[0]! < 0xc0;
    const fields = RlpIndex.of(isBare ? asList(payload) : payload, HELLO_FIELDS_MAX);
    return fields.count === 0 ? "requested" : REASONS.get(integerOf(fields, 0)) ?? "unknown";
  });
}

/** A list of the one item that the bytes are. */
function asList(item: Uint8Array): Uint8Array {
  const list = new Uint8Array(1 + item.length);
  // A longer item gives a prefix that does not fit it, and is refused as malformed.
  list[0] = 0xc0 + Math.min(item.length, 55);
  list.set(item, 1);
  return list;
}

/** Where a peer says another one is. */
export interface PeerEntry {
  /** Four bytes, or sixteen. */
  readonly address: Uint8Array;
  readonly port: number;
  readonly nodeId: Uint8Array;
}

/** Payload of Peers. */
export function encodePeers(peers: readonly PeerEntry[]): Uint8Array {
  return rlpEncode([
    P2P_CODE.PEERS,
    ...peers.map(({ address, port, nodeId }) => [address, port, nodeId, []]),
  ]);
}

/** @throws {WireFault} `malformed`, or `oversize`. */
export function decodePeers(payload: Uint8Array): PeerEntry[] {
  const what = "Peers";
  if (payload.length > PEERS_BYTES_MAX) {
    throw new WireFault("oversize", `Cannot decode Peers: ${payload.length} bytes`);
  }
  return decoding(what, () => {
    const fields = RlpIndex.of(payload, PEERS_MAX + 1);
    expectFields(fields, 1, PEERS_MAX + 1, what);
    return Array.from({ length: fields.count - 1 }, (_, i) => {
      const peer = fields.nested(i + 1, 8);
      expectFields(peer, 3, 8, what);
      return {
        address: itemOf(peer, 0, what).slice(),
        port: integerOf(peer, 1),
        nodeId: itemOf(peer, 2, what).slice(),
      };
    });
  });
}
