import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  AUXPOW_OUT_BYTES,
  AUXPOW_OUT_CODE,
  AUXPOW_OUT_FORK_DATA,
  AUXPOW_OUT_POW_HASH,
  AUXPOW_ROW_BYTES,
} from "../../wasm/layout.ts";
import { makePartialTree, makeProof, mine, serializePartialTree } from "./_auxpow_proof.ts";
import { double, TAG, target, verifyReference } from "./_auxpow_reference.ts";
import { type KernelRig, kernelTest, randomBytes } from "./_kernel_rig.ts";
import {
  type AuxPow,
  auxPowFailure,
  auxPowFlags,
  auxPowTarget,
  type AuxPowVerdict,
  verifyAuxPow,
  verifyAuxPowBatch,
} from "./auxpow.ts";

/** Checks proofs between guards, the last one's parts at the end of memory by turns; codes as verdicts. */
function verifyRows(rig: KernelRig, proofs: readonly AuxPow[]): AuxPowVerdict[] {
  let atEnd = false;
  const put = (bytes: Uint8Array) => atEnd ? rig.put(bytes) : (atEnd = true, rig.putAtEnd(bytes));
  const outs: number[] = [];
  const words = proofs.flatMap((proof, i) => {
    const out = rig.room(AUXPOW_OUT_BYTES, 4);
    outs.push(out);
    const parts = [proof.difficulty, proof.btcHeader, proof.merkleProof ?? new Uint8Array(0), proof.coinbase];
    // Another part is at the end each time: a read behind it would trap.
    const addresses: number[] = [];
    for (let j = 0; j < 4; j++) addresses[(i + j) % 4] = put(parts[(i + j) % 4]!);
    if (proof.merkleProof === undefined) addresses[2] = 0;
    const pairs = parts.flatMap((part, j) => [addresses[j]!, part.length]);
    return [auxPowFlags(proof.rules), rig.put(proof.hash), ...pairs, out, 0xdeadbeef];
  });
  const rows = rig.putWords(words);
  const valid = rig.hot.kernels.auxpowBatch(rows, proofs.length);
  const verdicts = outs.map((out, i): AuxPowVerdict => {
    const failure = auxPowFailure(rig.hot.u32[(out + AUXPOW_OUT_CODE) >>> 2]!);
    if (failure !== undefined) return { valid: false, failure };
    const powHash = rig.read(out + AUXPOW_OUT_POW_HASH, 32);
    const forkData = rig.read(out + AUXPOW_OUT_FORK_DATA, 12);
    return proofs[i]!.rules.forkData ? { valid: true, powHash, forkData } : { valid: true, powHash };
  });
  assert.equal(valid, verdicts.filter((verdict) => verdict.valid).length);
  if (proofs.length === 1) {
    const code = rig.hot.u32[(outs[0]! + AUXPOW_OUT_CODE) >>> 2];
    assert.equal(rig.hot.kernels.auxpowVerify(rows), code);
  }
  assert.equal(AUXPOW_ROW_BYTES, 4 * 12);
  rig.reset();
  return verdicts;
}

/** Checks by the kernels, alone and in one batch, and by the reference; all must agree. */
function agree(rig: KernelRig, proofs: readonly AuxPow[]): AuxPowVerdict[] {
  const expected = proofs.map(verifyReference);
  assert.deepEqual(verifyRows(rig, proofs), expected);
  return expected;
}

const failureOf = (verdict: AuxPowVerdict) => verdict.valid ? "valid" : verdict.failure;

kernelTest("auxpowBatch() accepts proofs of every depth, alone and in batches", (rig) => {
  const proofs = Array.from(
    { length: 31 },
    (_, depth) =>
      makeProof({ depth, forkData: depth % 2 === 0, before: depth % 64, after: (5 * depth) % 129 }),
  );
  for (const proof of proofs) assert.ok(agree(rig, [proof])[0]!.valid);
  assert.ok(agree(rig, proofs).every(({ valid }) => valid));
  const many = Array.from({ length: 70 }, (_, i) => makeProof({ depth: (i * 7) % 15, after: i }));
  assert.ok(agree(rig, many).every(({ valid }) => valid));
  assert.deepEqual(agree(rig, []), []);
});

