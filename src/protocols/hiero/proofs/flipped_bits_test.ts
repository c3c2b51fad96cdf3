// One flipped bit anywhere in a real block that is verified by its proper proof: refused, or listed here with the reason.

import assert from "node:assert/strict";
import { vectorTest } from "../../../../tests/vectors.ts";
import { ChainVerifier } from "../chain.ts";
import { ITEM, itemKindName, itemRanges, peekItemKind } from "../items.ts";
import { nativeSha384 } from "../native_sha384.ts";
import type { BlockVerdict } from "../verdict.ts";
import { WIRE_TYPE, WireReader } from "../wire.ts";
import { readProofParts } from "./proof_parts.ts";
import type { ProofVerifier } from "./proof_verifier.ts";
import { parseRecordFileProof } from "./record_file.ts";
import { dataFor, proofVerifier, readProofIndex, readVector, seededRandom, SETS } from "./_vectors.ts";

/** A run of bytes with one meaning. */
interface Region {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** What is in the length-delimited fields of a message: another message, or parts of so many bytes. */
interface Shape {
  readonly [field: number]: Shape | readonly (readonly [part: string, bytes: number])[];
}

/** A block_signature with a Schnorr suffix, part by part (spec §6.5). */
const SIGNATURE_PARTS = [
  ...[["n", 8], ["total_weight", 32], ["g0", 96], ["h0", 192], ["h1", 192], ["L", 96], ["W", 96]] as const,
  ...[["SK", 192], ["Z", 192]] as const,
  ...[["agg_pk", 96], ["agg_weight", 32], ["agg_sig", 192], ["B", 96]] as const,
  ...["Qx", "Qx_tau", "Qz", "ParSum", "Q1", "Q3", "Q2", "Q4", "opening_r", "opening_r_omega"].map((name) =>
    [name, 96] as const
  ),
  ...["ParSum(r)", "ParSum(r/omega)", "W(r)", "B(r)", "Q1(r)", "Q3(r)", "Q2(r)", "Q4(r)"].map((name) =>
    [name, 32] as const
  ),
  ...[["signer flags", 128], ["s", 32], ["e", 32]] as const,
];
const TSS: Shape = { 1: SIGNATURE_PARTS };
const SHAPES: Readonly<Record<number, Shape>> = {
  [ITEM.BLOCK_HEADER]: { 1: {}, 4: {} },
  [ITEM.BLOCK_FOOTER]: {},
  [ITEM.BLOCK_PROOF]: { 2: TSS, 3: { 1: { 1: {} }, 2: TSS }, 4: { 2: {} } },
};

/** Every tag, length and value of a message. */
function* messageRegions(
  bytes: Uint8Array,
  start: number,
  end: number,
  shape: Shape,
  name: string,
): Generator<Region> {
  const reader = new WireReader(bytes, start, end);
  for (let tagAt = start; reader.nextTag(); tagAt = reader.pos) {
    const { field, wireType, pos } = reader;
    const label = `${name}.${field}`;
    yield { name: `${label} tag`, start: tagAt, end: pos };
    if (wireType !== WIRE_TYPE.BYTES) {
      reader.skip();
      yield { name: label, start: pos, end: reader.pos };
      continue;
    }
    const length = reader.length();
    yield { name: `${label} length`, start: pos, end: reader.pos };
    const inner = shape[field];
    if (Array.isArray(inner)) {
      let at = reader.pos;
      for (const [part, size] of inner) yield { name: `${label} ${part}`, start: at, end: at += size };
      assert.equal(at, reader.pos + length, label);
    } else if (inner !== undefined) {
      yield* messageRegions(bytes, reader.pos, reader.pos + length, inner as Shape, label);
    } else if (length > 0) yield { name: label, start: reader.pos, end: reader.pos + length };
    reader.pos += length;
  }
}

/** Every region of header, footer and proofs, and those of some items of each other kind. */
function* blockRegions(
  bytes: Uint8Array,
  below: (bound: number) => number,
  itemsOfAKind: number,
): Generator<Region> {
  const byKind = Map.groupBy(itemRanges(bytes), ({ start, end }) => peekItemKind(bytes, start, end));
  for (const [kind, items] of byKind) {
    const name = itemKindName(kind);
    const shape = SHAPES[kind];
    const chosen = shape !== undefined
      ? items
      : Array.from({ length: itemsOfAKind }, () => items[below(items.length)]!);
    for (const { recordStart, start, end } of chosen) {
      yield { name: `${name} record tag`, start: recordStart, end: recordStart + 1 };
      yield { name: `${name} record length`, start: recordStart + 1, end: start };
      yield* messageRegions(bytes, start, end, shape === undefined ? {} : { [kind]: shape }, name);
    }
  }
}

interface Flip {
  readonly region: Region;
  readonly at: number;
  readonly verdict: BlockVerdict;
  /** The block with the bit flipped; as it was once the next flip is asked for. */
  readonly bytes: Uint8Array;
}

/** As a node verifies the first block it gets, with `blocks.proofs = "require"`. */
function verifyWith(verifier: ProofVerifier): (bytes: Uint8Array) => BlockVerdict {
  const proofs = { verifier, onMissingData: "refuse", onUnknownKind: "refuse" } as const;
  const chain = new ChainVerifier({ sha384: nativeSha384, onNotVerifiable: "refuse", proofs });
  return (bytes) => {
    chain.rebase(undefined);
    return chain.verify(bytes);
  };
}

/** Verifies a block as it is, and then with one bit flipped in each region: another one in each block. */
function* flips(
  bytes: Uint8Array,
  verifier: ProofVerifier,
  seed: number,
  itemsOfAKind: number,
): Generator<Flip> {
  const random = seededRandom(seed);
  const below = (bound: number) => new DataView(random(4).buffer).getUint32(0) % bound;
  const verify = verifyWith(verifier);
  const untouched = verify(bytes);
  assert.ok(untouched.status === "ok" && untouched.proof.status === "verified");
  for (const region of [...blockRegions(bytes, below, itemsOfAKind)]) {
    const at = region.start + below(region.end - region.start);
    const bit = 1 << below(8);
    bytes[at]! ^= bit;
    yield { region, at, verdict: verify(bytes), bytes };
    bytes[at]! ^= bit;
  }
}

for (const set of [SETS.TSS, SETS.OLDER]) {
  vectorTest(`One flipped bit in any region of a block of ${set} is refused, without exception`, (dir) => {
    const seen = new Set<string>();
    for (const entry of readProofIndex(dir).filter((entry) => entry.set === set)) {
      const bytes = readVector(dir, entry.file);
      const isStateProof = entry.proofs[0]!.kind === "stateProof";
      // A state proof shows another root without a pairing, so there more can be tried.
      const itemsOfAKind = isStateProof ? 20 : 1;
      for (
        const { region, at, verdict } of flips(
          bytes,
          proofVerifier(dataFor(dir, entry)),
          11 + entry.blockNumber,
          itemsOfAKind,
        )
      ) {
        assert.equal(verdict.status, "fault", `${entry.file}: byte ${at}, ${region.name}`);
        seen.add(region.name);
      }
    }
    const kinds = [
      "block_header",
      "round_header",
      "event_header",
      "signed_transaction",
      "transaction_result",
    ];
    for (const kind of [...kinds, "transaction_output", "state_changes", "block_footer", "block_proof"]) {
      assert.ok(seen.has(`${kind} record length`), kind);
    }
    for (const field of [1, 2, 3]) assert.ok(seen.has(`block_footer.12.${field}`), `footer ${field}`);
    for (const [part] of SIGNATURE_PARTS) assert.ok(seen.has(`block_proof.9.2.1 ${part}`), part);
    if (set === SETS.TSS) {
      // Paths of state proofs: flag and hash of a sibling, next index, ready hash, timestamp leaf.
      for (const field of ["1.1.1", "1.1.2", "1.2", "1.3", "1.6"]) {
        assert.ok(seen.has(`block_proof.9.3.${field}`), `state proof ${field}`);
      }
    }
  });
}

/**
 * What an RSA proof does not commit to. It signs the record file, and the block's parts that the record file names.
 * - `root`: the bit is in the block's root, which the next block's footer names; alone the block looks good.
 * - `signer`: one signature falls away, as that of a node nobody knows; another one is enough.
 */
const NOT_COMMITTED: readonly { readonly region: RegExp; readonly shows: "root" | "signer" }[] = [
  // The state the block starts from, the chain before it, and genesis state beside the record file.
  { region: /^block_footer\.12\.[123]$/, shows: "root" },
  { region: /^state_changes( record tag|\.7( tag)?$)/, shows: "root" },
  // An entry of the proof that is no signature any more, one without its bytes, or one of another node.
  { region: /^block_proof\.9\.4\.2( tag|\.[12] tag|\.1 length|\.2)$/, shows: "signer" },
];

function signersOf(bytes: Uint8Array, number: number): string {
  const [proof] = readProofParts(bytes, BigInt(number)).proofs;
  return parseRecordFileProof(proof!.content).signatures.map(({ nodeId }) => nodeId).join();
}

vectorTest(
  "One flipped bit in a wrapped record block is refused, or not what record files commit to",
  (dir) => {
    const passed = new Set<string>();
    for (const [i, entry] of readProofIndex(dir).filter(({ set }) => set === SETS.RECORDS).entries()) {
      const bytes = readVector(dir, entry.file);
      const signers = signersOf(bytes, entry.blockNumber);
      // The mainnet genesis is 3 MB: a bit of it costs as much as ten of the others.
      const itemsOfAKind = bytes.length > 1_000_000 ? 10 : 60;
      for (const flip of flips(bytes, proofVerifier(dataFor(dir, entry)), 31 + i, itemsOfAKind)) {
        const { region, at, verdict } = flip;
        if (verdict.status === "fault") continue;
        const where = `${entry.file}: byte ${at}, ${region.name}`;
        const excuse = NOT_COMMITTED.find((candidate) => candidate.region.test(region.name));
        assert.ok(excuse !== undefined, where);
        passed.add(excuse.shows);
        if (excuse.shows === "root") assert.notEqual(verdict.rootHash?.toHex(), entry.blockRootHash, where);
        else assert.notEqual(signersOf(flip.bytes, entry.blockNumber), signers, where);
      }
    }
    assert.deepEqual([...passed].sort(), ["root", "signer"], "every excuse is needed");
  },
);
