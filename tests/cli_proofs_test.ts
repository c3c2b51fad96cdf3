// Signatures of real blocks by the command line: contents proofs beside the blocks they come from.

import assert from "node:assert/strict";
import { runCairn, tempDirectory } from "./support/node_process.ts";
import { vectorTest } from "./vectors.ts";

vectorTest(
  "cairn blocks verify checks the signature of a contents proof under the keys that block 0 tells",
  async (vectors) => {
    await using directory = await tempDirectory();
    const set = `${vectors}/block-node/CN_11_12_TSS_SCHNORR`;
    const verify = (...paths: readonly string[]) => runCairn("blocks", "verify", ...paths);
    const proof = async (number: number) => {
      const path = `${directory.path}/${number}.pb`;
      const made = await runCairn(
        "blocks",
        "prove",
        `${set}/${number}.blk.gz`,
        "--item",
        "5",
        "--binary",
        "-o",
        path,
      );
      assert.equal(made.code, 0, made.stderr);
      return path;
    };
    const [signed, unsigned] = [await proof(5), await proof(4)];

    const alone = await verify(signed, unsigned);
    assert.equal(alone.code, 1);
    assert.equal(alone.stdout.match(/REFUSED MISSING_VERIFICATION_DATA/g)?.length, 2);

    const behind = await verify(`${set}/0.blk.gz`, signed, "--require-proofs");
    assert.equal(behind.code, 0, behind.stdout);
    assert.match(behind.stdout, /\n {2}root [0-9a-f]{96}, as signed; proof: verified \(tss-schnorr\)\n$/);

    // Block 4 carries a state proof: its root is known to be signed once the block itself was verified.
    const blocks = await verify(set, unsigned, "--require-proofs");
    assert.equal(blocks.code, 0, blocks.stdout);
    assert.match(blocks.stdout, /as signed; proof: verified \(state-proof-schnorr\)\n$/);

    const bytes = await Deno.readFile(signed);
    bytes[bytes.length - 1]! ^= 1;
    await Deno.writeFile(signed, bytes);
    const changed = await verify(`${set}/0.blk.gz`, signed);
    assert.equal(changed.code, 1);
    assert.match(changed.stdout, /contents proof REFUSED BAD_BLOCK_PROOF/);
  },
);
