import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { vectorTest } from "../../tests/vectors.ts";
import { makeProof, mine } from "./_auxpow_proof.ts";
import { double, lastIndexOf, TAG, verifyReference } from "./_auxpow_reference.ts";
import { KernelRig } from "./_kernel_rig.ts";
import { resume } from "./_sha256_reference.ts";
import { type AuxPow, type AuxPowRules, auxPowTarget, verifyAuxPow, verifyAuxPowBatch } from "./auxpow.ts";
import { checkHeader, checkHeaders, type HeaderRules, nextDifficulty } from "./header.ts";

// deno-lint-ignore no-explicit-any
type Vector = any;

const hex = (text: string) => Uint8Array.fromHex(text.replace(/^0x/, ""));
const display = (wire: Uint8Array) => new Uint8Array(wire).reverse().toHex();
const numberBytes = (value: bigint) => hex(value.toString(16).padStart(64, "0"));

async function read(dir: string, name: string): Promise<Vector[]> {
  const { vectors } = JSON.parse(await Deno.readTextFile(join(dir, "rootstock", `${name}.json`)));
  assert.ok(vectors.length > 0);
  return vectors;
}

vectorTest("sha256dBatch() gives the hashes of real bitcoin headers", async (dir) => {
  const vectors = await read(dir, "pow-btc-headers");
  for (const build of ["simd", "scalar"] as const) {
    const rig = await KernelRig.create(build);
    const outs = vectors.map(() => rig.room(32));
    const rows = rig.putWords(vectors.flatMap(({ header }, i) => [rig.put(hex(header)), 80, outs[i]!, 0]));
    rig.hot.kernels.sha256dBatch(rows, vectors.length);
    for (const [i, { id, computed }] of vectors.entries()) {
      assert.equal(display(rig.read(outs[i]!, 32)), computed.hashDisplay, id);
    }
    rig.check();
  }
});

vectorTest("sha256d() combines Merkle nodes as the reference node does", async (dir) => {
  for (
    const { id, leftDisplay, rightDisplay, expectedParentDisplay } of await read(dir, "pow-merkle-combine")
  ) {
    const rig = await KernelRig.create("simd");
    const node = rig.put(Buffer.concat([hex(leftDisplay).reverse(), hex(rightDisplay).reverse()]));
    const out = rig.room(32);
    rig.hot.kernels.sha256d(node, 64, out);
    assert.equal(display(rig.read(out, 32)), expectedParentDisplay, id);
  }
});

vectorTest("sha256Resume() gives the transaction hash of a real compressed coinbase", async (dir) => {
  let seen = 0;
  for (const { id, computed } of await read(dir, "pow-coinbase-tx")) {
    assert.equal(display(double(hex(computed.strippedTx))), computed.txid, id);
    if (computed.compressed === undefined) continue;
    const compressed = Buffer.from(hex(computed.compressed));
    const rig = await KernelRig.create("simd");
    const at = rig.put(compressed);
    const out = rig.room(32);
    const tail = compressed.length - 40;
    rig.hot.kernels.sha256Resume(
      at + 8,
      compressed.readUInt32BE(0),
      compressed.readUInt32BE(4),
      at + 40,
      tail,
      out,
    );
    assert.equal(
      rig.hex(out),
      resume(compressed.subarray(8, 40), compressed.readBigUInt64BE(0), compressed.subarray(40)).toHex(),
    );
    rig.hot.kernels.sha256(out, 32, out);
    assert.equal(display(rig.read(out, 32)), computed.txid, id);
    assert.equal(lastIndexOf(compressed.subarray(40), TAG), computed.tagPositionInTail);
    // The same coinbase as a proof: alone in its block, with the data that the real one carries.
    const root = double(hex(computed.strippedTx));
    const difficulty = new Uint8Array([1]);
    const verdict = verifyAuxPow({
      rules: { rskip92: true, forkData: true, rskip180: true },
      hash: Buffer.concat([hex(computed.prefix20), new Uint8Array(12)]),
      difficulty,
      btcHeader: mine(root, difficulty),
      merkleProof: new Uint8Array(0),
      coinbase: compressed,
    });
    assert.ok(verdict.valid);
    assert.equal(verdict.forkData!.subarray(0, 7).toHex(), computed.cpv7);
    assert.equal(verdict.forkData![7], computed.unclesByte);
    assert.equal(Buffer.from(verdict.forkData!).readUInt32BE(8), computed.rskHeight);
    seen++;
  }
  assert.ok(seen > 0);
});

