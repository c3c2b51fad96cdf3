/**
 * A block node as a client sees it: publish, subscribe, get, status.
 *
 * Layer: services. Source: spec/block-node.md §1. For the command line, examples, load tests and later backfill.
 *
 * @module
 */

import { BlockAccessService } from "../../../proto/gen/org/hiero/block/api/block_access_service_pb.ts";
import { BlockStreamPublishService } from "../../../proto/gen/org/hiero/block/api/block_stream_publish_service_pb.ts";
import { BlockStreamSubscribeService } from "../../../proto/gen/org/hiero/block/api/block_stream_subscribe_service_pb.ts";
import { BlockNodeService } from "../../../proto/gen/org/hiero/block/api/node_service_pb.ts";
import { ProofService } from "../../../proto/gen/org/hiero/block/api/proof_service_pb.ts";
import { CairnError } from "../../kernel/errors.ts";
import {
  type BlockSpecifier,
  encodeBlockRequest,
  parseBlockResponse,
} from "../../protocols/hiero/access_messages.ts";
import type { ContentsProof } from "../../protocols/hiero/contents_proof.ts";
import { HieroFault } from "../../protocols/hiero/fault.ts";
import {
  encodeContentsProofRequest,
  type ItemSpecifier,
  parseContentsProofResponse,
} from "../../protocols/hiero/proof_messages.ts";
import {
  encodeSubscribeRequest,
  parseSubscribeResponse,
  type SubscribeRequest,
  subscribeRequest,
  type SubscribeResponse,
} from "../../protocols/hiero/subscribe_messages.ts";
import { UINT64_MAX } from "../../protocols/hiero/wire.ts";
import { createClient } from "../../rpc/client.ts";
import type { PublishChannel } from "./publisher.ts";
import { receiveBlocks, type SubscribedBlock, type SubscribeRange } from "./subscription.ts";

/** Time for an answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;

/** What serverStatus says; undefined where the node has no block. */
export interface NodeStatus {
  readonly firstAvailableBlock: bigint | undefined;
  readonly lastAvailableBlock: bigint | undefined;
  readonly nextExpectedBlock: bigint | undefined;
}

/** Talks to one block node over one connection per service. Connects with the first call. */
export class BlockNodeClient implements Disposable {
  readonly address: string;
  readonly #access;
  readonly #node;
  readonly #proof;
  readonly #publish;
  readonly #subscribe;

  /** @param address `HOST:PORT`. */
  constructor(address: string) {
    this.address = address;
    this.#access = createClient(BlockAccessService, address);
    this.#node = createClient(BlockNodeService, address);
    this.#proof = createClient(ProofService, address);
    this.#publish = createClient(BlockStreamPublishService, address);
    this.#subscribe = createClient(BlockStreamSubscribeService, address);
  }

  /** @throws {CairnError} `PEER_UNAVAILABLE` and other transport errors. */
  async status(signal: AbortSignal): Promise<NodeStatus> {
    const status = await this.#node.unary("serverStatus", {}, { signal, timeoutMs: ANSWER_TIMEOUT_MS });
    const known = (number: bigint) => (number === UINT64_MAX ? undefined : number);
    return {
      firstAvailableBlock: known(status.firstAvailableBlock),
      lastAvailableBlock: known(status.lastAvailableBlock),
      nextExpectedBlock: known(status.nextExpectedBlock),
    };
  }

