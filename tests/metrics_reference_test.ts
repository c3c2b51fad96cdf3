/**
 * Holds the metrics reference to what a running node shows.
 *
 * @module
 */

import assert from "node:assert/strict";
import { nodeMetrics } from "../scripts/metrics_reference.ts";
import { startNode, tempDirectory } from "./support/node_process.ts";

/** Settings with which a node of a profile opens no port that another test may have. */
const PROFILES = {
  default: {},
  rootstock: {
    "rootstock.network": "regtest",
    "rootstock.discovery.enabled": false,
    "rootstock.p2p.listen": false,
    "rootstock.rpc.port": 0,
  },
  "chain-leader": { "chain.rpc.port": 0, "chain.p2p.listen": "[]" },
} as const;

for (const [profile, settings] of Object.entries(PROFILES)) {
  Deno.test(`docs/reference/metrics.md has every metric of a running node of profile ${profile}, and no other`, async () => {
    await using directory = await tempDirectory();
    await using node = await startNode({ dataDir: directory.path, profile, settings });
    const text = await (await fetch(`${node.admin}/metrics`)).text();
    const shown = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    const listed = [...nodeMetrics(profile).values()].flat().map(({ name, type }) => `${name} ${type}`);
    assert.deepEqual(shown.sort(), listed.sort());
    assert.equal(await node.stop(), 0);
  });
}
