/**
 * Configuration of the libp2p shell.
 *
 * Layer: p2p. The reference page of the configuration is generated from these descriptions.
 *
 * @module
 */

import { z } from "zod";

const multiaddr = z.string().min(1).max(512).startsWith(
  "/",
  "expected a multiaddr such as /ip4/127.0.0.1/tcp/4001",
);
const ms = (fallback: number, low: number, high: number) => z.int().min(low).max(high).default(fallback);

/** Schema of a section `p2p`. Every key has a default, so `{}` is a complete configuration. */
export const p2pConfig = z.strictObject({
  listen: z.array(multiaddr).max(16).default(["/ip4/127.0.0.1/tcp/4001"])
    .describe("Addresses to listen on; none listens nowhere and only dials. Port 0 takes a free one."),
  announce: z.array(multiaddr).max(16).default([])
    .describe(
      "Addresses told to peers instead of those listened on, where a router or a container stands between.",
    ),
  identityFile: z.string().min(1).optional()
    .describe(
      "Path of the Ed25519 key that is this node's identity; made with mode 0600 if absent. Without it the identity lasts until the process ends.",
    ),
  maxConnections: z.int().min(1).max(10_000).default(200)
    .describe("Open connections. One more that comes in is closed, and no further one is dialled."),
  maxPendingInbound: z.int().min(1).max(1_000).default(32)
    .describe("Incoming connections that are still shaking hands. One more is closed."),
  inboundPerSecond: z.int().min(1).max(10_000).default(16)
    .describe("New connections a second from one host. One more is closed."),
  dialTimeoutMs: ms(10_000, 100, 600_000)
    .describe("Time for one attempt to reach a peer, in milliseconds."),
  redialMinMs: ms(500, 10, 600_000)
    .describe(
      "Wait before a peer that is kept connected is dialled again, in milliseconds; doubles with each failure.",
    ),
  redialMaxMs: ms(30_000, 10, 3_600_000)
    .describe("Longest such wait, in milliseconds."),
  idleConnectionMs: ms(60_000, 1_000, 86_400_000)
    .describe("Time a connection may be silent, in milliseconds; pings keep a living one busy."),
  maxMessageBytes: z.int().min(1_024).max(1_048_576).default(262_144)
    .describe(
      "Largest gossip message, envelope included, in bytes. A larger one counts against whoever sent it.",
    ),
  heartbeatMs: ms(1_000, 100, 60_000)
    .describe("Time between two looks at meshes and scores, in milliseconds."),
  graylistBelow: z.number().max(-1).default(-80)
    .describe("Score below which nothing a peer gossips is looked at."),
  disconnectBelow: z.number().max(-1).default(-400)
    .describe("Score below which a peer is disconnected and kept away."),
  banMs: ms(300_000, 100, 86_400_000)
    .describe("Time such a peer is kept away, in milliseconds."),
});

/** A validated section. */
export type P2pConfig = z.output<typeof p2pConfig>;
