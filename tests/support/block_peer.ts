/**
 * A peer with a list of blocks, over a real socket: honest unless told otherwise.
 *
 * @module
 */

import { create } from "@bufbuild/protobuf";
import {
  BlockStreamSubscribeService,
} from "../../proto/gen/org/hiero/block/api/block_stream_subscribe_service_pb.ts";
import {
  BlockNodeService,
  ServerStatusResponseSchema,
} from "../../proto/gen/org/hiero/block/api/node_service_pb.ts";
import { splitBlock } from "../../src/protocols/hiero/block_split.ts";
import { UINT64_MAX, WireReader } from "../../src/protocols/hiero/wire.ts";
import { WireWriter } from "../../src/protocols/hiero/wire_writer.ts";
import { testServer } from "../../src/rpc/_testing.ts";
import type { Sender } from "../../src/rpc/types.ts";

/** A SubscribeStreamResponse with items. */
export const itemsMessage = (records: Uint8Array) =>
  new WireWriter(records.length + 16).bytes(2, records).finish();
/** A SubscribeStreamResponse with the end of a block. */
export const endMessage = (number: bigint) =>
  new WireWriter().bytes(3, number === 0n ? new Uint8Array(0) : new WireWriter().varint(1, number).finish())
    .finish();
/** A SubscribeStreamResponse with a status. */
export const statusMessage = (code: number) => new WireWriter().varint(1, code).finish();
/** All messages of one block. */
export const blockMessages = (number: bigint, block: Uint8Array, maxRunBytes?: number): Uint8Array[] => [
  ...[...splitBlock(block, maxRunBytes)].map(itemsMessage),
  endMessage(number),
];

/** Answers a call in place of the honest way. */
export type SubscribeScript = (
  request: { readonly first: bigint; readonly last: bigint; readonly signal: AbortSignal },
  sender: Sender<Uint8Array>,
) => Promise<void>;

/** Options of {@link startPeer}. */
export interface PeerOptions {
  /** Number of the first block. @default {0n} */
  readonly first?: bigint;
  /** Numbers of the blocks that serverStatus names. @default those it has */
  readonly claims?: { readonly first: bigint; readonly last: bigint };
  readonly subscribe?: SubscribeScript;
  /** Which of the services it offers. @default both */
  readonly offers?: readonly ("status" | "subscribe")[];
}

/** A running peer. */
export interface TestPeer extends AsyncDisposable {
  readonly address: string;
  /** Ranges it was asked for, as `0-9`. */
  readonly asked: string[];
  /** Times its status was asked. */
  polls: number;
  /** May be changed while it runs. */
  subscribe: SubscribeScript;
}

/** Starts a peer on a free port. */
export async function startPeer(blocks: readonly Uint8Array[], options: PeerOptions = {}): Promise<TestPeer> {
  const { first = 0n, offers = ["status", "subscribe"], claims } = options;
  const { server } = testServer();
  const honest: SubscribeScript = async (request, sender) => {
    for (let number = request.first; number <= request.last; number++) {
      const block = blocks[Number(number - first)];
      if (block === undefined) return void sender.send(statusMessage(6));
      for (const message of blockMessages(number, block)) if (!sender.send(message)) await sender.drained();
      if (request.signal.aborted) return;
    }
    sender.send(statusMessage(1));
  };
  const peer = { asked: [] as string[], polls: 0, subscribe: options.subscribe ?? honest };
  if (offers.includes("status")) {
    server.add(BlockNodeService, {
      serverStatus: {
        handle: () => {
          peer.polls++;
          const last = claims?.last ??
            (blocks.length === 0 ? UINT64_MAX : first + BigInt(blocks.length) - 1n);
          return Promise.resolve(create(ServerStatusResponseSchema, {
            firstAvailableBlock: claims?.first ?? (blocks.length === 0 ? UINT64_MAX : first),
            lastAvailableBlock: last,
            nextExpectedBlock: UINT64_MAX,
          }));
        },
      },
    });
  }
  if (offers.includes("subscribe")) {
    server.add(BlockStreamSubscribeService, {
      subscribeBlockStream: {
        raw: true,
        handle: async (bytes, sender, { signal }) => {
          const numbers = [0n, 0n];
          const reader = new WireReader(bytes);
          while (reader.nextTag()) numbers[reader.field - 1] = reader.uint64();
          const [from, to] = numbers as [bigint, bigint];
          peer.asked.push(`${from}-${to}`);
          await peer.subscribe({ first: from, last: to, signal }, sender);
        },
      },
    });
  }
  const { port } = await server.listen();
  return Object.assign(peer, {
    address: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => server.stop({ graceMs: 0 }),
  });
}
