/**
 * Shapes of the dashboards' tables, and the PromQL that their panels share.
 *
 * In an expression, `{$}` stands for the chosen instances; a test holds names and labels to what a node exposes.
 *
 * @module
 */

/** One line of a panel: a PromQL expression and its legend, with `{{label}}` for a label's value. */
export type Target = readonly [expr: string, legend: string];

/** One panel. */
export interface Panel {
  readonly title: string;
  /** Shown behind the panel's information mark: how to read it. */
  readonly help: string;
  /** Unit as Grafana names it: `s`, `bytes`, `Bps`, `ops` (a second), `short`, `none`. */
  readonly unit: string;
  /** A figure and its legend, or the legend alone, instead of a graph. @default a graph */
  readonly stat?: "value" | "name";
  readonly targets: readonly Target[];
}

/** A row: a question of an operator. */
export interface Row {
  readonly question: string;
  readonly panels: readonly Panel[];
}

/** Rise a second of a counter. */
export const rate = (metric: string) => `rate(${metric}[$__rate_interval])`;
/** The same by labels. */
export const rateBy = (labels: string, metric: string) => `sum by (instance, ${labels}) (${rate(metric)})`;
/** Quantile of a histogram. */
export const quantile = (q: number, labels: string, metric: string) =>
  `histogram_quantile(${q}, sum by (${labels}, le) (${rate(`${metric}_bucket{$}`)}))`;
/** Mean of a histogram. */
export const mean = (metric: string) => `${rate(`${metric}_sum{$}`)} / ${rate(`${metric}_count{$}`)}`;
