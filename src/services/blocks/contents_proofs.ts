/**
 * ProofService.getBlockContentsProof: proves that an item is part of a stored block.
 *
 * Layer: services. Source: spec/block-node.md §1.8; what it leaves open is decided in docs/block-hashing.md. A proof
 * costs the hash of its whole block, so one is made at a time, in steps that let the node's other work through.
 *
 * @module
 */

import type { ProofService } from "../../../proto/gen/org/hiero/block/api/proof_service_pb.ts";
import { CairnError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import type { ContentsProof } from "../../protocols/hiero/contents_proof.ts";
import { BlockContents } from "../../protocols/hiero/contents_tree.ts";
import { HieroFault, toHex } from "../../protocols/hiero/fault.ts";
import { HASH_BYTES } from "../../protocols/hiero/merkle.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import {
  type ContentsProofRequest,
  type ContentsProofStatus,
  encodeContentsProofResponse,
  type ItemSpecifier,
  parseContentsProofRequest,
} from "../../protocols/hiero/proof_messages.ts";
import { scanBlock } from "../../protocols/hiero/block_scan.ts";
import type { RootCandidate } from "../../protocols/hiero/root_hash.ts";
import type { CallContext, ServiceHandlers } from "../../rpc/types.ts";
import type { BlocksMetrics } from "./metrics.ts";
import type { BlockStore } from "./store.ts";

/** What the handlers work with. */
export interface ContentsProofDeps {
  readonly store: BlockStore;
  readonly metrics: BlocksMetrics;
  readonly log: Logger;
}

interface Answer {
  readonly status: ContentsProofStatus;
  readonly proof?: ContentsProof;
}

/** Handlers of ProofService; getStateProof is left out, so it answers UNIMPLEMENTED. */
export function proofHandlers(deps: ContentsProofDeps): ServiceHandlers<typeof ProofService> {
  let last: Promise<unknown> = Promise.resolve();
  return {
    getBlockContentsProof: {
      raw: true,
      handle: async (bytes, context) => {
        const request = parseRequest(bytes);
        const answered = last.then(() => answer(request, deps, context));
        last = answered.catch(() => undefined);
        const { status, proof } = await answered;
        deps.metrics.contentsProofRequests.inc({ status });
        return encodeContentsProofResponse(status, proof);
      },
    },
  };
}

function parseRequest(bytes: Uint8Array): ContentsProofRequest {
  try {
    return parseContentsProofRequest(bytes);
  } catch (thrown) {
    if (!(thrown instanceof HieroFault)) throw thrown;
    throw new CairnError("MALFORMED_MESSAGE", "Cannot decode BlockContentsProofRequest", { cause: thrown });
  }
}

async function answer(
  { blockNumber, item }: ContentsProofRequest,
  { store, log }: ContentsProofDeps,
  { signal }: CallContext,
): Promise<Answer> {
  const { first, last } = store;
  // uint64_max, "the latest" of getBlock, is refused with the rest: the answer would not say which block it is about.
  if (blockNumber >= 2n ** 63n || !isSpecific(item)) return { status: "INVALID_REQUEST" };
  if (first === undefined || last === undefined || blockNumber < first || blockNumber > last) {
    return { status: "NOT_AVAILABLE" };
  }
  try {
    // Whoever has left while waiting for a turn costs nothing more.
    signal.throwIfAborted();
    const block = await store.block(blockNumber);
    if (block === undefined) throw new Error("the block is not where the record says");
    const contents = new BlockContents(block, nativeSha384);
    for (const _ of contents.hashing()) {
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
    }
    return prove(contents, item, await ruleOf(contents, store));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    // No path exists: a block of HAPI 0.69 and before, or a footer hash of odd length.
    if (error instanceof HieroFault && error.type === "MISSING_VERIFICATION_DATA") {
      return { status: "NOT_AVAILABLE" };
    }
    log.error("Contents proof failed", { number: blockNumber, error });
    return { status: "ERROR" };
  }
}

function isSpecific(item: ItemSpecifier): boolean {
  return item.kind !== "unset" && (item.kind !== "hash" || item.hash.length === HASH_BYTES);
}

function prove(contents: BlockContents, item: ItemSpecifier, rule: RootCandidate["rule"]): Answer {
  const found = positions(contents, item);
  if (found.length > 1) return { status: "DUPLICATE_HASH_ITEM_FOUND" };
  const index = found[0];
  if (index === undefined || !contents.isHashed(index)) return { status: "ITEM_NOT_FOUND" };
  return { status: "SUCCESS", proof: contents.prove(index, rule) };
}

function positions(contents: BlockContents, item: ItemSpecifier): number[] {
  if (item.kind === "item") return contents.find(item.item);
  if (item.kind === "hash") return contents.findHash(item.hash);
  return item.kind === "index" && item.index < contents.length ? [item.index] : [];
}

/** The rule of the root that the next block names; for the last block, or past a broken link, that of its verdict. */
async function ruleOf(contents: BlockContents, store: BlockStore): Promise<RootCandidate["rule"]> {
  const { number, roots } = contents;
  const named = (hash: string | undefined) => roots.find((root) => toHex(root.hash) === hash)?.rule;
  const record = await store.record(number);
  const successor = (await store.record(number + 1n))?.previousHash ??
    // Records leave the store with their blocks; what they said of the link stands in the next block itself.
    (record === undefined ? previousHashOf(await store.block(number + 1n)) : undefined);
  const rule = named(successor) ?? named(record?.rootHash);
  if (rule === undefined) throw new Error("the block's root is not the one of its record");
  return rule;
}

/** The hash that a block's footer names, without hashing the block. */
function previousHashOf(block: Uint8Array | undefined): string | undefined {
  return block && toHex(scanBlock(block, { addItem: () => {} }).footer.previousBlockRootHash);
}
