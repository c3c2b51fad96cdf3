// `cairn blocks` beside a real node: what it says and how it exits when files, node and command line disagree.

import assert from "node:assert/strict";
import { runCairn, startNode, tempDirectory } from "./support/node_process.ts";

Deno.test("cairn blocks publish, get and verify agree with the node, and say so where they do not", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: `${directory.path}/data` });
  const blocks = (command: string, ...args: readonly string[]) =>
    runCairn("blocks", command, ...args, ...(command === "verify" ? [] : ["--to", node.grpc]));

  const generated = await blocks("publish", "--generate", "4", "--json");
  assert.equal(generated.code, 0, generated.stderr);
  const { sent, acknowledged, alreadyThere, lastAcknowledged, ended } = JSON.parse(generated.stdout);
  assert.deepEqual({ sent, acknowledged, alreadyThere, lastAcknowledged, ended }, {
    sent: 4,
    acknowledged: 4,
    alreadyThere: 0,
    lastAcknowledged: "3",
    ended: null,
  });
  // The same chain goes on; another one does not.
  assert.match((await blocks("publish", "--generate", "2")).stdout, /^2 of 2 blocks acknowledged/);
  const other = await blocks("publish", "--generate", "2", "--items", "3");
  assert.equal(other.code, 2);
  assert.match(other.stderr, /its block 5 is not of this chain \[USAGE\]/);

  for (const number of ["2", "4", "latest"]) {
    const got = await blocks("get", number, "--output", `${directory.path}/${number}.blk`);
    assert.equal(got.code, 0, got.stderr);
  }
  const missing = await blocks("get", "99");
  assert.deepEqual([missing.code, missing.stdout], [1, ""]);
  assert.match(missing.stderr, /NOT_AVAILABLE \[BLOCK_NOT_FOUND\]/);

  const there = JSON.parse((await blocks("publish", `${directory.path}/latest.blk`, "--json")).stdout);
  assert.deepEqual([there.sent, there.alreadyThere], [0, 1]);

  // A byte of an item: the file is well formed and another block.
  const path = `${directory.path}/2.blk`;
  const bytes = await Deno.readFile(path);
  const at = bytes.length >> 1;
  bytes[at] = bytes[at]! ^ 1;
  await Deno.writeFile(`${directory.path}/2-flipped.blk`, bytes);
  const flipped = await blocks("publish", `${directory.path}/2-flipped.blk`);
  assert.equal(flipped.code, 2);
  assert.match(flipped.stderr, /its block 2 is not of this chain/);

  await using empty = await startNode({ dataDir: `${directory.path}/empty` });
  const gap = await runCairn("blocks", "publish", path, `${directory.path}/4.blk`, "--to", empty.grpc);
  assert.equal(gap.code, 1);
  assert.match(gap.stderr, /no file holds block 3 \[BLOCK_NOT_FOUND\]/);

  assert.equal((await blocks("verify", path)).code, 0);
  const cut = `${directory.path}/cut.blk`;
  await Deno.writeFile(cut, bytes.subarray(0, bytes.length - 1));
  const refused = await blocks("verify", cut, "--json");
  assert.equal(refused.code, 1);
  assert.equal(JSON.parse(refused.stdout).ok, false);
});

Deno.test("cairn blocks says in one line that no node answers", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { code, stdout, stderr } = await runCairn("blocks", "status", "--to", `127.0.0.1:${port}`);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^cairn: .*\[PEER_UNAVAILABLE\]\n/);
});
