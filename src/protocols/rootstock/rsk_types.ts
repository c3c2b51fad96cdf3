/**
 * Types of Rootstock messages, and how much of each is taken.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md sections 4.3, 4.4.
 *
 * @module
 */

/** Message code of all of them. */
export const RSK_CODE = 0x18;

/** First element of a message. 4, 5 and 19 do not exist; 20 to 25 are of the snapshot protocol. */
export const RSK_TYPE = {
  "status": 1,
  "block": 2,
  "get-block": 3,
  "new-block-hashes": 6,
  "transactions": 7,
  "block-hash-request": 8,
  "block-headers-request": 9,
  "block-headers-response": 10,
  "block-request": 11,
  "block-response": 12,
  "skeleton-response": 13,
  "body-request": 14,
  "body-response": 15,
  "skeleton-request": 16,
  "new-block-hash": 17,
  "block-hash-response": 18,
} as const;
export const SNAPSHOT_TYPE_MIN = 20;
export const SNAPSHOT_TYPE_MAX = 25;

/** rskj sends at most 21. */
export const SKELETON_MAX = 32;
/** Blocks of one announcement. */
export const ANNOUNCED_MAX = 1_024;
/** Transactions of one message or block. */
export const TRANSACTIONS_MAX = 16_384;
/** Uncles of one body, as far as it is read: blocks have at most 10. */
export const BODY_UNCLES_MAX = 32;