/** Proofs that each fail in one way, by the failure. */
function failures(forkData: boolean): [string, AuxPow][] {
  const ok = makeProof({ depth: 3, forkData });
  const tail = Buffer.from(ok.coinbase.subarray(40));
  const commitment = Buffer.from(tail.subarray(57, 98));
  const withTail = (...parts: Uint8Array[]): AuxPow => ({
    ...ok,
    coinbase: new Uint8Array(Buffer.concat([ok.coinbase.subarray(0, 40), ...parts])),
  });
  const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => i === at ? byte ^ 1 : byte);
  const small = makeProof({ blocks: 0, before: 0, after: 23, forkData });
  const missing = forkData ? "fork-data-missing" : "tag-not-found";
  const zeros = (bytes: number) => new Uint8Array(bytes);
  return [
    ["valid", ok],
    ["merkle-proof-format", { ...ok, merkleProof: undefined }],
    ["merkle-proof-format", { ...ok, merkleProof: randomBytes(33) }],
    ["merkle-proof-format", { ...ok, merkleProof: randomBytes(992) }],
    ["merkle-proof-format", { ...ok, merkleProof: zeros(1), coinbase: zeros(0), btcHeader: zeros(0) }],
    ["coinbase-missing", { ...ok, coinbase: zeros(0), btcHeader: zeros(0) }],
    ["btc-header-missing", { ...ok, btcHeader: zeros(0) }],
    ["btc-header-size", { ...ok, btcHeader: ok.btcHeader.slice(0, 79) }],
    ["btc-header-size", { ...ok, btcHeader: new Uint8Array([...ok.btcHeader, 0]) }],
    ["above-target", { ...ok, difficulty: new Uint8Array([1, ...zeros(8)]) }],
    ["above-target", { ...ok, difficulty: new Uint8Array([0, ...zeros(90), 9, ...zeros(60)]) }],
    ["coinbase-too-short", { ...ok, coinbase: ok.coinbase.slice(0, 39) }],
    [missing, withTail()],
    [missing, withTail(zeros(60))],
    [missing, withTail(tail.subarray(0, 97))],
    [missing, { ...ok, hash: flip(ok.hash, 19) }],
    [forkData ? "valid" : missing, { ...ok, hash: flip(ok.hash, 31) }],
    ["tag-too-far", withTail(zeros(64), commitment)],
    ["tag-too-far", withTail(zeros(960), commitment, zeros(300))],
    ["tag-too-far", withTail(commitment, zeros(100), commitment)],
    ["not-last-tag", withTail(commitment, TAG)],
    ["not-last-tag", withTail(commitment, zeros(200), TAG)],
    ["not-last-tag", withTail(commitment, TAG, ok.hash.subarray(0, 19))],
    ["too-many-bytes-after", withTail(zeros(57), commitment, zeros(129))],
    ["coinbase-too-small", small],
    ["coinbase-too-small", { ...ok, coinbase: ok.coinbase.with(0, 0x80) }],
    ["merkle-root-mismatch", { ...ok, coinbase: flip(ok.coinbase, 8) }],
    ["merkle-root-mismatch", { ...ok, coinbase: flip(ok.coinbase, 7) }],
    ["merkle-root-mismatch", { ...ok, coinbase: flip(ok.coinbase, 41) }],
    ["merkle-root-mismatch", { ...ok, merkleProof: flip(ok.merkleProof!, 40) }],
    ["merkle-root-mismatch", { ...ok, merkleProof: ok.merkleProof!.slice(0, 64) }],
    ["merkle-root-mismatch", { ...ok, merkleProof: zeros(0) }],
    ["merkle-root-mismatch", withTail(zeros(63), commitment, zeros(128))],
  ];
}

