/**
 * A peer as backfill sees it: its range of blocks, and the blocks.
 *
 * Layer: services. Source: spec/block-node.md §1.4, §1.6, §7.4.
 *
 * @module
 */

import { create, toBinary } from "@bufbuild/protobuf";
import {
  BlockStreamSubscribeService,
  SubscribeStreamRequestSchema,
} from "../../../proto/gen/org/hiero/block/api/block_stream_subscribe_service_pb.ts";
import { BlockNodeService } from "../../../proto/gen/org/hiero/block/api/node_service_pb.ts";
import { UINT64_MAX } from "../../protocols/hiero/wire.ts";
import { createClient } from "../../rpc/client.ts";

/** Room in a message for what is not items. */
const MESSAGE_OVERHEAD_BYTES = 65_536;

/** What a peer offers; both undefined if it has no block. */
export interface PeerRange {
  readonly first: bigint | undefined;
  readonly last: bigint | undefined;
}

/** Where blocks come from. */
export interface BackfillPeer extends Disposable {
  /** @throws {CairnError} `PEER_UNAVAILABLE`, `DEADLINE_EXCEEDED` and other transport errors. */
  range(options: { readonly signal: AbortSignal; readonly timeoutMs: number }): Promise<PeerRange>;
  /**
   * Messages of subscribeBlockStream for a closed range, both ends included, as bytes. Reads no further than it is
   * iterated; the iteration throws how the call failed.
   */
  blocks(
    first: bigint,
    last: bigint,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): AsyncIterable<Uint8Array>;
}

/** Options of {@link connectPeer}. */
export interface PeerAddress {
  /** `HOST:PORT` of subscribeBlockStream. */
  readonly address: string;
  /** `HOST:PORT` of serverStatus. @default {address} */
  readonly statusAddress?: string | undefined;
  /** Largest block, in bytes: a larger message ends the call. */
  readonly maxBlockBytes: number;
}

/** A peer over gRPC. Connects with the first call. */
export function connectPeer({ address, statusAddress = address, maxBlockBytes }: PeerAddress): BackfillPeer {
  const node = createClient(BlockNodeService, statusAddress);
  const subscribe = createClient(BlockStreamSubscribeService, address, {
    maxMessageBytes: maxBlockBytes + MESSAGE_OVERHEAD_BYTES,
  });
  return {
    async range(options) {
      const status = await node.unary("serverStatus", {}, options);
      const known = (number: bigint) => (number === UINT64_MAX ? undefined : number);
      return { first: known(status.firstAvailableBlock), last: known(status.lastAvailableBlock) };
    },
    blocks(startBlockNumber, endBlockNumber, options) {
      const request = create(SubscribeStreamRequestSchema, { startBlockNumber, endBlockNumber });
      const bytes = toBinary(SubscribeStreamRequestSchema, request);
      return subscribe.raw.serverStream("subscribeBlockStream", bytes, options);
    },
    [Symbol.dispose]() {
      node.close();
      subscribe.close();
    },
  };
}
