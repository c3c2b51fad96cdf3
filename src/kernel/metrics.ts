/**
 * Prometheus metrics, declared beside the module that owns them and registered under that module's prefix.
 *
 * Layer: kernel. No global registry: the node owns one and hands each service a scope of it.
 *
 * @module
 */

import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Name (without prefix), help and labels of one metric. Base units, with the unit in the name. */
export interface MetricSpec<L extends string = never> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly L[];
}

/** A {@link MetricSpec} with upper bounds of its buckets, in the metric's unit. */
export interface HistogramSpec<L extends string = never> extends MetricSpec<L> {
  readonly buckets: readonly number[];
}

/** A gauge whose value is computed when it is scraped. */
export interface ComputedGaugeSpec<L extends string = never> extends MetricSpec<L> {
  readonly collect: (gauge: Gauge<L>) => void;
}

/** Latency buckets from 10 microseconds to 10 seconds, in seconds. */
export const LATENCY_BUCKETS_SECONDS: readonly number[] = [
  0.000_01,
  0.000_025,
  0.000_05,
  0.000_1,
  0.000_25,
  0.000_5,
  0.001,
  0.002_5,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
];

/** Creates metrics named `<prefix><name>` in one registry. */
export class MetricScope {
  readonly registry: Registry;
  readonly prefix: string;

  /** @param prefix Ends with `_`, such as `cairn_blocks_`. */
  constructor(registry: Registry = new Registry(), prefix = "cairn_") {
    this.registry = registry;
    this.prefix = prefix;
  }

  /** A scope below this one: `scope("blocks")` prefixes with `cairn_blocks_`. */
  scope(name: string): MetricScope {
    return new MetricScope(this.registry, `${this.prefix}${name}_`);
  }

  counter<L extends string = never>(spec: MetricSpec<L>): Counter<L> {
    return new Counter<L>(this.#base(spec));
  }

  gauge<L extends string = never>(spec: MetricSpec<L> | ComputedGaugeSpec<L>): Gauge<L> {
    if (!("collect" in spec)) return new Gauge<L>(this.#base(spec));
    return new Gauge<L>({
      ...this.#base(spec),
      collect() {
        spec.collect(this);
      },
    });
  }

  histogram<L extends string = never>(spec: HistogramSpec<L>): Histogram<L> {
    return new Histogram<L>({ ...this.#base(spec), buckets: [...spec.buckets] });
  }

  #base<L extends string>(spec: MetricSpec<L>) {
    return {
      name: `${this.prefix}${spec.name}`,
      help: spec.help,
      labelNames: [...(spec.labels ?? [])],
      registers: [this.registry],
    };
  }
}
