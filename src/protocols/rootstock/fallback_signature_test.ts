import assert from "node:assert/strict";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { rlpEncode } from "../../hot/rlp_encode.ts";
import { Ancestors } from "./ancestors.ts";
import { rulesAt } from "./block_rules.ts";
import { isFallbackSigned, verifyFallbackSignature } from "./fallback_signature.ts";
import { ChainGenerator } from "./generate.ts";
import type { RootstockHeader } from "./header.ts";
import { decodeHeader, encodeHeader } from "./header_codec.ts";
import { hashHeader } from "./header_hash.ts";
import { adaptNetwork } from "./network.ts";
import { MAINNET } from "./networks/mainnet.ts";
import { REGTEST } from "./networks/regtest.ts";
import { signedBytes, unsignedValue } from "./quantities.ts";
import { verifySegment } from "./verify_segment.ts";

const SECRETS = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
const KEYS = SECRETS.map((secret) => secp256k1.getPublicKey(secret, false));
const ORDER = secp256k1.Point.CURVE().n;
const NONE = new Uint8Array(0);

/** Mainnet's rules before orchid, at a difficulty that can be mined. */
const NETWORK = adaptNetwork(REGTEST, {
  ruleHeights: Object.fromEntries(
    Object.entries(MAINNET.activations).map(([rule, height]) => [rule, rule === "rskip92" ? 0 : height]),
  ),
  fallbackKeys: KEYS,
});

/** Slot of a signature by the key of a block of this number, with its parts changed. */
function sign(
  hash: Uint8Array,
  number: number,
  change = (v: bigint, r: bigint, s: bigint) => [v, r, s],
): Uint8Array {
  const signature = secp256k1.sign(hash, SECRETS[number % 2]!, { prehash: false, format: "recovered" });
  const [r, s] = [unsignedValue(signature.subarray(1, 33)), unsignedValue(signature.subarray(33))];
  const [v, ...rest] = change(27n + BigInt(signature[0]!), r, s);
  return rlpEncode([v!, ...rest.map(signedBytes)]);
}

/** A header that is signed instead of mined. */
function signedHeader(header: RootstockHeader, change?: Parameters<typeof sign>[2]): Uint8Array {
  const unsigned = {
    ...header,
    bitcoinMergedMiningHeader: new Uint8Array(1),
    bitcoinMergedMiningMerkleProof: NONE,
    bitcoinMergedMiningCoinbaseTransaction: NONE,
  };
  const { miningHash } = hashHeader(unsigned, NETWORK);
  const bitcoinMergedMiningHeader = sign(miningHash, header.number, change);
  return encodeHeader({ ...unsigned, bitcoinMergedMiningHeader }, "full");
}

const next = (ancestors: Ancestors) => {
  const { header } = new ChainGenerator({ network: NETWORK }, ancestors.clone()).next();
  return decodeHeader(header, { network: NETWORK, form: "full" });
};

Deno.test("verifySegment() takes signed blocks among mined ones before RSKIP98, even and odd", () => {
  const ancestors = Ancestors.genesis(NETWORK);
  for (const isSigned of [true, true, false, true, false]) {
    const header = next(ancestors);
    const bytes = isSigned ? signedHeader(header) : encodeHeader(header, "full");
    const verdict = verifySegment(ancestors, [bytes], { network: NETWORK, nowSeconds: 0 });
    assert.equal(verdict.valid || verdict.rule, true);
  }
  assert.equal(ancestors.tip.number, 5);
});

