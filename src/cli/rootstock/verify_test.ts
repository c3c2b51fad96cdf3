import assert from "node:assert/strict";
import { ChainGenerator, toFullHeader } from "../../protocols/rootstock/generate.ts";
import { REGTEST } from "../../protocols/rootstock/networks/regtest.ts";
import { readVectors } from "../../protocols/rootstock/_vectors.ts";
import { vectorTest } from "../../../tests/vectors.ts";
import { runCli } from "../program.ts";

async function run(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const io = { out: (line: string) => out.push(line), err: (line: string) => err.push(line), env: {} };
  const code = await runCli(["rootstock", "verify", ...args], io);
  return { code, out, err, reports: () => out.map((line) => JSON.parse(line)) };
}

async function withFiles(
  files: Record<string, Uint8Array | string>,
  use: (path: (name: string) => string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "cairn-rootstock-verify-" });
  try {
    for (const [name, content] of Object.entries(files)) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(`${dir}/${name}`, bytes);
    }
    await use((name) => `${dir}/${name}`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

type Reported = { rules: { rule: string; status: string; detail?: string }[] };
const statusOf = ({ rules }: Reported, name: string) => rules.find(({ rule }) => rule === name)?.status;

Deno.test("cairn rootstock verify takes raw RLP and digits, compressed and full, with a parent or without", async () => {
  const generator = new ChainGenerator({ network: REGTEST });
  const [parent, child] = [generator.next(), generator.next()];
  const files = {
    "parent.rlp": parent.header,
    "raw.rlp": child.header,
    "digits.hex": `0x${child.header.toHex()}\n`,
    "full.rlp": toFullHeader(child.header, REGTEST),
  };
  await withFiles(files, async (path) => {
    const hash = `0x${child.hash.toHex()}`;
    const names = [path("raw.rlp"), path("digits.hex"), path("full.rlp")];
    const alone = await run(...names, "--network", "regtest", "--json");
    assert.deepEqual([alone.code, alone.err], [0, []]);
    for (const [i, report] of alone.reports().entries()) {
      assert.deepEqual([report.file, report.hash, report.ok, report.powValid], [names[i], hash, true, true]);
      assert.equal(statusOf(report, "difficulty"), "not-checked");
      assert.equal(statusOf(report, "parent-hash"), "not-checked");
    }
    assert.deepEqual(alone.reports().map(({ source }) => source), ["compressed", "compressed", "full"]);
    assert.equal(statusOf(alone.reports()[0], "edges"), "not-checked");
    assert.equal(statusOf(alone.reports()[2], "edges"), "pass");

    const both = await run(names[0]!, "--network", "regtest", "--json", "--parent", path("parent.rlp"));
    const [report] = both.reports();
    for (const rule of ["parent-hash", "number", "difficulty", "gas-limit-parent", "minimum-gas-price"]) {
      assert.equal(statusOf(report, rule), "pass", rule);
    }
    assert.deepEqual(Object.keys(report), [
      ...["file", "network", "source", "number", "version", "hash", "parentHash", "difficulty", "timestamp"],
      ...["uncleCount", "hashForMergedMining", "powValid", "ok", "rules"],
    ]);
    const itself = await run(names[0]!, "--network", "regtest", "--json", "--parent", names[0]!);
    assert.equal(itself.code, 1);
    assert.equal(statusOf(itself.reports()[0], "parent-hash"), "fail");
    assert.equal(statusOf(itself.reports()[0], "number"), "fail");
    // Block 1's parent is known without being given.
    const first = await run(path("parent.rlp"), "--network", "regtest", "--json");
    assert.equal(statusOf(first.reports()[0], "parent-hash"), "pass");
  });
});

Deno.test("cairn rootstock verify names the rule that is broken, and exits with 1", async () => {
  const generator = new ChainGenerator({ network: REGTEST, broken: { number: 1, rule: "proof-of-work" } });
  await withFiles(
    { "bad.rlp": generator.next().header, "good.rlp": generator.next().header },
    async (path) => {
      const { code, out } = await run(path("bad.rlp"), path("good.rlp"), "--network", "regtest");
      assert.equal(code, 1);
      assert.match(out[0]!, /regtest block 1 REFUSED \(version 2, from compressed, proof of work INVALID\)$/);
      assert.ok(out.includes("  FAIL proof-of-work: above-target"), out.join("\n"));
      assert.ok(out.some((line) => /regtest block 2 valid/.test(line)));
      assert.ok(out.includes("  -    parent-hash: not checked, needs the parent"));
    },
  );
});

Deno.test("cairn rootstock verify refuses what is no header, and says which files cannot be read", async () => {
  await withFiles(
    { "empty": "", "text": "hello", "json": "{", "list": new Uint8Array([0xc0]) },
    async (path) => {
      const { code, reports } = await run(path("empty"), path("text"), path("json"), path("list"), "--json");
      assert.equal(code, 1);
      const faults = reports().map(({ fault }) => fault);
      assert.deepEqual(faults, ["not-canonical", "hex-malformed", "json-malformed", "field-count"]);
      const missing = await run(path("none"));
      assert.equal(missing.code, 1);
      assert.match(missing.err.join(), /Cannot read .*none.*FILE_UNREADABLE/);
      const parent = await run(path("list"), "--parent", path("text"));
      assert.match(parent.err.join(), /Cannot read the parent in .*text/);
      assert.equal((await run(path("list"), "--network", "moon")).code, 2);
    },
  );
});

vectorTest(
  "cairn rootstock verify takes the JSON and the blocks that headers and headers-real have",
  async (dir) => {
    const [raw, rpc] = await readVectors(dir, "headers");
    const response = { jsonrpc: "2.0", id: 1, result: rpc.block };
    const changed = { ...rpc.block, gasUsed: "0x1" };
    const files = {
      "genesis.hex": raw.blockRlp,
      "436.json": JSON.stringify(rpc.block, null, 2),
      "response.json": JSON.stringify(response),
      "changed.json": JSON.stringify(changed),
    };
    await withFiles(files, async (path) => {
      const good = await run(
        path("genesis.hex"),
        path("436.json"),
        path("response.json"),
        "--network",
        "testnet",
        "--json",
      );
      assert.equal(good.code, 0);
      const [genesis, block, answered] = good.reports();
      assert.equal(genesis.hash, `0x${raw.expect.hash}`);
      assert.equal(statusOf(genesis, "genesis"), "pass");
      assert.equal(block.hash, rpc.expect.hash);
      assert.equal(block.hashForMergedMining, rpc.expect.hashForMergedMining);
      assert.equal(block.powValid, true);
      assert.equal(answered.hash, rpc.expect.hash);
      const bad = await run(path("changed.json"), "--network", "testnet", "--json");
      assert.equal(bad.code, 1);
      assert.equal(statusOf(bad.reports()[0], "hash-as-stated"), "fail");
      assert.equal(statusOf(bad.reports()[0], "proof-of-work"), "fail");
      const elsewhere = await run(path("genesis.hex"), "--json");
      assert.equal(statusOf(elsewhere.reports()[0], "genesis"), "fail");
    });
  },
);
