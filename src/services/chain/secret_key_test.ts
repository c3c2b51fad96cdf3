import assert from "node:assert/strict";
import { CairnError } from "../../kernel/errors.ts";
import { publicKeyOf } from "../../protocols/kimura/keys.ts";
import { makeSecretKey, newSecretKey, readSecretKey } from "./secret_key.ts";

const isInvalid = (pattern: RegExp) => (error: unknown) =>
  error instanceof CairnError && error.code === "NODE_KEY_INVALID" && pattern.test(error.toLine());

Deno.test("makeSecretKey() writes a key that only its owner can read, once", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/a.key`;
  assert.equal(readSecretKey(path), undefined);
  const secret = makeSecretKey(path);
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  assert.deepEqual(readSecretKey(path), secret);
  assert.equal(publicKeyOf(secret).length, 33);
  assert.throws(() => makeSecretKey(path), isInvalid(/it exists/));
  assert.deepEqual(readSecretKey(path), secret, "the first key stays");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("readSecretKey() refuses what others may read and what is no key, and never says what it read", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/a.key`;
  const write = (text: string, mode = 0o600) => {
    Deno.writeTextFileSync(path, text);
    Deno.chmodSync(path, mode);
  };
  const valid = newSecretKey().toHex();
  write(valid, 0o640);
  assert.throws(() => readSecretKey(path), isInvalid(/its mode is 640.*chmod 600/));
  for (
    const text of [
      "",
      "0".repeat(64),
      "f".repeat(64),
      valid.slice(2),
      `${valid}00`,
      `${valid}\n\n`,
      "x".repeat(64),
    ]
  ) {
    write(text);
    assert.throws(() => readSecretKey(path), (error: unknown) => {
      assert(isInvalid(/does not hold 64 hexadecimal digits/)(error));
      return text === "" || !(error as Error).message.includes(text.slice(0, 32));
    });
  }
  write(`${valid.toUpperCase()}\n`);
  assert.equal(readSecretKey(path)!.toHex(), valid);
  await Deno.remove(directory, { recursive: true });
});
