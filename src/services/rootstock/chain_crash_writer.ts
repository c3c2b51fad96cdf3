/**
 * Grows a chain with forks and reorganisations until it is killed, and prints the tip after each acknowledged change.
 *
 * Layer: services. Test support: the child process of `chain_crash_test.ts`. Arguments: directory, seed.
 *
 * @module
 */

import { toCairnError } from "../../kernel/errors.ts";
import { openRocksEngine } from "../../store/rocks_engine.ts";
import { makeHeaders } from "./_made_headers.ts";
import { CHAIN_FAMILIES } from "./chain_records.ts";
import { RootstockChainStore } from "./chain_store.ts";

const [directory, seedText] = Deno.args;
let seed = Number(seedText);
try {
  const engine = await openRocksEngine({ directory: directory!, families: CHAIN_FAMILIES });
  const [genesis] = makeHeaders({ count: 1 });
  const store = await RootstockChainStore.open(engine, {
    genesisHash: genesis!.hash,
    keptForkBlocks: 10_000,
  });
  if (store.tip === undefined) await store.begin([genesis!]);
  // One write call a line: a kill cannot cut it.
  const say = () =>
    Deno.stdout.write(new TextEncoder().encode(`${store.tip!.number} ${store.tip!.hash.toHex()}\n`));
  while (true) {
    const tip = (await store.headerByHash(store.tip!.hash))!;
    const all = makeHeaders({ count: 96, parent: tip, seed: ++seed });
    // Three in flight, so that a kill falls between them.
    await Promise.all([0, 32, 64].map((at) => store.append(all.slice(at, at + 32), { canonical: true })));
    await say();
    const from = (await store.headerByNumber(store.tip!.number - 20))!;
    const fork = makeHeaders({ count: 25, parent: from, seed: ++seed });
    await store.append(fork, { canonical: false });
    await store.reorganise(fork.at(-1)!.hash);
    await say();
  }
} catch (error) {
  const failure = toCairnError(error);
  await Deno.stderr.write(new TextEncoder().encode(`${failure.toLine()}\n`));
  Deno.exit(failure.mapping.exit);
}
