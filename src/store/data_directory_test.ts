import assert from "node:assert/strict";
import { CairnError } from "../kernel/errors.ts";
import { FORMAT_VERSION, openDataDirectory } from "./data_directory.ts";
import { code } from "./engine_contract.ts";

async function withTemporary(body: (path: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir();
  try {
    await body(`${parent}/data`);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

async function namesIn(path: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(path));
  return entries.map((entry) => entry.name).sort();
}

Deno.test("openDataDirectory() creates the directory for its owner alone, with LOCK and FORMAT in it", async () => {
  await withTemporary(async (path) => {
    using directory = openDataDirectory(path);
    assert.equal(directory.format, FORMAT_VERSION);
    assert.equal(directory.database, `${path}/db`);
    assert.deepEqual(await namesIn(path), ["FORMAT", "LOCK"]);
    assert.equal(await Deno.readTextFile(`${path}/FORMAT`), `cairn ${FORMAT_VERSION}\n`);
    if (Deno.build.os === "windows") return;
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o700);
    assert.equal((await Deno.stat(`${path}/LOCK`)).mode! & 0o777, 0o600);
  });
});

Deno.test("openDataDirectory() refuses a held directory, names the pid and exits with 3", async () => {
  await withTemporary(async (path) => {
    using _ = openDataDirectory(path);
    assert.throws(() => openDataDirectory(path), (error) => {
      assert.ok(error instanceof CairnError);
      assert.equal(error.code, "STORE_LOCKED");
      assert.equal(error.mapping.exit, 3);
      assert.equal(error.detail.pid, Deno.pid);
      assert.match(error.message, new RegExp(`held by pid ${Deno.pid}$`));
      return true;
    });
    await Promise.resolve();
  });
});

Deno.test("openDataDirectory() takes a directory again after dispose, and dispose may be called twice", async () => {
  await withTemporary(async (path) => {
    const first = openDataDirectory(path);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    assert.equal(await Deno.readTextFile(`${path}/LOCK`), "");
    using second = openDataDirectory(path);
    assert.equal(second.format, FORMAT_VERSION);
  });
});

Deno.test("openDataDirectory() ignores what a dead process left in LOCK", async () => {
  await withTemporary(async (path) => {
    openDataDirectory(path)[Symbol.dispose]();
    await Deno.writeTextFile(`${path}/LOCK`, "1\n");
    using _ = openDataDirectory(path);
    assert.equal(await Deno.readTextFile(`${path}/LOCK`), `${Deno.pid}\n`);
  });
});

Deno.test("openDataDirectory() takes an older format and leaves it as it is", async () => {
  await withTemporary(async (path) => {
    openDataDirectory(path, { formatVersion: 3 })[Symbol.dispose]();
    using directory = openDataDirectory(path, { formatVersion: 7 });
    assert.equal(directory.format, 3);
    assert.equal(await Deno.readTextFile(`${path}/FORMAT`), "cairn 3\n");
  });
});

Deno.test("openDataDirectory() refuses a newer format, exits with 4 and lets go of the lock", async () => {
  await withTemporary(async (path) => {
    openDataDirectory(path, { formatVersion: FORMAT_VERSION + 1 })[Symbol.dispose]();
    for (let i = 0; i < 2; i++) {
      assert.throws(() => openDataDirectory(path), (error) => {
        assert.ok(error instanceof CairnError);
        assert.equal(error.code, "STORE_FORMAT_TOO_NEW");
        assert.equal(error.mapping.exit, 4);
        return true;
      });
    }
    await Promise.resolve();
  });
});

Deno.test("openDataDirectory() refuses a damaged FORMAT", async () => {
  await withTemporary(async (path) => {
    openDataDirectory(path)[Symbol.dispose]();
    for (
      const text of [
        "",
        "cairn",
        "cairn 0\n",
        "cairn 1",
        "cairn 1\n\n",
        "cairn -1\n",
        "cairn 1e3\n",
        "other 1\n",
        "\0\0\0",
      ]
    ) {
      await Deno.writeTextFile(`${path}/FORMAT`, text);
      assert.throws(() => openDataDirectory(path), code("STORE_FORMAT_INVALID"), JSON.stringify(text));
    }
  });
});

Deno.test("openDataDirectory() refuses a directory with somebody else's files, and leaves them alone", async () => {
  await withTemporary(async (path) => {
    await Deno.mkdir(path);
    await Deno.writeTextFile(`${path}/thesis.txt`, "mine");
    assert.throws(() => openDataDirectory(path), code("STORE_FORMAT_INVALID"));
    assert.deepEqual(await namesIn(path), ["LOCK", "thesis.txt"]);
  });
});

Deno.test("openDataDirectory() goes on after a crash in the middle of a first start or of a space trial", async () => {
  await withTemporary(async (path) => {
    await Deno.mkdir(`${path}/lost+found`, { recursive: true });
    await Deno.writeTextFile(`${path}/LOCK`, "");
    await Deno.writeTextFile(`${path}/FORMAT.new`, "cai");
    await Deno.writeTextFile(`${path}/SPACE`, "xxx");
    using _ = openDataDirectory(path);
    assert.deepEqual(await namesIn(path), ["FORMAT", "LOCK", "lost+found"]);
  });
});

Deno.test("openDataDirectory() says what is wrong with a path that is a file", async () => {
  await withTemporary(async (path) => {
    await Deno.writeTextFile(path, "");
    assert.throws(() => openDataDirectory(path), code("STORE_WRITE_FAILED"));
  });
});
