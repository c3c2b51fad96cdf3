// Rows of the block node's scenarios (spec §10.1, §10.3) about signatures: real signed blocks through the pipeline.

import assert from "node:assert/strict";
import { vectorTest } from "../../../tests/vectors.ts";
import { eventually } from "../../rpc/_testing.ts";
import { itemRanges } from "../../protocols/hiero/items.ts";
import { readProofParts } from "../../protocols/hiero/proofs/proof_parts.ts";
import { concatBytes } from "../../protocols/hiero/proofs/bytes.ts";
import { HINTS_KEY_BYTES } from "../../protocols/hiero/proofs/hints_key.ts";
import { poseidonHashBytes } from "../../protocols/hiero/proofs/poseidon.ts";
import { encodeVerificationData } from "../../protocols/hiero/proofs/verification_data.ts";
import { makeWraps, replaceField } from "../../protocols/hiero/proofs/_wraps_maker.ts";
import { seededRandom } from "../../protocols/hiero/proofs/_vectors.ts";
import { listBlockFiles, readBlockFile } from "./block_files.ts";
import { openPipeline, type PipelineFixture } from "./_testing.ts";
import type { VerifyTaskOptions } from "./verify_task.ts";

/** Where a block_signature lies in a Block: item, proof, kind of proof, and in a state proof one step more. */
const SIGNATURE_PATHS = [[1, 9, 2, 1], [1, 9, 3, 2, 1]] as const;
/** A settled signature is a genesis one with another suffix. */
const SCHNORR_BYTES = 192;

async function readSet(vectors: string, set: string): Promise<Uint8Array[]> {
  return await Promise.all((await listBlockFiles([`${vectors}/block-node/${set}`])).map(readBlockFile));
}

function withSignature(block: Uint8Array, change: (signature: Uint8Array) => Uint8Array): Uint8Array {
  return SIGNATURE_PATHS.reduce((bytes, path) => replaceField(bytes, path, change), block);
}

/** A node that takes nothing unproven, with room for real blocks. */
function openStrict(verify: Partial<VerifyTaskOptions> = {}): Promise<PipelineFixture> {
  return openPipeline({ arenaBytes: 4_194_304, verify: { proofs: "require", ...verify } });
}

vectorTest("Scenario V2: a tampered signature is BAD_BLOCK_PROOF, and nothing is stored", async (vectors) => {
  const [block] = await readSet(vectors, "CN_0_73_TSS_WRAPS_LEGACY");
  await using fixture = await openStrict();
  // One bit in the verification key, in the aggregate signature, and in the suffix.
  for (const at of [500, 1_096 + 300, 2_728 + 150]) {
    const call = fixture.connect();
    call.block(0n, withSignature(block!, (signature) => signature.with(at, signature[at]! ^ 1)));
    await eventually(() => call.answers.length > 0, "an answer");
    assert.deepEqual(call.answers, ["end-stream BAD_BLOCK_PROOF"], `byte ${at}`);
  }
  assert.equal(fixture.store.last, undefined);
  const call = fixture.connect();
  call.block(0n, withSignature(block!, (signature) => signature));
  await eventually(() => call.answers.includes("acknowledgement 0"), "the untouched block");
});

vectorTest(
  "Scenario V4: a block with a good and a bad proof fails, whichever comes first",
  async (vectors) => {
    const [block] = await readSet(vectors, "CN_0_73_TSS_WRAPS_LEGACY");
    const spoiled = withSignature(block!, (signature) => signature.with(1_500, signature[1_500]! ^ 1));
    const proofAt = block!.length - proofRecord(block!).length;
    const items = block!.subarray(0, proofAt);
    const [good, bad] = [proofRecord(block!), proofRecord(spoiled)];
    const answer = async (...proofs: readonly Uint8Array[]) => {
      await using fixture = await openStrict();
      const call = fixture.connect();
      call.block(0n, concatBytes(items, ...proofs));
      await eventually(() => call.answers.length > 0, "an answer");
      return call.answers[0];
    };
    assert.equal(await answer(good, good), "acknowledgement 0");
    assert.equal(await answer(good, bad), "end-stream BAD_BLOCK_PROOF");
    assert.equal(await answer(bad, good), "end-stream BAD_BLOCK_PROOF");
  },
);

vectorTest(
  "Scenario P21: a stream of blocks with settled WRAPS signatures is acknowledged",
  async (vectors) => {
    const blocks = await readSet(vectors, "CN_11_12_TSS_SCHNORR");
    const { ledgerId, roster, validFromBlock } = readProofParts(blocks[0]!, 0n).publication!;
    // The keys that sign the roots are the real ones; only what ties them to the ledger is made here.
    const wraps = makeWraps(seededRandom(7));
    const settled = blocks.map((block) =>
      withSignature(block, (signature) => {
        const keyHash = poseidonHashBytes(signature.subarray(0, HINTS_KEY_BYTES));
        return concatBytes(
          signature.subarray(0, signature.length - SCHNORR_BYTES),
          wraps.prove({ ledgerId, keyHash }),
        );
      })
    );
    const tss = { ledgerId, roster, validFromBlock, wrapsVerificationKey: wraps.keyBytes };
    await using fixture = await openStrict({
      verificationData: encodeVerificationData({ tss, addressBooks: [] }),
    });
    const call = fixture.connect();
    settled.forEach((block, i) => call.block(BigInt(i), block));
    const last = BigInt(blocks.length - 1);
    await eventually(() => fixture.persisted.at(-1) === last, `block ${last}`);
    assert.equal(call.answers.at(-1), `acknowledgement ${last}`);
    for (let number = 0n; number <= last; number++) {
      const { proof } = (await fixture.store.record(number))!;
      assert.ok(proof?.status === "verified", `block ${number}`);
      assert.match(proof.kinds.join(), /^(tss|state-proof)-wraps$/);
    }
    // Under the network's own key the same suffixes prove nothing.
    const real = encodeVerificationData({
      tss: readProofParts(blocks[0]!, 0n).publication,
      addressBooks: [],
    });
    await using other = await openStrict({ verificationData: real });
    const refused = other.connect();
    refused.block(0n, settled[0]!);
    await eventually(() => refused.answers.length > 0, "an answer");
    assert.deepEqual(refused.answers, ["end-stream BAD_BLOCK_PROOF"]);
  },
);

/** The last item of a block as its record in the Block. */
function proofRecord(block: Uint8Array): Uint8Array {
  const { recordStart } = [...itemRanges(block)].at(-1)!;
  return block.subarray(recordStart);
}
