// deno-lint-ignore-file no-console -- a script speaks to whoever ran it
/**
 * Writes the generated pages under `docs/reference/` and `dashboards/`; with `--check` only says whether they are current.
 *
 * @module
 */

import { CONFIG_SECTIONS } from "../src/node.ts";
import { renderConfigReference } from "../src/kernel/config/reference.ts";
import { DASHBOARDS, renderAlerts, renderDashboard } from "./dashboards.ts";
import { nodeMetrics, renderMetricsReference } from "./metrics_reference.ts";

/** Generated pages by path from the root of the repository. */
export function renderPages(): ReadonlyMap<string, string> {
  return new Map([
    ["docs/reference/config.md", renderConfigReference(CONFIG_SECTIONS)],
    ["docs/reference/metrics.md", renderMetricsReference(nodeMetrics())],
    ...DASHBOARDS.map((dashboard) =>
      [`dashboards/${dashboard.name}.json`, renderDashboard(dashboard)] as const
    ),
    ["dashboards/alerts.yml", renderAlerts()],
  ]);
}

/** Paths of the pages whose text in the repository is not what would be written now. */
export async function stalePages(pages: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const stale: string[] = [];
  for (const [path, text] of pages) {
    const current = await Deno.readTextFile(pageUrl(path)).catch(() => undefined);
    if (current !== text) stale.push(path);
  }
  return stale;
}

function pageUrl(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}

if (import.meta.main) {
  const pages = renderPages();
  const stale = await stalePages(pages);
  if (Deno.args.includes("--check")) {
    for (const path of stale) console.error(`${path} is stale; run scripts/docs.ts`);
    Deno.exitCode = stale.length === 0 ? 0 : 1;
  } else {
    for (const path of stale) {
      await Deno.writeTextFile(pageUrl(path), pages.get(path)!);
      console.error(`Wrote ${path}`);
    }
  }
}
