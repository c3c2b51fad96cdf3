/**
 * The kernel's own configuration sections.
 *
 * Layer: kernel. Services declare theirs in their own rooms; `src/node.ts` puts all of them together.
 *
 * @module
 */

import { z } from "zod";

const LOG_LEVEL = z.enum(["trace", "debug", "info", "warn", "error"]);

/** Schemas of `node`, `log`, `admin` and `telemetry`. */
export const KERNEL_SECTIONS = {
  node: z.object({
    profile: z.string().min(1).default("default")
      .meta({ description: "Set of services to run (`--profile`)", restart: true }),
    dataDir: z.string().min(1).default("data")
      .meta({
        description: "Data directory; created if absent, locked while the node runs (`--data`)",
        restart: true,
      }),
    startTimeoutMs: z.int().min(100).max(3_600_000).default(60_000)
      .meta({ description: "Time one service may take to start, in milliseconds", restart: true }),
    stopTimeoutMs: z.int().min(100).max(3_600_000).default(30_000)
      .meta({
        description: "Time all services together may take to stop, in milliseconds; then the process exits 1",
        restart: true,
      }),
    watchConfig: z.boolean().default(true)
      .meta({
        description: "Reload when a configuration file changes; SIGHUP reloads in any case",
        restart: true,
      }),
  }),
  log: z.object({
    level: LOG_LEVEL.default("info").describe("Least severe level that is written"),
    levels: z.record(z.string().min(1), LOG_LEVEL).default({})
      .describe('Level by module; a module speaks for those below it: `levels = { "blocks" = "debug" }`'),
    format: z.enum(["auto", "json", "pretty"]).default("auto")
      .meta({ description: "`auto` is pretty on a terminal and JSON lines elsewhere", restart: true }),
  }),
  admin: z.object({
    host: z.string().min(1).default("127.0.0.1")
      .meta({
        description: "Address of the admin listener; it has no authentication, keep it private",
        restart: true,
      }),
    port: z.int().min(0).max(65_535).default(9_600)
      .meta({ description: "Port of the admin listener; 0 takes a free one", restart: true }),
    readinessTimeoutMs: z.int().min(10).max(60_000).default(1_000)
      .meta({
        description:
          "Time a service may take to say whether it is ready, in milliseconds; then it counts as not ready",
        restart: true,
      }),
  }),
  telemetry: z.object({
    spans: z.boolean().default(true)
      .meta({
        description:
          "Record spans when the process was started with `OTEL_DENO=true`; without that nothing is recorded",
        restart: true,
      }),
    eventLoopSampleMs: z.int().min(10).max(60_000).default(500)
      .meta({ description: "Interval at which event-loop lag is measured, in milliseconds", restart: true }),
  }),
} as const;
