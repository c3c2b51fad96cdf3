/**
 * Fills a data directory with a generated chain, for a node to serve: `fill_chain.ts DIRECTORY COUNT [SEED [FORK_AT]]`.
 *
 * @module
 */

import { generateChain } from "../../src/protocols/rootstock/generate.ts";