kernelTest("auxpowBatch() names each failure of section 4.2, in its order", (rig) => {
  for (const forkData of [false, true]) {
    const cases = failures(forkData);
    const verdicts = agree(rig, cases.map(([, proof]) => proof));
    assert.deepEqual(verdicts.map(failureOf), cases.map(([failure]) => failure));
    for (const [failure, proof] of cases) assert.equal(failureOf(agree(rig, [proof])[0]!), failure);
  }
});

kernelTest("auxpowBatch() takes a proof of more than 30 siblings before RSKIP180", (rig) => {
  const proof = makeProof({ depth: 31, rskip180: false });
  assert.ok(agree(rig, [proof])[0]!.valid);
  const rules = { ...proof.rules, rskip180: true };
  assert.equal(failureOf(agree(rig, [{ ...proof, rules }])[0]!), "merkle-proof-format");
});

kernelTest("auxpowBatch() finds fork data only where they are whole and in the tail", (rig) => {
  const proof = makeProof({ forkData: true });
  const prefix = Buffer.concat([TAG, proof.hash.subarray(0, 20)]);
  // In the chaining words, reaching into the tail: data are cut out there, and found nowhere in the tail.
  const inside = proof.coinbase.slice();
  inside.set(prefix, 11);
  inside.fill(0, 40);
  const across = proof.coinbase.slice();
  across.set(prefix, 39);
  across.fill(0, 68);
  const short = new Uint8Array(Buffer.concat([proof.coinbase, prefix, randomBytes(11)]));
  const later = new Uint8Array(Buffer.concat([proof.coinbase, prefix, randomBytes(12)]));
  const verdicts = agree(
    rig,
    [inside, across, short, later, proof.coinbase].map((coinbase) => ({ ...proof, coinbase })),
  );
  assert.deepEqual(verdicts.map(failureOf), [
    "tag-not-found",
    "tag-not-found",
    "fork-data-missing",
    "tag-too-far",
    "valid",
  ]);
});

/** A sibling that makes a transaction of 64 bytes out of a hash whose display order has a 1 at byte 4. */
function transactionSibling(current: Uint8Array): Buffer {
  const x = Buffer.concat([Buffer.from(current).reverse(), new Uint8Array(32)]);
  x.writeUInt32LE(0xffffffff, 37);
  x[41] = 3;
  x[49] = 1;
  x.writeBigInt64LE(5_000_000_000n, 50);
  x[58] = 1;
  return x.subarray(32);
}

/** A valid proof whose running hash passes for the first half of a transaction at level `level`. */
function proofForGuard(level: number): { proof: AuxPow; sibling: Buffer } {
  for (;;) {
    const siblings: Uint8Array[] = [];
    let sibling: Buffer | undefined;
    const proof = makeProof({
      tree: (leaf) => {
        let root: Uint8Array = leaf;
        for (let i = 0; i < 4; i++) {
          if (i === level && root[27] === 1) sibling = transactionSibling(root);
          siblings.push(i === level && sibling !== undefined ? sibling : randomBytes(32));
          root = double(root, new Uint8Array(siblings[i]!).reverse());
        }
        return { root, proof: new Uint8Array(Buffer.concat(siblings)) };
      },
    });
    if (sibling !== undefined) {
      return { proof: { ...proof, rules: { ...proof.rules, rskip92: true } }, sibling };
    }
  }
}

