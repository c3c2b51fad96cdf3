import assert from "node:assert/strict";
import { networkOf } from "./_headers.ts";
import { Ancestors, tipOf } from "./ancestors.ts";
import { ChainGenerator, type GeneratedHeader, toFullHeader } from "./generate.ts";
import { decodeHeader } from "./header_codec.ts";
import { hashHeader, hashUncles } from "./header_hash.ts";
import type { RootstockNetwork } from "./network.ts";
import { checkUncles, type UncleAncestor, type UncleCase } from "./uncles.ts";
import { verifySegment } from "./verify_segment.ts";

/** A chain whose last block has uncles; what they are checked against. */
class Story {
  readonly network: RootstockNetwork;
  readonly generator: ChainGenerator;
  readonly blocks: GeneratedHeader[] = [];
  /** Ancestors after each block, the first of genesis. */
  readonly ancestors: Ancestors[];

  constructor(network: RootstockNetwork, unclesOf: (number: number) => number) {
    this.network = network;
    this.generator = new ChainGenerator({ network, unclesOf });
    this.ancestors = [this.generator.ancestors];
  }

  grow(count: number): this {
    for (let i = 0; i < count; i++) {
      this.blocks.push(this.generator.next());
      this.ancestors.push(this.generator.ancestors);
    }
    return this;
  }

  /** The last block's case, with its uncles or others. */
  caseOf(uncles = this.blocks.at(-1)!.uncles, options: { commit?: boolean } = {}): UncleCase {
    const { network } = this;
    const last = this.blocks.at(-1)!;
    const decoded = uncles.map((bytes) => decodeHeader(bytes, { network, form: "full" }));
    const own = decodeHeader(last.header, { network, form: "compressed" });
    const recent = this.blocks.slice(0, -1).reverse().slice(0, 9).map((block): UncleAncestor => {
      const header = decodeHeader(block.header, { network, form: "compressed" });
      const uncleHashes = block.uncles.map((uncle) =>
        hashHeader(decodeHeader(uncle, { network, form: "full" }), network).hash
      );
      return { ...tipOf(header, block.hash), uncleHashes };
    });
    return {
      number: last.number,
      unclesHash: options.commit === false ? own.unclesHash : hashUncles(decoded),
      uncles,
      recent,
      ancestors: this.ancestors.at(-2)!,
      network,
      nowSeconds: 2_000_000_000,
    };
  }
}

const ruleOf = (block: UncleCase) => {
  const verdict = checkUncles(block);
  return verdict.valid ? "valid" : verdict.rule;
};

Deno.test("checkUncles() accepts the uncles of a generated chain, of every version, with their difficulty", () => {
  for (const version of [0, 1, 2] as const) {
    const story = new Story(networkOf(version, { timed: true }), (number) => number === 460 ? 3 : 0).grow(
      460,
    );
    const block = story.caseOf(undefined, { commit: false });
    const verdict = checkUncles(block);
    assert.ok(verdict.valid);
    assert.equal(verdict.maybeUsed, false);
    assert.equal(verdict.uncles.length, 3);
    const sum = verdict.uncles.reduce((total, { difficulty }) => total + difficulty, 0n);
    assert.equal(sum, story.blocks.at(-1)!.uncleDifficulty);
    const unknown = block.recent.map(({ uncleHashes: _, ...tip }) => ({ ...tip, uncleHashes: undefined }));
    const unsure = checkUncles({ ...block, recent: unknown });
    assert.ok(unsure.valid && unsure.maybeUsed);
  }
});

Deno.test("checkUncles() takes no uncles where the hash is that of none, and none where it is not", () => {
  const story = new Story(networkOf(0), () => 0).grow(3);
  assert.equal(ruleOf(story.caseOf()), "valid");
  assert.equal(ruleOf({ ...story.caseOf(), unclesHash: new Uint8Array(32) }), "uncles-hash");
});

