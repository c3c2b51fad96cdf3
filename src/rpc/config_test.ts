import assert from "node:assert/strict";
import { rpcConfig, splitAddress } from "./config.ts";

Deno.test("rpcConfig is complete from nothing", () => {
  const config = rpcConfig.parse({});
  assert.equal(config.address, "127.0.0.1:40840");
  assert.equal(config.maxMessageBytes, 131_072_000);
  assert.equal(config.tls, undefined);
});

Deno.test("rpcConfig refuses unknown keys, bad addresses and limits out of range", () => {
  const bad = [{ adress: "x:1" }, { address: "nowhere" }, { maxMessageBytes: 1 }, { tls: { cert: "a" } }];
  for (const section of bad) {
    assert.equal(rpcConfig.safeParse(section).success, false, JSON.stringify(section));
  }
});

Deno.test("rpcConfig describes every key", () => {
  for (const [key, schema] of Object.entries(rpcConfig.shape)) assert(schema.description, key);
});

Deno.test("splitAddress() takes host names, IPv4 and IPv6 apart", () => {
  assert.deepEqual(splitAddress("127.0.0.1:40840"), { host: "127.0.0.1", port: 40_840 });
  assert.deepEqual(splitAddress("[::1]:0"), { host: "::1", port: 0 });
  assert.deepEqual(splitAddress("node.example:443"), { host: "node.example", port: 443 });
});
