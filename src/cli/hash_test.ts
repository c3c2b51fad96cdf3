import assert from "node:assert/strict";
import { blake3 } from "@noble/hashes/blake3.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { runCli } from "./program.ts";

const REFERENCES = {
  blake3: (input: Uint8Array) => blake3(input),
  keccak256: (input: Uint8Array) => keccak_256(input),
  sha256d: (input: Uint8Array) => sha256(sha256(input)),
} as const;

async function run(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const io = { out: (line: string) => out.push(line), err: (line: string) => err.push(line), env: {} };
  return { code: await runCli(["hash", ...args], io), out, err };
}

const hex = (bytes: Uint8Array) => new Uint8Array(bytes).toHex();

/** Two files, of which the larger takes several reads. */
async function withFiles(
  use: (small: string, large: string, content: Uint8Array) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "cairn-hash-" });
  try {
    const content = Uint8Array.from({ length: 2_500_001 }, (_, i) => i * i >> 7);
    await Deno.writeFile(`${dir}/small`, content.subarray(0, 5));
    await Deno.writeFile(`${dir}/large`, content);
    await use(`${dir}/small`, `${dir}/large`, content);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("cairn hash prints digest and file as the sum commands do, one line a file", async () => {
  await withFiles(async (small, large, content) => {
    for (const [algorithm, reference] of Object.entries(REFERENCES)) {
      const { code, out, err } = await run(algorithm, small, large);
      assert.deepEqual([code, err], [0, []]);
      assert.deepEqual(out, [
        `${hex(reference(content.subarray(0, 5)))}  ${small}`,
        `${hex(reference(content))}  ${large}`,
      ]);
    }
  });
});

Deno.test("cairn hash --json has stable keys", async () => {
  await withFiles(async (small, _large, content) => {
    const { out } = await run("blake3", small, "--json");
    const digest = hex(blake3(content.subarray(0, 5)));
    assert.deepEqual(JSON.parse(out[0]!), { file: small, algorithm: "blake3", bytes: 5, digest });
  });
});

Deno.test("cairn hash names what it cannot read, goes on with the rest, and exits 1", async () => {
  await withFiles(async (small) => {
    const { code, out, err } = await run("keccak256", `${small}.gone`, ".", small);
    assert.equal(code, 1);
    assert.equal(out.length, 1);
    assert.equal(err.length, 2);
    for (const line of err) assert.match(line, /^cairn: Cannot read '.+\[FILE_UNREADABLE\]$/);
  });
});

Deno.test("cairn hash refuses a function it does not have, and no file, with exit code 2", async () => {
  const unknown = await run("md5", "-");
  assert.equal(unknown.code, 2);
  assert.match(unknown.err.join(), /Allowed choices are blake3, keccak256, sha256d/);
  assert.equal((await run("blake3")).code, 2);
});

Deno.test("cairn hash reads '-' from standard input", async () => {
  const main = new URL("../main.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--ignore-env", "--allow-read", main, "hash", "sha256d", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const content = new Uint8Array(300_000).fill(7);
  for (let from = 0; from < content.length; from += 50_000) {
    await writer.write(content.subarray(from, from + 50_000));
  }
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  assert.equal(new TextDecoder().decode(stderr), "");
  assert.equal(code, 0);
  assert.equal(new TextDecoder().decode(stdout), `${hex(REFERENCES.sha256d(content))}  -\n`);
});
