import assert from "node:assert/strict";
import { vectorTest } from "../../../../tests/vectors.ts";
import type { HieroFault } from "../fault.ts";
import { concatBytes, toLittleEndian } from "./bytes.ts";
import { HINTS_KEY_BYTES } from "./hints_key.ts";
import { BN254_ORDER, permute, poseidonHash, poseidonHashBytes } from "./poseidon.ts";
import { readProofParts } from "./proof_parts.ts";
import { ledgerIdOf, prepareRoster, type RosterEntry, SCHNORR_ORDER } from "./roster.ts";
import { SCHNORR_SUFFIX_BYTES, verifySchnorr } from "./schnorr.ts";
import { readProofIndex, readVector, signatureOf } from "./_vectors.ts";

Deno.test("permute() gives the published figure for 0, 1, 2, 3, 4", () => {
  assert.equal(
    permute([0n, 1n, 2n, 3n, 4n])[0],
    18821383157269793795438455681495246036402687001665670618754263018637548127333n,
  );
});

Deno.test("poseidonHashBytes() takes chunks of 32 bytes, reduced, the last one as it is", () => {
  const bytes = new Uint8Array(40).fill(0xff);
  assert.equal(poseidonHashBytes(bytes), poseidonHash([(2n ** 256n - 1n) % BN254_ORDER, 2n ** 64n - 1n]));
});

interface Genesis {
  readonly file: string;
  readonly ledgerId: Uint8Array;
  readonly roster: readonly RosterEntry[];
  readonly suffix: Uint8Array;
  readonly message: Uint8Array;
  readonly keyHash: string;
  readonly expected: Readonly<Record<string, string | number>>;
}

function readGenesis(dir: string): Genesis[] {
  return readProofIndex(dir).filter((entry) => entry.ledgerIdPublication !== undefined).map((entry) => {
    const parts = readProofParts(readVector(dir, entry.file), 0n);
    const signature = signatureOf(parts);
    const { ledgerId, roster } = parts.publication!;
    const hash = toLittleEndian(poseidonHashBytes(signature.subarray(0, HINTS_KEY_BYTES)), 32);
    return {
      file: entry.file,
      ledgerId,
      roster,
      suffix: signature.subarray(-SCHNORR_SUFFIX_BYTES),
      message: concatBytes(ledgerId, hash),
      keyHash: hash.toHex(),
      expected: entry.tss!,
    };
  });
}

vectorTest("ledgerIdOf() gives the ledger id that each real block 0 publishes", (dir) => {
  for (const { file, ledgerId, roster } of readGenesis(dir)) {
    assert.equal(ledgerIdOf(roster).toHex(), ledgerId.toHex(), file);
    const heavier = roster.map((entry, i) => i === 0 ? { ...entry, weight: entry.weight + 1n } : entry);
    assert.notEqual(ledgerIdOf(heavier).toHex(), ledgerId.toHex(), file);
  }
});

vectorTest("verifySchnorr() accepts real suffixes over the documented message", (dir) => {
  const all = readGenesis(dir);
  assert.ok(all.length >= 2);
  for (const { suffix, roster, message, keyHash, expected } of all) {
    assert.equal(keyHash, expected.verificationKeyPoseidonHash_le);
    assert.equal(message.toHex(), expected.rotationMessage);
    assert.equal(suffix.subarray(160).toHex(), expected.schnorrChallenge_le);
    verifySchnorr(suffix, prepareRoster(roster), message);
  }
});

vectorTest("verifySchnorr() refuses one flipped bit in every byte of suffix and message", (dir) => {
  const [{ suffix, roster, message }] = readGenesis(dir) as [Genesis];
  const prepared = prepareRoster(roster);
  for (let at = 0; at < suffix.length; at++) {
    const flipped = suffix.slice();
    flipped[at]! ^= 1 << at % 8;
    assert.throws(() => verifySchnorr(flipped, prepared, message), { name: "HieroFault" }, `byte ${at}`);
  }
  for (const at of [0, 31, 32, 63]) {
    const flipped = message.slice();
    flipped[at]! ^= 1;
    assert.throws(() => verifySchnorr(suffix, prepared, flipped), (error) => {
      assert.equal((error as HieroFault).detail.step, "schnorr-challenge");
      return true;
    });
  }
});

vectorTest(
  "verifySchnorr() names a flag beyond the roster, too little weight and a scalar that is not reduced",
  (dir) => {
    const [{ suffix, roster, message }] = readGenesis(dir) as [Genesis];
    const prepared = prepareRoster(roster);
    const step = (expected: string, change: (bytes: Uint8Array) => void) => {
      const bytes = suffix.slice();
      change(bytes);
      assert.throws(() => verifySchnorr(bytes, prepared, message), (error) => {
        assert.equal((error as HieroFault).detail.step, expected);
        return true;
      });
    };
    step("schnorr-flags", (bytes) => bytes[127] = 1);
    step("schnorr-flags", (bytes) => bytes[0] = 2);
    step("schnorr-weight", (bytes) => bytes.fill(0, 0, 128));
    step("schnorr-weight", (bytes) => bytes.fill(0, 0, 128).fill(1, 0, 1));
    step("encoding", (bytes) => bytes.set(toLittleEndian(SCHNORR_ORDER, 32), 128));
    assert.throws(() => verifySchnorr(suffix.subarray(1), prepared, message), {
      message: /must be 192 bytes/,
    });
  },
);

vectorTest("prepareRoster() refuses one flipped bit in any part of a key, and no roster at all", (dir) => {
  const [{ roster }] = readGenesis(dir) as [Genesis];
  for (let at = 5; at < 192; at += 16) {
    const flipped = roster.map((entry, i) =>
      i === 1 ? { ...entry, schnorrKey: entry.schnorrKey.slice() } : entry
    );
    flipped[1]!.schnorrKey[at]! ^= 1;
    assert.throws(() => prepareRoster(flipped), { name: "HieroFault" }, `byte ${at}`);
  }
  assert.throws(() => prepareRoster([]), { message: /1 to 128 entries/ });
  assert.throws(() => prepareRoster([{ nodeId: 1n, weight: 1n, schnorrKey: new Uint8Array(64) }]), {
    message: /must be 192 bytes, got 64/,
  });
});
