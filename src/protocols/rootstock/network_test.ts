import assert from "node:assert/strict";
import { vectorTest } from "../../../tests/vectors.ts";
import { hex, readVectorFile } from "./_vectors.ts";
import { FORK_DATA_FROM, rulesAt } from "./block_rules.ts";
import { adaptNetwork, isActive, type RskRule } from "./network.ts";
import { MAINNET } from "./networks/mainnet.ts";
import { NETWORKS } from "./networks/mod.ts";
import { REGTEST } from "./networks/regtest.ts";
import { TESTNET } from "./networks/testnet.ts";
import { decodeHeader, encodeHeader } from "./header_codec.ts";
import { hashHeader } from "./header_hash.ts";

vectorTest(
  "NETWORKS: genesis-mainnet, genesis-testnet and genesis-regtest are what their files say",
  async (dir) => {
    for (const network of Object.values(NETWORKS)) {
      const file = await readVectorFile(dir, `genesis-${network.name}`);
      assert.equal(network.chainId, file.chainId);
      assert.equal(network.networkId, file.networkId);
      assert.equal(network.genesis.header.toHex(), hex(file.fullHeaderRlp).toHex());
      assert.equal(network.genesis.hash.toHex(), hex(file.hash).toHex());
      assert.equal(network.genesis.totalDifficulty, BigInt(file.totalDifficulty));
      assert.equal(rulesAt(network, 0).rskip92, file.rskip92HashEncoding);
      const header = decodeHeader(network.genesis.header, { network, form: "compressed" });
      assert.equal(hashHeader(header, network).hash.toHex(), hex(file.hash).toHex());
      assert.equal(header.difficulty, BigInt(file.header.difficulty));
      assert.equal(header.timestamp, file.header.timestamp);
      assert.equal(header.minimumGasPrice, BigInt(file.header.minimumGasPrice));
      assert.equal(header.extraData.toHex(), hex(file.header.extraData).toHex());
      // Its difficulty keeps the zeros that its maker wrote.
      assert.equal(header.difficultyBytes?.toHex(), hex(file.header.difficultyBytes).toHex());
      assert.deepEqual(encodeHeader(header, "full"), network.genesis.header);
    }
  },
);

Deno.test("NETWORKS: rules that change headers begin at the heights of the table", () => {
  // Section 5.1: mainnet, testnet, regtest.
  const table: Record<string, readonly number[]> = {
    rskip92: [729_000, 0, 0],
    rskip97: [729_000, -1, -1],
    rskip98: [729_000, 0, 0],
    rskip110: [1_591_000, 0, 0],
    rskip126: [1_591_000, 0, 0],
    rskip156: [2_392_700, 863_000, 0],
    rskipUmm: [2_392_700, 863_000, 1],
    rskip179: [3_614_800, 2_060_500, 0],
    rskip180: [3_614_800, 2_060_500, 0],
    rskip252: [5_468_000, 4_015_800, 0],
    rskip144: [-1, 7_139_600, 1],
    rskip351: [-1, 7_139_600, 1],
    rskip535: [-1, 7_604_200, 1],
  };
  for (const [rule, heights] of Object.entries(table)) {
    const found = [MAINNET, TESTNET, REGTEST].map(({ activations }) => activations[rule as RskRule]);
    assert.deepEqual(found, heights, rule);
  }
  assert.equal(TESTNET.activations.rskip290, 2_581_800);
  assert.equal(TESTNET.activations.rskip297, 3_103_000);
});

Deno.test("NETWORKS: boot nodes, ports and checkpoint of the specification", () => {
  assert.equal(MAINNET.bootNodes.length, 16);
  assert.deepEqual(MAINNET.bootNodes[0], { host: "bootstrap01.rsk.co", port: 5050 });
  assert.deepEqual(MAINNET.bootNodes[15], { host: "bootstrap16.rsk.co", port: 5050 });
  assert.equal(TESTNET.bootNodes.length, 8);
  assert.deepEqual(TESTNET.bootNodes[7], { host: "bootstrap08.testnet.rsk.co", port: 50_505 });
  assert.deepEqual(REGTEST.bootNodes, []);
  assert.deepEqual([MAINNET, TESTNET, REGTEST].map(({ port }) => port), [5050, 50_505, 50_501]);
  const [checkpoint] = MAINNET.difficultyCheckpoints;
  assert.equal(checkpoint?.number, 9_020_000);
  assert.equal(checkpoint?.totalDifficulty, 57604442870340920504421561134n);
  assert.deepEqual(MAINNET.fallbackKeys.map(({ length }) => length), [65, 65]);
});

Deno.test("rulesAt() gives one object for a range, and another from the height of a rule on", () => {
  assert.equal(rulesAt(MAINNET, 100), rulesAt(MAINNET, 300));
  const version = (number: number) => rulesAt(TESTNET, number).version;
  assert.deepEqual([7_139_599, 7_139_600, 7_604_199, 7_604_200].map(version), [0, 1, 1, 2]);
  assert.equal(rulesAt(REGTEST, 0).version, 0);
  assert.equal(rulesAt(REGTEST, 1).version, 2);
  const data = (
    number: number,
  ) => [rulesAt(REGTEST, number).forkData, rulesAt(REGTEST, number).forkDataChecked];
  assert.deepEqual([FORK_DATA_FROM - 1, FORK_DATA_FROM, FORK_DATA_FROM + 1].map(data), [
    [false, false],
    [true, false],
    [true, true],
  ]);
  const window = (number: number) => rulesAt(TESTNET, number).btcWindowSeconds;
  assert.deepEqual([2_060_499, 2_060_500, 3_103_000].map(window), [undefined, 300, 7200]);
  assert.equal(rulesAt(MAINNET, 9_000_000).btcWindowSeconds, 300);
  assert.equal(rulesAt(REGTEST, 9_000_000).btcWindowSeconds, undefined);
  const { minimum, divisor } = rulesAt(TESTNET, 2_581_800).difficulty;
  assert.deepEqual([minimum.toHex(), divisor], [550_000_000n.toString(16), 400]);
  for (const number of [-1, 0.5, 2 ** 53]) assert.throws(() => rulesAt(MAINNET, number), RangeError);
});

Deno.test("adaptNetwork() moves an upgrade with its rules, or one rule, and leaves the network as it was", () => {
  const moved = adaptNetwork(MAINNET, { upgrades: { reed810: 10_000_000 } });
  assert.equal(moved.activations.rskip351, 10_000_000);
  assert.equal(moved.activations.rskip144, 10_000_000);
  assert.equal(rulesAt(moved, 10_000_000).version, 1);
  assert.equal(rulesAt(MAINNET, 10_000_000).version, 0);
  const one = adaptNetwork(moved, { ruleHeights: { rskip144: -1 }, difficulty: { minimum: 5n } });
  assert.equal(one.activations.rskip351, 10_000_000);
  assert.equal(isActive(one, "rskip144", 10_000_000), false);
  assert.equal(one.difficulty.blockSeconds, 14);
  assert.deepEqual(rulesAt(one, 1).difficulty.minimum, new Uint8Array([5]));
  assert.throws(() => adaptNetwork(MAINNET, { upgrades: { orchid: -2 } }), /orchid/);
});
