/**
 * The bus: opens topics in hot memory, counts them, and closes them.
 *
 * Layer: kernel. Source: docs/bus.md. Services meet here and nowhere else.
 *
 * @module
 */

import type { HotMemory } from "../../hot/memory.ts";
import type { Logger } from "../log.ts";
import type { MetricScope } from "../metrics.ts";
import { registerBusMetrics } from "./metrics.ts";
import { Topic } from "./topic.ts";
import type { TopicDefinition } from "./topic_definition.ts";

/** What a bus is given. */
export interface BusDeps {
  readonly memory: HotMemory;
  /** Registers `published_total`, `subscriber_lag` and others; the node gives the scope `cairn_bus_`. */
  readonly metrics?: MetricScope;
  readonly log?: Logger;
}

/**
 * Topics by name.
 *
 * @example Publish and receive
 * ```ts
 * import { HotMemory } from "../../hot/memory.ts";
 * import { Bus } from "./bus.ts";
 * import { jsonCodec } from "./codec.ts";
 * import { defineTopic } from "./topic_definition.ts";
 *
 * const greetings = defineTopic({
 *   name: "example.greetings",
 *   slots: 8,
 *   arenaBytes: 4096,
 *   policy: "gating",
 *   codec: jsonCodec<{ text: string }>(),
 * });
 * using bus = new Bus({ memory: await HotMemory.create({ bytes: 1 << 20 }) });
 * const topic = bus.open(greetings);
 * using subscription = topic.subscribe({ name: "reader" });
 * await topic.publish({ text: "hello" });
 * topic.close();
 * const heard: string[] = [];
 * for await (const event of subscription) heard.push(event.text);
 * if (heard.join() !== "hello") throw new Error("expected one greeting");
 * ```
 */
export class Bus implements Disposable {
  readonly #memory: HotMemory;
  readonly #log: Logger | undefined;
  readonly #topics = new Map<string, Topic<unknown>>();

  constructor(deps: BusDeps) {
    this.#memory = deps.memory;
    this.#log = deps.log;
    if (deps.metrics) registerBusMetrics(deps.metrics, () => this.#topics.values());
  }

  /** The memory the topics lie in; its handle goes to Workers together with the topics' handles. */
  get memory(): HotMemory {
    return this.#memory;
  }

  /**
   * Opens a topic for the life of the bus.
   *
   * @throws {HotError} `HOT_MEMORY_EXHAUSTED` if its ring and arena do not fit.
   */
  open<E>(definition: TopicDefinition<E>): Topic<E> {
    if (this.#topics.has(definition.name)) {
      throw new TypeError(`Cannot open topic '${definition.name}': it is open`);
    }
    const topic = new Topic(this.#memory, definition, {
      onExpelled: (name, subscriber) =>
        this.#log?.error("Subscriber stood still on a full ring and was taken out", {
          topic: name,
          subscriber,
        }),
    });
    this.#topics.set(definition.name, topic as Topic<unknown>);
    return topic;
  }

  /** Closes every topic: subscribers on all threads read what is left and stop. */
  [Symbol.dispose](): void {
    for (const topic of this.#topics.values()) topic.close();
  }
}
