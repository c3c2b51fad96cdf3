/**
 * Ethereum's and rskj's JSON-RPC methods, answered from headers.
 *
 * Layer: services. Source: spec/rootstock-network.md section 7. What needs more than headers is a method here too, with
 * an error of its own, so that callers can tell it from a name they got wrong.
 *
 * @module
 */

import { z } from "zod";
import { keccak256 } from "../../hot/keccak256.ts";
import { JsonRpcError, RPC_CODE } from "../../http/json_rpc_error.ts";
import { type RpcMethod, rpcMethod, type RpcMethods } from "../../http/json_rpc_method.ts";
import { equalBytes } from "../../protocols/rootstock/bytes.ts";
import {
  type BlockViewOptions,
  toBlockView,
  toRawHeader,
  totalDifficultyView,
  uncleCountOf,
} from "./block_view.ts";
import { parentHashOf } from "./chain_records.ts";
import type { PlacedHeader, RootstockChainStore } from "./chain_store.ts";
import {
  type BlockId,
  blockIdParam,
  blockNumberParam,
  dataParam,
  hashParam,
  indexParam,
  toData,
  toQuantity,
} from "./quantities.ts";
import { UNSUPPORTED_METHODS } from "./unsupported_methods.ts";

/** Errors that rskj answers with HTTP status 400 (section 7.1). */
export const RSKJ_BAD_REQUEST_CODES: ReadonlySet<number> = new Set([
  RPC_CODE.PARSE_ERROR,
  RPC_CODE.INVALID_REQUEST,
  RPC_CODE.INVALID_PARAMS,
]);

/** EIP-1474: it exists, and this node has not got it. */
const RESOURCE_NOT_FOUND = -32_001;
const NO_CHAIN = -32_000;

/** Version of the eth-style status (section 1.2). */
const PROTOCOL_VERSION = 62;

/** What the methods read of the chain. */
export type ChainReader = Pick<
  RootstockChainStore,
  "first" | "tip" | "headerByNumber" | "headerByHash" | "headersAt"
>;

/** How far a sync is, in the heights that `eth_syncing` gives. */
export interface SyncHeights {
  readonly startingBlock: number;
  readonly currentBlock: number;
  readonly highestBlock: number;
}

/** A connected peer, as `net_peerList` names it. */
export interface ListedPeer {
  /** 64 bytes, lower-case hex. */
  readonly id: string;
  /** `host:port`. */
  readonly address: string;
}

/** What the methods need. */
export interface RootstockRpcDeps extends BlockViewOptions {
  readonly chain: ChainReader;
  readonly chainId: number;
  /** Known whether or not the chain reaches down to it. */
  readonly genesis: PlacedHeader;
  /** `undefined` when the node is not in a long sync. */
  readonly syncing: () => SyncHeights | undefined;
  readonly peers: () => readonly ListedPeer[];
  /** Whether peers can connect to this node. */
  readonly listening: () => boolean;
  /** As `Cairn/0.1.0/linux-x86_64/deno2.9.3`. */
  readonly clientVersion: string;
}

