/**
 * What the next header is checked against: the tip of a chain, and of the headers before it what fork detection takes.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 2.1. Two bytes a header: the first of its
 * bitcoin hash and its uncle count, capped, which the capped sum of counts cannot tell from the whole one.
 *
 * @module
 */

import { checkHeader } from "../../hot/header.ts";
import { rulesAt } from "./block_rules.ts";
import { equalBytes } from "./bytes.ts";
import { RootstockFault } from "./fault.ts";
import { writeForkData } from "./fork_detection.ts";
import type { RootstockHeader } from "./header.ts";
import { decodeHeader } from "./header_codec.ts";
import type { RootstockNetwork } from "./network.ts";
import { unsignedValue } from "./quantities.ts";

/** The newest header of a chain, as far as the next one is compared with it. */
export interface ChainTip {
  readonly number: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** Seconds. */
  readonly timestamp: number;
  readonly difficulty: bigint;
  readonly gasLimit: bigint;
  /** Absent where the slot is empty. */
  readonly minimumGasPrice?: bigint;
}

/** Fork detection looks back so far. */
export const ANCESTORS_NEEDED = 449;

/** A power of two above {@link ANCESTORS_NEEDED}; the rest lets blocks a little below the tip be checked too. */
const SLOTS = 512;
const COUNT_MAX = 255;
const VERSION = 1;

/** Tip of a chain whose newest header this is. */
export function tipOf(header: RootstockHeader, hash: Uint8Array): ChainTip {
  const { number, timestamp, difficulty, minimumGasPrice } = header;
  const gasLimit = unsignedValue(header.gasLimit);
  return {
    ...{ number, hash, timestamp, difficulty, gasLimit },
    ...(minimumGasPrice === undefined ? {} : { minimumGasPrice }),
  };
}

/**
 * The ancestors of the next header. Grows with {@link push}; of a chain that branches, branches go on with a
 * {@link clone}.
 */
export class Ancestors {
  #tip: ChainTip;
  /** Number of the newest header that was taken in; the tip's, unless its tip is still to come. */
  #newest: number;
  /** Headers that are known, the tip among them: at most `SLOTS`. */
  #size: number;
  /** First byte of the bitcoin hash, and capped uncle count, of the header at height modulo `SLOTS`. */
  readonly #hashBytes: Uint8Array;
  readonly #uncleCounts: Uint8Array;

  private constructor(tip: ChainTip, size: number, hashBytes: Uint8Array, uncleCounts: Uint8Array) {
    this.#tip = tip;
    this.#newest = tip.number;
    this.#size = size;
    this.#hashBytes = hashBytes;
    this.#uncleCounts = uncleCounts;
  }

  /** Nothing but the genesis block. */
  static genesis(network: RootstockNetwork): Ancestors {
    const { header, hash } = network.genesis;
    const tip = tipOf(decodeHeader(header, { network, form: "full" }), hash);
    return new Ancestors(tip, 1, new Uint8Array(SLOTS), new Uint8Array(SLOTS));
  }

  /**
   * Headers that are trusted for the newest one's sake: each is the parent of the next by its hash. Their rules and
   * proofs of work are not checked, only that they are headers.
   *
   * @param headers Compressed forms, ascending, at least one.
   * @throws {RootstockFault} `parent-hash` if they do not link; the codes of the decoder.
   */
  static fromHeaders(headers: readonly Uint8Array[], network: RootstockNetwork): Ancestors {
    let ancestors: Ancestors | undefined;
    for (const bytes of headers) {
      const header = decodeHeader(bytes, { network, form: "compressed" });
      const verdict = checkHeader({ bytes, rules: rulesAt(network, header.number) });
      if (verdict.facts === undefined) {
        const failure = verdict.valid ? "" : verdict.failure;
        throw new RootstockFault(failure, `Cannot take header ${header.number} as an ancestor: ${failure}`);
      }
      const tip = tipOf(header, verdict.facts.hash);
      const powByte = verdict.valid ? verdict.powHash[0]! : 0;
      if (ancestors === undefined) {
        ancestors = new Ancestors(tip, 0, new Uint8Array(SLOTS), new Uint8Array(SLOTS));
      } else {
        const { number, hash } = ancestors.tip;
        if (header.number !== number + 1 || !equalBytes(header.parentHash, hash)) {
          const message =
            `Cannot take header ${header.number} as an ancestor: its parent is not block ${number}`;
          throw new RootstockFault("parent-hash", message);
        }
      }
      ancestors.push(tip, powByte, header.uncleCount);
    }
    if (ancestors === undefined) throw new RangeError("Cannot make ancestors: there are no headers");
    return ancestors;
  }

