import assert from "node:assert/strict";
import { z } from "zod";
import { envName, formatKey, listKeys, schemaTree } from "./schema.ts";

Deno.test("listKeys() reads type, default, description and marks through wrappers", () => {
  const keys = listKeys(schemaTree({
    a: z.object({
      port: z.int().min(0).max(65_535).default(80).meta({ description: "Port", restart: true }),
      inner: z.string().describe("Inside").default("x"),
      mode: z.enum(["on", "off"]).optional(),
      either: z.union([z.literal("auto"), z.number()]).default("auto"),
      tls: z.object({ key: z.string().optional() }).prefault({}).meta({ secret: true }),
      peers: z.record(z.string(), z.int()).default({}),
    }),
  }));
  const facts = keys.map(({ key, kind, type, defaultValue, description, restart, secret }) => [
    key,
    kind,
    type,
    defaultValue,
    description,
    restart,
    secret,
  ]);
  assert.deepEqual(facts, [
    ["a.port", "number", "integer, 0 to 65535", 80, "Port", true, false],
    ["a.inner", "string", "string", "x", "Inside", false, false],
    ["a.mode", "string", '"on" | "off"', undefined, "", false, false],
    ["a.either", "other", '"auto" | number', "auto", "", false, false],
    ["a.tls.key", "string", "string", undefined, "", false, true],
    ["a.peers", "other", "table of integer", {}, "", false, false],
  ]);
});

Deno.test("envName() turns a key path into upper snake case", () => {
  assert.equal(envName(["node", "stopTimeoutMs"]), "CAIRN__NODE__STOP_TIMEOUT_MS");
  assert.equal(envName(["rpc", "tls", "keyFile"]), "CAIRN__RPC__TLS__KEY_FILE");
});

Deno.test("formatKey() quotes what TOML would quote", () => {
  assert.equal(formatKey(["log", "levels", "blocks.ingest"]), 'log.levels."blocks.ingest"');
  assert.equal(formatKey(["node", "tags", 1]), "node.tags[1]");
});
