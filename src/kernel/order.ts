/**
 * The order in which services start: what a service needs comes first, otherwise as listed.
 *
 * Layer: kernel. Pure.
 *
 * @module
 */

import { CairnError } from "./errors.ts";
import { nearestName } from "./suggest.ts";

/** The part of a service that decides its place. */
export interface Needy {
  readonly name: string;
  readonly needs: readonly string[];
}

/**
 * Sorts services so that each comes after everything it needs; the listed order breaks ties.
 *
 * @throws {CairnError} `SERVICE_START_FAILED` for a name listed twice, a need that is not listed, or a cycle.
 */
export function orderByNeed<T extends Needy>(services: readonly T[]): readonly T[] {
  const byName = new Map<string, T>();
  for (const service of services) {
    if (byName.has(service.name)) throw refusal(`two services are named '${service.name}'`);
    byName.set(service.name, service);
  }
  const ordered = new Set<T>();
  const visit = (service: T, trail: readonly string[]) => {
    if (ordered.has(service)) return;
    if (trail.includes(service.name)) {
      const cycle = [...trail.slice(trail.indexOf(service.name)), service.name];
      throw refusal(`they need each other in a cycle: ${cycle.join(" -> ")}`);
    }
    for (const need of service.needs) {
      const needed = byName.get(need);
      if (!needed) throw missing(service.name, need, byName.keys());
      visit(needed, [...trail, service.name]);
    }
    ordered.add(service);
  };
  for (const service of services) visit(service, []);
  return [...ordered];
}

function missing(name: string, need: string, known: Iterable<string>): CairnError {
  const near = nearestName(need, known);
  const hint = near === undefined ? "run a profile that has it" : `did it mean '${near}'?`;
  return refusal(`'${name}' needs '${need}', which is not part of the profile`, hint);
}

function refusal(reason: string, hint?: string): CairnError {
  return new CairnError(
    "SERVICE_START_FAILED",
    `Cannot order services: ${reason}`,
    hint === undefined ? {} : { hint },
  );
}