  /** The newest header. */
  get tip(): ChainTip {
    return this.#tip;
  }

  /** How many headers are known, the tip among them. */
  get size(): number {
    return this.#size;
  }

  /**
   * Takes the next header in. The caller has checked it.
   *
   * @param powByte First byte of its bitcoin hash in wire order.
   */
  push(tip: ChainTip, powByte: number, uncleCount: number): void {
    this.advance(tip.number, powByte, uncleCount);
    this.setTip(tip);
  }

  /** The part of {@link push} that every header needs; {@link setTip} has to follow before the tip is read. */
  advance(number: number, powByte: number, uncleCount: number): void {
    const slot = number % SLOTS;
    this.#hashBytes[slot] = powByte;
    this.#uncleCounts[slot] = uncleCount < COUNT_MAX ? uncleCount : COUNT_MAX;
    this.#newest = number;
    if (this.#size < SLOTS) this.#size++;
  }

  /** The part of {@link push} that only the last of several headers needs. */
  setTip(tip: ChainTip): void {
    this.#tip = tip;
  }

  /**
   * Writes the fork-detection data of a block, 12 bytes.
   *
   * @param number The block after the newest one, or a few below it.
   * @returns `false` if not all 449 ancestors of it are known.
   */
  forkData(number: number, out: Uint8Array): boolean {
    const newest = this.#newest;
    if (number > newest + 1 || number - ANCESTORS_NEEDED <= newest - this.#size) return false;
    writeForkData(number, this.#hashBytes, this.#uncleCounts, out);
    return true;
  }

  /** A copy that grows on its own. */
  clone(): Ancestors {
    return new Ancestors(this.#tip, this.#size, this.#hashBytes.slice(), this.#uncleCounts.slice());
  }

  /** As bytes of at most 1.3 kB, for {@link decode}. */
  encode(): Uint8Array {
    const { number, hash, timestamp, difficulty, gasLimit, minimumGasPrice } = this.#tip;
    const text = [VERSION, this.#size, number, timestamp, difficulty, gasLimit, minimumGasPrice ?? ""].join(
      " ",
    );
    const head = new TextEncoder().encode(text);
    const bytes = new Uint8Array(2 + head.length + 32 + 2 * SLOTS);
    new DataView(bytes.buffer).setUint16(0, head.length);
    bytes.set(head, 2);
    bytes.set(hash, 2 + head.length);
    bytes.set(this.#hashBytes, 34 + head.length);
    bytes.set(this.#uncleCounts, 34 + head.length + SLOTS);
    return bytes;
  }

  /**
   * Reads what {@link encode} wrote.
   *
   * @throws {RootstockFault} `ancestors-malformed`.
   */
  static decode(bytes: Uint8Array): Ancestors {
    const head = bytes.length < 2 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint16(0);
    const words = new TextDecoder().decode(bytes.subarray(2, 2 + head)).split(" ");
    const [version, size, number, timestamp] = words.map(Number);
    const isWhole = bytes.length === 34 + head + 2 * SLOTS && version === VERSION && words.length === 7 &&
      /^[\d ]+-?\d*$/.test(words.join(" "));
    if (!isWhole) {
      throw new RootstockFault("ancestors-malformed", "Cannot decode ancestors: the bytes are not theirs");
    }
    const [difficulty, gasLimit] = [BigInt(words[4]!), BigInt(words[5]!)];
    const price = words[6]!;
    const tip: ChainTip = {
      ...{ number: number!, timestamp: timestamp!, difficulty, gasLimit },
      hash: bytes.slice(2 + head, 34 + head),
      ...(price === "" ? {} : { minimumGasPrice: BigInt(price) }),
    };
    const rest = bytes.slice(34 + head);
    return new Ancestors(tip, size!, rest.slice(0, SLOTS), rest.slice(SLOTS));
  }
}
