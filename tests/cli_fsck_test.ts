// `cairn blocks fsck` over the data directory of a real node.

import assert from "node:assert/strict";
import { archivePath, batchOf } from "../src/protocols/hiero/archive_layout.ts";
import { runCairn, startNode, tempDirectory } from "./support/node_process.ts";

Deno.test("cairn blocks fsck waits for no node, finds a whole directory whole, and exits 1 with what is wrong", async () => {
  await using directory = await tempDirectory();
  const data = `${directory.path}/data`;
  const fsck = (...args: readonly string[]) => runCairn("blocks", "fsck", "--data", data, ...args);
  const none = await fsck();
  assert.deepEqual([none.code, none.stdout], [1, ""]);
  assert.match(none.stderr, /no data directory \[FILE_UNREADABLE\]/);
  {
    await using node = await startNode({
      dataDir: data,
      settings: {
        "blocks.historic.enabled": true,
        "blocks.historic.powersOfTenPerZipFileContents": 1,
        "blocks.recent.blockRetentionThreshold": 5,
      },
    });
    assert.equal((await runCairn("blocks", "publish", "--generate", "27", "--to", node.grpc)).code, 0);
    while (await node.metric("cairn_blocks_recent_blocks_stored") !== 7) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const locked = await fsck();
    assert.equal(locked.code, 3);
    assert.match(locked.stderr, /STORE_LOCKED/);
    assert.equal(await node.stop(), 0);
  }
  const whole = await fsck("--json");
  assert.equal(whole.code, 0, whole.stdout + whole.stderr);
  const { bytes, ...summary } = JSON.parse(whole.stdout);
  assert.ok(bytes > 0);
  assert.deepEqual(summary, {
    ok: true,
    first: "0",
    last: "26",
    hotBlocks: 7,
    coldBlocks: 20,
    archives: 2,
    errors: 0,
    warnings: 0,
  });

  // Generated blocks are signed by nobody.
  const unsigned = await fsck("--proofs");
  assert.equal(unsigned.code, 0, unsigned.stderr);
  assert.match(
    unsigned.stdout,
    /^warning proof: Proofs of 27 blocks .*\nblocks 0 .*\nproofs: 0 verified, 27 not checked, 0 refused\n$/,
  );

  const path = archivePath(batchOf(10n, 1));
  await Deno.remove(`${data}/historic/${path}`);
  const damaged = await fsck();
  assert.equal(damaged.code, 1);
  assert.match(
    damaged.stdout,
    /^error gap: Blocks 10 to 19 are missing\nblocks 0 to 26: .* 1 errors, 0 warnings\n$/,
  );

  for await (const { name } of Deno.readDir(`${data}/db`)) {
    if (name.startsWith("MANIFEST")) await Deno.truncate(`${data}/db/${name}`, 10);
  }
  const broken = await fsck("--json");
  assert.equal(broken.code, 1);
  const lines = broken.stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.equal(lines[0].check, "database");
  assert.deepEqual([lines.at(-1).ok, lines.at(-1).coldBlocks], [false, 10]);
});
