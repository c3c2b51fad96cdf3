import assert from "node:assert/strict";
import { vectorTest } from "../../../tests/vectors.ts";
import { ChainVerifier, encodeChainHead } from "../../protocols/hiero/chain.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import { readProofParts } from "../../protocols/hiero/proofs/proof_parts.ts";
import {
  encodeVerificationData,
  NO_VERIFICATION_DATA,
  type TssData,
} from "../../protocols/hiero/proofs/verification_data.ts";
import { listBlockFiles, readBlockFile } from "./block_files.ts";
import { fsckBlocks, type FsckFinding, type FsckProofs } from "./fsck.ts";
import { toBlockRecord } from "./report.ts";
import { blockKey, BLOCKS_FAMILY, BlockStore } from "./store.ts";
import { BrittleEngine, makeChain } from "./_testing.ts";

const NO_KEYS: FsckProofs = { data: NO_VERIFICATION_DATA };

/** A store with a chain, and the keys it has learned, if any. */
async function openStored(chain: readonly Uint8Array[], tss?: TssData): Promise<BrittleEngine> {
  const engine = new BrittleEngine();
  const store = await BlockStore.open(engine);
  const verifier = new ChainVerifier({ sha384: nativeSha384 });
  const verificationData = tss && encodeVerificationData({ tss, addressBooks: [] });
  for (const block of chain) {
    const verdict = verifier.verify(block);
    assert.ok(verdict.status === "ok");
    const chainState = encodeChainHead(verifier.head!);
    await store.append([{
      number: verdict.number,
      block,
      record: toBlockRecord(verdict),
      chainState,
      verificationData,
    }]);
  }
  return engine;
}

async function scan(engine: BrittleEngine, proofs?: FsckProofs) {
  const findings: FsckFinding[] = [];
  const root = await Deno.makeTempDir({ prefix: "cairn-fsck-" });
  try {
    const summary = await fsckBlocks({ engine, root, proofs, onFinding: (found) => findings.push(found) });
    const found = findings.map(({ severity, check, block = "" }) => `${severity} ${check} ${block}`.trim());
    return { summary, findings, found };
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function readSet(vectors: string, set: string): Promise<Uint8Array[]> {
  return await Promise.all((await listBlockFiles([`${vectors}/block-node/${set}`])).map(readBlockFile));
}

vectorTest(
  "fsckBlocks() checks proofs where it is told to, and names the block whose signature is spoiled",
  async (vectors) => {
    const chain = await readSet(vectors, "CN_0_73_TSS_WRAPS_LEGACY");
    await using engine = await openStored(chain);
    const whole = await scan(engine, NO_KEYS);
    assert.deepEqual(whole.found, []);
    assert.deepEqual(whole.summary.proofs, { verified: 5, unverified: 0, refused: 0 });
    const spoiled = chain[3]!.slice();
    spoiled[spoiled.length - 200]! ^= 1;
    await engine.write([{ kind: "put", family: BLOCKS_FAMILY.block, key: blockKey(3n), value: spoiled }]);
    // No hash covers a proof, so nothing else can see it.
    const blind = await scan(engine);
    assert.deepEqual([blind.found, blind.summary.ok, blind.summary.proofs], [[], true, undefined]);
    const seen = await scan(engine, NO_KEYS);
    assert.deepEqual([seen.found, seen.summary.ok], [["error proof 3"], false]);
    assert.deepEqual(seen.summary.proofs, { verified: 4, unverified: 0, refused: 1 });
  },
);

vectorTest(
  "fsckBlocks() takes the keys that it is given before those of the store, and these before block 0's",
  async (vectors) => {
    const [older, other] = [
      await readSet(vectors, "CN_0_73_TSS_WRAPS_LEGACY"),
      await readSet(vectors, "CN_11_12_TSS_SCHNORR"),
    ];
    const tss = readProofParts(older[0]!, 0n).publication!;
    const foreign = readProofParts(other[0]!, 0n).publication!;
    // Without block 0 only the store knows the keys.
    await using late = await openStored(older.slice(2), tss);
    assert.deepEqual((await scan(late, NO_KEYS)).summary.proofs, { verified: 3, unverified: 0, refused: 0 });
    const given = await scan(late, { data: { tss: foreign, addressBooks: [] } });
    assert.deepEqual(given.summary.proofs, { verified: 0, unverified: 0, refused: 3 });
    const pinned = await scan(late, { ...NO_KEYS, ledgerId: foreign.ledgerId });
    assert.deepEqual(pinned.found, ["error keys", "warning proof"]);
    assert.deepEqual(pinned.summary.proofs, { verified: 0, unverified: 3, refused: 0 });
  },
);

Deno.test("fsckBlocks() counts blocks whose proofs cannot be checked, and does not call them wrong", async () => {
  await using engine = await openStored(makeChain(70));
  const { summary, findings } = await scan(engine, NO_KEYS);
  assert.equal(summary.ok, true);
  assert.deepEqual(summary.proofs, { verified: 0, unverified: 70, refused: 0 });
  assert.deepEqual(findings.map(({ message }) => message), [
    "Proofs of 70 blocks could not be checked (no-verification-data)",
  ]);
});