Deno.test("checkUncles() refuses lists that are too long, uncommitted or malformed", () => {
  const story = new Story(networkOf(2), (number) => number > 8 ? 2 : 0).grow(9);
  const block = story.caseOf();
  assert.equal(ruleOf(block), "valid");
  assert.equal(ruleOf({ ...block, uncles: Array(11).fill(block.uncles[0]) }), "uncles-count");
  assert.equal(ruleOf({ ...block, uncles: [...block.uncles].reverse() }), "uncles-hash");
  assert.equal(ruleOf({ ...block, uncles: [new Uint8Array([0xc0])] }), "form");
});

Deno.test("checkUncles() refuses uncles that are ancestors, twice in the list, used before, or from elsewhere", () => {
  const story = new Story(networkOf(0), (number) => number === 12 || number === 14 ? 1 : 0).grow(14);
  const { network } = story;
  const [uncle] = story.blocks.at(-1)!.uncles;
  assert.equal(ruleOf(story.caseOf([uncle!])), "valid");
  assert.equal(ruleOf(story.caseOf([uncle!, uncle!])), "uncle-duplicate");
  assert.equal(ruleOf(story.caseOf([toFullHeader(story.blocks[11]!.header, network)])), "uncle-ancestor");
  assert.equal(ruleOf(story.caseOf(story.blocks[11]!.uncles)), "uncle-used");
  const elsewhere = new ChainGenerator({ network, seed: 5 });
  for (let i = 0; i < 12; i++) elsewhere.next();
  assert.equal(ruleOf(story.caseOf([toFullHeader(elsewhere.next().header, network)])), "uncle-parent");
});

Deno.test("checkUncles() takes uncles from six below the block, and neither farther down nor beside it", () => {
  const story = new Story(networkOf(0), () => 0).grow(5);
  const { network } = story;
  const fork = story.generator.fork({ seed: 77 });
  const uncle = toFullHeader(fork.next().header, network);
  assert.equal(decodeHeader(uncle, { network, form: "full" }).number, 6);
  story.grow(1);
  assert.equal(ruleOf(story.caseOf([uncle])), "uncle-height");
  for (let number = 7; number <= 12; number++) {
    story.grow(1);
    assert.equal(ruleOf(story.caseOf([uncle])), "valid", `block ${number}`);
  }
  story.grow(1);
  assert.equal(ruleOf(story.caseOf([uncle])), "uncle-height");
});

Deno.test("checkUncles() holds an uncle to the rules of headers, to a later time than its parent's too", () => {
  const network = networkOf(0, { timed: true });
  const rules = [
    ...["proof-of-work", "difficulty", "timestamp-bitcoin", "timestamp-parent", "timestamp-future"],
    ...["fork-detection", "gas-limit-parent", "gas-used", "minimum-gas-price"],
  ] as const;
  for (const rule of rules) {
    const story = new Story(network, () => 0).grow(458);
    const fork = story.generator.fork({ seed: 3, broken: { number: 459, rule } });
    const uncle = toFullHeader(fork.next().header, network);
    story.grow(2);
    const found = ruleOf(story.caseOf([uncle]));
    // A time that is changed changes the difficulty that is due.
    const expected = rule === "timestamp-future" ? ["difficulty", rule] : [rule];
    assert.ok(expected.includes(found as typeof rule), `${rule}: ${found}`);
  }
});

Deno.test("checkUncles() does not hold an uncle to the rules that nodes do not: extra data, least gas limit", () => {
  const network = networkOf(0);
  const story = new Story(network, () => 0).grow(3);
  const fork = story.generator.fork({ seed: 3, broken: { number: 4, rule: "extra-data" } });
  const uncle = toFullHeader(fork.next().header, network);
  story.grow(2);
  assert.equal(ruleOf(story.caseOf([uncle])), "valid");
  const headers = story.blocks.map(({ header }) => header);
  assert.ok(verifySegment(Ancestors.genesis(network), headers, { network, nowSeconds: 0 }).valid);
});
