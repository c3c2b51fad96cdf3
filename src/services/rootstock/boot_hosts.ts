/**
 * Addresses of the boot nodes: names are resolved, again and again until they are.
 *
 * Layer: services/rootstock. Boot entries are `host:port` (spec/rootstock-network.md section 1.1).
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/log.ts";
import type { Endpoint } from "../../protocols/rootstock/discovery_events.ts";
import { endpointKey, parseIpAddress } from "../../protocols/rootstock/ip_address.ts";

/** Time to the second attempt; doubled by each further one. */
const RETRY_MS = 5_000;
const MAX_RETRY_MS = 300_000;
/** Names that were found are asked for again, as what is behind them changes. */
const RENEW_MS = 3_600_000;
/** Addresses of one name that are used. */
const MAX_ADDRESSES = 8;

/** What {@link followBootHosts} needs. */
export interface BootHostsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Addresses of all names resolved so far; called when they change. */
  readonly onEndpoints: (endpoints: readonly Endpoint[]) => void;
  /** Addresses of a name. @default {node:dns's lookup} */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
}

async function resolveName(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

/** Resolves until the signal aborts; returns then. */
export async function followBootHosts(
  hosts: readonly Endpoint[],
  { clock, log, random, onEndpoints, resolve = resolveName }: BootHostsDeps,
  signal: AbortSignal,
): Promise<void> {
  const found = new Map<Endpoint, readonly Endpoint[]>();
  const announce = () => {
    const unique = new Map([...found.values()].flat().map((one) => [endpointKey(one.host, one.port), one]));
    onEndpoints([...unique.values()]);
  };
  const take = (entry: Endpoint, addresses: readonly string[]): boolean => {
    const endpoints = addresses.map((text) => parseIpAddress(text)?.text).filter((text) => text !== undefined)
      .slice(0, MAX_ADDRESSES).map((host) => ({ host, port: entry.port }));
    const isNews = JSON.stringify(found.get(entry) ?? []) !== JSON.stringify(endpoints);
    found.set(entry, endpoints);
    return isNews;
  };
  let unresolved = 0;
  const follow = async (entry: Endpoint) => {
    let retryMs = RETRY_MS;
    let isFirst = true;
    while (!signal.aborted) {
      let waitMs = RENEW_MS;
      try {
        const addresses = await resolve(entry.host);
        if (signal.aborted) return;
        if (take(entry, addresses)) announce();
        retryMs = RETRY_MS;
      } catch (error) {
        waitMs = retryMs;
        retryMs = Math.min(MAX_RETRY_MS, 2 * retryMs);
        // One line for all of them: a machine without a name server is meant, not a boot node that has moved.
        if (isFirst && ++unresolved === hosts.length) {
          log.warn("No boot node can be resolved, and will be tried again", {
            hosts: hosts.length,
            error: String(error),
            hint: "is there a name server? Known and static peers are dialled all the same",
          });
        }
        isFirst = false;
        log.debug("Boot host not resolved", { host: entry.host, retryMs: waitMs, error: String(error) });
      }
      await clock.sleep(waitMs * (0.75 + 0.5 * random()), signal);
    }
  };
  const names = hosts.filter((entry) => {
    if (parseIpAddress(entry.host) === undefined) return true;
    take(entry, [entry.host]);
    return false;
  });
  if (found.size > 0) announce();
  await Promise.all(names.map(follow));
}