vectorTest("verifyAuxPow() accepts real blocks, and their targets are as computed", async (dir) => {
  const proofs: AuxPow[] = [];
  for (const vector of await read(dir, "pow-mergedmining-real")) {
    const { rskip92, rskip180, rskip110Data: forkData } = vector.rules;
    const proof = {
      rules: { rskip92, rskip180, forkData },
      hash: hex(vector.hashForMergedMining),
      difficulty: numberBytes(BigInt(vector.difficulty)),
      btcHeader: hex(vector.btcHeader),
      merkleProof: hex(vector.merkleProof),
      coinbase: hex(vector.coinbaseCompressed),
    };
    const verdict = verifyAuxPow(proof);
    assert.equal(verdict.valid, vector.expectedValid, vector.id);
    assert.ok(verdict.valid);
    assert.equal(display(verdict.powHash), vector.computed.powHashDisplay);
    assert.equal(auxPowTarget(proof.difficulty).toHex(), vector.computed.target);
    proofs.push(proof);
  }
  for (const proof of proofs) {
    // The greatest difficulty that the hash meets, and one more.
    const hash = BigInt(`0x${display(double(proof.btcHeader))}`);
    const greatest = 2n ** 256n / hash;
    const [meets, misses] = verifyAuxPowBatch(
      [greatest, greatest + 1n].map((value) => ({ ...proof, difficulty: numberBytes(value) })),
    );
    assert.equal(meets!.valid, true);
    assert.deepEqual(misses, { valid: false, failure: "above-target" });
  }
});

vectorTest(
  "verifyAuxPow() accepts and refuses formats of Merkle proofs as the reference node does",
  async (dir) => {
    const base = makeProof();
    for (
      const { id, format, proofLength, rskip180, pmt, expectedAccepted } of await read(
        dir,
        "pow-merkleproof-format",
      )
    ) {
      const rules: AuxPowRules = {
        rskip92: format === "rskip92",
        forkData: false,
        rskip180: rskip180 ?? false,
      };
      const merkleProof = pmt !== undefined
        ? hex(pmt)
        : proofLength === null
        ? undefined
        : new Uint8Array(proofLength);
      const verdict = verifyAuxPow({ ...base, rules, merkleProof });
      // Accepted formats are proofs of something else.
      assert.deepEqual(
        verdict,
        { valid: false, failure: expectedAccepted ? "merkle-root-mismatch" : "merkle-proof-format" },
        id,
      );
    }
  },
);

vectorTest("verifyAuxPow() follows the rule cases of the reference node's own tests", async (dir) => {
  const base = makeProof({ depth: 2 });
  const failures = new Map<string, string>();
  for (const { id, extraOutputScripts, expectedValid } of await read(dir, "pow-unit-recipes")) {
    const zeros = (bytes: number) => new Uint8Array(bytes);
    const coinbase = (...parts: Uint8Array[]) => ({
      ...base,
      coinbase: new Uint8Array(Buffer.concat(parts)),
    });
    const proof = id === "no-tag-prefix"
      ? coinbase(zeros(100), base.hash)
      : id === "tag-too-far"
      ? coinbase(zeros(1000), TAG, base.hash)
      : id === "after-hash-three-outputs"
      ? coinbase(base.coinbase, ...extraOutputScripts.flatMap((script: string) => [zeros(9), hex(script)]))
      : { ...base, btcHeader: new Uint8Array([...base.btcHeader, 0]) };
    const verdict = verifyAuxPow(proof);
    assert.equal(verdict.valid, expectedValid, id);
    assert.deepEqual(verdict, verifyReference(proof));
    if (!verdict.valid) failures.set(id, verdict.failure);
  }
  assert.deepEqual([...failures.values()], [
    "tag-not-found",
    "tag-too-far",
    "too-many-bytes-after",
    "btc-header-size",
  ]);
});

