/**
 * What a session with a peer is given, and what it says.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md sections 3 to 6.
 *
 * @module
 */

import type { EthStatus } from "./eth_status.ts";
import type { HandshakeForm, RandomBytes } from "./handshake_packets.ts";
import type { DisconnectReason, Hello } from "./p2p_messages.ts";
import type { RskMessage, RskStatus } from "./rsk_message.ts";
import type { ReplayGuard } from "./rlpx_handshake.ts";
import type { NodeKey } from "./secp256k1.ts";
import type { WireFaultCode } from "./wire_fault.ts";

/** Bounds and times of a session. */
export interface SessionConfig {
  /** Largest message, whether in one frame or in chunks; below 2^23. @default {8,388,607} */
  readonly maxMessageBytes: number;
  /** From the first byte to the peer's Status. @default {10,000} */
  readonly handshakeTimeoutMs: number;
  /** Silence after which the peer counts as gone; rskj's own is the default. @default {300,000} */
  readonly idleTimeoutMs: number;
  /** Time between our pings: rskj drops us after 300 s of silence. @default {30,000} */
  readonly pingIntervalMs: number;
}

/** Defaults of {@link SessionConfig}. */
export const DEFAULT_SESSION_CONFIG: SessionConfig = {
  maxMessageBytes: 0x7f_ffff,
  handshakeTimeoutMs: 10_000,
  idleTimeoutMs: 300_000,
  pingIntervalMs: 30_000,
};

/**
 * What rskj nodes without full history say of their chain (section 6): the genesis block. To claim more difficulty than
 * a peer has is to become its source of blocks.
 */
export function genesisStatus(genesisHash: Uint8Array, totalDifficulty: bigint): Required<RskStatus> {
  return { bestNumber: 0, bestHash: genesisHash, parentHash: new Uint8Array(32), totalDifficulty };
}

/** What both roles need. */
interface CommonOptions {
  readonly key: NodeKey;
  readonly randomBytes: RandomBytes;
  /** What our Hello says of the program. */
  readonly clientId: string;
  /** What our Hello says of the port. */
  readonly listenPort: number;
  /** Of Status: 775, 8100 or 7771. */
  readonly networkId: number;
  readonly genesisHash: Uint8Array;
  /** What we say of our chain; of a client that serves none, {@link genesisStatus}. */
  readonly status: Required<RskStatus>;
  /**
   * Says version 5 instead of 4 in Hello, and compresses with peers that say 5 too, unless they are rskj, which says 5
   * and never compresses. @default {false}
   */
  readonly snappy?: boolean;
  readonly config?: Partial<SessionConfig>;
}

/** Options of a session. */
export type RskSessionOptions =
  & CommonOptions
  & (
    | {
      readonly role: "initiator";
      /** Node id of the peer, 64 bytes. */
      readonly remoteId: Uint8Array;
      /** @default {"eip8"} */
      readonly form?: HandshakeForm;
    }
    | { readonly role: "responder"; readonly replays: ReplayGuard }
  );

/** What a session says; `fault` and `disconnect` are its last word. */
export type SessionEvent =
  /** Keys are exchanged: this is who the peer is. */
  | { readonly type: "handshaken"; readonly remoteId: Uint8Array; readonly form: HandshakeForm }
  | { readonly type: "hello"; readonly hello: Hello; readonly isCompressed: boolean }
  /** The peer is on our network: messages may be sent. */
  | { readonly type: "eth-status"; readonly status: EthStatus }
  /** The peer's chain; comes again as it grows. */
  | { readonly type: "status"; readonly status: RskStatus }
  /** Any other message than Status. */
  | { readonly type: "message"; readonly message: Exclude<RskMessage, { type: "status" }> }
  /** Our ping came back. */
  | { readonly type: "pong"; readonly roundTripMs: number }
  /** The peer ended the connection. */
  | { readonly type: "disconnect"; readonly reason: DisconnectReason }
  /** We ended it. */
  | { readonly type: "fault"; readonly code: WireFaultCode; readonly message: string };

/** Where a session stands. */
export type SessionState = "handshake" | "hello" | "status" | "open" | "closed";