  /**
   * The serialized Block, as the node stores it.
   *
   * @throws {CairnError} `BLOCK_NOT_FOUND` with the node's answer in `detail.status`, or a transport error.
   */
  async block(specifier: BlockSpecifier, signal: AbortSignal): Promise<Uint8Array> {
    const response = parseBlockResponse(
      await this.#access.raw.unary("getBlock", encodeBlockRequest(specifier), {
        signal,
        timeoutMs: ANSWER_TIMEOUT_MS,
      }),
    );
    if (response.status === "SUCCESS" && response.block !== undefined) return response.block;
    const which = specifier.kind === "number" ? `block ${specifier.number}` : "the latest block";
    throw new CairnError("BLOCK_NOT_FOUND", `Cannot get ${which} from ${this.address}: ${response.status}`, {
      detail: { status: response.status },
    });
  }

  /**
   * A proof that an item is part of a stored block, as the node made it: hold it to a root you trust with
   * `verifyContentsProof`.
   *
   * @throws {CairnError} `BLOCK_NOT_FOUND` if the node does not hold the block, `BLOCK_ITEM_NOT_FOUND` for any other
   *   refusal, both with the node's answer in `detail.status`; `MALFORMED_MESSAGE` for an answer that is no proof; or
   *   a transport error.
   */
  async contentsProof(blockNumber: bigint, item: ItemSpecifier, signal: AbortSignal): Promise<ContentsProof> {
    const bytes = await this.#proof.raw.unary(
      "getBlockContentsProof",
      encodeContentsProofRequest({ blockNumber, item }),
      { signal, timeoutMs: ANSWER_TIMEOUT_MS },
    );
    const what = `Cannot get contents proof of block ${blockNumber} from ${this.address}`;
    try {
      const { status, proof } = parseContentsProofResponse(bytes);
      if (status === "SUCCESS" && proof !== undefined) return proof;
      const code = status === "NOT_AVAILABLE" ? "BLOCK_NOT_FOUND" : "BLOCK_ITEM_NOT_FOUND";
      throw new CairnError(code, `${what}: ${status}`, { detail: { status } });
    } catch (thrown) {
      if (!(thrown instanceof HieroFault)) throw thrown;
      throw new CairnError("MALFORMED_MESSAGE", `${what}: ${thrown.message}`, { cause: thrown });
    }
  }

  /** Opens a publishBlockStream call. */
  openPublishStream(signal: AbortSignal): PublishChannel {
    const call = this.#publish.raw.bidi("publishBlockStream", { signal });
    return {
      send: (request) => call.send(request),
      drained: () => call.drained(),
      end: () => call.halfClose(),
      cancel: () => call.cancel(),
      responses: call,
    };
  }

  /**
   * Blocks in order, each whole, verified and stored by the node: from `first`, or the first that the node has if
   * only `last` is given, or the next one it receives if neither is. Ends behind `last`; without it, when the node
   * stops. The node reads ahead of the loop only as far as the transport buffers.
   *
   * @example Follow a node from its block 7 on
   * ```ts ignore
   * for await (const { number, bytes } of client.subscribe({ first: 7n }, signal)) await keep(number, bytes);
   * ```
   *
   * @throws {CairnError} `BLOCK_NOT_FOUND` or `PEER_UNAVAILABLE` with the node's status in `detail.status`,
   *   `BLOCK_MALFORMED` if what came is not the next block, or a transport error. The signal's reason is rethrown
   *   unchanged.
   */
  subscribe(range: SubscribeRange, signal: AbortSignal): AsyncIterable<SubscribedBlock> {
    return receiveBlocks(this.openSubscribeStream(subscribeRequest(range), signal), range, this.address);
  }

  /** Opens a subscribeBlockStream call: its messages as they come, the items of a live block before it is verified. */
  async *openSubscribeStream(
    request: SubscribeRequest,
    signal: AbortSignal,
  ): AsyncIterable<SubscribeResponse> {
    const call = this.#subscribe.raw.serverStream("subscribeBlockStream", encodeSubscribeRequest(request), {
      signal,
    });
    for await (const bytes of call) {
      const response = parseSubscribeResponse(bytes);
      if (response !== undefined) yield response;
    }
  }

  [Symbol.dispose](): void {
    this.#access.close();
    this.#node.close();
    this.#proof.close();
    this.#publish.close();
    this.#subscribe.close();
  }
}
