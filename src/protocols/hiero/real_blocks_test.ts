import { sha384 as nobleSha384 } from "@noble/hashes/sha2.js";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { vectorTest } from "../../../tests/vectors.ts";
import { detectCompression, unpackBlockFile } from "./block_file.ts";
import { ChainVerifier, decodeChainHead, encodeChainHead } from "./chain.ts";
import { toHex } from "./fault.ts";
import { ITEM, itemRanges, peekItemKind } from "./items.ts";
import { nativeSha384 } from "./native_sha384.ts";
import { BlockVerifier } from "./verify.ts";
import type { VerifiedBlock } from "./verdict.ts";

interface IndexedBlock {
  readonly set: string;
  readonly file: string;
  readonly blockNumber: number;
  readonly hapiVersion: string;
  readonly consensusTimestamp: { readonly seconds: number; readonly nanos: number };
  readonly compression: string;
  readonly uncompressedBytes: number;
  readonly sha384OfUncompressedFile: string;
  readonly itemCount: number;
  readonly itemsByKind: Readonly<Record<string, number>>;
  readonly subtreeRoots: Readonly<Record<string, string>> | null;
  readonly footer: Readonly<Record<string, string>>;
  readonly hashRule: string;
  readonly blockRootHash: string | null;
  readonly previousBlockHash: string;
  readonly proofs: readonly {
    readonly kind: string;
    readonly field: number;
    readonly signatureBytes?: number;
    readonly paths?: number;
    readonly version?: number;
    readonly signatures?: number;
  }[];
}

function readIndex(dir: string): readonly IndexedBlock[] {
  return JSON.parse(Deno.readTextFileSync(`${dir}/block-node/index.json`)).blocks;
}

function readBlock(dir: string, { file }: { readonly file: string }): Uint8Array {
  return unpackBlockFile(Deno.readFileSync(`${dir}/block-node/${file}`));
}

function readSet(dir: string, set: string): { readonly entry: IndexedBlock; readonly bytes: Uint8Array }[] {
  return readIndex(dir).filter((entry) => entry.set === set).map((entry) => ({
    entry,
    bytes: readBlock(dir, entry),
  }));
}

const CHAINS = ["CN_11_12_TSS_SCHNORR", "CN_0_73_TSS_WRAPS_LEGACY", "SIM_HAPI_0_69"];

vectorTest("unpackBlockFile() gives the exact bytes of every real block file", (dir) => {
  for (const entry of readIndex(dir)) {
    const packed = Deno.readFileSync(`${dir}/block-node/${entry.file}`);
    assert.equal(detectCompression(packed), entry.compression, entry.file);
    const bytes = unpackBlockFile(packed);
    assert.equal(bytes.length, entry.uncompressedBytes, entry.file);
    assert.equal(
      createHash("sha384").update(bytes).digest("hex"),
      entry.sha384OfUncompressedFile,
      entry.file,
    );
  }
});

vectorTest("BlockVerifier.verify() reproduces every figure of every real block", (dir) => {
  const verifier = new BlockVerifier(nativeSha384);
  for (const entry of readIndex(dir)) {
    const verdict = verifier.verify(readBlock(dir, entry), {
      expectedNumber: BigInt(entry.blockNumber),
      subtreeRoots: true,
    });
    assert.ok(
      verdict.status === "ok",
      `${entry.file}: ${verdict.status === "fault" && verdict.fault.message}`,
    );
    assert.equal(verdict.hapiVersion, entry.hapiVersion, entry.file);
    assert.deepEqual(
      { ...verdict.timestamp, seconds: Number(verdict.timestamp.seconds) },
      entry.consensusTimestamp,
    );
    assert.equal(verdict.itemCount, entry.itemCount, entry.file);
    assert.deepEqual(verdict.itemCounts, entry.itemsByKind, entry.file);
    assert.equal(toHex(verdict.previousHash), entry.footer["previousBlockRootHash"], entry.file);
    assert.equal(toHex(verdict.allBlocksHash), entry.footer["rootHashOfAllBlockHashesTree"], entry.file);
    assert.equal(verdict.rule, entry.hashRule === "unknown" ? "opaque" : entry.hashRule, entry.file);
    if (entry.hashRule === "unknown") {
      assert.deepEqual([verdict.level, verdict.rootHash], ["not-verifiable", undefined], entry.file);
    } else {
      assert.equal(verdict.level, "hash-verified", entry.file);
      assert.equal(toHex(verdict.rootHash!), entry.blockRootHash, entry.file);
      const roots = Object.entries(verdict.subtreeRoots!).map(([name, root]) => [name, toHex(root)]);
      assert.deepEqual(Object.fromEntries(roots), entry.subtreeRoots, entry.file);
    }
    assert.equal(verdict.proofs.length, entry.proofs.length, entry.file);
    verdict.proofs.forEach((proof, i) => {
      const stated = entry.proofs[i]!;
      assert.equal(proof.field, stated.field, entry.file);
      if (proof.kind === "legacy") assert.equal(proof.rootDigest.length, 48, entry.file);
      else assert.equal(proof.kind, stated.kind, entry.file);
      if (proof.kind === "tss") assert.equal(proof.signatureBytes, stated.signatureBytes, entry.file);
      if (proof.kind === "stateProof") {
        assert.deepEqual(
          [proof.paths, proof.signatureBytes],
          [stated.paths, stated.signatureBytes],
          entry.file,
        );
      }
      if (proof.kind === "signedRecordFile") {
        assert.deepEqual([proof.version, proof.signatures], [stated.version, stated.signatures], entry.file);
      }
    });
  }
});

