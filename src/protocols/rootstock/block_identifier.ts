/**
 * A block by number and hash, as Rootstock's messages name it.
 *
 * Layer: protocols/rootstock.
 *
 * @module
 */

/** Number and hash of a block. */
export interface BlockIdentifier {
  /** Height; a safe integer. */
  readonly number: number;
  /** Block hash, 32 bytes. */
  readonly hash: Uint8Array;
}
