/**
 * Verification of blocks in sequence: remembers what the next block must continue, and the tree of all block roots.
 *
 * Layer: protocols. Imports the cores of this room. Source: spec/block-node.md §6.2.1, §6.2.2.
 *
 * @module
 */

import { equalBytes, type Fault, HieroFault, toHex } from "./fault.ts";
import { type Sha384, StreamingTree, type TreeSnapshot } from "./merkle.ts";
import type { RootCandidate } from "./root_hash.ts";
import { WIRE_TYPE, WireReader } from "./wire.ts";
import { WireWriter } from "./wire_writer.ts";
import { checkProofs, type HashedBlock } from "./block_proofs.ts";
import type { BlockVerdict, MismatchPolicy, PreviousBlock, ProofCheck, VerifiedBlock } from "./verdict.ts";
import { BlockVerifier } from "./verify.ts";

/** The last block of a chain, with all that is needed to verify the next one. A few hundred bytes; plain data. */
export interface ChainHead extends PreviousBlock {
  readonly hapiVersion: string;
  /** Rule that a link or a proof has confirmed for this HAPI version. */
  readonly knownRule?: RootCandidate["rule"];
  /** Tree over the roots of blocks 0 to number - 1: the head's own root joins when its successor confirms it.
   * Absent if the chain was not followed from block 0. */
  readonly earlierRoots?: TreeSnapshot;
}

/** One block of a run: what was found, and the chain's head after it. */
export interface ChainStep {
  readonly verdict: BlockVerdict;
  readonly head: ChainHead | undefined;
}

/** Options of {@link ChainVerifier}. */
export interface ChainOptions {
  readonly sha384: Sha384;
  /** Where to go on. @default {undefined} the first block sets the base */
  readonly head?: ChainHead | undefined;
  /** What a footer gets whose previous hash is not the root of the block before. @default {"refuse"} */
  readonly onBrokenLink?: MismatchPolicy;
  /** What a footer gets whose hash of all earlier blocks is wrong. @default {"refuse"} */
  readonly onWrongAllBlocksRoot?: MismatchPolicy;
  /** What a block gets whose generation has a root hash nobody can reproduce (spec §6.2.5). @default {"accept"} */
  readonly onNotVerifiable?: "refuse" | "accept";
  /** What a block gets that has proofs of unknown kinds only. @default {"refuse"} or what `proofs` says */
  readonly unknownProofs?: "refuse" | "accept";
  /** Checks the proofs of blocks too. @default {undefined} structure, root and link only */
  readonly proofs?: ProofCheck | undefined;
  /** Whether verdicts name the roots of the sub-trees. @default {false} */
  readonly subtreeRoots?: boolean;
}

/**
 * Verifies block after block. A refused block leaves the chain where it was, so its replacement can follow.
 *
 * The root of a block is settled by its successor's footer where the rule is in doubt; only then does it enter the
 * tree of all blocks.
 */
export class ChainVerifier {
  readonly #options: ChainOptions;
  readonly #verifier: BlockVerifier;
  /** Scratch: its state lives in the head, so that a refused block changes nothing. */
  readonly #tree: StreamingTree;
  #head: ChainHead | undefined;

  constructor(options: ChainOptions) {
    this.#options = options;
    this.#verifier = new BlockVerifier(options.sha384);
    this.#tree = new StreamingTree(options.sha384);
    this.#head = options.head;
  }

  /** The last block that passed; persist it with the block by {@link encodeChainHead}. */
  get head(): ChainHead | undefined {
    return this.#head;
  }

  /** Goes on from another block: after a restart, or when the stored chain was extended elsewhere. */
  rebase(head: ChainHead | undefined): void {
    this.#head = head;
  }

  /**
   * Verifies the next block and, if it passes, makes it the head.
   *
   * @param ownsBytes Whether nobody else reads `bytes` during the call. @default {false}
   */
  verify(bytes: Uint8Array, ownsBytes = false): BlockVerdict {
    return this.#verify(bytes, ownsBytes, this.#options.proofs);
  }

