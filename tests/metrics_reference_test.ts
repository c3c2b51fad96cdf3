/**
 * Holds the metrics reference to what a running node shows.
 *
 * @module
 */

import assert from "node:assert/strict";
import { nodeMetrics } from "../scripts/metrics_reference.ts";
import { startNode, tempDirectory } from "./support/node_process.ts";

Deno.test("docs/reference/metrics.md has every metric of a running node, and no other", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: directory.path });
  const text = await (await fetch(`${node.admin}/metrics`)).text();
  const shown = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  const listed = [...nodeMetrics().values()].flat().map(({ name, type }) => `${name} ${type}`);
  assert.deepEqual(shown.sort(), listed.sort());
  assert.equal(await node.stop(), 0);
});
