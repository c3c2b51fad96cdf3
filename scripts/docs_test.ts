import assert from "node:assert/strict";
import { z } from "zod";
import { renderConfigReference } from "../src/kernel/config/reference.ts";
import { renderPages, stalePages } from "./docs.ts";

Deno.test("docs/reference is what the schemas say now", async () => {
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
