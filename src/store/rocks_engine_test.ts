import assert from "node:assert/strict";
import { MetricScope } from "../kernel/metrics.ts";
import type { Engine } from "./engine.ts";
import {
  bytes,
  code,
  collect,
  CONTRACT_FAMILIES,
  engineContract,
  key,
  number,
  put,
} from "./engine_contract.ts";
import type { FamilySpec } from "./family.ts";
import { openRocksEngine } from "./rocks_engine.ts";

/** An engine in a directory that goes when the engine is disposed. */
async function openTemporary(): Promise<Engine> {
  const directory = await Deno.makeTempDir();
  const engine = await openRocksEngine({ directory, families: CONTRACT_FAMILIES });
  const dispose = engine[Symbol.asyncDispose].bind(engine);
  engine[Symbol.asyncDispose] = async () => {
    await dispose();
    await Deno.remove(directory, { recursive: true }).catch(() => {});
  };
  return engine;
}

async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const mayListFiles = await Array.fromAsync(Deno.readDir("/proc/self/fd")).then(() => true, () => false);

engineContract("RocksEngine", openTemporary);

Deno.test("RocksEngine keeps everything over a restart", async () => {
  await withDirectory(async (directory) => {
    const large = new Uint8Array(2_000_000).fill(7);
    {
      await using engine = await openRocksEngine({ directory, families: CONTRACT_FAMILIES });
      await engine.write([put("test.alpha", key(1), bytes("one")), put("test.beta", key(1), large)]);
      await engine.write([put("test.alpha", key(2), bytes("two"))], { sync: false });
    }
    await using engine = await openRocksEngine({ directory, families: CONTRACT_FAMILIES });
    assert.deepEqual(await collect(engine.family("test.alpha")), [[key(1), bytes("one")], [
      key(2),
      bytes("two"),
    ]]);
    assert.deepEqual(await engine.family("test.beta").get(key(1)), large);
    await engine.probe();
  });
});

Deno.test("openRocksEngine() opens and keeps families that are not declared any more", async () => {
  await withDirectory(async (directory) => {
    const run = async (families: readonly FamilySpec[], body: (engine: Engine) => Promise<void>) => {
      await using engine = await openRocksEngine({ directory, families });
      await body(engine);
    };
    await run([{ name: "one.a" }, { name: "two.a" }, { name: "two.b", values: "large" }], async (engine) => {
      await engine.write([
        put("one.a", key(1), key(1)),
        put("two.a", key(2), key(2)),
        put("two.b", key(3), key(3)),
      ]);
    });
    await run([{ name: "one.a" }, { name: "three.a" }], async (engine) => {
      assert.throws(() => engine.family("two.a"), code("STORE_FAMILY_UNKNOWN"));
      assert.deepEqual(await engine.family("one.a").get(key(1)), key(1));
      await engine.write([put("three.a", key(1), key(1))]);
    });
    await run([], (engine) => engine.probe());
    await run([{ name: "two.b" }, { name: "two.a", values: "large" }], async (engine) => {
      assert.deepEqual(await engine.family("two.a").get(key(2)), key(2));
      assert.deepEqual(await engine.family("two.b").get(key(3)), key(3));
    });
  });
});

Deno.test("openRocksEngine() refuses malformed and doubled family names before it touches the disk", async () => {
  await withDirectory(async (directory) => {
    for (const names of [["default"], ["a, b.c"], ["A.b"], ["a.b", "a.b"]]) {
      const families = names.map((name) => ({ name }));
      await assert.rejects(openRocksEngine({ directory, families }), RangeError);
    }
    assert.deepEqual(await Array.fromAsync(Deno.readDir(directory)), []);
  });
});

Deno.test("openRocksEngine() says STORE_READ_FAILED for a damaged database and lets go of the directory", async () => {
  await withDirectory(async (directory) => {
    await (await openRocksEngine({ directory, families: CONTRACT_FAMILIES }))[Symbol.asyncDispose]();
    await Deno.writeTextFile(`${directory}/db/CURRENT`, "MANIFEST-999999\n");
    for (let i = 0; i < 2; i++) {
      await assert.rejects(
        openRocksEngine({ directory, families: CONTRACT_FAMILIES }),
        code("STORE_READ_FAILED"),
      );
    }
  });
});

Deno.test("openRocksEngine() never starts an empty database over data that lost their catalogue", async () => {
  await withDirectory(async (directory) => {
    {
      await using engine = await openRocksEngine({ directory, families: CONTRACT_FAMILIES });
      await engine.write([put("test.alpha", key(1), key(1))]);
    }
    await Deno.rename(`${directory}/db/CURRENT`, `${directory}/CURRENT`);
    await assert.rejects(
      openRocksEngine({ directory, families: CONTRACT_FAMILIES }),
      code("STORE_READ_FAILED"),
    );
    await Deno.rename(`${directory}/CURRENT`, `${directory}/db/CURRENT`);
    await using engine = await openRocksEngine({ directory, families: CONTRACT_FAMILIES });
    assert.deepEqual(await engine.family("test.alpha").get(key(1)), key(1));
  });
});

