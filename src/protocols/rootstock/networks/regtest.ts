/**
 * Facts of Rootstock regtest.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md sections 3.2, 3.3, 5.1 and 6, spec/rootstock-network.md section 1.
 *
 * @module
 */

import { makeGenesis } from "../genesis.ts";
import { defineNetwork, type RootstockNetwork } from "../network.ts";

/** A network of one's own: difficulty 1, no rule on timestamps. */
export const REGTEST: RootstockNetwork = defineNetwork({
  name: "regtest",
  chainId: 33,
  networkId: 7771,
  port: 50501,
  discovery: false,
  bootNodes: [],
  helloPhrase: "RegTest",
  genesis: makeGenesis({
    stateRoot: "9c13f6bf26a9d1b13b708b5da083cb8f4e948bb7f903174081ad95810d52723f",
    difficulty: "0000000001",
    gasLimit: "989680",
    timestamp: "",
    extraData: "686f727365",
    minimumGasPrice: "00",
    hash: "8ea789fabef0dd4946ed53f001e7b6f8a8d0c22a612a6099fc7f93c990af68fe",
  }),
  upgrades: {
    bahamas: 0,
    afterBridgeSync: -1,
    orchid: 0,
    orchid060: 0,
    wasabi100: 0,
    twoToThree: 0,
    papyrus200: 0,
    iris300: 0,
    hop400: 0,
    hop401: 0,
    fingerroot500: 0,
    arrowhead600: 0,
    arrowhead631: -1,
    lovell700: 0,
    reed800: 0,
    reed810: 0,
    vetiver900: 0,
    tbd1000: 0,
  },
  ruleHeights: { rskip97: -1, rskipUmm: 1, rskip144: 1, rskip351: 1, rskip535: 1 },
  difficulty: {
    blockSeconds: 10,
    divisor: 2048,
    divisorRskip156: 2048,
    minimum: 1n,
    minimumRskip290: 1n,
  },
  maxFutureSeconds: 0,
  btcWindowSeconds: 300,
  btcWindowSecondsRskip297: 300,
  baseEventOptionalBelow: 0,
  fallbackKeys: [],
  hashCheckpoints: [],
  difficultyCheckpoints: [],
});
