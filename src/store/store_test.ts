import assert from "node:assert/strict";
import { storeConfig } from "./config.ts";
import { key, put } from "./engine_contract.ts";
import { openStore } from "./store.ts";

const FAMILIES = [{ name: "test.alpha" }];

Deno.test("storeConfig has a default and a description for every key", () => {
  const defaults = storeConfig.parse({});
  assert.equal(defaults.engine, "rocksdb");
  for (const [name, schema] of Object.entries(storeConfig.shape)) {
    assert.ok(name in defaults);
    assert.ok(schema.description && schema.description.length > 20, name);
  }
});

Deno.test("storeConfig refuses unknown keys and values out of range", () => {
  for (
    const bad of [{ engines: "memory" }, { engine: "sqlite" }, { cacheBytes: 2 ** 32 }, { groupBytes: 0 }]
  ) {
    assert.equal(storeConfig.safeParse(bad).success, false, JSON.stringify(bad));
  }
});

Deno.test("openStore() with the memory engine does not touch the directory", async () => {
  const parent = await Deno.makeTempDir();
  const directory = `${parent}/data`;
  {
    await using store = await openStore(storeConfig.parse({ engine: "memory" }), {
      directory,
      families: FAMILIES,
    });
    await store.write([put("test.alpha", key(1), key(2))]);
    assert.deepEqual(await store.family("test.alpha").get(key(1)), key(2));
  }
  assert.deepEqual(await Array.fromAsync(Deno.readDir(parent)), []);
  await Deno.remove(parent);
});

Deno.test("openStore() with the rocksdb engine fills the directory", async () => {
  const directory = await Deno.makeTempDir();
  {
    await using store = await openStore(storeConfig.parse({}), { directory, families: FAMILIES });
    await store.write([put("test.alpha", key(1), key(2))]);
  }
  const names = (await Array.fromAsync(Deno.readDir(directory))).map((entry) => entry.name).sort();
  assert.deepEqual(names, ["FORMAT", "LOCK", "db"]);
  await Deno.remove(directory, { recursive: true });
});
