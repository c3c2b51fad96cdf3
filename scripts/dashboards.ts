/**
 * Renders the Grafana dashboard and the Prometheus rules of `dashboards/` from their tables.
 *
 * @module
 */

import { type Alert, ALERTS } from "./alert_rules.ts";
import { CHAIN_ROWS } from "./chain_panels.ts";
import { ROWS } from "./dashboard_panels.ts";
import type { Panel, Row } from "./panel.ts";
import { ROOTSTOCK_ROWS } from "./rootstock_panels.ts";

/** The instances chosen above the dashboard. */
const INSTANCES = 'instance=~"$instance"';
/** Grafana's grid is 24 columns wide. */
const GRID_COLUMNS = 24;
const PANELS_A_LINE = 3;
const PANEL_HEIGHT = 8;
const DATASOURCE = { type: "prometheus", uid: "${datasource}" };

/** One dashboard. */
export interface Dashboard {
  /** Name of the file in `dashboards/`, and the end of Grafana's own id. */
  readonly name: string;
  readonly title: string;
  readonly rows: readonly Row[];
}

/** All of them: one for each service that a node may run. */
export const DASHBOARDS: readonly Dashboard[] = [
  { name: "node", title: "Cairn node", rows: ROWS },
  { name: "rootstock", title: "Cairn Rootstock light client", rows: ROOTSTOCK_ROWS },
  { name: "chain", title: "Cairn message chain", rows: CHAIN_ROWS },
];

/** A dashboard as Grafana imports it, ending with a newline. */
export function renderDashboard({ name, title, rows }: Dashboard): string {
  const panels: unknown[] = [];
  let y = 0;
  let id = 0;
  for (const { question, panels: shown } of rows) {
    panels.push({
      id: ++id,
      type: "row",
      title: question,
      collapsed: false,
      gridPos: { h: 1, w: GRID_COLUMNS, x: 0, y },
      panels: [],
    });
    y++;
    shown.forEach((panel, i) => {
      const w = GRID_COLUMNS / PANELS_A_LINE;
      const x = (i % PANELS_A_LINE) * w;
      const top = y + Math.floor(i / PANELS_A_LINE) * PANEL_HEIGHT;
      panels.push({ id: ++id, ...panelJson(panel), gridPos: { h: PANEL_HEIGHT, w, x, y: top } });
    });
    y += Math.ceil(shown.length / PANELS_A_LINE) * PANEL_HEIGHT;
  }
  const dashboard = {
    uid: `cairn-${name}`,
    title,
    description: "One row a question. Generated from scripts/dashboards.ts; alerts are in alerts.yml.",
    tags: ["cairn"],
    schemaVersion: 39,
    editable: true,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    timezone: "utc",
    templating: {
      list: [
        { name: "datasource", label: "Data source", type: "datasource", query: "prometheus", current: {} },
        {
          name: "instance",
          label: "Instance",
          type: "query",
          datasource: DATASOURCE,
          query: { query: "label_values(cairn_build_info, instance)", refId: "instance" },
          refresh: 2,
          sort: 1,
          includeAll: true,
          multi: true,
          current: { text: "All", value: "$__all" },
        },
      ],
    },
    panels,
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

function panelJson({ title, help, unit, stat, targets }: Panel): Record<string, unknown> {
  return {
    type: stat === undefined ? "timeseries" : "stat",
    title,
    description: help,
    datasource: DATASOURCE,
    fieldConfig: { defaults: { unit }, overrides: [] },
    options: stat === undefined
      ? { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } }
      : { reduceOptions: { calcs: ["lastNotNull"] }, textMode: stat === "name" ? "name" : "value_and_name" },
    targets: targets.map(([expr, legendFormat], i) => ({
      refId: String.fromCharCode(65 + i),
      datasource: DATASOURCE,
      expr: expr.replaceAll("{$}", `{${INSTANCES}}`),
      legendFormat,
      ...(stat === undefined ? {} : { instant: true }),
    })),
  };
}

/** The rules as Prometheus loads them, ending with a newline. */
export function renderAlerts(alerts: readonly Alert[] = ALERTS): string {
  const rules = alerts.map(({ name, expr, for: duration, severity, summary }) =>
    [
      `      - alert: ${name}`,
      // A JSON string is a YAML string.
      `        expr: ${JSON.stringify(expr)}`,
      `        for: ${duration}`,
      "        labels:",
      `          severity: ${severity}`,
      "        annotations:",
      `          summary: ${JSON.stringify(summary)}`,
      `          runbook_url: docs/runbook.md#${name.toLowerCase()}`,
    ].join("\n")
  );
  return `# Generated from scripts/alert_rules.ts by scripts/docs.ts. Do not edit.\ngroups:\n  - name: cairn\n    rules:\n${
    rules.join("\n")
  }\n`;
}
