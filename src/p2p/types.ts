/**
 * What services see of the network. No type of the transport library is among them.
 *
 * Layer: p2p.
 *
 * @module
 */

/** A peer's identity, as base58 text: `12D3Koo...`. */
export type PeerName = string;

/**
 * What a handler says of a gossip message: pass it on; let it drop; or let it drop and count it against whoever sent it.
 */
export type Verdict = "accept" | "ignore" | "reject";

/** A gossip message. Its signature was checked; it comes once, however many peers send it. */
export interface GossipMessage {
  readonly topic: string;
  readonly data: Uint8Array;
  /** The neighbour that sent it. */
  readonly from: PeerName;
  /** Who signed it. */
  readonly author: PeerName;
}

/** Handles the messages of one topic. Must be quick: while it thinks, the message is not passed on. */
export type GossipHandler = (message: GossipMessage) => Verdict | Promise<Verdict>;

/** Answers requests of one protocol. */
export interface RequestHandler {
  /** Most bytes of a request; a longer one resets its stream. */
  readonly maxRequestBytes: number;
  /** Most requests of one peer at a time; one more is reset. */
  readonly maxConcurrent: number;
  /** Time from the stream's opening to the end of the answer, in milliseconds. */
  readonly timeoutMs: number;
  /** @throws To reset the stream: the peer learns nothing but that. */
  handle(request: Uint8Array, from: PeerName, signal: AbortSignal): Uint8Array | Promise<Uint8Array>;
}

/** Options of a request. */
export interface RequestOptions {
  readonly signal: AbortSignal;
  /** Most bytes of the answer. */
  readonly maxAnswerBytes: number;
  /** Time for the whole exchange, in milliseconds. */
  readonly timeoutMs: number;
}

/** A peer came or went. */
export type PeerEvent = { readonly kind: "connected" | "disconnected"; readonly peer: PeerName };

/** A connected peer. */
export interface PeerInfo {
  readonly peer: PeerName;
  /** Multiaddr of the connection. */
  readonly address: string;
  readonly direction: "inbound" | "outbound";
  readonly score: number;
  readonly topics: readonly string[];
}
