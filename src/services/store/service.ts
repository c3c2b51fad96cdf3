/**
 * The store as a service: opened before whoever needs it, closed after them.
 *
 * Layer: services.
 *
 * @module
 */

import { CairnError, toCairnError } from "../../kernel/errors.ts";
import type { Context, Readiness, Service } from "../../kernel/service.ts";
import type { StoreConfig } from "../../store/config.ts";
import type { Engine } from "../../store/engine.ts";
import type { FamilySpec } from "../../store/family.ts";
import { openStore } from "../../store/store.ts";

/** What the store is opened with. */
export interface StoreServiceDeps {
  readonly directory: string;
  /** Families of every enabled service. */
  readonly families: readonly FamilySpec[];
}

/** Owns the {@link Engine}. */
export class StoreService implements Service {
  readonly name = "store";
  readonly needs: readonly string[] = [];
  readonly #config: StoreConfig;
  readonly #deps: StoreServiceDeps;
  #engine: Engine | undefined;

  constructor(config: StoreConfig, deps: StoreServiceDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  /** @throws {CairnError} `NOT_READY` before the start and after the stop. */
  get engine(): Engine {
    if (this.#engine === undefined) throw new CairnError("NOT_READY", "Cannot use the store: it is not open");
    return this.#engine;
  }

  async start({ log, metrics }: Context): Promise<void> {
    this.#engine = await openStore(this.#config, { ...this.#deps, log, metrics });
  }

  /** Really reads: a store that only exists is not ready. */
  async readiness(): Promise<Readiness> {
    try {
      await this.engine.probe();
      return { ready: true };
    } catch (thrown) {
      return { ready: false, reason: toCairnError(thrown).message };
    }
  }

  status(): Readonly<Record<string, unknown>> {
    const { directory, families } = this.#deps;
    return { engine: this.#config.engine, directory, families: families.map(({ name }) => name) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    await engine?.[Symbol.asyncDispose]();
  }
}
