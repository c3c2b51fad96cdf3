/**
 * The bus as a service: shared memory and topics for whoever needs them.
 *
 * Layer: services.
 *
 * @module
 */

import { HotMemory } from "../../hot/memory.ts";
import { Bus, defineTopic, jsonCodec, type Topic, type TopicDefinition } from "../../kernel/bus/mod.ts";
import { CairnError } from "../../kernel/errors.ts";
import type { Context, Readiness, Service } from "../../kernel/service.ts";

/** Announces an accepted change of the configuration. */
export interface ConfigUpdatedEvent {
  readonly hash: string;
  /** Keys whose values changed. */
  readonly keys: readonly string[];
}

/** Changes of the configuration; nobody holds the node up. */
export const CONFIG_UPDATED_TOPIC: TopicDefinition<ConfigUpdatedEvent> = defineTopic({
  name: "config.updated",
  slots: 16,
  arenaBytes: 65_536,
  policy: "lossy",
  codec: jsonCodec<ConfigUpdatedEvent>(),
});

/** Options of {@link BusService}. */
export interface BusServiceOptions {
  /** Shared memory for all topics, in bytes; resident only as far as it is used. */
  readonly memoryBytes: number;
}

/** Owns the {@link Bus}. */
export class BusService implements Service {
  readonly name = "bus";
  readonly needs: readonly string[] = [];
  readonly #options: BusServiceOptions;
  #bus: Bus | undefined;
  #configUpdated: Topic<ConfigUpdatedEvent> | undefined;

  constructor(options: BusServiceOptions) {
    this.#options = options;
  }

  /** @throws {CairnError} `NOT_READY` before the start and after the stop. */
  get bus(): Bus {
    if (this.#bus === undefined) throw new CairnError("NOT_READY", "Cannot use the bus: it is not open");
    return this.#bus;
  }

  /** Where changes of the configuration are announced. @throws {CairnError} `NOT_READY` as {@link BusService.bus} */
  get configUpdated(): Topic<ConfigUpdatedEvent> {
    if (this.#configUpdated === undefined) {
      throw new CairnError("NOT_READY", "Cannot use the bus: it is not open");
    }
    return this.#configUpdated;
  }

  async start({ log, metrics }: Context): Promise<void> {
    const memory = await HotMemory.create({ bytes: this.#options.memoryBytes });
    this.#bus = new Bus({ memory, metrics, log });
    this.#configUpdated = this.#bus.open(CONFIG_UPDATED_TOPIC);
  }

  /** Announces a change of the configuration to every subscriber of `config.updated`. */
  announce(event: ConfigUpdatedEvent): void {
    this.#configUpdated?.tryPublish(event);
  }

  readiness(): Readiness {
    return this.#bus === undefined ? { ready: false, reason: "the bus is not open" } : { ready: true };
  }

  status(): Readonly<Record<string, unknown>> {
    const memory = this.#bus?.memory;
    return { memoryBytes: memory?.bytes, freeBytes: memory?.freeBytes };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#bus?.[Symbol.dispose]();
    this.#bus = undefined;
    this.#configUpdated = undefined;
    return Promise.resolve();
  }
}
