// No room for an archive: its blocks stay in the store, nothing half written stays on the disk, and it is tried again.

import assert from "node:assert/strict";
import { openTiers } from "../src/services/blocks/_tiers_testing.ts";
import { canMount, mount, unmount } from "./support/tmpfs.ts";

Deno.test({
  name:
    "ArchiveMover on a full disk keeps every block hot and archives once there is room (needs root to mount a tmpfs)",
  ignore: !await canMount(),
  async fn() {
    await using tiers = await openTiers(25);
    assert.ok(await mount(tiers.root, "256k"));
    await using _mounted = { [Symbol.asyncDispose]: () => unmount(tiers.root) };
    const filler = `${tiers.root}/filler`;
    await Deno.writeFile(filler, new Uint8Array(240_000));
    await using full = tiers.mover({ hotBlocks: 1, retryMs: 600_000 });
    await full.idle();
    assert.match(full.failure ?? "", /No space left/);
    assert.deepEqual(tiers.store.hot, [{ first: 0n, last: 24n }]);
    assert.deepEqual(tiers.archive.batches, []);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(`${tiers.root}/zipwork`)), []);
    await full[Symbol.asyncDispose]();

    await Deno.remove(filler);
    await using roomy = tiers.mover({ hotBlocks: 1 });
    await roomy.idle();
    assert.equal(roomy.failure, undefined);
    assert.deepEqual(tiers.store.hot, [{ first: 20n, last: 24n }]);
    assert.deepEqual(await tiers.store.block(13n), tiers.chain[13]);
  },
});
