import assert from "node:assert/strict";
import { vectorTest } from "../../../tests/vectors.ts";
import { hex, readVectors } from "./_vectors.ts";
import { rulesAt } from "./block_rules.ts";
import { nextDifficulty } from "../../hot/header.ts";
import { writeForkData } from "./fork_detection.ts";
import { adaptNetwork } from "./network.ts";
import { NETWORKS } from "./networks/mod.ts";
import { signedBytes, unsignedValue } from "./quantities.ts";
import {
  areEdgesOrdered,
  EDGES_MAX,
  EXTRA_DATA_BYTES_MAX,
  GAS_LIMIT_MINIMUM,
  isGasLimitNear,
  isGasPriceNear,
  isInTime,
  isNearBitcoin,
} from "./rules.ts";
import { sha256d } from "../../hot/sha256d.ts";
import { Ancestors, ANCESTORS_NEEDED } from "./ancestors.ts";
import { networkOf } from "./_headers.ts";

vectorTest("header-rules: every single rule says what the reference node's tests expect", async (dir) => {
  const seen = new Set<string>();
  for (const vector of await readVectors(dir, "header-rules")) {
    const { id, rule, expectedValid } = vector;
    seen.add(rule);
    const holds: Record<string, () => boolean> = {
      timestampFuture: () => isInTime(vector.timestamp, vector.now, vector.maxFutureSeconds),
      timestampParent: () => vector.timestamp > vector.parentTimestamp,
      timestampBitcoin: () => isNearBitcoin(vector.timestamp, vector.btcTime, vector.maxDiffSeconds),
      gasLimitParent: () =>
        isGasLimitNear(BigInt(vector.parentGasLimit), BigInt(vector.gasLimit), BigInt(vector.divisor)),
      gasLimitMinimum: () => {
        assert.equal(BigInt(vector.minimum), GAS_LIMIT_MINIMUM);
        return BigInt(vector.gasLimit) >= GAS_LIMIT_MINIMUM;
      },
      // A slot of gasUsed cannot be negative: it is unsigned.
      gasUsed: () => vector.gasUsed >= 0 && vector.gasUsed <= vector.gasLimit,
      // The cases have a bound of their own.
      extraDataSize: () => vector.length <= vector.maximum && EXTRA_DATA_BYTES_MAX === 32,
      minGasPrice: () =>
        isGasPriceNear(
          BigInt(vector.parent ?? 0),
          vector.header === null ? undefined : BigInt(vector.header),
        ),
      // The bound by the count of transactions needs the body.
      edges: () =>
        vector.maxEdges === EDGES_MAX && areEdgesOrdered(vector.edges) &&
        (vector.edges.at(-1) ?? 0) <= vector.transactionCount - 1,
      // Decoded headers cannot carry data where the rules have none: it is cut from the coinbase only where they do.
      forkDetection: () =>
        rulesAt(networkOf(0), vector.number).forkData === vector.forkDetectionData.length > 0,
    };
    assert.ok(rule in holds, rule);
    assert.equal(holds[rule]!(), expectedValid, id);
  }
  assert.ok(seen.size >= 9, [...seen].join());
});

vectorTest("forkdetection-data: writeForkData() gives the reference node's data", async (dir) => {
  for (const vector of await readVectors(dir, "forkdetection-data")) {
    const { id, btcHeaderTemplate, firstTime, chainBlocks, bestNumber } = vector;
    const uncleCount = (number: number) =>
      id.includes("MaxUncles") ? 10 : id.includes("WithUncles") ? (bestNumber - number) % 10 : 0;
    const ancestors = Ancestors.genesis(networkOf(0));
    for (let number = 1; number <= bestNumber; number++) {
      const header = hex(btcHeaderTemplate);
      new DataView(header.buffer).setUint32(68, firstTime + Math.floor((number - 1) / 20), true);
      ancestors.push({ ...ancestors.tip, number }, sha256d(header)[0]!, uncleCount(number));
    }
    const out = new Uint8Array(12);
    const isEnough = ancestors.forkData(bestNumber + 1, out);
    if (vector.expectedForkDetectionData === "") {
      assert.equal(isEnough, false, id);
      continue;
    }
    assert.ok(chainBlocks >= ANCESTORS_NEEDED);
    assert.equal(isEnough, true, id);
    assert.equal(out.subarray(7).toHex(), vector.expectedLast5Bytes, id);
    assert.equal(out[7], hex(vector.expectedLast5Bytes)[0]);
    // The template's hash of genesis is not part of the vector: of block 449's data no byte is of height 0.
    const expected = hex(vector.computed.forkDetectionData);
    const indexes: number[] = vector.computed.ancestorIndexes;
    for (let i = 0; i < 7; i++) {
      if (bestNumber - indexes[i]! > 0) assert.equal(out[i], expected[i], `${id}, byte ${i}`);
    }
  }
});

Deno.test("writeForkData() takes the hashes at the step below, and caps the sum of uncles", () => {
  const slots = 512;
  const hashBytes = Uint8Array.from({ length: slots }, (_, i) => i);
  const out = new Uint8Array(12);
  writeForkData(513, hashBytes, new Uint8Array(slots).fill(9), out);
  assert.deepEqual([...out.subarray(0, 7)], [0, 448 & 255, 384 & 255, 320 & 255, 256 & 255, 192, 128]);
  assert.equal(out[7], 255);
  assert.equal(out.subarray(8).toHex(), "00000201");
  writeForkData(512, hashBytes, new Uint8Array(slots).fill(7), out);
  assert.deepEqual([...out.subarray(0, 2)], [448 & 255, 384 & 255]);
  assert.equal(out[7], 7 * 32);
});

vectorTest(
  "difficulty-calc: a network's rules give the difficulties that the reference node expects",
  async (dir) => {
    for (const vector of await readVectors(dir, "difficulty-calc")) {
      const { id, network: name, rules, parentDifficulty, deltaSeconds, uncleCount, expectedDifficulty } =
        vector;
      const network = adaptNetwork(NETWORKS[name as "mainnet"], {
        ruleHeights: {
          rskip97: rules.rskip97 ? 0 : -1,
          rskip156: rules.rskip156 ? 0 : -1,
          rskip290: rules.rskip290 ? 0 : -1,
        },
      });
      const { difficulty } = rulesAt(network, 42);
      const next = nextDifficulty(
        signedBytes(BigInt(parentDifficulty)),
        BigInt(deltaSeconds),
        uncleCount,
        difficulty,
      );
      assert.equal(next && unsignedValue(next), BigInt(expectedDifficulty), id);
    }
  },
);

Deno.test("isGasPriceNear() moves by a hundredth and at least by one, and not below zero", () => {
  assert.ok(isGasPriceNear(0n, 1n));
  assert.ok(!isGasPriceNear(0n, 2n));
  assert.ok(!isGasPriceNear(0n, -1n));
  assert.ok(isGasPriceNear(1000n, 1010n));
  assert.ok(!isGasPriceNear(1000n, 1011n));
  assert.ok(isGasPriceNear(1000n, 990n));
  assert.ok(!isGasPriceNear(1000n, 989n));
  assert.ok(!isGasPriceNear(undefined, 0n));
  assert.ok(!isGasPriceNear(0n, undefined));
});

Deno.test("isGasLimitNear() has both bounds inside", () => {
  const parent = 10_000_000n;
  for (
    const [limit, holds] of [[9_990_234n, true], [9_990_233n, false], [10_009_765n, true], [
      10_009_766n,
      false,
    ]] as const
  ) {
    assert.equal(isGasLimitNear(parent, limit), holds, `${limit}`);
  }
});
