import assert from "node:assert/strict";
import { staleFiles } from "../scripts/proto.ts";

Deno.test("proto/gen is what `deno task proto` generates", async () => {
  assert.deepEqual(await staleFiles(), []);
});