vectorTest(
  "verifyAuxPow() finds the last of several commitments, as the vectors of the search say",
  async (dir) => {
    for (const { id, haystack, needle, expectedLastIndex } of await read(dir, "pow-tag-search")) {
      assert.equal(lastIndexOf(hex(haystack), hex(needle)), expectedLastIndex, id);
    }
    // The kernel searches for one needle only: it stands where the vectors have theirs.
    const base = makeProof({ before: 0, after: 0 });
    const [head, commitment] = [base.coinbase.slice(0, 40), base.coinbase.slice(40)];
    const other = new Uint8Array(3);
    for (
      const [parts, failure] of [
        [[commitment], "valid"],
        [[other, commitment], "merkle-root-mismatch"],
        [[commitment.subarray(1), other], "tag-not-found"],
        [[other, commitment.subarray(0, 40)], "tag-not-found"],
        [[commitment, commitment], "merkle-root-mismatch"],
        [[commitment, commitment, commitment], "tag-too-far"],
      ] as const
    ) {
      const proof = { ...base, coinbase: new Uint8Array(Buffer.concat([head, ...parts])) };
      const verdict = verifyAuxPow(proof);
      assert.deepEqual(verdict, verifyReference(proof));
      assert.equal(verdict.valid ? "valid" : verdict.failure, failure);
    }
  },
);

const RULES: HeaderRules = { rskip92: true, forkData: false, rskip180: false, umm: false, version: 0 };

vectorTest("checkHeaders() gives the hashes of real headers and accepts their proofs", async (dir) => {
  const real = await read(dir, "headers-real");
  const mainnet = await read(dir, "headers-mainnet");
  const inputs = [...real, ...mainnet].map((vector) => ({
    bytes: hex(vector.headerRlp ?? vector.computed.headerRlp),
    rules: { ...RULES, rskip92: vector.computed.rskip92HashEncoding ?? true },
  }));
  const verdicts = checkHeaders(inputs);
  for (const [i, vector] of [...real, ...mainnet].entries()) {
    const verdict = verdicts[i]!;
    const { facts } = verdict;
    assert.equal(facts?.hash.toHex(), vector.expectedHash ?? vector.hash ?? vector.computed.hash, vector.id);
    assert.equal(facts?.number, BigInt(vector.number));
    const { computed } = vector;
    const miningHash = vector.expectedHashForMergedMining ?? computed.hashForMergedMining;
    if (miningHash !== undefined) assert.equal(facts?.miningHash.toHex(), miningHash);
    if (computed.uncleCount !== undefined) assert.equal(facts?.uncleCount, computed.uncleCount);
    // Genesis is not mined.
    assert.equal(verdict.valid, vector.number > 0, vector.id);
    if (vector.difficulty) assert.equal(BigInt(`0x${facts?.difficulty.toHex()}`), BigInt(vector.difficulty));
    if (vector.timestamp) assert.equal(facts?.timestamp, BigInt(vector.timestamp));
  }
});

vectorTest("checkHeader() gives the hash of each network's genesis", async (dir) => {
  for (const network of ["mainnet", "testnet", "regtest"]) {
    const text = await Deno.readTextFile(join(dir, "rootstock", `genesis-${network}.json`));
    const { fullHeaderRlp, rskip92HashEncoding, hash } = JSON.parse(text);
    const rules = { ...RULES, rskip92: rskip92HashEncoding };
    assert.equal(
      checkHeader({ bytes: hex(fullHeaderRlp), rules }).facts?.hash.toHex(),
      hash.replace(/^0x/, ""),
      network,
    );
  }
});

/** Section 3.3: per network. */
const BLOCK_SECONDS: Record<string, number> = { mainnet: 14, testnet: 14, regtest: 10 };

vectorTest("nextDifficulty() is what the reference node's tests expect", async (dir) => {
  for (const vector of await read(dir, "difficulty-calc")) {
    const { id, network, rules, parentDifficulty, deltaSeconds, uncleCount, expectedDifficulty } = vector;
    const minimum = network === "mainnet"
      ? 7_000_000_000_000_000n
      : network === "regtest"
      ? 1n
      : rules.rskip290
      ? 550_000_000n
      : 131_072n;
    const next = nextDifficulty(numberBytes(BigInt(parentDifficulty)), BigInt(deltaSeconds), uncleCount, {
      blockSeconds: BLOCK_SECONDS[network]!,
      divisor: network === "regtest" ? 2048 : rules.rskip156 ? 400 : 50,
      minimum: numberBytes(minimum),
      rskip97: rules.rskip97,
    });
    assert.equal(BigInt(`0x${next?.toHex()}`), BigInt(expectedDifficulty), id);
  }
});
