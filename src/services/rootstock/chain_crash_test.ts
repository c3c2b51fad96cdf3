import assert from "node:assert/strict";
import { killAfter, spawnWriter } from "../../store/_crash_process.ts";
import { openRocksEngine } from "../../store/rocks_engine.ts";
import { makeHeaders } from "./_made_headers.ts";
import { CHAIN_FAMILIES, parentHashOf, ROOTSTOCK_FAMILY } from "./chain_records.ts";
import { RootstockChainStore } from "./chain_store.ts";

const ROUNDS = 8;

const WRITER = new URL("./chain_crash_writer.ts", import.meta.url);

Deno.test(`RootstockChainStore is a whole chain with every acknowledged tip in it after ${ROUNDS} kills`, async () => {
  const directory = await Deno.makeTempDir();
  const genesisHash = makeHeaders({ count: 1 })[0]!.hash;
  for (let round = 0; round < ROUNDS; round++) {
    const lines = await killAfter(spawnWriter(WRITER, directory, 1 + round * 10_000), 1 + (round * 7) % 20);
    await using engine = await openRocksEngine({ directory, families: CHAIN_FAMILIES });
    const store = await RootstockChainStore.open(engine, { genesisHash, keptForkBlocks: 10_000 });
    const tip = store.tip!;
    const chain = (await store.chainDown(tip.hash, tip.number + 1)).reverse();
    assert.equal(chain.length, tip.number + 1, "the chain reaches genesis");
    for (const [i, header] of chain.entries()) {
      assert.equal(header.number, i);
      if (i > 0) assert.deepEqual(parentHashOf(header.header), chain[i - 1]!.hash);
    }
    // An acknowledged tip may have become a fork since; it is never gone.
    for (const line of lines) {
      const [number, hash] = line.split(" ");
      const found = await store.headerByHash(Uint8Array.fromHex(hash!));
      assert.equal(found?.number, Number(number), `round ${round}`);
    }
    // Nothing is canonical and a fork, and the index knows each header once.
    let headers = 0;
    for (const name of [ROOTSTOCK_FAMILY.header, ROOTSTOCK_FAMILY.fork]) {
      headers += (await Array.fromAsync(engine.family(name).scanKeys())).length;
    }
    assert.equal((await Array.fromAsync(engine.family(ROOTSTOCK_FAMILY.hash).scanKeys())).length, headers);
  }
  await Deno.remove(directory, { recursive: true });
});
