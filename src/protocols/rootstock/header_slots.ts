/**
 * Where some slots of a header lie, for who compares them without decoding.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 1.1. Only for headers that the kernels have
 * found to be of their form: nothing is checked here.
 *
 * @module
 */

const HASH_ITEM_BYTES = 33;
const ADDRESS_ITEM_BYTES = 21;
const BLOOM_ITEM_BYTES = 259;
const EXTENSION_ITEM_BYTES = 36;
/** Numbers of more bytes are not safe integers. */
const SAFE_BYTES = 6;

/** Slots of one header; read again for the next. */
export class HeaderSlots {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Begin and length of the item that was read last. */
  #from = 0;
  #length = 0;
  #parentAt = 0;
  #gasLimitFrom = 0;
  #gasLimitLength = 0;
  #priceFrom = 0;
  #priceLength = 0;
  #feesFrom = 0;
  #feesLength = 0;
  /** NaN if it needs more than 48 bits. */
  gasLimit = NaN;
  /** NaN if it needs more than 48 bits. */
  gasUsed = NaN;
  extraDataBytes = 0;

  /** Finds the slots of a compressed header. */
  read(bytes: Uint8Array, version: 0 | 1 | 2): void {
    this.#bytes = bytes;
    let at = bytes[0]! < 0xf8 ? 1 : bytes[0]! - 0xf6;
    this.#parentAt = at + 1;
    at += 2 * HASH_ITEM_BYTES;
    at += bytes[at] === 0x80 ? 1 : ADDRESS_ITEM_BYTES;
    at += 3 * HASH_ITEM_BYTES + (version === 0 ? BLOOM_ITEM_BYTES : EXTENSION_ITEM_BYTES);
    this.#at = at;
    this.#next(); // difficulty
    this.#next(); // number
    this.#next();
    this.#gasLimitFrom = this.#from;
    this.#gasLimitLength = this.#length;
    this.gasLimit = this.#number();
    this.#next();
    this.gasUsed = this.#number();
    this.#next(); // timestamp
    this.#next();
    this.extraDataBytes = this.#length;
    this.#next();
    this.#feesFrom = this.#from;
    this.#feesLength = this.#length;
    this.#next();
    this.#priceFrom = this.#from;
    this.#priceLength = this.#length;
  }

  #next(): void {
    const prefix = this.#bytes[this.#at]!;
    if (prefix < 0x80) {
      this.#from = this.#at;
      this.#length = 1;
    } else if (prefix < 0xb8) {
      this.#from = this.#at + 1;
      this.#length = prefix - 0x80;
    } else {
      this.#from = this.#at + prefix - 0xb6;
      this.#length = 0;
      for (let i = this.#at + 1; i < this.#from; i++) this.#length = this.#length * 256 + this.#bytes[i]!;
    }
    this.#at = this.#from + this.#length;
  }

  #number(): number {
    if (this.#length > SAFE_BYTES) return NaN;
    let value = 0;
    for (let i = 0; i < this.#length; i++) value = value * 256 + this.#bytes[this.#from + i]!;
    return value;
  }

  /** Whether the parent's hash is this one. */
  hasParent(hash: Uint8Array): boolean {
    return this.#isAt(this.#parentAt, hash);
  }

  /** Whether the hash of its uncles is this one. */
  hasUnclesHash(hash: Uint8Array): boolean {
    return this.#isAt(this.#parentAt + HASH_ITEM_BYTES, hash);
  }

  #isAt(at: number, hash: Uint8Array): boolean {
    for (let i = 0; i < hash.length; i++) if (this.#bytes[at + i] !== hash[i]) return false;
    return true;
  }

  /** Whether gas limit and minimum gas price have the bytes that another header has, and are not empty. */
  hasGasOf(other: HeaderSlots): boolean {
    if (this.#gasLimitLength !== other.#gasLimitLength || this.#priceLength !== other.#priceLength) {
      return false;
    }
    if (this.#priceLength === 0) return false;
    for (let i = 0; i < this.#gasLimitLength; i++) {
      if (this.#bytes[this.#gasLimitFrom + i] !== other.#bytes[other.#gasLimitFrom + i]) return false;
    }
    for (let i = 0; i < this.#priceLength; i++) {
      if (this.#bytes[this.#priceFrom + i] !== other.#bytes[other.#priceFrom + i]) return false;
    }
    return true;
  }

  get paidFees(): bigint {
    if (this.#feesLength === 0) return 0n;
    if (this.#feesLength > SAFE_BYTES) {
      return BigInt(`0x${this.#bytes.subarray(this.#feesFrom, this.#feesFrom + this.#feesLength).toHex()}`);
    }
    let value = 0;
    for (let i = 0; i < this.#feesLength; i++) value = value * 256 + this.#bytes[this.#feesFrom + i]!;
    return BigInt(value);
  }
}