Deno.test("verifySegment() refuses signatures that are not the key's, and signed blocks after RSKIP98", () => {
  const ruleOf = (bytes: Uint8Array, network = NETWORK) => {
    const verdict = verifySegment(Ancestors.genesis(network), [bytes], { network, nowSeconds: 0 });
    return verdict.valid ? "valid" : `${verdict.rule} ${verdict.detail}`;
  };
  const header = next(Ancestors.genesis(NETWORK));
  const bytes = signedHeader(header);
  assert.equal(ruleOf(bytes), "valid");
  const wrong = "proof-of-work fallback-signature";
  assert.equal(ruleOf(signedHeader(header, (v, r, s) => [v ^ 7n, r, s])), wrong);
  assert.equal(ruleOf(signedHeader(header, (v, r, s) => [v, r, s + 1n])), wrong);
  assert.equal(ruleOf(signedHeader(header, (v, r, s) => [v, r, ORDER - s])), wrong);
  const swapped = adaptNetwork(NETWORK, { fallbackKeys: [KEYS[1]!, KEYS[0]!] });
  assert.equal(ruleOf(bytes, swapped), wrong);
  assert.equal(ruleOf(bytes, adaptNetwork(NETWORK, { fallbackKeys: [] })), wrong);
  const later = adaptNetwork(NETWORK, { ruleHeights: { rskip98: 1 } });
  assert.equal(ruleOf(bytes, later), "form btc-header-size, bitcoinMergedMiningHeader");
});

Deno.test("isFallbackSigned() asks for empty slots, small difficulty and a height before RSKIP98", () => {
  const header = decodeHeader(signedHeader(next(Ancestors.genesis(NETWORK))), {
    network: NETWORK,
    form: "full",
  });
  const rules = rulesAt(NETWORK, 1);
  assert.ok(isFallbackSigned(header, rules));
  assert.ok(isFallbackSigned({ ...header, difficulty: 14_000_000_000_000_000n }, rules));
  assert.ok(!isFallbackSigned({ ...header, difficulty: 14_000_000_000_000_001n }, rules));
  assert.ok(!isFallbackSigned({ ...header, bitcoinMergedMiningMerkleProof: new Uint8Array(32) }, rules));
  assert.ok(
    !isFallbackSigned({ ...header, bitcoinMergedMiningCoinbaseTransaction: new Uint8Array(1) }, rules),
  );
  assert.ok(!isFallbackSigned(header, rulesAt(MAINNET, 729_000)));
  assert.ok(isFallbackSigned(header, rulesAt(MAINNET, 728_999)));
});

Deno.test("verifyFallbackSignature() refuses slots that are not a list of three minimal numbers", () => {
  const hash = new Uint8Array(32).fill(9);
  const check = (slot: Uint8Array) => verifyFallbackSignature(slot, hash, 4, KEYS);
  assert.ok(check(sign(hash, 4)));
  const parts = (change: Parameters<typeof sign>[2]) => check(sign(hash, 4, change));
  assert.ok(!parts((v, r, s) => [v - 10n, r, s]));
  assert.ok(!parts((v, r, s) => [v + 4n, r, s]));
  assert.ok(!parts((v, _, s) => [v, 0n, s]));
  assert.ok(!parts((v, r) => [v, r, 0n]));
  assert.ok(!parts((v, r) => [v, r, ORDER / 2n]));
  assert.ok(!parts((v, r, s) => [v, 2n ** 256n + r, s]));
  assert.ok(!parts((v, r, s) => [v, r, s, 1n]));
  assert.ok(!check(new Uint8Array(0)));
  assert.ok(!check(new Uint8Array([0xc0])));
  assert.ok(!check(new Uint8Array(80)));
  // Leading zeros that no encoder of Java's writes.
  const signature = secp256k1.sign(hash, SECRETS[0]!, { prehash: false, format: "recovered" });
  const long = [signature.slice(1, 33), signature.slice(33)].map((part) => new Uint8Array([0, 0, ...part]));
  assert.ok(!check(rlpEncode([27 + signature[0]!, ...long])));
});

Deno.test("MAINNET's fallback keys are points of the curve", () => {
  for (const key of MAINNET.fallbackKeys) {
    assert.deepEqual(secp256k1.Point.fromBytes(key).toBytes(false), key);
  }
});
