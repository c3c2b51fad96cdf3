// The dashboard, the alerts and the runbook beside what a node really exposes.

import assert from "node:assert/strict";
import { ALERTS } from "../scripts/alert_rules.ts";
import { DASHBOARDS, renderDashboard } from "../scripts/dashboards.ts";
import { type MetricInfo, nodeMetrics } from "../scripts/metrics_reference.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** Shown only where the process may read /proc, so not among the metrics of every node. */
const OPEN_FDS: MetricInfo = { name: "cairn_process_open_fds", type: "gauge", labels: [], help: "" };
/** What Prometheus itself knows of a target, and puts on every series. */
const TARGET_LABELS = ["instance", "job"];

const METRICS = new Map(
  [...nodeMetrics().values(), [OPEN_FDS]].flat().map((metric) => [metric.name, metric]),
);

/** The metric behind a series name: a histogram is shown as three. */
function metricOf(series: string): MetricInfo | undefined {
  const own = METRICS.get(series);
  if (own !== undefined) return own.type === "histogram" ? undefined : own;
  const histogram = METRICS.get(series.replace(/_(bucket|sum|count)$/, ""));
  return histogram?.type === "histogram" ? histogram : undefined;
}

const seriesIn = (expr: string): string[] => expr.match(/\bcairn_\w+/g) ?? [];
const groupedBy = (expr: string): string[][] =>
  [...expr.matchAll(/\bby \(([^)]*)\)/g)].map(([, list]) => list!.split(",").map((label) => label.trim()));

/** What an expression and the texts around it name that no series of it has. */
function unknownIn(expr: string, shownLabels: readonly string[]): string[] {
  const series = seriesIn(expr);
  const unknown = series.filter((name) => metricOf(name) === undefined);
  const known = new Set([...TARGET_LABELS, ...series.flatMap((name) => metricOf(name)?.labels ?? [])]);
  const grouped = groupedBy(expr);
  const shown = grouped.length === 0 ? known : new Set(grouped.flat());
  const matched = [...expr.matchAll(/\{([^}]*)\}/g)]
    .flatMap(([, matchers]) => [...matchers!.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!));
  return [
    ...unknown,
    ...[...matched, ...grouped.flat()].filter((label) => label !== "le" && !known.has(label)),
    ...shownLabels.filter((label) => !shown.has(label)),
  ];
}

const ROWS = DASHBOARDS.flatMap(({ rows }) => rows);
const PANELS = ROWS.flatMap(({ panels }) => panels);
const TARGETS = PANELS.flatMap(({ targets }) => targets);
const labelsOfLegend = (legend: string) => [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!);
const labelsOfSummary = (summary: string) =>
  [...summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label!);

Deno.test("Dashboards: every metric of a node is on a panel or in an alert", () => {
  const shown = new Set(
    [...TARGETS.map(([expr]) => expr), ...ALERTS.map(({ expr }) => expr)].flatMap(seriesIn),
  );
  const missing = [...METRICS.keys()].filter((name) =>
    ![...shown].some((series) => metricOf(series)?.name === name)
  );
  assert.deepEqual(missing, [], "add them to a table of scripts/dashboards.ts");
});

Deno.test("Dashboards: no panel and no alert names a metric or a label that a node does not have", () => {
  for (const [expr, legend] of TARGETS) assert.deepEqual(unknownIn(expr, labelsOfLegend(legend)), [], expr);
  for (const { expr, summary } of ALERTS) {
    assert.deepEqual(unknownIn(expr, labelsOfSummary(summary)), [], expr);
  }
  assert.deepEqual(unknownIn("sum by (kind, le) (cairn_blocks_stage_seconds{stage='x'})", ["stage"]), [
    "cairn_blocks_stage_seconds",
    "stage",
    "kind",
    "stage",
  ]);
});

Deno.test("Dashboards: each dashboard has what Grafana needs to import it", () => {
  const uids = DASHBOARDS.map((dashboard) => JSON.parse(renderDashboard(dashboard)).uid);
  assert.equal(new Set(uids).size, uids.length);
  for (const dashboard of DASHBOARDS) assertImportable(renderDashboard(dashboard));
});

function assertImportable(json: string): void {
  const { panels, templating, schemaVersion, uid } = JSON.parse(json);
  assert.ok(schemaVersion > 0 && uid.length > 0);
  assert.deepEqual(templating.list.map(({ name }: { name: string }) => name), ["datasource", "instance"]);
  const ids = panels.map(({ id }: { id: number }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const cells = new Set<string>();
  for (const { type, title, gridPos: { x, y, w, h }, targets = [] } of panels) {
    assert.ok(title.length > 0 && x + w <= 24);
    for (let i = x; i < x + w; i++) {
      for (let j = y; j < y + h; j++) {
        assert.ok(!cells.has(`${i},${j}`), `${title} lies on another panel`);
        cells.add(`${i},${j}`);
      }
    }
    assert.equal(targets.length > 0, type !== "row");
    for (const { expr } of targets) assert.ok(expr.includes('instance=~"$instance"'), expr);
  }
}

Deno.test("Dashboards: every alert has a name of its own, a severity, and a section of the runbook with three parts", async () => {
  const names = ALERTS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { severity, for: duration } of ALERTS) {
    assert.match(severity, /^(page|ticket)$/);
    assert.match(duration, /^\d+m$/);
  }
  const runbook = await Deno.readTextFile(`${ROOT}docs/runbook.md`);
  const sections = runbook.split(/^## /m).slice(1);
  assert.deepEqual(sections.map((section) => section.split("\n", 1)[0]), names);
  for (const section of sections) {
    const parts = [...section.matchAll(/^\*\*(\w+)\*\* \S/gm)].map(([, part]) => part);
    assert.deepEqual(parts, ["Means", "Confirm", "Do"], section.slice(0, 40));
  }
  const questions = ROWS.map(({ question }) => question);
  for (const [, named] of runbook.replaceAll("\n", " ").matchAll(/\bRow "([^"]*)"/g)) {
    assert.ok(questions.includes(named!), named!);
  }
  for (const [, target] of runbook.matchAll(/\]\(#(\w+)\)/g)) {
    assert.ok(names.some((name) => name.toLowerCase() === target), target!);
  }
});

Deno.test("Dashboards: what an alert counts up from is there from the start", () => {
  // increase() sees nothing of a series that appears with its first event.
  const counted = ALERTS.flatMap((
    { expr },
  ) => [...expr.matchAll(/increase\((cairn_\w+)(?:\{(\w+)="(\w+)"\})?/g)]);
  assert.ok(counted.length >= 8);
  for (const [, name, label, value] of counted) {
    const { initial, labels } = METRICS.get(name!)!;
    const series = label === undefined
      ? labels.length === 0 || initial!.length > 0
      : initial!.includes(value!);
    assert.ok(series, `${name}{${label}="${value}"}`);
  }
});
