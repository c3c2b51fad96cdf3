import assert from "node:assert/strict";
import { editDistance, nearestName } from "./suggest.ts";

Deno.test("editDistance() counts insertions, deletions, substitutions and swaps", () => {
  assert.equal(editDistance("port", "port"), 0);
  assert.equal(editDistance("prot", "port"), 1);
  assert.equal(editDistance("pot", "port"), 1);
  assert.equal(editDistance("kitten", "sitting"), 3);
  assert.equal(editDistance("", "abc"), 3);
});

Deno.test("nearestName() suggests what is near and nothing that is far", () => {
  assert.equal(nearestName("stopTimeout", ["startTimeoutMs", "stopTimeoutMs"]), "stopTimeoutMs");
  assert.equal(nearestName("PORT", ["host", "port"]), "port");
  assert.equal(nearestName("zebra", ["host", "port"]), undefined);
});
