import assert from "node:assert/strict";
import { DiscoveryNetwork, type NetworkNode } from "./_discovery_network.ts";

/** Nodes that can be reached from the first by the tables of the others. */
function reachable(nodes: readonly NetworkNode[]): number {
  const byId = new Map(nodes.map((node) => [node.machine.id, node]));
  const seen = new Set([nodes[0]!]);
  for (const node of seen) {
    for (const { id } of node.machine.nodes()) seen.add(byId.get(id)!);
  }
  return seen.size;
}

Deno.test("DiscoveryMachine: 60 of them find each other through one boot node while every tenth packet is lost", () => {
  const network = new DiscoveryNetwork({ seed: 1, lossRate: 0.1 });
  const nodes = Array.from({ length: 60 }, (_, i) => network.add(i + 1));
  const boot = { type: "boot", endpoints: [nodes[0]!.endpoint] } as const;
  for (const node of nodes.slice(1)) network.act(node, node.machine.handle(boot, 0));
  const isComplete = () => nodes.every(({ found }) => found.size === 59);
  for (let minute = 0; minute < 15 && !isComplete(); minute++) network.run(60_000);
  assert(isComplete(), `${Math.min(...nodes.map(({ found }) => found.size))} of 59 found`);
  assert.equal(reachable(nodes), 60);
  for (const { machine } of nodes) {
    const { nodes: established, pings, lookups } = machine.snapshot();
    assert(established >= 20, `${established} established`);
    assert(pings <= 512 && lookups <= 128);
  }

  // A node that starts anew with its table needs no boot node.
  const before = nodes[7]!.machine.nodes();
  const again = network.add(8);
  network.act(again, again.machine.handle({ type: "restore", nodes: before }, network.nowMs));
  network.run(5_000);
  assert(again.found.size >= before.length * 0.6, `${again.found.size} of ${before.length} answered`);
  network.run(30_000);
  assert(again.found.size >= before.length * 0.9, `${again.found.size} of ${before.length} answered`);
});

Deno.test("DiscoveryMachine forgets nodes that have gone, and finds them when they are back elsewhere", () => {
  const network = new DiscoveryNetwork({ seed: 2, lossRate: 0 });
  const nodes = [1, 2, 3, 4, 5].map((n) => network.add(n));
  const boot = { type: "boot", endpoints: [nodes[0]!.endpoint] } as const;
  for (const node of nodes.slice(1)) network.act(node, node.machine.handle(boot, 0));
  network.run(130_000);
  for (const { machine } of nodes) assert.equal(machine.snapshot().nodes, 4);
  const gone = nodes[4]!;
  network.nodes.delete(gone.endpoint.host);
  network.run(180_000);
  for (const { machine } of nodes.slice(0, 4)) assert.equal(machine.snapshot().nodes, 3);
  const moved: NetworkNode = { ...gone, endpoint: { host: "203.0.200.1", port: 6_060 } };
  network.nodes.set(moved.endpoint.host, moved);
  network.run(180_000);
  for (const { machine } of nodes.slice(0, 4)) {
    assert.equal(machine.nodes().find(({ id }) => id === gone.machine.id)?.host, "203.0.200.1");
  }
});
