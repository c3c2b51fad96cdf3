/**
 * Facts of Rootstock testnet.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md sections 3.2, 3.3, 5.1 and 6, spec/rootstock-network.md section 1.
 *
 * @module
 */

import { makeGenesis } from "../genesis.ts";
import { defineNetwork, type RootstockNetwork } from "../network.ts";

/** The public test network. */
export const TESTNET: RootstockNetwork = defineNetwork({
  name: "testnet",
  chainId: 31,
  networkId: 8100,
  port: 50505,
  discovery: true,
  bootNodes: Array.from({ length: 8 }, (_, i) => ({
    host: `bootstrap${String(i + 1).padStart(2, "0")}.testnet.rsk.co`,
    port: 50505,
  })),
  helloPhrase: "TestNet",
  genesis: makeGenesis({
    stateRoot: "45bce5168430c42b3d568331753f900a32457b4f3748697cbd8375ff4da72641",
    difficulty: "0000100000",
    gasLimit: "4c4b40",
    timestamp: "",
    extraData: "434d272841",
    minimumGasPrice: "00",
    hash: "cabb7fbe88cd6d922042a32ffc08ce8b1fbb37d650b9d4e7dbfe2a7469adfa42",
  }),
  upgrades: {
    bahamas: 0,
    afterBridgeSync: 114_000,
    orchid: 0,
    orchid060: 0,
    wasabi100: 0,
    twoToThree: 504_000,
    papyrus200: 863_000,
    iris300: 2_060_500,
    hop400: 3_103_000,
    hop401: 3_362_200,
    fingerroot500: 4_015_800,
    arrowhead600: 4_927_100,
    arrowhead631: -1,
    lovell700: 6_110_487,
    reed800: 6_835_700,
    reed810: 7_139_600,
    vetiver900: 7_604_200,
    tbd1000: -1,
  },
  ruleHeights: { rskip97: -1, rskip290: 2_581_800, rskip535: 7_604_200 },
  difficulty: {
    blockSeconds: 14,
    divisor: 50,
    divisorRskip156: 400,
    minimum: 131_072n,
    minimumRskip290: 550_000_000n,
  },
  maxFutureSeconds: 540,
  btcWindowSeconds: 300,
  btcWindowSecondsRskip297: 7200,
  baseEventOptionalBelow: 7_800_000,
  fallbackKeys: [],
  hashCheckpoints: [],
  difficultyCheckpoints: [],
});
