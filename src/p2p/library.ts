/**
 * Puts the library together: transport, encryption, multiplexing, services, limits.
 *
 * Layer: p2p. Every use of the library beyond its public types is in this file; tests hold each.
 *
 * @module
 */

import { clearTimeout } from "node:timers";
import { type GossipSub, gossipsub } from "@libp2p/gossipsub";
import { identify } from "@libp2p/identify";
import type { MultiaddrConnection, PeerId, PrivateKey } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p, type Libp2p } from "libp2p";
import { hostOf } from "./addresses.ts";
import type { P2pConfig } from "./config.ts";
import { keepNativeKeys } from "./key_cache.ts";
import { closeLockChannel, SILENT_LOGGER } from "./quiet.ts";
import { scoreOptions } from "./scoring.ts";
import type { PeerName } from "./types.ts";

/** A frame may answer for several lost messages at once. */
const MESSAGES_PER_FRAME = 4;
/** Most bytes on their way to one peer; beyond it gossip for that peer is dropped. */
const MAX_OUTBOUND_BYTES = 16 * 1_048_576;
/** Topics that one peer may announce to us cost it this much memory at most. */
const MAX_TOPIC_BYTES_PER_PEER = 65_536;
/** A peer that offered a message has this long to send it; under load three seconds, the default, are too few. */
const PROMISE_MS = 10_000;
/** The library's queues say that they are empty a millisecond after they are. */
const QUEUE_TIMER_MS = 5;

type Services = { readonly pubsub: GossipSub; readonly identify: unknown; readonly ping: unknown };

/** The library's node. */
export type Library = Libp2p<Services>;

/** What is used of gossip beyond its public type. */
export interface GossipInternals {
  readonly status: { readonly heartbeatTimeout?: Parameters<typeof clearTimeout>[0] };
  readonly score: { readonly params: { readonly topics: Record<string, unknown> } };
  getScore(peer: PeerName): number;
  stop(): Promise<void>;
}

/** What is used of the node beyond its public type. */
interface NodeInternals {
  readonly components: {
    readonly addressManager: { readonly _updatePeerStoreAddresses: { stop(): void } };
  };
}

/** What the library asks its node. */
export interface LibraryDeps {
  readonly agent: string;
  readonly isBanned: (peer: PeerId) => boolean;
  readonly penalty: (peer: PeerName) => number;
  /** Whether a socket from a host is let in; then `closed` follows when it is closed. */
  readonly admits: (host: string) => boolean;
  readonly closed: () => void;
}

/** Gossip of a node, with its insides. */
export function gossipOf(library: Library): GossipInternals {
  return library.services.pubsub as unknown as GossipInternals;
}

/** Ends the one delayed update that a stopped node leaves behind, and waits for the timers of its queues. */
export async function silence(library: Library): Promise<void> {
  (library as unknown as NodeInternals).components.addressManager._updatePeerStoreAddresses.stop();
  await new Promise((resolve) => setTimeout(resolve, QUEUE_TIMER_MS));
}

/** Makes a node that is not started yet. */
export async function createLibrary(
  config: P2pConfig,
  privateKey: PrivateKey,
  { agent, isBanned, penalty, admits, closed }: LibraryDeps,
): Promise<Library> {
  closeLockChannel();
  keepNativeKeys(privateKey);
  const frameBytes = config.maxMessageBytes * MESSAGES_PER_FRAME;
  const library = await createLibp2p<Services>({
    start: false,
    privateKey,
    logger: SILENT_LOGGER,
    nodeInfo: { name: "cairn", version: agent, userAgent: agent },
    addresses: { listen: [...config.listen], announce: [...config.announce] },
    transports: [tcp({
      inboundSocketInactivityTimeout: config.idleConnectionMs,
      outboundSocketInactivityTimeout: config.idleConnectionMs,
    })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: {
      maxConnections: config.maxConnections,
      // Whatever the gater below let in.
      allow: ["/ip4/0.0.0.0/ipcidr/0", "/ip6/::/ipcidr/0"],
      dialTimeout: config.dialTimeoutMs,
      addressDialTimeout: config.dialTimeoutMs,
      reconnectRetries: 0,
    },
    // A ping that is not answered in the time a connection may be silent; with less, a busy event loop would end
    // connections that live. One ping at a time: more are refused.
    connectionMonitor: {
      pingInterval: config.idleConnectionMs,
      pingTimeout: { minTimeout: config.idleConnectionMs },
    },
    connectionGater: {
      // Whom to dial is a matter of configuration: private addresses are as good as any.
      denyDialMultiaddr: () => false,
      denyInboundConnection: (socket: MultiaddrConnection) => {
        const isRefused = !admits(hostOf(socket.remoteAddr));
        if (!isRefused) socket.addEventListener("close", () => closed(), { once: true });
        return isRefused;
      },
      denyInboundEncryptedConnection: (peer: PeerId) => isBanned(peer),
      denyOutboundEncryptedConnection: (peer: PeerId) => isBanned(peer),
    },
    services: {
      identify: identify(),
      ping: ping(),
      pubsub: gossipsub({
        globalSignaturePolicy: "StrictSign",
        allowPublishToZeroTopicPeers: true,
        heartbeatInterval: config.heartbeatMs,
        maxInboundDataLength: frameBytes,
        maxOutboundBufferSize: MAX_OUTBOUND_BYTES,
        maxTopicBytesPerPeer: MAX_TOPIC_BYTES_PER_PEER,
        gossipsubIWantFollowupMs: PROMISE_MS,
        ...scoreOptions(config.graylistBelow, penalty),
      }),
    },
  });
  const gossip = gossipOf(library);
  const stop = gossip.stop.bind(gossip);
  // The library forgets its next heartbeat when it stops, and it would hold the process open until then.
  gossip.stop = () => {
    clearTimeout(gossip.status.heartbeatTimeout);
    return stop();
  };
  return library;
}
