import assert from "node:assert/strict";
import { killAfter, spawnWriter } from "./_crash_process.ts";
import { CRASH_FAMILIES, crashBody, crashKey } from "./crash_data.ts";
import { collect } from "./engine_contract.ts";
import { openRocksEngine } from "./rocks_engine.ts";

const ROUNDS = 20;

const WRITER = new URL("./crash_writer.ts", import.meta.url);

Deno.test(`RocksEngine keeps every acknowledged batch, and only whole batches, over ${ROUNDS} kills`, async () => {
  const directory = await Deno.makeTempDir();
  const acknowledged = new Set<number>();
  let next = 0;
  for (let round = 0; round < ROUNDS; round++) {
    // From a kill just after the first acknowledgement to one in full run.
    for (const number of await killAfter(spawnWriter(WRITER, directory, next), 1 + (round * 67) % 150)) {
      acknowledged.add(Number(number));
    }
    await using engine = await openRocksEngine({ directory, families: CRASH_FAMILIES });
    const index = await collect(engine.family("crash.index"));
    const bodies = await Array.fromAsync(engine.family("crash.body").scanKeys());
    assert.deepEqual(bodies, index.map(([key]) => key));
    const present = index.map(([key]) => new DataView(key.buffer, key.byteOffset).getUint32(0));
    const lost = acknowledged.difference(new Set(present));
    assert.deepEqual([...lost], [], `round ${round}`);
    // Batches apply in call order, so what is there has no holes.
    assert.deepEqual(present, Array.from({ length: present.length }, (_, i) => i));
    for (let number = next; number < present.length; number++) {
      assert.deepEqual(await engine.family("crash.body").get(crashKey(number)), crashBody(number));
    }
    next = present.length;
  }
  assert.ok(acknowledged.size >= ROUNDS);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("openRocksEngine() in a second process is refused with the pid of the first and exit code 3", async () => {
  const directory = await Deno.makeTempDir();
  {
    await using _ = await openRocksEngine({ directory, families: CRASH_FAMILIES });
    const output = await spawnWriter(WRITER, directory, 0).output();
    assert.equal(output.code, 3);
    const errors = new TextDecoder().decode(output.stderr);
    assert.match(errors, new RegExp(`held by pid ${Deno.pid} \\[STORE_LOCKED\\]`));
  }
  await Deno.remove(directory, { recursive: true });
});
