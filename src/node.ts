/**
 * The one place that knows every service: sections of the configuration, profiles, construction, wiring.
 *
 * Layer: composition root.
 *
 * @module
 */

import { AdminService } from "./http/admin.ts";
import { configError } from "./kernel/config/problem.ts";
import type { LoadedConfig } from "./kernel/config/load.ts";
import { KERNEL_SECTIONS } from "./kernel/config/sections.ts";
import type { ConfigUpdated } from "./kernel/config/watch.ts";
import type { Health } from "./kernel/health.ts";
import type { Logger } from "./kernel/log.ts";
import type { MetricScope } from "./kernel/metrics.ts";
import type { Service } from "./kernel/service.ts";
import { nearestName } from "./kernel/suggest.ts";
import type { Tracer } from "./kernel/telemetry.ts";

/** Schemas of all sections. */
export const CONFIG_SECTIONS = { ...KERNEL_SECTIONS } as const;

/** Configuration of the whole node. */
export type NodeConfig = LoadedConfig<typeof CONFIG_SECTIONS>;

/** Services by profile; the admin listener belongs to every profile. */
export const PROFILES: Readonly<Record<string, readonly string[]>> = {
  default: [],
};

/** What the services are built from. */
export interface BuildDeps {
  readonly log: Logger;
  readonly metrics: MetricScope;
  readonly health: Health;
  readonly tracer: Tracer;
}

/** Services that are built but not started. */
export interface BuiltNode {
  readonly services: readonly Service[];
  /** Hears of every accepted change of the configuration. */
  readonly onConfigUpdated?: (event: ConfigUpdated<typeof CONFIG_SECTIONS>) => void;
}

/**
 * Names of the services of the configured profile.
 *
 * @throws {CairnError} `CONFIG_INVALID` for a profile that does not exist.
 */
export function profileServices(config: NodeConfig): readonly string[] {
  const { profile } = config.values.node;
  if (Object.hasOwn(PROFILES, profile)) return PROFILES[profile]!;
  const names = Object.keys(PROFILES);
  const suggestion = nearestName(profile, names);
  throw configError([{
    key: "node.profile",
    origin: config.entries.find((entry) => entry.key === "node.profile")!.origin,
    expected: names.map((name) => JSON.stringify(name)).join(" or "),
    found: `string ${JSON.stringify(profile)}`,
    ...(suggestion === undefined ? {} : { suggestion }),
  }]);
}

/** Builds the services of the profile. Nothing is opened before the node starts them. */
export function buildNode(config: NodeConfig, { health, metrics }: BuildDeps): BuiltNode {
  profileServices(config);
  return { services: [new AdminService(config.values.admin, { health, metrics })] };
}
