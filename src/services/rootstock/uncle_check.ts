/**
 * The uncles of a stored block, checked against it and the blocks before.
 *
 * Layer: services.
 *
 * @module
 */

import { Ancestors, ANCESTORS_NEEDED, tipOf } from "../../protocols/rootstock/ancestors.ts";
import type { BlockIdentifier } from "../../protocols/rootstock/block_identifier.ts";
import { decodeHeader } from "../../protocols/rootstock/header_codec.ts";
import type { RootstockNetwork } from "../../protocols/rootstock/network.ts";
import {
  checkUncles,
  UNCLE_GENERATIONS,
  type UncleAncestor,
  type UnclesVerdict,
} from "../../protocols/rootstock/uncles.ts";
import { parentHashOf } from "./chain_records.ts";
import type { RootstockChainStore } from "./chain_store.ts";

/** What {@link checkStoredUncles} reads. */
export interface UncleCheckDeps {
  readonly store: RootstockChainStore;
  readonly network: RootstockNetwork;
  readonly nowSeconds: number;
}

/**
 * Checks the list of uncles that a peer gives for a block.
 *
 * @param uncles Full forms.
 * @throws {CairnError} `STORE_READ_FAILED`.
 */
export async function checkStoredUncles(
  block: BlockIdentifier,
  uncles: readonly Uint8Array[],
  { store, network, nowSeconds }: UncleCheckDeps,
): Promise<UnclesVerdict> {
  const stored = await store.headerByHash(block.hash);
  const below = stored && await store.chainDown(parentHashOf(stored.header), ANCESTORS_NEEDED);
  if (stored === undefined || below === undefined || below.length === 0) {
    return { valid: false, rule: "parent-hash", detail: `block ${block.number} is not stored` };
  }
  const { unclesHash } = decodeHeader(stored.header, { network, form: "compressed" });
  const recent = below.slice(0, UNCLE_GENERATIONS).map(({ number, hash, header }): UncleAncestor => ({
    ...tipOf(decodeHeader(header, { network, form: number === 0 ? "full" : "compressed" }), hash),
    uncleHashes: undefined,
  }));
  const linked = below.filter(({ number }) => number > 0).map(({ header }) => header).reverse();
  const ancestors = linked.length === 0 ? Ancestors.genesis(network) : Ancestors.fromHeaders(linked, network);
  return checkUncles({ number: block.number, unclesHash, uncles, recent, ancestors, network, nowSeconds });
}
