/**
 * What readers ask the block node: getBlock, serverStatus, serverStatusDetail.
 *
 * Layer: services. Source: spec/block-node.md §5. A stored block is served as the bytes that were received.
 *
 * @module
 */

import { create, fromBinary } from "@bufbuild/protobuf";
import type { BlockAccessService } from "../../../proto/gen/org/hiero/block/api/block_access_service_pb.ts";
import {
  type BlockNodeService,
  type BlockRange,
  BlockRangeSchema,
  RangedAddressBookHistorySchema,
  type ServerStatusDetailResponse,
  ServerStatusDetailResponseSchema,
  type ServerStatusResponse,
  ServerStatusResponseSchema,
  TssDataSchema,
} from "../../../proto/gen/org/hiero/block/api/node_service_pb.ts";
import { CairnError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import {
  type BlockResponseStatus,
  type BlockSpecifier,
  encodeBlockResponse,
  parseBlockRequest,
} from "../../protocols/hiero/access_messages.ts";
import { HieroFault } from "../../protocols/hiero/fault.ts";
import { UINT64_MAX } from "../../protocols/hiero/wire.ts";
import { encodeAddressBooks } from "../../protocols/hiero/proofs/address_book.ts";
import { encodeTssData, type VerificationData } from "../../protocols/hiero/proofs/verification_data.ts";
import type { ServiceHandlers } from "../../rpc/types.ts";
import type { BlocksMetrics } from "./metrics.ts";
import type { BlockStore } from "./store.ts";

const INT64_MAX = 0x7fff_ffff_ffff_ffffn;

/** Semantic version split for the wire. */
export interface SemanticVersionParts {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  readonly pre: string;
}

/** What the handlers work with. */
export interface AccessDeps {
  readonly store: BlockStore;
  readonly metrics: BlocksMetrics;
  readonly log: Logger;
  /** Block the node wants next; undefined when it cannot say. */
  readonly nextExpected: () => bigint | undefined;
  /** What proofs are checked against. */
  readonly verificationData: () => VerificationData;
  readonly nodeVersion: SemanticVersionParts;
  readonly streamVersion: SemanticVersionParts;
  /** Services of the API that this node serves, by full name: what the Java node's list of plugins tells. */
  readonly served: readonly string[];
}

/** Handlers of BlockAccessService. */
export function accessHandlers(deps: AccessDeps): ServiceHandlers<typeof BlockAccessService> {
  return { getBlock: { raw: true, handle: (request) => getBlock(request, deps) } };
}

async function getBlock(request: Uint8Array, deps: AccessDeps): Promise<Uint8Array> {
  const answer = await findBlock(parseRequest(request), deps);
  deps.metrics.getBlockRequests.inc({ status: answer.status });
  return encodeBlockResponse(answer.status, answer.block);
}

function parseRequest(request: Uint8Array): BlockSpecifier {
  try {
    return parseBlockRequest(request);
  } catch (thrown) {
    if (!(thrown instanceof HieroFault)) throw thrown;
    throw new CairnError("MALFORMED_MESSAGE", "Cannot decode BlockRequest", { cause: thrown });
  }
}

async function findBlock(
  specifier: BlockSpecifier,
  { store, log }: AccessDeps,
): Promise<{ readonly status: BlockResponseStatus; readonly block?: Uint8Array }> {
  let number: bigint | undefined;
  if (specifier.kind === "unset" || (specifier.kind === "latest" && !specifier.latest)) {
    return { status: "INVALID_REQUEST" };
  }
  if (specifier.kind === "latest" || specifier.number === UINT64_MAX) number = store.last;
  else if (specifier.number > INT64_MAX) return { status: "INVALID_REQUEST" };
  else number = specifier.number;

  const { first, last } = store;
  if (number === undefined || first === undefined || last === undefined || number < first || number > last) {
    return { status: "NOT_AVAILABLE" };
  }
  try {
    const block = await store.block(number);
    return block === undefined ? { status: "NOT_FOUND" } : { status: "SUCCESS", block };
  } catch (error) {
    log.error("Block unreadable", { number, error });
    return { status: "NOT_FOUND" };
  }
}

/** Handlers of BlockNodeService. */
export function statusHandlers(deps: AccessDeps): ServiceHandlers<typeof BlockNodeService> {
  return {
    serverStatus: { handle: () => Promise.resolve(serverStatus(deps)) },
    serverStatusDetail: { handle: () => Promise.resolve(serverStatusDetail(deps)) },
  };
}

/**
 * The consensus node chooses its first block by `next_expected_block`. The reference node forgets it at a restart;
 * here it is the block after the last stored one, so a restart changes nothing.
 */
function serverStatus({ store, nextExpected }: AccessDeps): ServerStatusResponse {
  return create(ServerStatusResponseSchema, {
    firstAvailableBlock: store.first ?? UINT64_MAX,
    lastAvailableBlock: store.last ?? UINT64_MAX,
    onlyLatestState: true,
    nextExpectedBlock: nextExpected() ?? UINT64_MAX,
  });
}

function serverStatusDetail(deps: AccessDeps): ServerStatusDetailResponse {
  const { store, nodeVersion, streamVersion, served } = deps;
  const { tss, addressBooks } = deps.verificationData();
  const ranges: BlockRange[] = store.ranges()
    .map(({ first, last }) => create(BlockRangeSchema, { rangeStart: first, rangeEnd: last }));
  return create(ServerStatusDetailResponseSchema, {
    versionInformation: {
      streamProtoVersion: streamVersion,
      blockNodeVersion: nodeVersion,
      installedPluginVersions: served.map((pluginId) => ({ pluginId, pluginSoftwareVersion: nodeVersion })),
    },
    availableRanges: ranges,
    storedRanges: ranges,
    // Other nodes take their keys from here (spec §6.5).
    ...(tss === undefined ? {} : { tssData: fromBinary(TssDataSchema, encodeTssData(tss)) }),
    ...(addressBooks.length === 0 ? {} : {
      rangedAddressBookHistory: fromBinary(RangedAddressBookHistorySchema, encodeAddressBooks(addressBooks)),
    }),
  });
}
