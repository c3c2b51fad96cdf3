import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import manifest from "../../deno.json" with { type: "json" };
import { formatBuildInfo, readBuildInfo, readCommit } from "./version.ts";

const HASH = "4c2bf0d5a1e34b7c9d8e7f60514233241506f7e8";

async function withGit(files: Readonly<Record<string, string>>, run: (root: URL) => void): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "cairn-git-" });
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(`${dir}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
      await Deno.writeTextFile(`${dir}/${path}`, text);
    }
    run(pathToFileURL(`${dir}/`));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("readCommit() follows HEAD to a loose ref, a packed ref, or a hash", async () => {
  const head = { ".git/HEAD": "ref: refs/heads/main\n" };
  await withGit(
    { ...head, ".git/refs/heads/main": `${HASH}\n` },
    (root) => assert.equal(readCommit(root), HASH),
  );
  await withGit({ ...head, ".git/packed-refs": `# pack\n${HASH} refs/heads/main\n` }, (root) => {
    assert.equal(readCommit(root), HASH);
  });
  await withGit({ ".git/HEAD": `${HASH}\n` }, (root) => assert.equal(readCommit(root), HASH));
});

Deno.test("readCommit() gives nothing where there is no checkout", async () => {
  await withGit({}, (root) => assert.equal(readCommit(root), undefined));
  await withGit(
    { ".git/HEAD": "ref: refs/heads/new\n" },
    (root) => assert.equal(readCommit(root), undefined),
  );
});

Deno.test("readBuildInfo() takes the version from deno.json and the commit from CAIRN_COMMIT", () => {
  const info = readBuildInfo({ CAIRN_COMMIT: HASH });
  assert.equal(info.version, manifest.version);
  assert.equal(info.commit, HASH);
  assert.equal(info.deno, Deno.version.deno);
  assert.match(info.wasmDigest, /^([0-9a-f]{64}|unknown)$/);
});

Deno.test("formatBuildInfo() prints one fact a line", () => {
  assert.equal(
    formatBuildInfo({ version: "1.2.3", commit: "c", deno: "2.9.3", wasmDigest: "d" }),
    "cairn 1.2.3\ncommit c\ndeno 2.9.3\nwasm d",
  );
});
