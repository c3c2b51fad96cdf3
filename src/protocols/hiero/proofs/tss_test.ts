import assert from "node:assert/strict";
import { vectorTest } from "../../../../tests/vectors.ts";
import type { HieroFault } from "../fault.ts";
import { nativeSha384 } from "../native_sha384.ts";
import { WRAPS_SIGNATURE_BYTES } from "../proof.ts";
import { concatBytes } from "./bytes.ts";
import { readProofParts } from "./proof_parts.ts";
import { TssVerifier } from "./tss.ts";
import { dataFor, readProofIndex, readRaw, readVector, seededRandom, SETS, signatureOf } from "./_vectors.ts";

function openVerifier(dir: string, number: number, change: Partial<TssVerifier["data"]> = {}) {
  const entry = readProofIndex(dir).find(({ set, blockNumber }) =>
    set === SETS.TSS && blockNumber === number
  )!;
  const signature = signatureOf(readProofParts(readVector(dir, entry.file), BigInt(number)));
  let calls = 0;
  const random = seededRandom();
  const data = { ...dataFor(dir, entry).tss!, ...change };
  const verifier = new TssVerifier(data, {
    sha384: nativeSha384,
    random: (bytes) => {
      calls++;
      return random(bytes);
    },
  });
  return { verifier, signature, root: Uint8Array.fromHex(entry.blockRootHash), calls: () => calls };
}

vectorTest(
  "TssVerifier checks a pair of signature and root once, and equal claims of a batch together",
  (dir) => {
    const { verifier, signature, root, calls } = openVerifier(dir, 5);
    const opened = verifier.open(signature);
    assert.equal(opened.kind, "tss-schnorr");
    assert.deepEqual(verifier.verifyAll([{ opened, root }, { opened, root }]), [undefined, undefined]);
    const once = calls();
    assert.ok(once > 0);
    assert.equal(verifier.open(signature.slice()).key, opened.key);
    assert.deepEqual(verifier.verifyAll([{ opened, root }]), [undefined]);
    assert.equal(calls(), once);
    // Another root is another pair, and a failure is not remembered as anything else.
    for (let i = 0; i < 2; i++) {
      const [fault] = verifier.verifyAll([{ opened, root: new Uint8Array(48) }]);
      assert.equal((fault as HieroFault).detail.step, "hints-pairing");
    }
    assert.ok(calls() > once);
  },
);

vectorTest(
  "TssVerifier.open() sends a long signature to the WRAPS check, and says which keys it lacks",
  (dir) => {
    const { verifier, signature } = openVerifier(dir, 5);
    const wraps = concatBytes(
      signature.subarray(0, 2728),
      readRaw(dir, "WRAPS_PROOF/genesis-wraps-proof.bin"),
    );
    assert.equal(wraps.length, WRAPS_SIGNATURE_BYTES);
    // A real proof, but of another ledger.
    assert.throws(() => verifier.open(wraps), (error) => {
      assert.equal((error as HieroFault).detail.step, "wraps-ledger-id");
      return true;
    });
    assert.throws(() => verifier.open(wraps.subarray(1)), {
      message: /must be 2920 or 3432 bytes, got 3431/,
    });
    const missing = { type: "MISSING_VERIFICATION_DATA" };
    const noWraps = openVerifier(dir, 5, { wrapsVerificationKey: new Uint8Array(0) });
    assert.throws(() => noWraps.verifier.open(wraps), missing);
    const noRoster = openVerifier(dir, 5, { roster: [] });
    assert.throws(() => noRoster.verifier.open(signature), missing);
  },
);

vectorTest("TssVerifier.open() refuses a signature under a key nobody vouched for", (dir) => {
  const { verifier, signature } = openVerifier(dir, 5);
  const other = readVector(dir, `${SETS.OLDER}/0.blk.gz`);
  const foreign = signatureOf(readProofParts(other, 0n));
  assert.throws(() => verifier.open(foreign), (error) => {
    assert.equal((error as HieroFault).detail.step, "schnorr-challenge");
    return true;
  });
  const mixed = concatBytes(foreign.subarray(0, 2728), signature.subarray(2728));
  assert.throws(() => verifier.open(mixed), { name: "HieroFault" });
});
