/**
 * The one place that knows every service: sections of the configuration, profiles, construction, wiring.
 *
 * Layer: composition root.
 *
 * @module
 */

import { AdminService } from "./http/admin.ts";
import { BlocksService } from "./services/blocks/service.ts";
import { blocksConfig } from "./services/blocks/config.ts";
import { ChainService } from "./services/chain/service.ts";
import { chainConfig } from "./services/chain/config.ts";
import { RootstockService } from "./services/rootstock/service.ts";
import { rootstockConfig } from "./services/rootstock/config.ts";
import { BusService } from "./services/bus/service.ts";
import { StoreService } from "./services/store/service.ts";
import { storeConfig } from "./store/config.ts";
import { configError } from "./kernel/config/problem.ts";
import type { LoadedConfig } from "./kernel/config/load.ts";
import { KERNEL_SECTIONS } from "./kernel/config/sections.ts";
import type { ConfigUpdated } from "./kernel/config/watch.ts";
import type { Health } from "./kernel/health.ts";
import type { MetricScope } from "./kernel/metrics.ts";
import type { Service } from "./kernel/service.ts";
import { nearestName } from "./kernel/suggest.ts";
import type { BuildInfo } from "./kernel/version.ts";
import type { FamilySpec } from "./store/family.ts";
import type { Tracer } from "./kernel/telemetry.ts";

/** Shared memory for the bus's own topics, in bytes. */
const BUS_MEMORY_BYTES = 1_048_576;

/** Schemas of all sections. */
export const CONFIG_SECTIONS = {
  ...KERNEL_SECTIONS,
  store: storeConfig,
  blocks: blocksConfig,
  rootstock: rootstockConfig,
  chain: chainConfig,
} as const;

/** Configuration of the whole node. */
export type NodeConfig = LoadedConfig<typeof CONFIG_SECTIONS>;

/** Services by profile; the admin listener belongs to every profile. */
export const PROFILES: Readonly<Record<string, readonly string[]>> = {
  default: ["blocks"],
  rootstock: ["rootstock"],
  "chain-leader": ["chain"],
  "chain-peer": ["chain"],
};

/** What the services are built from. */
export interface BuildDeps {
  readonly metrics: MetricScope;
  readonly health: Health;
  readonly tracer: Tracer;
  readonly build: BuildInfo;
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
export function buildNode(config: NodeConfig, { health, metrics, build, tracer }: BuildDeps): BuiltNode {
  const { values } = config;
  const names = profileServices(config);
  if (names.includes("blocks")) requireDiskForArchives(config);
  const families: FamilySpec[] = [];
  let memoryBytes = BUS_MEMORY_BYTES;
  if (names.includes("blocks")) {
    families.push(...BlocksService.families);
    memoryBytes += BlocksService.memoryBytes(values.blocks);
  }
  if (names.includes("rootstock")) families.push(...RootstockService.families);
  if (names.includes("chain")) families.push(...ChainService.families);
  const store = new StoreService(values.store, { directory: values.node.dataDir, families });
  const bus = new BusService({ memoryBytes });
  const services: Service[] = [new AdminService(values.admin, { health, metrics }), store, bus];
  if (names.includes("blocks")) {
    services.push(
      new BlocksService(values.blocks, {
        engine: () => store.engine,
        bus: () => bus.bus,
        historicDirectory: values.store.engine === "memory" ? undefined : `${values.node.dataDir}/historic`,
        nodeVersion: parseVersion(build.version),
        tracer,
      }),
    );
  }
  if (names.includes("rootstock")) {
    services.push(
      new RootstockService(values.rootstock, {
        engine: () => store.engine,
        keyDirectory: values.store.engine === "memory" ? undefined : values.node.dataDir,
        build,
      }),
    );
  }
  if (names.includes("chain")) {
    services.push(
      new ChainService(values.chain, {
        engine: () => store.engine,
        keyDirectory: values.store.engine === "memory" ? undefined : values.node.dataDir,
        role: values.node.profile === "chain-leader" ? "leader" : "peer",
        build,
      }),
    );
  }
  return {
    services,
    onConfigUpdated: ({ config: { hash }, changed }) => bus.announce({ hash, keys: changed }),
  };
}

/** @throws {CairnError} `CONFIG_INVALID` for archives of blocks that are gone when the process ends. */
function requireDiskForArchives({ values, entries }: NodeConfig): void {
  if (values.store.engine !== "memory" || !values.blocks.historic.enabled) return;
  throw configError([{
    key: "blocks.historic.enabled",
    origin: entries.find((entry) => entry.key === "blocks.historic.enabled")!.origin,
    expected: 'false, because store.engine is "memory"',
    found: "boolean true",
  }]);
}

/** Splits `1.2.3-pre`. */
function parseVersion(version: string): { major: number; minor: number; patch: number; pre: string } {
  const [numbers = "", pre = ""] = version.split("-", 2);
  const [major = 0, minor = 0, patch = 0] = numbers.split(".").map(Number);
  return { major, minor, patch, pre };
}
