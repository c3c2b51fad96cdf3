import assert from "node:assert/strict";
import { z } from "zod";
import { renderConfigReference } from "../src/kernel/config/reference.ts";
import { renderPages, stalePages } from "./docs.ts";
import { nodeMetrics, renderMetricsReference } from "./metrics_reference.ts";

Deno.test("docs/reference is what schemas and metrics say now", async () => {
  assert.deepEqual(await stalePages(renderPages()), [], "run `deno run -RW=docs scripts/docs.ts`");
});

Deno.test("stalePages() finds a page that differs or is not there", async () => {
  const pages = new Map([["docs/reference/config.md", "other"], ["docs/reference/absent.md", ""]]);
  assert.deepEqual(await stalePages(pages), [...pages.keys()]);
});

Deno.test("renderConfigReference() has a row with type, default, environment name and marks for every key", () => {
  const page = renderConfigReference({
    tls: z.object({
      mode: z.enum(["on", "off"]).default("on").meta({ description: "Mode", restart: true }),
      key: z.string().optional().meta({ description: "Key", secret: true }),
    }).describe("Certificates."),
  });
  assert.match(page, /^## tls\n\nCertificates\.\n/m);
  assert.match(
    page,
    /^\| `tls\.mode`<br>`CAIRN__TLS__MODE` \| "on" \\\| "off" \| `"on"` \| yes \| Mode \|$/m,
  );
  assert.match(
    page,
    /^\| `tls\.key` \*\(secret\)\*<br>`CAIRN__TLS__KEY` \| string \| none \| no \| Key \|$/m,
  );
});

Deno.test("renderMetricsReference() has a row with type, labels and help for every metric", () => {
  const page = renderMetricsReference(
    new Map([["Room", [{
      name: "cairn_a_total",
      type: "counter",
      labels: ["x", "y"],
      help: "Either | or",
    }]]]),
  );
  assert.match(page, /^## Room\n/m);
  assert.match(page, /^\| `cairn_a_total` \| counter \| `x`, `y` \| Either \\\| or \|$/m);
});

Deno.test("nodeMetrics() names metrics with prefix, unit and help", () => {
  const all = [...nodeMetrics().values()].flat();
  assert(all.length > 40, `${all.length} metrics`);
  for (const { name, type, help } of all) {
    assert.match(name, /^cairn_[a-z][a-z0-9_]*$/);
    assert(help.length > 3, name);
    assert(!help.endsWith("."), name);
    assert.equal(name.endsWith("_total"), type === "counter", name);
    if (type === "histogram") assert.match(name, /_(seconds|bytes|batches)$/);
  }
});
