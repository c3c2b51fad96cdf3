/**
 * Keys of a JSON-RPC listener, for the section of the service that has one.
 *
 * Layer: http. The reference page is generated from these descriptions.
 *
 * @module
 */

import { z } from "zod";

/** Schema of a JSON-RPC listener that is on `port` by default. */
export function jsonRpcConfig(port: number) {
  return z.strictObject({
    host: z.string().min(1).default("127.0.0.1")
      .meta({
        description:
          "Address to listen on; there are no passwords, so keep it private or put a proxy before it",
        restart: true,
      }),
    port: z.int().min(0).max(65_535).default(port)
      .meta({ description: "Port to listen on; 0 takes a free one", restart: true }),
    allowedHosts: z.array(z.string().min(1)).default([])
      .meta({
        description:
          "Names beside `localhost` and `host` that a Host header may have; `*` allows all. IP addresses " +
          "always pass. Others get status 403: this keeps web pages out that rebind their name (DNS rebinding)",
        restart: true,
      }),
    allowedOrigins: z.array(z.string().min(1)).default([])
      .meta({
        description:
          "Origins of web pages that may call, such as `https://wallet.example` (CORS); `*` allows all. None by " +
          "default: requests with another Origin get status 403",
        restart: true,
      }),
    bodyBytes: z.int().min(1_024).max(67_108_864).default(1_048_576)
      .meta({ description: "Largest request body, in bytes; a larger one gets status 413", restart: true }),
    responseBytes: z.int().min(1_024).max(268_435_456).default(10_485_760)
      .meta({
        description: "Largest answer, in bytes; what does not fit gets error -32011",
        restart: true,
      }),
    batchCalls: z.int().min(1).max(10_000).default(50)
      .meta({ description: "Most calls of one batch; a larger one gets error -32600", restart: true }),
    timeoutMs: z.int().min(10).max(600_000).default(5_000)
      .meta({
        description: "Time for the body to arrive and for its calls to be answered, in milliseconds",
        restart: true,
      }),
    requestsInFlight: z.int().min(1).max(65_536).default(256)
      .meta({ description: "Requests answered at a time; one more gets status 503", restart: true }),
    callsPerSecond: z.int().min(0).max(1_000_000).default(2_000)
      .meta({
        description: "Calls a second of one address (IPv6: of one /64); more get status 429. 0 no limit",
        restart: true,
      }),
    callsBurst: z.int().min(1).max(1_000_000).default(4_000)
      .meta({ description: "Calls that an address may make at once after a pause", restart: true }),
    rateAddresses: z.int().min(1).max(1_000_000).default(4_096)
      .meta({
        description: "Addresses whose rate is remembered; the one silent for longest is forgotten",
        restart: true,
      }),
  });
}

/** A validated JSON-RPC listener. */
export type JsonRpcConfig = z.output<ReturnType<typeof jsonRpcConfig>>;