Deno.test("openRocksEngine() refuses a directory that this process already holds", async () => {
  await withDirectory(async (directory) => {
    await using engine = await openRocksEngine({ directory, families: CONTRACT_FAMILIES });
    await assert.rejects(openRocksEngine({ directory, families: CONTRACT_FAMILIES }), code("STORE_LOCKED"));
    await engine.probe();
  });
});

Deno.test("RocksEngine.write() refuses a batch when too many wait, and the others pass", async () => {
  await withDirectory(async (directory) => {
    await using engine = await openRocksEngine({ directory, families: CONTRACT_FAMILIES, queueBatches: 3 });
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, (_, i) => engine.write([put("test.alpha", number(i), number(i))])),
    );
    assert.deepEqual(results.map((result) => result.status), [
      "fulfilled",
      "fulfilled",
      "fulfilled",
      "rejected",
      "rejected",
    ]);
    const rejected = results[3] as PromiseRejectedResult;
    assert.ok(code("STORE_WRITE_FAILED")(rejected.reason));
    assert.equal((await collect(engine.family("test.alpha"))).length, 3);
  });
});

Deno.test("RocksEngine.write() cuts groups at groupBytes, and a larger batch goes alone", async () => {
  await withDirectory(async (directory) => {
    const metrics = new MetricScope();
    await using engine = await openRocksEngine({
      directory,
      families: CONTRACT_FAMILIES,
      metrics,
      groupBytes: 100_000,
    });
    const sizes = [60_000, 60_000, 30_000, 500_000, 1];
    await Promise.all(
      sizes.map((size, i) => engine.write([put("test.beta", number(i), new Uint8Array(size).fill(i))])),
    );
    for (const [i, size] of sizes.entries()) {
      assert.deepEqual(await engine.family("test.beta").get(number(i)), new Uint8Array(size).fill(i));
    }
    // The probe at open; 60,000; 60,000 + 30,000; 500,000; 1.
    assert.match(await metrics.registry.metrics(), /^cairn_commit_group_batches_count 5$/m);
  });
});

Deno.test("RocksEngine counts batches, bytes and groups", async () => {
  await withDirectory(async (directory) => {
    const metrics = new MetricScope().scope("store");
    await using engine = await openRocksEngine({ directory, families: CONTRACT_FAMILIES, metrics });
    // Beside the probe at open: one batch of 10 bytes.
    await Promise.all([
      engine.write([put("test.alpha", key(1), new Uint8Array(99))]),
      engine.write([put("test.alpha", key(2), new Uint8Array(99))]),
    ]);
    const text = await metrics.registry.metrics();
    assert.match(text, /^cairn_store_write_batches_total 3$/m);
    assert.match(text, /^cairn_store_write_bytes_total 210$/m);
    assert.match(text, /^cairn_store_commit_group_batches_count 2$/m);
    assert.match(text, /^cairn_store_commit_duration_seconds_count 2$/m);
    assert.match(text, /^cairn_store_write_duration_seconds_count 3$/m);
    assert.match(text, /^cairn_store_write_failures_total 0$/m);
    assert.match(text, /^cairn_store_write_queue_batches 0$/m);
    assert.match(text, /^cairn_store_write_queue_bytes 0$/m);
  });
});

Deno.test({
  name:
    "RocksEngine holds no file of its directory after dispose, 10 times over (needs to read /proc/self/fd)",
  ignore: !mayListFiles,
  fn: async () => {
    await withDirectory(async (directory) => {
      for (let i = 0; i < 10; i++) {
        {
          await using engine = await openRocksEngine({ directory, families: CONTRACT_FAMILIES });
          await engine.write([
            put("test.alpha", number(i), number(i)),
            put("test.beta", number(i), new Uint8Array(100_000)),
          ]);
          for await (const _ of engine.family("test.alpha").scan()) break;
          assert.notDeepEqual(await openFiles(directory), []);
        }
        assert.deepEqual(await openFiles(directory), []);
      }
    });
  },
});

/** Files below `directory` that this process has open. */
async function openFiles(directory: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name } of Deno.readDir("/proc/self/fd")) {
    // A descriptor may be closed while this walks.
    const path = await Deno.readLink(`/proc/self/fd/${name}`).catch(() => "");
    if (path.startsWith(directory)) paths.push(path);
  }
  return paths;
}

Deno.test("RocksEngine keeps what a family holds when what is declared of its keys changes", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const key = (n: number) => Uint8Array.of(n);
    const value = new Uint8Array(1_000).fill(7);
    for (const [n, keys] of (["any", "ascending", "ascending", "any"] as const).entries()) {
      await using engine = await openRocksEngine({ directory, families: [{ name: "test.log", keys }] });
      await engine.write([{ kind: "put", family: "test.log", key: key(n), value }]);
      const found = await engine.family("test.log").getMany([0, 1, 2, 3].map(key));
      assert.deepEqual(found, [0, 1, 2, 3].map((i) => i <= n ? value : undefined));
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
