import assert from "node:assert/strict";
import {
  bytes,
  code,
  CONTRACT_FAMILIES,
  engineContract,
  key,
  number,
  put,
  remove,
} from "./engine_contract.ts";
import { openMemoryEngine } from "./memory_engine.ts";

engineContract("MemoryEngine", () => Promise.resolve(openMemoryEngine({ families: CONTRACT_FAMILIES })));

Deno.test("MemoryEngine.write() refuses what exceeds the limit, and takes it once there is room", async () => {
  await using engine = openMemoryEngine({ families: CONTRACT_FAMILIES, limitBytes: 20 });
  await engine.write([put("test.alpha", key(1), new Uint8Array(15))]);
  await assert.rejects(
    engine.write([put("test.beta", key(1), new Uint8Array(15))]),
    code("STORE_WRITE_FAILED"),
  );
  assert.equal(await engine.family("test.beta").get(key(1)), undefined);
  await engine.write([remove("test.alpha", key(1))]);
  await engine.write([put("test.beta", key(1), new Uint8Array(15))]);
  assert.equal((await engine.family("test.beta").get(key(1)))?.length, 15);
});

Deno.test("MemoryEngine.write() counts an overwritten value once", async () => {
  await using engine = openMemoryEngine({ families: CONTRACT_FAMILIES, limitBytes: 20 });
  for (let i = 0; i < 100; i++) await engine.write([put("test.alpha", key(1), bytes("fifteen bytes.."))]);
  await assert.rejects(
    engine.write([put("test.alpha", key(2), bytes("fifteen bytes.."))]),
    code("STORE_WRITE_FAILED"),
  );
});

Deno.test("MemoryEngine.scan() keeps order over many entries put in random order", async () => {
  await using engine = openMemoryEngine({ families: CONTRACT_FAMILIES });
  const count = 5_000;
  for (let i = 0; i < count; i++) {
    // 1,889 and 5,000 share no divisor, so every number comes once.
    const n = (i * 1_889) % count;
    await engine.write([put("test.alpha", number(n), number(n))]);
  }
  const keys = await Array.fromAsync(engine.family("test.alpha").scanKeys());
  assert.deepEqual(keys, Array.from({ length: count }, (_, i) => number(i)));
  const middle = await Array.fromAsync(
    engine.family("test.alpha").scanKeys({ lt: number(2_500), reverse: true, limit: 2 }),
  );
  assert.deepEqual(middle, [number(2_499), number(2_498)]);
});
