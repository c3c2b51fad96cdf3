import assert from "node:assert/strict";
import { MetricScope } from "../kernel/metrics.ts";
import type { Engine } from "./engine.ts";
import { code, number, put } from "./engine_contract.ts";
import { openRocksEngine } from "./rocks_engine.ts";

const FAMILIES = [{ name: "full.index" }, { name: "full.body", values: "large" }] as const;
const DISK_BYTES = 40 * 1024 * 1024;
/** More than the logs that grow beside it: recovery copies them. */
const BALLAST_BYTES = 24 * 1024 * 1024;
/** Longer than the time between two tries to recover. */
const RECOVERY_DEADLINE_MS = 20_000;

const unavailable = await whyNoDisk();

/** A test on a small disk of its own. Without the right to mount one it is skipped under a name that says so. */
function diskTest(sentence: string, body: (disk: string) => Promise<void>): void {
  Deno.test({
    name: unavailable ? `${sentence} (needs a disk of its own: ${unavailable})` : sentence,
    ignore: unavailable !== undefined,
    fn: async () => {
      const disk = await Deno.makeTempDir();
      await mount(disk);
      try {
        await body(disk);
      } finally {
        await run("umount", disk);
        await Deno.remove(disk);
      }
    },
  });
}

diskTest(
  "RocksEngine fails writes on a full disk, reads on, and goes on by itself when space is freed",
  async (disk) => {
    await Deno.writeFile(`${disk}/ballast`, new Uint8Array(BALLAST_BYTES).fill(1));
    const directory = `${disk}/data`;
    const metrics = new MetricScope().scope("store");
    const stored = new Set<number>();
    const failed = new Set<number>();
    {
      await using engine = await openRocksEngine({ directory, families: FAMILIES, metrics });
      // Waves of eight writes at once, until the disk is full.
      for (let first = 0; failed.size === 0; first += 8) {
        const outcomes = await Promise.allSettled(
          Array.from({ length: 8 }, (_, i) => writeBlock(engine, first + i)),
        );
        for (const [i, outcome] of outcomes.entries()) {
          if (outcome.status === "fulfilled") stored.add(first + i);
          else {
            failed.add(first + i);
            assert.ok(code("STORE_WRITE_FAILED")(outcome.reason));
            assert.match(String(outcome.reason), /No space left/);
          }
        }
      }
      assert.ok(Math.max(...stored) < Math.min(...failed), "a write succeeded after one before it failed");

      await engine.probe();
      await assertBlocks(engine, stored, failed);
      await assert.rejects(writeBlock(engine, 900), code("STORE_WRITE_FAILED"));
      await assertBlocks(engine, stored, new Set([...failed, 900]));

      await Deno.remove(`${disk}/ballast`);
      await writeUntilStored(engine, 1_000);
      stored.add(1_000);
      for (let n = 1_001; n < 1_006; n++) {
        await writeBlock(engine, n);
        stored.add(n);
      }
      await assertBlocks(engine, stored, failed);
      assert.match(await metrics.registry.metrics(), /^cairn_store_recoveries_total [1-9]/m);
    }
    await using engine = await openRocksEngine({ directory, families: FAMILIES });
    await assertBlocks(engine, stored, failed);
  },
);

diskTest("RocksEngine that could not be reopened says so on every read, and tries again", async (disk) => {
  await Deno.writeFile(`${disk}/ballast`, new Uint8Array(BALLAST_BYTES).fill(1));
  const directory = `${disk}/data`;
  await using engine = await openRocksEngine({ directory, families: FAMILIES });
  let stored = 0;
  while (await writeBlock(engine, stored).then(() => true, () => false)) stored++;
  await Deno.rename(`${directory}/db/CURRENT`, `${disk}/CURRENT`);
  await Deno.remove(`${disk}/ballast`);
  await assert.rejects(writeBlock(engine, 900), code("STORE_WRITE_FAILED"));
  await assert.rejects(engine.probe(), code("STORE_READ_FAILED"));
  await assert.rejects(Array.fromAsync(engine.family("full.index").scan()), code("STORE_READ_FAILED"));
  await Deno.rename(`${disk}/CURRENT`, `${directory}/db/CURRENT`);
  await writeUntilStored(engine, 1_000);
  await engine.probe();
  await assertBlocks(engine, new Set([...Array(stored).keys(), 1_000]), new Set([stored, 900]));
});

diskTest(
  "RocksEngine closed on a full disk has every acknowledged batch when it is opened again",
  async (disk) => {
    const directory = `${disk}/data`;
    const stored = new Set<number>();
    await Deno.writeFile(`${disk}/ballast`, new Uint8Array(BALLAST_BYTES).fill(1));
    {
      await using engine = await openRocksEngine({ directory, families: FAMILIES });
      for (let n = 0;; n++) {
        try {
          await writeBlock(engine, n);
          stored.add(n);
        } catch {
          break;
        }
      }
    }
    // Full disk: it cannot even start, and says so without damage.
    await Deno.writeFile(`${disk}/filler`, new Uint8Array(DISK_BYTES)).catch(() => {});
    for (let i = 0; i < 2; i++) {
      await assert.rejects(openRocksEngine({ directory, families: FAMILIES }), code("STORE_WRITE_FAILED"));
    }
    await Deno.remove(`${disk}/filler`);
    await Deno.remove(`${disk}/ballast`);
    await using engine = await openRocksEngine({ directory, families: FAMILIES });
    assert.ok(stored.size > 5);
    await assertBlocks(engine, stored, new Set());
  },
);

async function writeBlock(engine: Engine, n: number): Promise<void> {
  await engine.write([put("full.index", number(n), number(n)), put("full.body", number(n), body(n))]);
}

async function writeUntilStored(engine: Engine, n: number): Promise<void> {
  const deadlineMs = performance.now() + RECOVERY_DEADLINE_MS;
  while (true) {
    try {
      return await writeBlock(engine, n);
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function assertBlocks(
  engine: Engine,
  stored: ReadonlySet<number>,
  failed: ReadonlySet<number>,
): Promise<void> {
  for (const n of stored) {
    assert.deepEqual(await engine.family("full.body").get(number(n)), body(n), `block ${n}`);
    assert.deepEqual(await engine.family("full.index").get(number(n)), number(n));
  }
  for (const n of failed) {
    assert.equal(await engine.family("full.body").get(number(n)), undefined, `block ${n}`);
    assert.equal(await engine.family("full.index").get(number(n)), undefined);
  }
}

/** 400 kB that do not compress: xorshift from the block's number. */
function body(n: number): Uint8Array {
  const words = new Uint32Array(100_000);
  let state = n + 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer);
}

async function whyNoDisk(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "needs a Linux tmpfs";
  const probe = await Deno.makeTempDir();
  try {
    await mount(probe);
    await run("umount", probe);
    return undefined;
  } catch {
    return "needs the right to mount a tmpfs";
  } finally {
    await Deno.remove(probe);
  }
}

async function mount(path: string): Promise<void> {
  await run("mount", "-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", path);
}

async function run(command: string, ...args: string[]): Promise<void> {
  const output = await new Deno.Command(command, { args }).output();
  if (!output.success) throw new Error(`Cannot ${command}: ${new TextDecoder().decode(output.stderr)}`);
}
