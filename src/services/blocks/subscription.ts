/**
 * The client side of subscribeBlockStream: puts blocks together out of messages, and checks their order.
 *
 * Layer: services. Source: spec/block-node.md §4.3.
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import { MAX_BLOCK_FILE_BYTES } from "../../protocols/hiero/block_file.ts";
import { HieroFault } from "../../protocols/hiero/fault.ts";
import { itemRanges } from "../../protocols/hiero/items.ts";
import { parseItemSet, type SetOpening } from "../../protocols/hiero/publish_messages.ts";
import type { SubscribeResponse, SubscribeStatus } from "../../protocols/hiero/subscribe_messages.ts";

/** Blocks to subscribe to; see `BlockNodeClient.subscribe`. */
export interface SubscribeRange {
  /** @default {undefined} the next block the node receives; with `last`, the first that it has */
  readonly first?: bigint;
  /** @default {undefined} no end */
  readonly last?: bigint;
}

/** A block from a subscription. */
export interface SubscribedBlock {
  readonly number: bigint;
  /** The serialized Block. The caller owns it. */
  readonly bytes: Uint8Array;
}

/** The block that is being received. */
interface Pending {
  readonly number: bigint;
  readonly parts: Uint8Array[];
  bytes: number;
}

/**
 * Turns the messages of one subscription into blocks. A header that comes again begins its block anew: what came
 * of it before was given up by the node.
 *
 * @param address Of the node, for messages.
 * @throws {CairnError} As `BlockNodeClient.subscribe`.
 */
export async function* receiveBlocks(
  responses: AsyncIterable<SubscribeResponse>,
  range: SubscribeRange,
  address: string,
): AsyncGenerator<SubscribedBlock> {
  let next = range.first;
  let pending: Pending | undefined;
  let status: SubscribeStatus | undefined;
  for await (const response of responses) {
    if (response.kind === "status") {
      status = response.status;
      continue;
    }
    if (response.kind === "items") {
      const opening = readOpening(response.records, address);
      if (opening.kind === "header") {
        if (next !== undefined && opening.number !== next) {
          throw malformed(address, `block ${opening.number} came, not ${next}`);
        }
        pending = { number: opening.number, parts: [], bytes: 0 };
      }
      if (pending === undefined) throw malformed(address, "items came before a header");
      pending.parts.push(response.records);
      pending.bytes += response.records.length;
      if (pending.bytes > MAX_BLOCK_FILE_BYTES) {
        throw malformed(address, `block ${pending.number} is larger than ${MAX_BLOCK_FILE_BYTES} bytes`);
      }
    } else {
      if (pending?.number !== response.number) {
        throw malformed(address, `the end of block ${response.number} came without its items`);
      }
      const { number, parts, bytes } = pending;
      pending = undefined;
      next = number + 1n;
      yield { number, bytes: join(parts, bytes) };
    }
  }
  requireSuccess(status, next, range.last, address);
}

function readOpening(records: Uint8Array, address: string): SetOpening {
  try {
    const first = itemRanges(records).next();
    const { opening } = parseItemSet(records, 0, first.done ? 0 : first.value.end);
    if (opening.kind !== "bad-header") return opening;
    throw malformed(address, opening.message);
  } catch (thrown) {
    if (!(thrown instanceof HieroFault)) throw thrown;
    throw malformed(address, thrown.message);
  }
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const block = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    block.set(part, at);
    at += part.length;
  }
  return block;
}

function requireSuccess(
  status: SubscribeStatus | undefined,
  next: bigint | undefined,
  last: bigint | undefined,
  address: string,
): void {
  const isShort = last !== undefined && (next === undefined || next <= last);
  if (status === "SUCCESS" && !isShort) return;
  const isRefused = status === "NOT_AVAILABLE" || status?.startsWith("INVALID");
  const reason = status === "SUCCESS" ? "it stops" : status ?? "no status";
  throw new CairnError(
    isRefused ? "BLOCK_NOT_FOUND" : "PEER_UNAVAILABLE",
    next === undefined
      ? `Cannot subscribe at ${address}: ${reason}`
      : `Cannot get block ${next} by subscription from ${address}: ${reason}`,
    { detail: { status: status ?? null } },
  );
}

function malformed(address: string, reason: string): CairnError {
  return new CairnError("BLOCK_MALFORMED", `Cannot follow ${address}: ${reason}`);
}
