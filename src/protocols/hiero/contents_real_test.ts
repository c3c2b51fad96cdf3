import assert from "node:assert/strict";
import { vectorTest } from "../../../tests/vectors.ts";
import { unpackBlockFile } from "./block_file.ts";
import { contentsProofToJson, readContentsProof, verifyContentsFile } from "./contents_file.ts";
import { encodeContentsProof, parseContentsProof, verifyContentsProof } from "./contents_proof.ts";
import { BlockContents } from "./contents_tree.ts";
import { HieroFault } from "./fault.ts";
import { nativeSha384 } from "./native_sha384.ts";
import type { RootCandidate } from "./root_hash.ts";

interface IndexedBlock {
  readonly file: string;
  readonly blockNumber: number;
  readonly itemCount: number;
  readonly hashRule: RootCandidate["rule"] | "unknown";
  readonly blockRootHash: string | null;
  readonly proofs: readonly { readonly kind: string; readonly signatureBytes?: number }[];
}

function realBlocks(dir: string): { readonly entry: IndexedBlock; readonly bytes: Uint8Array }[] {
  const { blocks } = JSON.parse(Deno.readTextFileSync(`${dir}/block-node/index.json`));
  return blocks.map((entry: IndexedBlock) => ({
    entry,
    bytes: unpackBlockFile(Deno.readFileSync(`${dir}/block-node/${entry.file}`)),
  }));
}

vectorTest("BlockContents.prove() leads from every item of every real block to its root", (dir) => {
  let proved = 0;
  for (const { entry, bytes } of realBlocks(dir)) {
    if (entry.hashRule === "unknown") {
      assert.throws(() => new BlockContents(bytes, nativeSha384), { type: "MISSING_VERIFICATION_DATA" });
      continue;
    }
    const contents = new BlockContents(bytes, nativeSha384);
    const root = Uint8Array.fromHex(entry.blockRootHash!);
    const unproven: string[] = [];
    for (let index = 0; index < contents.length; index++) {
      const kind = contents.kindAt(index)!;
      if (kind === "block_footer" || kind === "block_proof") {
        unproven.push(kind);
        continue;
      }
      const proof = contents.prove(index, entry.hashRule);
      assert.deepEqual(verifyContentsProof(proof, nativeSha384, root), {
        status: "ok",
        kind,
        rootHash: root,
        rule: entry.hashRule,
      }, `${entry.file}: item ${index}`);
      proved++;
    }
    assert.deepEqual(unproven, ["block_footer", "block_proof"], entry.file);
    const [{ kind, signatureBytes = 0 }] = entry.proofs as [IndexedBlock["proofs"][0]];
    const { signature } = contents.prove(0, entry.hashRule);
    assert.equal(signature.length, kind === "tss" ? signatureBytes : 0, entry.file);
  }
  assert.ok(proved > 9_900, `${proved} items`);
});

vectorTest(
  "readContentsProof() reads back the proof of every item of real blocks, as bytes and as JSON",
  (dir) => {
    for (const { entry, bytes } of realBlocks(dir)) {
      if (entry.hashRule === "unknown" || entry.itemCount > 1_000) continue;
      const contents = new BlockContents(bytes, nativeSha384);
      const rootHash = Uint8Array.fromHex(entry.blockRootHash!);
      for (let itemIndex = 0; itemIndex < contents.length - 2; itemIndex++) {
        const proof = contents.prove(itemIndex, entry.hashRule);
        const itemKind = contents.kindAt(itemIndex)!;
        const { hashRule } = entry;
        const claims = { blockNumber: BigInt(entry.blockNumber), itemIndex, itemKind, hashRule, rootHash };
        const read = readContentsProof(new TextEncoder().encode(contentsProofToJson(proof, claims)));
        assert.equal(verifyContentsFile(read, nativeSha384).status, "ok", `${entry.file}: item ${itemIndex}`);
        assert.deepEqual(parseContentsProof(encodeContentsProof(read.proof)), proof);
      }
    }
  },
);

vectorTest(
  "verifyContentsProof() refuses a flipped byte in proofs of real blocks, some hundred places in each",
  (dir) => {
    for (const { entry, bytes } of realBlocks(dir)) {
      if (entry.hashRule === "unknown" || entry.itemCount < 100) continue;
      const contents = new BlockContents(bytes, nativeSha384);
      const root = Uint8Array.fromHex(entry.blockRootHash!);
      const proof = contents.prove(Math.floor(entry.itemCount / 2), entry.hashRule);
      const encoded = encodeContentsProof({ ...proof, signature: new Uint8Array(0) });
      for (let at = 0; at < encoded.length; at += Math.ceil(encoded.length / 300)) {
        const changed = encoded.slice();
        changed[at]! ^= 1 << (at % 8);
        let status: string;
        try {
          status = verifyContentsProof(parseContentsProof(changed), nativeSha384, root).status;
        } catch (thrown) {
          assert.ok(thrown instanceof HieroFault);
          status = "fault";
        }
        assert.equal(status, "fault", `${entry.file}: byte ${at}`);
      }
    }
  },
);
