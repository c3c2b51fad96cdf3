/**
 * Messages of the Rootstock sub-protocol, version 62.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 4. Headers and blocks are the bytes as they
 * came: what is hashed is what was received. Heights and counts are safe integers; a message with a larger one is
 * refused.
 *
 * @module
 */

import type { BlockIdentifier } from "./block_identifier.ts";

/** What a peer says of its chain (section 4.3, type 1). */
export interface RskStatus {
  readonly bestNumber: number;
  /** 32 bytes. */
  readonly bestHash: Uint8Array;
  /** 32 bytes; absent in the form of two elements. */
  readonly parentHash?: Uint8Array;
  /** Uncles included; absent in the form of two elements. */
  readonly totalDifficulty?: bigint;
}

/** A message of code 0x18. `id` is below 2^64; hashes have 32 bytes. */
export type RskMessage =
  | { readonly type: "status"; readonly status: RskStatus }
  /** RLP of a block: full header, transactions, uncles. */
  | { readonly type: "block"; readonly block: Uint8Array }
  | { readonly type: "get-block"; readonly hash: Uint8Array }
  | { readonly type: "new-block-hashes"; readonly blocks: readonly BlockIdentifier[] }
  /** RLP lists, one a transaction. */
  | { readonly type: "transactions"; readonly transactions: readonly Uint8Array[] }
  | { readonly type: "block-hash-request"; readonly id: bigint; readonly height: number }
  | { readonly type: "block-hash-response"; readonly id: bigint; readonly hash: Uint8Array }
  | {
    readonly type: "block-headers-request";
    readonly id: bigint;
    readonly hash: Uint8Array;
    readonly count: number;
  }
  /** Descending; each the RLP list of a header in its compressed form. */
  | { readonly type: "block-headers-response"; readonly id: bigint; readonly headers: readonly Uint8Array[] }
  | { readonly type: "block-request"; readonly id: bigint; readonly hash: Uint8Array }
  | { readonly type: "block-response"; readonly id: bigint; readonly block: Uint8Array }
  | { readonly type: "skeleton-request"; readonly id: bigint; readonly startNumber: number }
  | { readonly type: "skeleton-response"; readonly id: bigint; readonly blocks: readonly BlockIdentifier[] }
  | { readonly type: "body-request"; readonly id: bigint; readonly hash: Uint8Array }
  | {
    readonly type: "body-response";
    readonly id: bigint;
    /** RLP lists, one a transaction. */
    readonly transactions: readonly Uint8Array[];
    /** RLP lists in the full form. */
    readonly uncles: readonly Uint8Array[];
    /** RLP list `[version, extension]`, from RSKIP351 on. */
    readonly extension?: Uint8Array;
  }
  | { readonly type: "new-block-hash"; readonly hash: Uint8Array }
  /** Types 20 to 25, which a header client neither sends nor serves. */
  | { readonly type: "snapshot"; readonly code: number };