vectorTest("BlockVerifier.verify() gives the same roots with @noble/hashes", (dir) => {
  const verifier = new BlockVerifier((input, out) => out.set(nobleSha384(input)));
  for (const { entry, bytes } of CHAINS.slice(0, 2).flatMap((set) => readSet(dir, set).slice(1))) {
    const verdict = verifier.verify(bytes);
    assert.ok(verdict.status === "ok");
    assert.equal(toHex(verdict.rootHash!), entry.blockRootHash, entry.file);
  }
});

vectorTest("ChainVerifier follows every real chain, across a restart after each block", (dir) => {
  for (const set of CHAINS) {
    let chain = new ChainVerifier({ sha384: nativeSha384 });
    for (const { entry, bytes } of readSet(dir, set)) {
      const verdict = chain.verify(bytes);
      assert.ok(
        verdict.status === "ok",
        `${entry.file}: ${verdict.status === "fault" && verdict.fault.message}`,
      );
      assert.deepEqual(verdict.warnings, [], entry.file);
      assert.equal(verdict.link.status, entry.blockNumber === 0 ? "unchecked" : "confirmed", entry.file);
      if (verdict.link.status === "confirmed") {
        assert.equal(
          verdict.link.previousRule,
          entry.hashRule === "unknown" ? "opaque" : entry.hashRule,
          entry.file,
        );
        assert.equal(toHex(verdict.link.previousRoot), entry.previousBlockHash, entry.file);
      }
      const head = chain.head!;
      assert.equal(
        head.earlierRoots?.count,
        entry.hashRule === "unknown" ? undefined : entry.blockNumber,
        entry.file,
      );
      assert.deepEqual(decodeChainHead(encodeChainHead(head)), head, entry.file);
      chain = new ChainVerifier({ sha384: nativeSha384, head: decodeChainHead(encodeChainHead(head)) });
    }
  }
});

/** What is seen when byte `at` of block `i` is changed: a fault in the block, or in the next one's link. */
function flipIsSeen(blocks: readonly Uint8Array[], i: number, at: number, before: VerifiedBlock): boolean {
  const verifier = new BlockVerifier(nativeSha384);
  const changed = blocks[i]!.slice();
  changed[at]! ^= 1 << (at % 8);
  const verdict = verifier.verify(changed, {
    previous: before,
    expectedNumber: before.number + 1n,
    ownsBytes: true,
  });
  if (verdict.status === "fault") return true;
  const next = verifier.verify(blocks[i + 1]!, { previous: verdict });
  return next.status === "fault" && next.fault.detail.check === "previous-hash";
}

vectorTest("BlockVerifier.verify() shows one flipped byte in any hashed item of a real block", (dir) => {
  for (
    const [set, i, step] of [["CN_11_12_TSS_SCHNORR", 4, 2], ["CN_0_73_TSS_WRAPS_LEGACY", 3, 1]] as const
  ) {
    const blocks = readSet(dir, set).map(({ bytes }) => bytes);
    const before = new BlockVerifier(nativeSha384).verify(blocks[i - 1]!) as VerifiedBlock;
    let tried = 0;
    let index = 0;
    for (const { recordStart, start, end } of itemRanges(blocks[i]!)) {
      const kind = peekItemKind(blocks[i]!, start, end);
      // Signatures are not checked here, so a change inside a proof passes; its shape is tested elsewhere.
      if (kind === ITEM.BLOCK_PROOF || index++ % step !== 0) continue;
      const at = recordStart + (index * 31) % (end - recordStart);
      assert.ok(flipIsSeen(blocks, i, at, before), `${set}: byte ${at} in item ${index} of kind ${kind}`);
      tried++;
    }
    assert.ok(tried > 100);
  }
});

vectorTest("BlockVerifier.verify() shows any flipped byte of header and footer of a real block", (dir) => {
  const blocks = readSet(dir, "CN_0_73_TSS_WRAPS_LEGACY").map(({ bytes }) => bytes);
  const before = new BlockVerifier(nativeSha384).verify(blocks[1]!) as VerifiedBlock;
  for (const { recordStart, start, end } of itemRanges(blocks[2]!)) {
    const kind = peekItemKind(blocks[2]!, start, end);
    if (kind !== ITEM.BLOCK_HEADER && kind !== ITEM.BLOCK_FOOTER) continue;
    for (let at = recordStart; at < end; at++) {
      assert.ok(flipIsSeen(blocks, 2, at, before), `byte ${at}, kind ${kind}`);
    }
  }
});

vectorTest("ChainVerifier refuses a real block out of its place and goes on with the right one", (dir) => {
  const blocks = readSet(dir, "CN_11_12_TSS_SCHNORR").map(({ bytes }) => bytes);
  const chain = new ChainVerifier({ sha384: nativeSha384 });
  const types = [blocks[0]!, blocks[2]!, blocks[0]!, blocks[1]!, blocks[2]!].map((bytes) => {
    const verdict = chain.verify(bytes);
    return verdict.status === "ok" ? "ok" : verdict.fault.detail.check;
  });
  assert.deepEqual(types, ["ok", "number", "number", "ok", "ok"]);
});
