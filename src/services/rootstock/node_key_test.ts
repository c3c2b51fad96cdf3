import assert from "node:assert/strict";
import { CairnError } from "../../kernel/errors.ts";
import { openNodeKey } from "./node_key.ts";

const NAME = "node.key";

const isInvalid = (why: RegExp) => (error: unknown) =>
  error instanceof CairnError && error.code === "NODE_KEY_INVALID" && error.mapping.exit === 2 &&
  why.test(error.message) && error.hint !== undefined;

async function inDirectory(fn: (directory: string, path: string) => void | Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await fn(directory, `${directory}/${NAME}`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("openNodeKey() makes a key once, for its owner alone, and reads it again", () =>
  inDirectory(async (directory, path) => {
    await Deno.writeTextFile(`${path}.new`, "half a ke");
    const made = openNodeKey(path);
    assert.equal(made.id.length, 64);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    assert.match(await Deno.readTextFile(path), /^[0-9a-f]{64}\n$/);
    assert.equal(openNodeKey(path).id.toHex(), made.id.toHex());
    assert.deepEqual(await Array.fromAsync(Deno.readDir(directory), ({ name }) => name), [NAME]);
  }));

Deno.test("openNodeKey() refuses a file that others may read, and says how to mend it", () =>
  inDirectory((_, path) => {
    openNodeKey(path);
    for (const mode of [0o640, 0o604, 0o660, 0o666, 0o777]) {
      Deno.chmodSync(path, mode);
      assert.throws(() => openNodeKey(path), isInvalid(new RegExp(`mode is ${mode.toString(8)}`)));
    }
    Deno.chmodSync(path, 0o400);
    openNodeKey(path);
  }));

Deno.test("openNodeKey() refuses what is no key, leaves it alone and never shows it", () =>
  inDirectory((_, path) => {
    const order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    for (
      const content of [
        "",
        "abc",
        "0".repeat(64),
        order,
        "1".repeat(63),
        "1".repeat(66),
        `0x${"1".repeat(64)}`,
        "x".repeat(500),
      ]
    ) {
      Deno.writeTextFileSync(path, content, { mode: 0o600 });
      assert.throws(() => openNodeKey(path), (error) => {
        assert(isInvalid(/64 hexadecimal digits/)(error));
        // Shorter ones may be part of the directory's random name.
        if (content.length > 8) assert(!(error as CairnError).toLine().includes(content));
        return true;
      });
      assert.equal(Deno.readTextFileSync(path), content);
    }
    Deno.removeSync(path);
    Deno.mkdirSync(path);
    assert.throws(() => openNodeKey(path), isInvalid(/no file/));
  }));

Deno.test("openNodeKey() in a directory that is not there fails by name", () =>
  inDirectory((directory) => {
    assert.throws(
      () => openNodeKey(`${directory}/none/${NAME}`),
      (error) => error instanceof CairnError && error.code === "STORE_WRITE_FAILED",
    );
  }));
