// `cairn blocks` beside a real node: what it says and how it exits when files, node and command line disagree.

import assert from "node:assert/strict";
import { runCairn, spawnCairn, startNode, tempDirectory } from "./support/node_process.ts";

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

Deno.test("cairn blocks subscribe prints and writes a range, follows until Ctrl-C, and says what it cannot get", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: `${directory.path}/data` });
  const blocks = (...args: readonly string[]) => runCairn("blocks", ...args, "--to", node.grpc);
  assert.equal((await blocks("publish", "--generate", "4")).code, 0);

  const files = `${directory.path}/files`;
  const range = await blocks("subscribe", "--from", "1", "--until", "3", "--json", "-o", files);
  assert.equal(range.code, 0, range.stderr);
  const reports = range.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(reports.map(({ number, link }) => `${number} ${link}`), [
    "1 unchecked",
    "2 confirmed",
    "3 confirmed",
  ]);
  const names = (await Array.fromAsync(Deno.readDir(files))).map(({ name }) => name).sort();
  assert.deepEqual(names, [1, 2, 3].map((number) => `${String(number).padStart(19, "0")}.blk`));
  assert.equal((await runCairn("blocks", "verify", files)).code, 0);

  const following = spawnCairn("blocks", "subscribe", "--from", "2", "--to", node.grpc);
  const lines = following.stdout.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>);
  let shown = "";
  for await (const text of lines) {
    const before = shown;
    shown += text;
    if (!before.includes("block 3 ") && shown.includes("block 3 ")) {
      assert.equal((await blocks("publish", "--generate", "1")).code, 0);
    }
    if (!before.includes("block 4 ") && shown.includes("block 4 ")) following.kill("SIGINT");
  }
  assert.equal((await following.status).code, 0);
  assert.match(shown, /^block 2 hash-verified .*\n.*\nblock 3 hash-verified .*\n.*\nblock 4 hash-verified /);

  const far = await blocks("subscribe", "--from", "99999");
  assert.equal(far.code, 1);
  assert.match(
    far.stderr,
    /^cairn: Cannot get block 99999 by subscription from .*: NOT_AVAILABLE \[BLOCK_NOT_FOUND\]\n/,
  );
  for (const wrong of [["--from", "5", "--until", "3"], ["--from", "x"], ["--from", `${2n ** 63n}`]]) {
    assert.equal((await blocks("subscribe", ...wrong)).code, 2, wrong.join(" "));
  }
});

Deno.test("cairn blocks says in one line that no node answers", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { code, stdout, stderr } = await runCairn("blocks", "status", "--to", `127.0.0.1:${port}`);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^cairn: .*\[PEER_UNAVAILABLE\]\n/);
});

Deno.test("cairn blocks prove and verify agree on proofs from a node and from a file, and refuse what is changed", async () => {
  await using directory = await tempDirectory();
  const file = (name: string) => `${directory.path}/${name}`;
  await using node = await startNode({ dataDir: file("data") });
  const to = ["--to", node.grpc];
  assert.equal((await runCairn("blocks", "publish", "--generate", "2", ...to)).code, 0);
  const got = await runCairn("blocks", "get", "1", "-o", file("1.blk"), "--json", ...to);
  const root = JSON.parse(got.stdout).rootHash;

  const fromNode = await runCairn("blocks", "prove", "1", "--item", "3", "-o", file("proof.json"), ...to);
  assert.equal(fromNode.code, 0, fromNode.stderr);
  assert.equal(
    fromNode.stdout,
    `block 1 item 3 signed_transaction (16-leaf), 9 siblings, 2920 bytes of signature\n  root ${root}\n`,
  );
  // The same proof by kind and offline, and as the serialized message.
  const json = await Deno.readTextFile(file("proof.json"));
  for (const item of ["3", "signed_transaction:2"]) {
    assert.equal((await runCairn("blocks", "prove", file("1.blk"), "--item", item, "--json")).stdout, json);
  }
  const byKind = await runCairn("blocks", "prove", "1", "--item", "signed_transaction:2", "--json", ...to);
  assert.equal(byKind.stdout, json);
  const binary = ["--item", "3", "--binary", "-o", file("proof.pb")];
  assert.equal((await runCairn("blocks", "prove", file("1.blk"), ...binary)).code, 0);

  const good = await runCairn(
    "blocks",
    "verify",
    file("proof.json"),
    file("proof.pb"),
    "--root",
    root,
    "--json",
  );
  assert.equal(good.code, 0, good.stdout);
  const [first, second] = good.stdout.trim().split("\n").map((line) => JSON.parse(line));
  const verdict = {
    kind: "contents-proof",
    verdict: "leads-to-root",
    ok: true,
    itemKind: "signed_transaction",
  };
  assert.partialDeepStrictEqual(first, { ...verdict, rootFrom: "option", blockNumber: "1", itemIndex: 3 });
  assert.partialDeepStrictEqual(second, { ...verdict, rootFrom: "option", rootHash: root });
  assert.match(
    (await runCairn("blocks", "verify", file("proof.json"))).stdout,
    /: contents proof leads-to-root \(16-leaf\), a signed_transaction; taken from block 1, item 3\n.*as the file says/,
  );

  // A byte of the item, another root, and a message that names no root to compare with.
  const at = json.indexOf("blockItem") + 40;
  await Deno.writeTextFile(
    file("changed.json"),
    json.slice(0, at) + (json[at] === "0" ? "1" : "0") + json.slice(at + 1),
  );
  const refusals: [args: string[], code: number, said: RegExp][] = [
    [["verify", file("changed.json")], 1, /contents proof REFUSED BAD_BLOCK_PROOF\n +.*leads to root/],
    [["verify", file("proof.json"), "--root", "00".repeat(48)], 1, /REFUSED BAD_BLOCK_PROOF/],
    [["verify", file("proof.pb")], 1, /REFUSED MISSING_VERIFICATION_DATA\n +.*names no root/],
    [["verify", file("proof.json"), "--root", "00"], 2, /expected 96 hexadecimal digits/],
    [["prove", file("1.blk"), "--item", "13"], 1, /no such item \[BLOCK_ITEM_NOT_FOUND\]/],
    [["prove", file("1.blk"), "--item", "12"], 1, /block_proof: it is no leaf .*\[BLOCK_ITEM_NOT_FOUND\]/],
    [["prove", file("1.blk"), "--item", "last"], 2, /\[USAGE\]/],
    [["prove", file("1.blk"), "--item", "0", "--binary"], 2, /\[USAGE\]/],
    [["prove", file("1.blk")], 2, /--item/],
    [["prove", file("proof.pb"), "--item", "0"], 1, /\[BLOCK_MALFORMED\]/],
    [["prove", "1", "--item", "12", ...to], 1, /ITEM_NOT_FOUND \[BLOCK_ITEM_NOT_FOUND\]/],
    [["prove", "2", "--item", "0", ...to], 1, /NOT_AVAILABLE \[BLOCK_NOT_FOUND\]/],
  ];
  for (const [args, code, said] of refusals) {
    const refused = await runCairn("blocks", ...args);
    assert.match(refused.stdout + refused.stderr, said);
    assert.equal(refused.code, code, args.join(" "));
  }
});