  /**
   * Verifies blocks that follow each other, with one batch for all their proofs (spec §6.10). Those before the first
   * refused block become part of the chain.
   *
   * @param ownsBytes Whether nobody else reads `blocks` during the call. @default {false}
   * @returns A step for each block up to and with the first refused one; those behind it were not decided.
   */
  verifyAll(blocks: readonly Uint8Array[], ownsBytes = false): ChainStep[] {
    const { proofs } = this.#options;
    const hashed: HashedBlock[] = [];
    const before: (ChainHead | undefined)[] = [this.#head];
    let refused: BlockVerdict | undefined;
    for (const given of blocks) {
      const bytes = ownsBytes ? given : given.slice();
      const block = this.#verify(bytes, true, undefined);
      if (block.status === "fault") {
        refused = block;
        break;
      }
      hashed.push({ bytes, block });
      before.push(this.#head);
    }
    const verdicts = proofs === undefined ? hashed.map(({ block }) => block) : checkProofs(hashed, proofs);
    const steps: ChainStep[] = [];
    for (const [i, verdict] of verdicts.entries()) {
      const last = steps.at(-1)?.verdict;
      if (verdict.status === "fault" || !linksTo(verdict, last)) {
        this.#head = i === 0 ? before[0] : steps[i - 1]!.head;
        // Judged once more behind the block whose root is settled by now: that refuses it with its proper fault.
        const fault = verdict.status === "fault" ? verdict : this.verify(hashed[i]!.bytes);
        return [...steps, { verdict: fault, head: this.#head }];
      }
      steps.push({ verdict, head: { ...before[i + 1]!, roots: verdict.roots } });
    }
    this.#head = steps.length === 0 ? before[0] : steps.at(-1)!.head;
    return refused === undefined ? steps : [...steps, { verdict: refused, head: this.#head }];
  }

  #verify(bytes: Uint8Array, ownsBytes: boolean, proofs: ProofCheck | undefined): BlockVerdict {
    const head = this.#head;
    const { onBrokenLink = "refuse", subtreeRoots = false } = this.#options;
    const verdict = this.#verifier.verify(bytes, {
      ownsBytes,
      onBrokenLink,
      subtreeRoots,
      proofs,
      unknownProofs: this.#options.unknownProofs ?? this.#options.proofs?.onUnknownKind ?? "refuse",
      ...(head === undefined ? {} : { previous: head, expectedNumber: head.number + 1n }),
      ...(head?.knownRule === undefined
        ? {}
        : { knownRule: { hapiVersion: head.hapiVersion, rule: head.knownRule } }),
    });
    if (verdict.status === "fault") return verdict;
    if (verdict.level === "not-verifiable" && this.#options.onNotVerifiable === "refuse") {
      return { status: "fault", number: verdict.number, fault: notVerifiable(verdict.number) };
    }
    return this.#extend(verdict, head);
  }

  #extend(block: VerifiedBlock, head: ChainHead | undefined): BlockVerdict {
    let tree: StreamingTree | undefined;
    if (block.number === 0n) {
      tree = this.#tree;
      tree.clear();
    } else if (head?.earlierRoots !== undefined && block.link.status === "confirmed") {
      tree = this.#tree;
      tree.restore(head.earlierRoots);
      tree.push(block.link.previousRoot);
    }
    // Opaque blocks hash this tree another way (spec §6.2.5), so the chain cannot carry it past them.
    if (block.level === "not-verifiable") tree = undefined;

    let judged = block;
    const expected = tree?.root();
    if (expected !== undefined && !equalBytes(expected, block.allBlocksHash)) {
      const fault = new HieroFault(
        "BAD_BLOCK_PROOF",
        `Cannot accept block ${block.number}: its hash of all earlier blocks is wrong`,
        { check: "all-blocks-root", expected: toHex(expected), actual: toHex(block.allBlocksHash) },
      ).toFault();
      if (this.#options.onWrongAllBlocksRoot !== "warn") {
        return { status: "fault", number: block.number, fault };
      }
      judged = { ...block, warnings: [...block.warnings, fault] };
    }

    // A state proof settles the block's own rule at once, a link that of the block before.
    const settled = block.roots.length === 1
      ? block.roots[0]!.rule
      : block.link.status === "confirmed" && block.link.previousRule !== "opaque" &&
          head?.hapiVersion === block.hapiVersion
      ? block.link.previousRule
      : undefined;
    if (settled !== undefined && settled !== judged.rule) judged = withRule(judged, settled);
    this.#head = {
      number: block.number,
      roots: judged.roots,
      ...(block.rootDigest === undefined ? {} : { rootDigest: block.rootDigest }),
      hapiVersion: block.hapiVersion,
      ...(settled === undefined ? {} : { knownRule: settled }),
      ...(tree === undefined ? {} : { earlierRoots: tree.snapshot() }),
    };
    return judged;
  }
}

function notVerifiable(number: bigint): Fault {
  return {
    type: "UNSUPPORTED_HAPI_VERSION",
    message: `Cannot accept block ${number}: the root hash of its generation cannot be computed`,
    detail: { check: "structure" },
  };
}

/** Whether a link that was confirmed under any rule is to the root that a proof has settled since. */
function linksTo({ link }: VerifiedBlock, before: BlockVerdict | undefined): boolean {
  return before?.status !== "ok" || link.status !== "confirmed" || before.roots.length === 0 ||
    before.roots.some(({ hash }) => equalBytes(hash, link.previousRoot));
}

function withRule(block: VerifiedBlock, rule: RootCandidate["rule"]): VerifiedBlock {
  const roots = block.roots.toSorted((a, b) => Number(b.rule === rule) - Number(a.rule === rule));
  if (roots[0]?.rule !== rule) return block;
  return { ...block, roots, rule, rootHash: roots[0].hash };
}

// Fields of the persisted head, in protobuf wire format. Never reuse a number.
const HEAD = {
  NUMBER: 1,
  HAPI: 2,
  ROOT_16: 3,
  ROOT_8: 4,
  DIGEST: 5,
  KNOWN_RULE: 6,
  COUNT: 7,
  ROOTS: 8,
  FIRST: 9,
};
const RULES = ["16-leaf", "8-leaf-one-child"] as const;

/** Serializes a head for storage beside its block. */
export function encodeChainHead(head: ChainHead): Uint8Array {
  const writer = new WireWriter(512).varint(HEAD.NUMBER, head.number);
  writer.bytes(HEAD.HAPI, new TextEncoder().encode(head.hapiVersion));
  for (const { rule, hash } of head.roots) {
    writer.bytes(rule === "16-leaf" ? HEAD.ROOT_16 : HEAD.ROOT_8, hash);
  }
  if (head.roots[0] !== undefined) writer.varint(HEAD.FIRST, RULES.indexOf(head.roots[0].rule));
  if (head.rootDigest !== undefined) writer.bytes(HEAD.DIGEST, head.rootDigest);
  if (head.knownRule !== undefined) writer.varint(HEAD.KNOWN_RULE, RULES.indexOf(head.knownRule));
  if (head.earlierRoots !== undefined) {
    writer.varint(HEAD.COUNT, head.earlierRoots.count).bytes(HEAD.ROOTS, head.earlierRoots.roots);
  }
  return writer.finish();
}

/**
 * Reads what {@link encodeChainHead} wrote; copies what it keeps.
 *
 * @throws {HieroFault} `UNABLE_TO_PARSE` if the bytes are damaged.
 */
export function decodeChainHead(bytes: Uint8Array): ChainHead {
  const reader = new WireReader(bytes);
  const roots: RootCandidate[] = [];
  const tree: { count?: number; roots?: Uint8Array } = {};
  const head: { -readonly [K in keyof ChainHead]?: ChainHead[K] } = {};
  let first = 0;
  while (reader.nextTag()) {
    const { field } = reader;
    if (reader.wireType === WIRE_TYPE.VARINT) {
      const value = reader.uint64();
      if (field === HEAD.NUMBER) head.number = value;
      else if (field === HEAD.COUNT) tree.count = Number(value);
      else if (field === HEAD.FIRST) first = Number(value);
      else if (field === HEAD.KNOWN_RULE) head.knownRule = RULES[Number(value)] ?? "16-leaf";
    } else if (reader.wireType === WIRE_TYPE.BYTES) {
      const value = reader.view().slice();
      if (field === HEAD.HAPI) head.hapiVersion = new TextDecoder().decode(value);
      else if (field === HEAD.ROOT_16) roots.push({ rule: "16-leaf", hash: value });
      else if (field === HEAD.ROOT_8) roots.push({ rule: "8-leaf-one-child", hash: value });
      else if (field === HEAD.DIGEST) head.rootDigest = value;
      else if (field === HEAD.ROOTS) tree.roots = value;
    } else reader.skip();
  }
  if (head.number === undefined || head.hapiVersion === undefined) {
    throw new HieroFault("UNABLE_TO_PARSE", "Cannot read chain head: number or version missing", {
      check: "wire",
    });
  }
  roots.sort((a, b) => Number(b.rule === RULES[first]) - Number(a.rule === RULES[first]));
  return {
    ...head,
    number: head.number,
    hapiVersion: head.hapiVersion,
    roots,
    ...(tree.count === undefined
      ? {}
      : { earlierRoots: { count: tree.count, roots: tree.roots ?? new Uint8Array(0) } }),
  };
}
