import assert from "node:assert/strict";
import { filesNamedIn } from "./compile.ts";

Deno.test("filesNamedIn() finds workers and assets by the path of the module that names them", () => {
  const source = [
    'new Worker(new URL("./writer_worker.ts", import.meta.url), { type: "module" });',
    'const wasm = new URL("../../wasm/hot.wasm", import.meta.url);',
    'const root = new URL("../../", import.meta.url);',
    'const page = new URL("https://example.org/x.ts");',
  ].join("\n");
  assert.deepEqual(filesNamedIn("src/store/writer.ts", source), [
    "src/store/writer_worker.ts",
    "wasm/hot.wasm",
  ]);
});
