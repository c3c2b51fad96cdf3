/**
 * Runs every example as its first lines say, with the permissions that stand there.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  BlockContents,
  BlockNodeClient,
  ChainGenerator,
  nativeSha384,
  type RootCandidate,
  toHex,
} from "../mod.ts";
import { startNode, tempDirectory } from "./support/node_process.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** Workers of examples: they run with their example. */
const WORKERS = ["bus_two_subscribers_worker.ts"];

interface Run {
  readonly code: number;
  readonly lines: readonly string[];
}

/** Runs an example with the flags of the last command in its header; `replaced` are folders to use instead. */
async function runExample(
  name: string,
  args: readonly string[] = [],
  replaced: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const source = await Deno.readTextFile(`${ROOT}examples/${name}.ts`);
  const commands = [...source.matchAll(/^ \* {5}deno run (.*) \\\n \* {7}examples\/(\w+)\.ts/gm)];
  const [, flags, named] = commands.at(args.includes("--data") ? -1 : 0)!;
  assert.equal(named, name, "the header names its own file");
  let line = flags!.replaceAll("'", "");
  for (const [from, to] of Object.entries(replaced)) line = line.replace(`=${from}`, `=${to}`);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", ...line.split(" "), `examples/${name}.ts`, ...args],
    cwd: ROOT,
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return { code, lines: text.trimEnd().split("\n") };
}

Deno.test("examples/mock_publisher.ts publishes to a node, and examples/follow_blocks.ts follows it", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: directory.path });
  const following = runExample("follow_blocks", ["--at", node.grpc, "--until", "9"]);
  for (const last of [4, 9]) {
    const { code, lines } = await runExample("mock_publisher", [
      ...["--to", node.grpc, "--blocks", "5", "--rate", "1000"],
    ]);
    assert.deepEqual(lines, [`5 of 5 blocks acknowledged, the last is ${last}`]);
    assert.equal(code, 0);
  }
  const { code, lines } = await following;
  assert.equal(code, 0, lines.join("\n"));
  assert.equal(lines.length, 10);
  assert.match(lines[0]!, /^block 0: 13 items, root [0-9a-f]{16}…, link unchecked$/);
  assert.match(lines[9]!, /^block 9: 13 items, root [0-9a-f]{16}…, link confirmed$/);
  assert.equal(await node.stop(), 0);
});

Deno.test("examples/prove_item.ts checks a node's proof against a root, and refuses another root", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: directory.path });
  const published = await runExample("mock_publisher", [
    "--to",
    node.grpc,
    "--blocks",
    "2",
    "--rate",
    "1000",
  ]);
  assert.equal(published.code, 0, published.lines.join("\n"));
  using client = new BlockNodeClient(node.grpc);
  const block = await client.block({ kind: "number", number: 1n }, AbortSignal.timeout(30_000));
  const [{ hash }] = new BlockContents(block, nativeSha384).roots as [RootCandidate];
  const prove = (root: string) =>
    runExample("prove_item", ["--at", node.grpc, "--block", "1", "--item", "2", "--root", root]);
  const good = await prove(toHex(hash));
  assert.equal(good.code, 0, good.lines.join("\n"));
  assert.match(good.lines[0]!, /^a signed_transaction of \d+ bytes is part of block 1$/);
  const bad = await prove("00".repeat(48));
  assert.equal(bad.code, 1);
  assert.match(bad.lines[0]!, /^refused, root: /);
  assert.equal(await node.stop(), 0);
});

Deno.test("examples/verify_block_file.ts verifies a chain of files and refuses a flipped byte", async () => {
  await using directory = await tempDirectory();
  const chain = new ChainGenerator({ sha384: nativeSha384, items: 2, itemBytes: 100 });
  const files: string[] = [];
  for (let i = 0; i < 3; i++) {
    const file = `${directory.path}/${i}.blk`;
    await Deno.writeFile(file, chain.next().bytes);
    files.push(file);
  }
  const good = await runExample("verify_block_file", files);
  assert.equal(good.code, 0);
  assert.equal(good.lines.filter((line) => line.endsWith("hash-verified, 5 items")).length, 3);
  assert.equal(good.lines.filter((line) => line.endsWith("(confirmed)")).length, 2);

  const bytes = await Deno.readFile(files[1]!);
  bytes[100]! ^= 1;
  await Deno.writeFile(files[1]!, bytes);
  const bad = await runExample("verify_block_file", files);
  assert.equal(bad.code, 1);
  assert.match(bad.lines.at(-1)!, /2\.blk: refused, BAD_BLOCK_PROOF: /);
});

Deno.test("examples/hash_many.ts: one thread and two Workers agree", async () => {
  const { code, lines } = await runExample("hash_many");
  assert.equal(code, 0, lines.join("\n"));
  assert.equal(lines.length, 3);
  assert.equal(lines[2], "two Workers agree with one thread");
});

Deno.test("examples/bus_two_subscribers.ts loses nothing on either thread", async () => {
  const { code, lines } = await runExample("bus_two_subscribers");
  assert.equal(code, 0, lines.join("\n"));
  assert.equal(lines.filter((line) => line.endsWith(" 4999950000")).length, 3);
});

for (const where of ["in memory", "on disk"]) {
  Deno.test(`examples/store_batch.ts stores batches whole or not at all, ${where}`, async () => {
    await using directory = await tempDirectory();
    const data = `${directory.path}/notes`;
    const { code, lines } = where === "on disk"
      ? await runExample("store_batch", ["--data", data], { notes: data })
      : await runExample("store_batch");
    assert.equal(code, 0, lines.join("\n"));
    assert.deepEqual(lines, [
      "red note 1: apples",
      "red note 3: cherries",
      "refused: STORE_FAMILY_UNKNOWN; note 4 is not there",
    ]);
  });
}

Deno.test("examples/publish_race.ts lets one publisher win and acknowledges both", async () => {
  const { code, lines } = await runExample("publish_race");
  assert.equal(code, 0, lines.join("\n"));
  assert.deepEqual(lines.filter((line) => line.startsWith("to publisher")), [
    "to publisher 2: skip of block 0",
    "to publisher 1: acknowledgement of block 0",
    "to publisher 2: acknowledgement of block 0",
  ]);
});

Deno.test("examples: each is run here and listed in the folder's README, and none needs more than mod.ts", async () => {
  const tests = await Deno.readTextFile(new URL(import.meta.url));
  const readme = await Deno.readTextFile(`${ROOT}examples/README.md`);
  for await (const { name } of Deno.readDir(`${ROOT}examples`)) {
    if (!name.endsWith(".ts")) continue;
    const source = await Deno.readTextFile(`${ROOT}examples/${name}`);
    assert.doesNotMatch(source, /from "(?!node:|\.\.\/mod\.ts"|\.\/)/, name);
    if (WORKERS.includes(name)) continue;
    assert(readme.includes(`](${name})`), `${name} is not in examples/README.md`);
    assert(tests.includes(`runExample("${name.replace(".ts", "")}"`), `${name} is not run`);
  }
});
