/**
 * The networks by their names.
 *
 * Layer: protocols/rootstock.
 *
 * @module
 */

import type { RootstockNetwork } from "../network.ts";
import { MAINNET } from "./mainnet.ts";
import { REGTEST } from "./regtest.ts";
import { TESTNET } from "./testnet.ts";

/** All networks. */
export const NETWORKS: Readonly<Record<RootstockNetwork["name"], RootstockNetwork>> = {
  mainnet: MAINNET,
  testnet: TESTNET,
  regtest: REGTEST,
};
