/**
 * A Rootstock header, decoded.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 1.
 *
 * @module
 */

/** Fields of a header in the order of its slots (section 1.1). Byte strings are copies or views of what came. */
export interface RootstockHeader {
  /** 0; 1 and 2 from RSKIP351 and RSKIP535 on. */
  readonly version: 0 | 1 | 2;
  /** 32 bytes. */
  readonly parentHash: Uint8Array;
  /** 32 bytes. */
  readonly unclesHash: Uint8Array;
  /** 20 bytes, or none. */
  readonly coinbase: Uint8Array;
  /** 32 bytes. */
  readonly stateRoot: Uint8Array;
  /** 32 bytes. */
  readonly transactionsRoot: Uint8Array;
  /** 32 bytes. */
  readonly receiptsRoot: Uint8Array;
  /** 256 bytes; absent in the compressed form of versions 1 and 2. */
  readonly logsBloom?: Uint8Array;
  /** 35 bytes: RLP list of version and extension hash; in the compressed form of versions 1 and 2 alone. */
  readonly extensionData?: Uint8Array;
  readonly difficulty: bigint;
  /** Slot 7 as received, where it is not the one minimal form: genesis, and an absent difficulty. */
  readonly difficultyBytes?: Uint8Array;
  /** Height; a safe integer. */
  readonly number: number;
  /** Bytes as received: leading zeros are hashed (section 1.1, slot 9). */
  readonly gasLimit: Uint8Array;
  readonly gasUsed: bigint;
  /** Seconds; a safe integer. */
  readonly timestamp: number;
  readonly extraData: Uint8Array;
  readonly paidFees: bigint;
  /** Wei; absent if the slot is empty. */
  readonly minimumGasPrice?: bigint;
  readonly uncleCount: number;
  /** 20 bytes, or none; absent before RSKIP-UMM. */
  readonly ummRoot?: Uint8Array;
  /** Edges of the execution sublists; in the full form from RSKIP144 on. */
  readonly edges?: readonly number[];
  /** In the full form of version 2. */
  readonly baseEvent?: Uint8Array;
  /** 80 bytes from RSKIP98 on; these three are absent together. */
  readonly bitcoinMergedMiningHeader?: Uint8Array;
  readonly bitcoinMergedMiningMerkleProof?: Uint8Array;
  readonly bitcoinMergedMiningCoinbaseTransaction?: Uint8Array;
}
