import assert from "node:assert/strict";
import { checkRuntime, PINNED_DENO_VERSION } from "./runtime.ts";

Deno.test("checkRuntime() refuses the releases whose HTTP/2 aborts, whatever their label", () => {
  for (const version of ["2.9.4", "2.9.5", "2.9.6", "2.9.6-rc.1", "2.9.5+abc"]) {
    const error = checkRuntime(version);
    assert.equal(error?.code, "RUNTIME_UNSUPPORTED");
    assert.equal(error.mapping.exit, 2);
    assert.match(error.hint ?? "", /npx --yes deno@2\.9\.3/);
  }
});

Deno.test("checkRuntime() accepts the pinned release and those nothing is known against", () => {
  for (const version of [PINNED_DENO_VERSION, "2.9.2", "2.8.3", "2.9.7", "2.9.40", "3.0.0"]) {
    assert.equal(checkRuntime(version), undefined);
  }
});