/** The table of methods. */
export function rootstockMethods(deps: RootstockRpcDeps): RpcMethods {
  const { chain, reader, genesis } = deps;
  const none = z.tuple([]);
  const fullFlag = z.boolean().default(false);

  async function find(id: BlockId): Promise<PlacedHeader | undefined> {
    switch (id.kind) {
      case "latest":
        return await latest();
      case "pending":
        return undefined;
      case "hash":
        return await chain.headerByHash(id.hash) ?? (equalBytes(id.hash, genesis.hash) ? genesis : undefined);
      case "number": {
        if (id.number === 0) return genesis;
        const first = chain.first ?? 0;
        if (id.number >= first) return await chain.headerByNumber(id.number);
        const message = `Block ${id.number} is not kept: this node's chain begins at block ${first}`;
        throw new JsonRpcError(RESOURCE_NOT_FOUND, message, { firstBlock: toQuantity(first) });
      }
    }
  }

  /** A reorganisation between the two steps takes the tip away; the next try finds the new one. */
  async function latest(): Promise<PlacedHeader> {
    while (true) {
      const tip = requireTip();
      const found = await chain.headerByHash(tip.hash);
      if (found !== undefined) return found;
      if (chain.tip?.hash === tip.hash) throw new Error(`the tip, block ${tip.number}, is not in the store`);
    }
  }

  function requireTip() {
    if (chain.tip !== undefined) return chain.tip;
    throw new JsonRpcError(NO_CHAIN, "There is no block yet: the sync has not reached its first one");
  }

  async function show(id: BlockId, full: boolean) {
    const found = await find(id);
    if (found === undefined) return null;
    if (full) throw needs("the transactions of blocks", "body");
    const isWeighed = found.totalDifficulty?.kind === "exact" && found.number > 0;
    const parent = isWeighed ? await chain.headerByHash(parentHashOf(found.header)) : undefined;
    return toBlockView(found, deps, parent);
  }

  async function uncleCount(id: BlockId): Promise<string> {
    const found = await find(id);
    if (found === undefined) throw new JsonRpcError(RPC_CODE.INVALID_REQUEST, "block not found");
    return toQuantity(uncleCountOf(reader.decode(found.header, found.number)));
  }

  async function uncle(id: BlockId, index: number): Promise<null> {
    const found = await find(id);
    if (found === undefined) return null;
    if (index >= uncleCountOf(reader.decode(found.header, found.number))) return null;
    throw needs("the uncles of blocks", "body");
  }

  async function rawHeader(id: BlockId): Promise<string | null> {
    const found = await find(id);
    if (found === undefined) return null;
    const raw = toRawHeader(found, reader);
    if (raw === undefined) throw needs("the logs bloom and the extension of blocks from RSKIP351 on", "body");
    return toData(raw);
  }

  const byHash = (hash: Uint8Array): BlockId => ({ kind: "hash", hash });

  return {
    ...Object.fromEntries(
      Object.entries(UNSUPPORTED_METHODS).map(([name, [what, kind]]) => [name, unsupported(what, kind)]),
    ),

    eth_blockNumber: rpcMethod(none, () => toQuantity(requireTip().number)),
    eth_chainId: rpcMethod(none, () => toQuantity(deps.chainId)),
    eth_protocolVersion: rpcMethod(none, () => toQuantity(PROTOCOL_VERSION)),
    eth_syncing: rpcMethod(none, () => {
      const progress = deps.syncing();
      if (progress === undefined) return false;
      const { startingBlock, currentBlock, highestBlock } = progress;
      return {
        startingBlock: toQuantity(startingBlock),
        currentBlock: toQuantity(currentBlock),
        highestBlock: toQuantity(highestBlock),
      };
    }),
    // True of every header client, so not unknown.
    eth_accounts: rpcMethod(none, () => []),
    eth_mining: rpcMethod(none, () => false),
    eth_hashrate: rpcMethod(none, () => "0x0"),
    eth_getBlockByNumber: rpcMethod(z.tuple([blockIdParam, fullFlag]), ([id, full]) => show(id, full)),
    eth_getBlockByHash: rpcMethod(z.tuple([hashParam, fullFlag]), ([hash, full]) => show(byHash(hash), full)),
    eth_getBlocksByNumber: rpcMethod(z.tuple([blockNumberParam]), async ([number]) => {
      const found = await chain.headersAt(number);
      return found.map((header) => ({
        hash: toData(header.hash),
        ...totalDifficultyView(header),
        inMainChain: header.canonical,
      }));
    }),
    eth_getUncleCountByBlockHash: rpcMethod(z.tuple([hashParam]), ([hash]) => uncleCount(byHash(hash))),
    eth_getUncleCountByBlockNumber: rpcMethod(z.tuple([blockIdParam]), ([id]) => uncleCount(id)),
    eth_getUncleByBlockHashAndIndex: rpcMethod(
      z.tuple([hashParam, indexParam]),
      ([hash, index]) => uncle(byHash(hash), index),
    ),
    eth_getUncleByBlockNumberAndIndex: rpcMethod(
      z.tuple([blockIdParam, indexParam]),
      ([id, index]) => uncle(id, index),
    ),

    net_version: rpcMethod(none, () => String(deps.chainId)),
    net_listening: rpcMethod(none, () => deps.listening()),
    net_peerCount: rpcMethod(none, () => toQuantity(deps.peers().length)),
    net_peerList: rpcMethod(none, () => deps.peers().map(({ id, address }) => `${id} | ${address}`)),

    web3_clientVersion: rpcMethod(none, () => deps.clientVersion),
    web3_sha3: rpcMethod(z.tuple([dataParam]), ([bytes]) => toData(keccak256(bytes))),

    rsk_protocolVersion: rpcMethod(none, () => toQuantity(PROTOCOL_VERSION)),
    rsk_getRawBlockHeaderByHash: rpcMethod(z.tuple([hashParam]), ([hash]) => rawHeader(byHash(hash))),
    rsk_getRawBlockHeaderByNumber: rpcMethod(z.tuple([blockIdParam]), ([id]) => rawHeader(id)),

    rpc_modules: rpcMethod(none, () => ({ eth: "1.0", net: "1.0", rpc: "1.0", rsk: "1.0", web3: "1.0" })),
  };
}

function unsupported(what: string, kind: string): RpcMethod {
  return rpcMethod(z.unknown(), () => {
    throw needs(what, kind);
  });
}

function needs(what: string, kind: string): JsonRpcError {
  const message = `Not supported: this needs ${what}, and this node keeps headers only`;
  return new JsonRpcError(RPC_CODE.METHOD_NOT_SUPPORTED, message, { needs: kind });
}
