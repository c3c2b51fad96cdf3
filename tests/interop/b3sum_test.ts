/**
 * BLAKE3 beside the reference implementation, `b3sum`: every mode and length of output. Skipped by name where there is
 * none.
 *
 * @module
 */

import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import { blake3 } from "../../mod.ts";

/** Runs `b3sum` on standard input; `undefined` if it is not installed. */
async function b3sum(args: readonly string[], input: Uint8Array): Promise<string | undefined> {
  try {
    const child = new Deno.Command("b3sum", {
      args: ["--no-names", ...args],
      stdin: "piped",
      stdout: "piped",
    })
      .spawn();
    const writer = child.stdin.getWriter();
    await writer.write(input);
    await writer.close();
    const { code, stdout } = await child.output();
    assert.equal(code, 0);
    return new TextDecoder().decode(stdout).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const isPresent = await b3sum([], new Uint8Array()) !== undefined;

Deno.test({
  name: `blake3 agrees with b3sum in every mode${isPresent ? "" : " (needs b3sum)"}`,
  ignore: !isPresent,
  async fn() {
    const key = randomFillSync(new Uint8Array(32));
    const context = "cairn 2026-11-21 interop test";
    const keyFile = await Deno.makeTempFile();
    try {
      for (const length of [0, 1, 64, 65, 1024, 1025, 5_000, 65_537, 1_000_003]) {
        const input = randomFillSync(new Uint8Array(length));
        assert.equal(blake3(input).toHex(), await b3sum([], input));
        const derived = blake3.create({ context }).update(input).digest(77);
        assert.equal(derived.toHex(), await b3sum(["--derive-key", context, "--length", "77"], input));
        // With --keyed the key comes on standard input, and the input is a file.
        await Deno.writeFile(keyFile, input);
        assert.equal(blake3(input, { key }).toHex(), await b3sum(["--keyed", keyFile], key));
      }
    } finally {
      await Deno.remove(keyFile);
    }
  },
});