kernelTest(
  "auxpowBatch() refuses an inner node that could be a transaction, and nothing close to one",
  (rig) => {
    const plain = Array.from({ length: 3 }, () => makeProof({ depth: 4 }));
    for (const level of [0, 3]) {
      const { proof, sibling } = proofForGuard(level);
      const change = (at: number, ...bytes: number[]): AuxPow => {
        const merkleProof = proof.merkleProof!.slice();
        const changed = Buffer.from(sibling);
        changed.set(bytes, at - 32);
        merkleProof.set(changed, 32 * level);
        return { ...proof, merkleProof };
      };
      const value = (satoshi: bigint) => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64LE(satoshi);
        return change(50, ...bytes);
      };
      const refused = [proof, change(37, 0x40, 0x42, 0x0f, 0), change(37, 0, 0, 0, 0), value(1n)];
      refused.push(value(2_100_000_000_000_000n));
      const others = [change(37, 0x41, 0x42, 0x0f, 0), change(37, 0xfe), change(41, 0xff), change(41, 5)];
      others.push(
        change(49, 2),
        value(0n),
        value(-1n),
        value(2_100_000_000_000_001n),
        change(58, 2),
        change(58, 0xff),
      );
      for (
        const batch of [refused, others, [...plain, proof], [proof, ...plain], [
          ...refused,
          ...plain,
          ...others,
        ]]
      ) {
        agree(rig, batch);
      }
      const verdicts = [...agree(rig, refused), ...agree(rig, others)].map(failureOf);
      const transaction = refused.map(() => "inner-node-is-transaction");
      assert.deepEqual(verdicts, [...transaction, ...others.map(() => "merkle-root-mismatch")]);
    }
  },
);

kernelTest("auxpowBatch() walks partial Merkle trees of 1 to 257 transactions", (rig) => {
  for (
    const count of [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 129, 255, 256, 257]
  ) {
    const proofs = [0, count - 1, count >> 1].map((match) =>
      makeProof({
        tree: (leaf) => {
          const leaves: Uint8Array[] = Array.from({ length: count }, () => randomBytes(32));
          leaves[match] = leaf;
          return makePartialTree(leaves, match);
        },
      })
    );
    assert.ok(agree(rig, [...proofs, makeProof({ depth: 2 })]).every(({ valid }) => valid), `${count}`);
  }
});

kernelTest("auxpowBatch() refuses partial Merkle trees that BIP37 refuses", (rig) => {
  const leaves = [1, 2, 3, 4, 5].map(() => randomBytes(32));
  const base = makeProof({
    tree: (leaf) => makePartialTree([leaf, ...leaves.slice(1)], 0),
  });
  const proof = Buffer.from(base.merkleProof!);
  const hashes = Array.from({ length: proof[4]! }, (_, i) => proof.subarray(5 + 32 * i, 37 + 32 * i));
  const bits = [1, 1, 1, 1, 0, 0, 0];
  assert.deepEqual(serializePartialTree(5, hashes, bits), base.merkleProof);
  const variant = (merkleProof: Uint8Array, root?: Uint8Array): AuxPow => ({
    ...base,
    merkleProof,
    btcHeader: root === undefined ? base.btcHeader : mine(root, base.difficulty),
  });
  const tree = (...parameters: Parameters<typeof serializePartialTree>) =>
    variant(serializePartialTree(...parameters));
  const bytes = (...parts: (readonly number[] | Uint8Array)[]) =>
    variant(new Uint8Array(Buffer.concat(parts.map((part) => new Uint8Array(part)))));
  const all = Buffer.concat(hashes);
  const format = [
    bytes([]),
    bytes([5, 0, 0]),
    bytes([5, 0, 0, 0]),
    bytes(proof, [0]),
    bytes(proof.subarray(0, -1)),
    bytes([5, 0, 0, 0, 253, 4]),
    bytes([5, 0, 0, 0, 254, 4, 0, 0]),
    bytes([5, 0, 0, 0, 255, 4, 0, 0, 0, 0, 0, 0]),
    bytes([5, 0, 0, 0, 255, 4, 0, 0, 0, 0, 0, 0, 8], all, [1, 15]),
    bytes([5, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255], all, [1, 15]),
    bytes([5, 0, 0, 0, 4], all),
    bytes([5, 0, 0, 0, 4], all, [255, 1, 0, 0, 0, 1, 0, 0, 0, 15]),
    bytes([5, 0, 0, 0, 4], all, [2, 15]),
  ];
  const walk = [
    tree(0, hashes, bits),
    tree(16_667, hashes, bits),
    tree(0xffffffff, hashes, bits),
    tree(3, hashes, bits),
    tree(5, hashes, [...bits, 0, 0, 0]),
    tree(5, [...hashes, leaves[0]!], bits),
    tree(5, hashes.slice(0, 3), bits),
    tree(5, hashes, [1, 1, 1, 1, 0, 0, 1]),
    tree(5, hashes, [0]),
    tree(5, [], []),
    tree(5, new Array<Uint8Array>(5).fill(leaves[0]!), []),
    // Equal children, although the root is right and the coinbase is among them.
    makeProof({
      tree: (leaf) => ({ proof: serializePartialTree(2, [leaf, leaf], [1, 1, 1]), root: double(leaf, leaf) }),
    }),
    // The right root, but the coinbase is not among the matched.
    tree(5, hashes, [1, 1, 1, 0, 0, 0, 0]),
    // Somebody else's tree.
    variant(makePartialTree(leaves, 1).proof, makePartialTree(leaves, 1).root),
  ];
  const accepted = [
    base,
    // Padding bits are not looked at, varints need not be minimal.
    bytes([5, 0, 0, 0, 4], all, [1, 15 + 128]),
    bytes([5, 0, 0, 0, 253, 4, 0], all, [253, 1, 0, 15]),
    bytes([5, 0, 0, 0, 254, 4, 0, 0, 0], all, [255, 1, 0, 0, 0, 0, 0, 0, 0, 15]),
  ];
  const verdicts = agree(rig, [...format, ...walk, ...accepted]).map(failureOf);
  assert.deepEqual(verdicts, [
    ...format.map(() => "merkle-proof-format"),
    ...walk.map(() => "merkle-root-mismatch"),
    ...accepted.map(() => "valid"),
  ]);
  for (const one of [...format, ...walk]) agree(rig, [one]);
});

