/**
 * WRAPS proofs without the prover: under a key whose secret exponents are known, every equation can be solved.
 *
 * Real proofs take some 13 minutes and 2 GB (spec/block-node.md §6.8), and no real block with one is at hand. What is
 * made here is no proof of anything, but it has the form of one and satisfies the verifier's equations, so whole
 * blocks with settled signatures can be tried.
 *
 * Layer: protocols, tests only.
 *
 * @module
 */

import { bn254 } from "@noble/curves/bn254.js";
import { WIRE_TYPE, WireReader } from "../wire.ts";
import { WireWriter } from "../wire_writer.ts";
import type { Bn254G1, Bn254G2 } from "./bn254.ts";
import { concatBytes, littleEndian, toLittleEndian } from "./bytes.ts";
import type { RandomBytes } from "./hints_verify.ts";
import type { WrapsStatement } from "./wraps.ts";

const { Fp, Fr } = bn254.fields;
const G1 = bn254.G1.Point.BASE;
const G2 = bn254.G2.Point.BASE;
const INPUTS = 40;
const FLAG = { LARGER: 0x80, INFINITY: 0x40 };

/** A verification key and the maker of proofs under it. */
export interface WrapsMaker {
  /** 1768 bytes, as a ledger id publication carries it. */
  readonly keyBytes: Uint8Array;
  /** 704 bytes that pass the check of this statement. */
  prove(statement: WrapsStatement): Uint8Array;
}

/** Draws a key. */
export function makeWraps(random: RandomBytes): WrapsMaker {
  const draw = () => Fr.create(littleEndian(random(40)) + 1n);
  const [ppHash, alpha, beta, gamma, delta, kzg] = Array.from({ length: 6 }, draw) as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const abc = Array.from({ length: INPUTS + 1 }, draw);
  const keyBytes = concatBytes(
    scalar(ppHash),
    g1(G1.multiply(alpha)),
    ...[beta, gamma, delta].map((secret) => g2(G2.multiply(secret))),
    uint64(INPUTS + 1),
    ...abc.map((secret) => g1(G1.multiply(secret))),
    g1(G1),
    g1(G1.multiply(draw())),
    g2(G2),
    g2(G2.multiply(kzg)),
  );
  return {
    keyBytes,
    prove({ ledgerId, keyHash }) {
      const steps = 2n;
      const z0 = [littleEndian(ledgerId), draw()];
      const zi = [draw(), keyHash];
      const [cmW, cmE, nextW, cmT] = Array.from({ length: 4 }, () => G1.multiply(draw())) as [
        Bn254G1,
        Bn254G1,
        Bn254G1,
        Bn254G1,
      ];
      const rho = draw();
      const folded = [cmW.add(nextW.multiply(rho)), cmE.add(cmT.multiply(rho))];
      const challenges = [draw(), draw()];
      const evaluations = [draw(), draw()];
      const witnesses = folded.map((commitment, i) =>
        commitment.subtract(G1.multiply(evaluations[i]!)).multiply(Fr.inv(Fr.sub(kzg, challenges[i]!)))
      );
      const inputs = [
        ppHash,
        steps,
        ...z0,
        ...zi,
        ...folded.flatMap(limbs),
        ...challenges,
        ...evaluations,
        ...limbs(cmT),
      ];
      const sum = inputs.reduce((sum, input, i) => Fr.add(sum, Fr.mul(input, abc[i + 1]!)), abc[0]!);
      const [a, b] = [draw(), draw()];
      const c = Fr.div(Fr.sub(Fr.mul(a, b), Fr.add(Fr.mul(alpha, beta), Fr.mul(sum, gamma))), delta);
      return concatBytes(
        scalar(steps),
        ...[z0, zi].flatMap((state) => [uint64(2), ...state.map(scalar)]),
        uint64(2),
        g1(cmW),
        g1(cmE),
        uint64(2),
        g1(nextW),
        g1(bn254.G1.Point.ZERO),
        g1(G1.multiply(a)),
        g2(G2.multiply(b)),
        g1(G1.multiply(c)),
        ...witnesses.flatMap((witness, i) => [scalar(evaluations[i]!), g1(witness)]),
        g1(cmT),
        scalar(rho),
        ...challenges.map(scalar),
      );
    },
  };
}

/**
 * A message with one field inside of it replaced, wherever it occurs.
 *
 * @param path Numbers of the fields, from the outermost in; all of them length-delimited.
 */
export function replaceField(
  message: Uint8Array,
  [field, ...inner]: readonly number[],
  replace: (content: Uint8Array) => Uint8Array,
): Uint8Array {
  const reader = new WireReader(message);
  const writer = new WireWriter(message.length + 1_024);
  for (let start = 0; reader.nextTag(); start = reader.pos) {
    if (reader.is(field!, WIRE_TYPE.BYTES)) {
      const content = reader.view();
      writer.bytes(field!, inner.length === 0 ? replace(content) : replaceField(content, inner, replace));
    } else {
      reader.skip();
      writer.raw(message.subarray(start, reader.pos));
    }
  }
  return writer.finish().slice();
}

const scalar = (value: bigint) => toLittleEndian(value, 32);
const uint64 = (value: number) => toLittleEndian(BigInt(value), 8);

function limbs(point: Bn254G1): bigint[] {
  const { x, y } = point.toAffine();
  return [x, y].flatMap((value) =>
    [0n, 55n, 110n, 165n, 220n].map((shift) => BigInt.asUintN(55, value >> shift))
  );
}

function g1(point: Bn254G1): Uint8Array {
  if (point.is0()) return withFlag(new Uint8Array(32), FLAG.INFINITY);
  const { x, y } = point.toAffine();
  return withFlag(scalar(x), y > Fp.ORDER >> 1n ? FLAG.LARGER : 0);
}

function g2(point: Bn254G2): Uint8Array {
  const { x, y } = point.toAffine();
  const isLarger = (y.c1 === 0n ? y.c0 : y.c1) > Fp.ORDER >> 1n;
  return withFlag(concatBytes(scalar(x.c0), scalar(x.c1)), isLarger ? FLAG.LARGER : 0);
}

function withFlag(bytes: Uint8Array, flag: number): Uint8Array {
  bytes[bytes.length - 1]! |= flag;
  return bytes;
}
