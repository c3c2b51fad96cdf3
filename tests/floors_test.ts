/**
 * Holds the floors of the house over the real module graph, and shows that the check can fail.
 *
 * @module
 */

import assert from "node:assert/strict";
import { floorViolations, readGraph, roomOf } from "../scripts/floors.ts";
import { listFiles } from "../scripts/process.ts";

Deno.test("floorViolations() finds nothing in the module graph of src and mod.ts", async () => {
  const tempDir = await Deno.makeTempDir();
  try {
    const edges = await readGraph(tempDir);
    assert(
      edges.some(({ from, to }) => from === "mod.ts" && to === "src/kernel/errors.ts"),
      `the graph was not read: ${edges.length} imports`,
    );
    assert.deepEqual(floorViolations(edges), []);
  } finally {
    await Deno.remove(tempDir, { recursive: true });
  }
});

Deno.test("roomOf() knows a room for every source file", async () => {
  const files = ["mod.ts", ...await listFiles("src")].filter((path) => path.endsWith(".ts"));
  assert.deepEqual(files.filter((path) => roomOf(path) === undefined), []);
});

Deno.test("floorViolations() names an import from a higher floor", () => {
  assert.deepEqual(floorViolations([{ from: "src/kernel/bus/topic.ts", to: "src/store/engine.ts" }]), [
    "src/kernel/bus/topic.ts (floor 2, src/kernel) imports src/store/engine.ts (floor 3, src/store)",
  ]);
});

Deno.test("floorViolations() names imports between rooms of one floor", () => {
  const found = floorViolations([
    { from: "src/services/blocks/service.ts", to: "src/services/kv/service.ts" },
    { from: "src/protocols/hiero/chain.ts", to: "src/kernel/errors.ts" },
    { from: "src/rpc/server.ts", to: "src/store/engine.ts" },
    { from: "src/protocols/hiero/chain.ts", to: "src/protocols/kimura/block.ts" },
  ]);
  assert.equal(found.length, 4, found.join("\n"));
});

Deno.test("floorViolations() names generated code used below floor 3", () => {
  assert.equal(floorViolations([{ from: "src/protocols/hiero/x.ts", to: "proto/gen/a_pb.ts" }]).length, 1);
  assert.deepEqual(floorViolations([{ from: "src/rpc/x.ts", to: "proto/gen/a_pb.ts" }]), []);
});

Deno.test("floorViolations() names a file that is in no room", () => {
  assert.deepEqual(floorViolations([{ from: "src/util/x.ts", to: "src/kernel/errors.ts" }]), [
    "src/util/x.ts is in no room of the house",
  ]);
  assert.equal(floorViolations([{ from: "src/services/blocks/x.ts", to: "bench/load.ts" }]).length, 1);
});

Deno.test("floorViolations() allows imports from floors below, within a room, on the top floor and in tests", () => {
  assert.deepEqual(
    floorViolations([
      { from: "src/services/blocks/service.ts", to: "src/store/engine.ts" },
      { from: "src/services/blocks/service.ts", to: "wasm/layout.ts" },
      { from: "src/kernel/bus/topic.ts", to: "src/kernel/errors.ts" },
      { from: "src/main.ts", to: "src/cli/program.ts" },
      { from: "src/node.ts", to: "src/services/blocks/service.ts" },
      { from: "src/hot/ring_test.ts", to: "src/node.ts" },
    ]),
    [],
  );
});