kernelTest("auxpowBatch() agrees with the reference on thousands of changed proofs", (rig) => {
  const bases = Array.from(
    { length: 12 },
    (_, i) =>
      i % 4 === 3
        ? makeProof({ tree: (leaf) => makePartialTree([randomBytes(32), leaf, randomBytes(32)], 1) })
        : makeProof({ depth: i, forkData: i % 2 === 0, before: 5 * i, after: 9 * i, blocks: i % 3 }),
  );
  const parts = ["hash", "difficulty", "btcHeader", "merkleProof", "coinbase"] as const;
  const change = fc.record({
    part: fc.constantFrom(...parts),
    kind: fc.constantFrom("byte", "cut", "grow", "none", "rules", "swap"),
    at: fc.nat(300),
    value: fc.integer({ min: 1, max: 255 }),
  });
  const mutated = fc.record({ base: fc.nat(11), changes: fc.array(change, { maxLength: 2 }) }).map(
    ({ base, changes }) => {
      let proof: AuxPow = bases[base]!;
      for (const { part, kind, at, value } of changes) {
        const bytes = proof[part] ?? new Uint8Array(0);
        const where = at % Math.max(1, bytes.length);
        if (kind === "rules") {
          const rules = { rskip92: (at & 1) !== 0, forkData: (at & 2) !== 0, rskip180: (at & 4) !== 0 };
          proof = { ...proof, rules };
        } else if (kind === "swap") proof = { ...proof, [part]: bases[at % 12]![part] };
        else if (kind === "byte" && bytes.length > 0) {
          proof = { ...proof, [part]: bytes.with(where, bytes[where]! ^ value) };
        } else if (part === "hash") continue;
        else if (kind === "cut") proof = { ...proof, [part]: bytes.slice(0, where) };
        else if (kind === "grow") {
          proof = { ...proof, [part]: new Uint8Array([...bytes, ...randomBytes(value)]) };
        }
      }
      return proof;
    },
  );
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(mutated, { minLength: 1, maxLength: 12 }), (proofs) => {
      for (const verdict of agree(rig, proofs)) {
        seen.set(failureOf(verdict), (seen.get(failureOf(verdict)) ?? 0) + 1);
      }
    }),
    { numRuns: 600 },
  );
  assert.ok(seen.size >= 8 && seen.get("valid")! > 100, JSON.stringify([...seen]));
});

