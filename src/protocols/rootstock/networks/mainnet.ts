/**
 * Facts of Rootstock mainnet.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md sections 3.2, 3.3, 5.1 and 6, spec/rootstock-network.md section 1;
 * checkpoint: the addendum.
 *
 * @module
 */

import { makeGenesis } from "../genesis.ts";
import { defineNetwork, type RootstockNetwork } from "../network.ts";

/** Keys that signed even and odd blocks before RSKIP98 (section 4.5). */
const FALLBACK_KEYS = [
  "041e2b148c024770e19c4f31db2233cac791583df95b4d14a5e9fd4b38dc8254b3" +
  "048f937f169446b19d2eca40db1dd93fab34c0cd8a310afd6e6211f9a89e4bca",
  "04b55031870df5de88bdb84f65bd1c6f8331c633e759caa5ac7cad3fa4f8a36791" +
  "e995804bba1558ddcf330a67ff5bfa253fa1d8789735f97a97e849686527976e",
];

/** Block of 5 July 2026. */
const CHECKPOINT = {
  number: 9_020_000,
  hash: Uint8Array.fromHex("270343b5b43eca9c17538bdaefe7cf8fd3012ce9b7cefc9c7d4ac2322b472cc5"),
};

/** Real money; RSKIP351 and later have no height yet. */
export const MAINNET: RootstockNetwork = defineNetwork({
  name: "mainnet",
  chainId: 30,
  networkId: 775,
  port: 5050,
  discovery: true,
  bootNodes: Array.from({ length: 16 }, (_, i) => ({
    host: `bootstrap${String(i + 1).padStart(2, "0")}.rsk.co`,
    port: 5050,
  })),
  helloPhrase: "MainNet",
  genesis: makeGenesis({
    stateRoot: "9fa70f12726ac738640a86754741bb3f5680520ccc7e6ae9d95ace566a67fe01",
    difficulty: "0000100000",
    gasLimit: "67c280",
    timestamp: "5a4af5b0",
    extraData: "486170707920426974636f696e20446179212030332f4a616e2f32303138202d2052534b20746563" +
      "686e6f6c6f6779206174207468652073657276696365206f6620736f6369657479",
    minimumGasPrice: "0ae85bc0",
    hash: "f88529d4ab262c0f4d042e9d8d3f2472848eaafe1a9b7213f57617eb40a9f9e0",
  }),
  upgrades: {
    bahamas: 3_397,
    afterBridgeSync: 370_000,
    orchid: 729_000,
    orchid060: 1_052_700,
    wasabi100: 1_591_000,
    twoToThree: 2_018_000,
    papyrus200: 2_392_700,
    iris300: 3_614_800,
    hop400: 4_598_500,
    hop401: 4_976_300,
    fingerroot500: 5_468_000,
    arrowhead600: 6_223_700,
    arrowhead631: 6_549_300,
    lovell700: 7_338_024,
    reed800: 8_052_200,
    reed810: -1,
    vetiver900: 8_804_200,
    tbd1000: -1,
  },
  ruleHeights: {},
  difficulty: {
    blockSeconds: 14,
    divisor: 50,
    divisorRskip156: 400,
    minimum: 7_000_000_000_000_000n,
    minimumRskip290: 7_000_000_000_000_000n,
  },
  maxFutureSeconds: 60,
  btcWindowSeconds: 300,
  btcWindowSecondsRskip297: 300,
  baseEventOptionalBelow: 0,
  fallbackKeys: FALLBACK_KEYS.map((key) => Uint8Array.fromHex(key)),
  hashCheckpoints: [CHECKPOINT],
  difficultyCheckpoints: [{
    ...CHECKPOINT,
    difficulty: 7_388_898_250_588_046_058_941n,
    totalDifficulty: 57_604_442_870_340_920_504_421_561_134n,
  }],
});
