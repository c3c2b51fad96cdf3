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
    .meta({
      description: "Addresses to listen on; none listens nowhere and only dials. Port 0 takes a free one.",
      restart: true,
    }),
  announce: z.array(multiaddr).max(16).default([])
    .meta({
      description:
        "Addresses told to peers instead of those listened on, where a router or a container stands between.",
      restart: true,
    }),
  identityFile: z.string().min(1).optional()
    .meta({
      description:
        "Path of the Ed25519 key that is this node's identity; made with mode 0600 if absent. Without it the identity lasts until the process ends.",
      restart: true,
    }),
  maxConnections: z.int().min(1).max(10_000).default(200)
    .meta({
      description: "Open connections. One more that comes in is closed, and no further one is dialled.",
      restart: true,
    }),
  maxPendingInbound: z.int().min(1).max(1_000).default(32)
    .meta({
      description: "Incoming connections that are still shaking hands. One more is closed.",
      restart: true,
    }),
  inboundPerSecond: z.int().min(1).max(10_000).default(16)
    .meta({ description: "New connections a second from one host. One more is closed.", restart: true }),
  dialTimeoutMs: ms(10_000, 100, 600_000)
    .meta({ description: "Time for one attempt to reach a peer, in milliseconds.", restart: true }),
  redialMinMs: ms(500, 10, 600_000)
    .meta({
      description:
        "Wait before a peer that is kept connected is dialled again, in milliseconds; doubles with each failure.",
      restart: true,
    }),
  redialMaxMs: ms(30_000, 10, 3_600_000)
    .meta({ description: "Longest such wait, in milliseconds.", restart: true }),
  idleConnectionMs: ms(60_000, 1_000, 86_400_000)
    .meta({
      description: "Time a connection may be silent, in milliseconds; pings keep a living one busy.",
      restart: true,
    }),
  maxMessageBytes: z.int().min(1_024).max(1_048_576).default(262_144)
    .meta({
      description:
        "Largest gossip message, envelope included, in bytes. A larger one counts against whoever sent it.",
      restart: true,
    }),
  heartbeatMs: ms(1_000, 100, 60_000)
    .meta({ description: "Time between two looks at meshes and scores, in milliseconds.", restart: true }),
  graylistBelow: z.number().max(-1).default(-80)
    .meta({ description: "Score below which nothing a peer gossips is looked at.", restart: true }),
  disconnectBelow: z.number().max(-1).default(-400)
    .meta({ description: "Score below which a peer is disconnected and kept away.", restart: true }),
  banMs: ms(300_000, 100, 86_400_000)
    .meta({ description: "Time such a peer is kept away, in milliseconds.", restart: true }),
});

/** A validated section. */
export type P2pConfig = z.output<typeof p2pConfig>;