kernelTest("auxpowTarget() and the comparison agree with a division, down to equality", (rig) => {
  const target32 = (difficulty: Uint8Array): bigint => {
    const at = rig.putAtEnd(difficulty);
    const out = rig.room(32);
    rig.hot.kernels.auxpowTarget(at, difficulty.length, out);
    const value = BigInt(`0x${rig.hex(out)}`);
    rig.reset();
    return value;
  };
  const bytesOf = (value: bigint) => {
    const hex = value.toString(16);
    return new Uint8Array(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex"));
  };
  for (let d = 0n; d < 10n; d++) assert.equal(target32(bytesOf(d)), target(bytesOf(d)));
  for (
    const d of [2n ** 256n, 2n ** 256n - 1n, 2n ** 256n + 1n, 2n ** 255n, 2n ** 263n, 2n ** 264n, 2n ** 700n]
  ) {
    assert.equal(target32(bytesOf(d)), target(bytesOf(d)), `${d}`);
  }
  assert.equal(target32(new Uint8Array(0)), 2n ** 256n / 3n);
  const number = fc.tuple(fc.integer({ min: 0, max: 36 }), fc.uint8Array({ minLength: 1, maxLength: 36 }));
  fc.assert(fc.property(number, ([zeros, digits]) => {
    const difficulty = new Uint8Array([...new Uint8Array(zeros), ...digits]);
    assert.equal(target32(difficulty), target(difficulty));
  }));
  // The comparison, at the hash of one header: the greatest difficulty it meets, and one more.
  for (let i = 0; i < 200; i++) {
    const proof = makeProof();
    const hash = BigInt(`0x${Buffer.from(double(proof.btcHeader)).reverse().toString("hex")}`);
    const greatest = 2n ** 256n / hash;
    const difficulties = [greatest, greatest + 1n, greatest * 2n ** 200n, 2n ** 256n, 2n ** 264n];
    const verdicts = agree(rig, difficulties.map((d) => ({ ...proof, difficulty: bytesOf(d) })));
    assert.equal(verdicts[0]!.valid, true);
    // 3 is the least: one of 3 passes whatever 1 and 2 would say.
    assert.equal(failureOf(verdicts[1]!), "above-target");
  }
});

Deno.test("verifyAuxPowBatch() gives verdicts in order, however many and however large the proofs are", () => {
  const proofs = Array.from(
    { length: 400 },
    (_, i) =>
      i % 10 === 3
        ? { ...makeProof(), merkleProof: randomBytes(8192) }
        : makeProof({ depth: i % 16, forkData: i % 3 === 0, rskip180: false }),
  );
  assert.deepEqual(verifyAuxPowBatch(proofs), proofs.map(verifyReference));
  const large = { ...proofs[0]!, coinbase: new Uint8Array(65_536) };
  const verdicts = verifyAuxPowBatch([proofs[0]!, large, proofs[1]!]);
  assert.deepEqual(verdicts.map(failureOf), ["valid", "too-large", "valid"]);
  assert.deepEqual(verifyAuxPowBatch([]), []);
});

Deno.test("verifyAuxPow() gives the hash and the fork data, and refuses a hash of another length", () => {
  const proof = makeProof({ depth: 5, forkData: true });
  assert.deepEqual(verifyAuxPow(proof), verifyReference(proof));
  assert.throws(() => verifyAuxPow({ ...proof, hash: new Uint8Array(31) }), RangeError);
});

Deno.test("auxPowTarget() takes a difficulty of any length", () => {
  assert.equal(auxPowTarget(new Uint8Array([1, 0])).toHex(), `01${"00".repeat(31)}`);
  assert.equal(
    auxPowTarget(new Uint8Array([...new Uint8Array(70_000), 1, 0])).toHex(),
    `01${"00".repeat(31)}`,
  );
  assert.equal(auxPowTarget(new Uint8Array(0)).toHex(), "55".repeat(32));
  assert.equal(auxPowTarget(new Uint8Array(70_000).fill(1)).toHex(), "00".repeat(32));
});
