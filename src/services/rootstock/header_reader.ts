/**
 * What views of blocks need to know of a network's rules.
 *
 * Layer: services.
 *
 * @module
 */

import { isActive, type RootstockNetwork } from "../../protocols/rootstock/network.ts";
import { decodeHeader } from "../../protocols/rootstock/header_codec.ts";
import { hashForMergedMining, hashHeader } from "../../protocols/rootstock/header_hash.ts";
import type { HeaderReader } from "./block_view.ts";

/** Reads headers of a network. */
export function headerReader(network: RootstockNetwork): HeaderReader {
  return {
    decode: (header, number) => decodeHeader(header, { network, form: number === 0 ? "full" : "compressed" }),
    hashForMergedMining: (header) => {
      const { miningHash } = hashHeader(header, network);
      return hashForMergedMining(header, miningHash, network);
    },
    hashesWithoutProof: (number) => isActive(network, "rskip92", number),
  };
}
