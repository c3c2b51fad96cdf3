/**
 * Configuration of the gRPC shell.
 *
 * Layer: rpc. The reference page of the configuration is generated from these descriptions.
 *
 * @module
 */

import { z } from "zod";

const MIB = 1_048_576;

/** Upper bound of the message limit: the Java block node's own (1.5 GiB). */
const MAX_MESSAGE_BYTES_CEILING = 1_536 * MIB;

const timeoutMs = (fallback: number) => z.int().min(10).max(86_400_000).default(fallback);

/** Schema of the gRPC section. Every key has a default, so `{}` is a complete configuration. */
export const rpcConfig = z.strictObject({
  address: z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/, "expected HOST:PORT")
    .default("127.0.0.1:40840")
    .describe("Address to listen on, HOST:PORT (an IPv6 host in brackets). Port 0 takes a free one."),
  maxMessageBytes: z.int().min(MIB).max(MAX_MESSAGE_BYTES_CEILING).default(131_072_000)
    .describe(
      "Largest message in either direction, in bytes. A larger one ends its call with RESOURCE_EXHAUSTED.",
    ),
  maxConnections: z.int().min(1).max(65_535).default(1_000)
    .describe(
      "Open connections, TLS handshakes included. One more gets GOAWAY (ENHANCE_YOUR_CALM) and is closed.",
    ),
  maxStreamsPerConnection: z.int().min(1).max(65_535).default(100)
    .describe(
      "Concurrent calls on one connection, announced in SETTINGS; a well-behaved peer queues further calls.",
    ),
  maxStreams: z.int().min(1).max(1_000_000).default(4_000)
    .describe("Concurrent calls over all connections. One more ends with RESOURCE_EXHAUSTED."),
  requestTimeoutMs: timeoutMs(30_000)
    .describe(
      "Time for a unary call whose peer set no deadline, and for the request of any call but a bidirectional one to arrive, in milliseconds. Then DEADLINE_EXCEEDED.",
    ),
  handshakeTimeoutMs: timeoutMs(10_000)
    .describe("Time for TLS and the HTTP/2 preface, in milliseconds. A slower connection is closed."),
  keepaliveIntervalMs: timeoutMs(60_000)
    .describe("Time between HTTP/2 pings to a peer, in milliseconds."),
  keepaliveTimeoutMs: timeoutMs(20_000)
    .describe("Time for the answer to a ping, in milliseconds. Then the connection is closed."),
  idleConnectionMs: timeoutMs(1_800_000)
    .describe("Time a connection may stay open without a call, in milliseconds. Then it gets GOAWAY."),
  reflection: z.boolean().default(true)
    .describe(
      "Whether to answer the reflection service, which tells tools such as grpcurl what the node offers.",
    ),
  tls: z.strictObject({
    cert: z.string().min(1).describe("Path of the server's certificate chain, PEM."),
    key: z.string().min(1).describe("Path of the server's private key, PEM."),
    clientCa: z.string().min(1).optional()
      .describe(
        "Path of the authorities that sign client certificates, PEM. When set, clients must present one.",
      ),
  }).optional().describe("TLS. Without it the port speaks cleartext HTTP/2."),
});

/** A validated gRPC section. */
export type RpcConfig = z.output<typeof rpcConfig>;

/** Splits `HOST:PORT`; brackets of an IPv6 host are removed. */
export function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  return { host, port: Number(address.slice(colon + 1)) };
}
