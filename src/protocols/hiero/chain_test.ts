import assert from "node:assert/strict";
import { block, EMPTY, footer, header, tssProof } from "./_blocks.ts";
import { type ChainHead, ChainVerifier, decodeChainHead, encodeChainHead } from "./chain.ts";
import { HieroFault } from "./fault.ts";
import { StreamingTree } from "./merkle.ts";
import { nativeSha384 } from "./native_sha384.ts";
import type { HashRule } from "./root_hash.ts";
import type { VerifiedBlock } from "./verdict.ts";

/** Builds a chain in which every block continues the root of the one before under `rule`. */
function makeChain(length: number, rule: HashRule, minor: number): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  const tree = new StreamingTree(nativeSha384);
  const chain = new ChainVerifier({
    sha384: nativeSha384,
    onBrokenLink: "warn",
    onWrongAllBlocksRoot: "warn",
  });
  let previous = EMPTY;
  for (let number = 0n; number < length; number++) {
    const bytes = block(header({ number, minor }), footer(previous, tree.root()), tssProof());
    const verdict = chain.verify(bytes) as VerifiedBlock;
    previous = verdict.roots.find((root) => root.rule === rule)!.hash;
    tree.push(previous);
    blocks.push(bytes);
  }
  return blocks;
}

Deno.test("ChainVerifier.verify() corrects a wrong guess of the rule by the first link", () => {
  const chain = new ChainVerifier({ sha384: nativeSha384 });
  const verdicts = makeChain(4, "8-leaf-one-child", 76).map((bytes) => chain.verify(bytes) as VerifiedBlock);
  assert.deepEqual(verdicts.map(({ status, rule }) => [status, rule]), [
    ["ok", "16-leaf"],
    ["ok", "8-leaf-one-child"],
    ["ok", "8-leaf-one-child"],
    ["ok", "8-leaf-one-child"],
  ]);
  assert.deepEqual(verdicts[1]?.link, {
    status: "confirmed",
    previousRule: "8-leaf-one-child",
    previousRoot: verdicts[0]?.roots[1]?.hash,
  });
  assert.equal(chain.head?.knownRule, "8-leaf-one-child");
});

Deno.test("ChainVerifier.verify() guesses anew when the HAPI version changes", () => {
  const old = makeChain(2, "8-leaf-one-child", 73);
  const chain = new ChainVerifier({ sha384: nativeSha384 });
  const [, second] = old.map((bytes) => chain.verify(bytes) as VerifiedBlock);
  const tree = new StreamingTree(nativeSha384, chain.head!.earlierRoots);
  tree.push(second!.rootHash!);
  const upgraded = block(
    header({ number: 2n, minor: 78 }),
    footer(second!.rootHash, tree.root()),
    tssProof(),
  );
  const verdict = chain.verify(upgraded) as VerifiedBlock;
  assert.deepEqual([verdict.status, verdict.rule, verdict.link.status], ["ok", "16-leaf", "confirmed"]);
});

Deno.test("ChainVerifier.verify() refuses a wrong hash of all earlier blocks, or warns of it", () => {
  const [first, second] = makeChain(2, "16-leaf", 78);
  const chain = new ChainVerifier({ sha384: nativeSha384 });
  const { rootHash } = chain.verify(first!) as VerifiedBlock;
  const wrong = block(header({ number: 1n }), footer(rootHash, EMPTY), tssProof());
  const refused = chain.verify(wrong);
  assert.ok(refused.status === "fault");
  assert.equal(refused.fault.detail.check, "all-blocks-root");
  assert.equal(chain.verify(second!).status, "ok");

  const lenient = new ChainVerifier({ sha384: nativeSha384, onWrongAllBlocksRoot: "warn" });
  lenient.verify(first!);
  const warned = lenient.verify(wrong) as VerifiedBlock;
  assert.deepEqual(warned.warnings.map(({ detail }) => detail.check), ["all-blocks-root"]);
});

Deno.test("ChainVerifier.verify() stays where it was after a refused block", () => {
  const [first, second] = makeChain(2, "16-leaf", 78);
  const chain = new ChainVerifier({ sha384: nativeSha384 });
  chain.verify(first!);
  const head = chain.head;
  const unlinked = block(header({ number: 1n }), footer(EMPTY, EMPTY), tssProof());
  for (const bad of [unlinked, first!, new Uint8Array(7), new Uint8Array(0)]) {
    assert.equal(chain.verify(bad).status, "fault");
    assert.equal(chain.head, head);
  }
  assert.equal(chain.verify(second!).status, "ok");
});

Deno.test("ChainVerifier can start at any block and then leaves the tree unchecked", () => {
  const chain = new ChainVerifier({ sha384: nativeSha384 });
  const blocks = makeChain(4, "16-leaf", 78).slice(2);
  assert.deepEqual(blocks.map((bytes) => (chain.verify(bytes) as VerifiedBlock).link.status), [
    "unchecked",
    "confirmed",
  ]);
  assert.equal(chain.head?.earlierRoots, undefined);
  chain.rebase(undefined);
  assert.equal(chain.verify(blocks[0]!).status, "ok");
});

Deno.test("ChainVerifier in warn mode follows a chain with a broken link, without its tree", () => {
  const [first] = makeChain(1, "16-leaf", 78);
  const chain = new ChainVerifier({ sha384: nativeSha384, onBrokenLink: "warn" });
  chain.verify(first!);
  const verdict = chain.verify(
    block(header({ number: 1n }), footer(EMPTY, EMPTY), tssProof()),
  ) as VerifiedBlock;
  assert.deepEqual([verdict.link.status, verdict.warnings.length], ["broken", 1]);
  assert.equal(chain.head?.earlierRoots, undefined);
});

Deno.test("decodeChainHead() reads back what encodeChainHead() wrote", () => {
  const hash = new Uint8Array(48).fill(3);
  const heads: ChainHead[] = [
    { number: 0n, hapiVersion: "", roots: [] },
    { number: 2n ** 64n - 1n, hapiVersion: "0.69.0", roots: [], rootDigest: hash },
    {
      number: 7n,
      hapiVersion: "0.73.0-SNAPSHOT",
      roots: [{ rule: "8-leaf-one-child", hash }, { rule: "16-leaf", hash: hash.slice() }],
      knownRule: "8-leaf-one-child",
      earlierRoots: { count: 2, roots: hash },
    },
    { number: 0n, hapiVersion: "1", roots: [], earlierRoots: { count: 0, roots: new Uint8Array(0) } },
  ];
  for (const head of heads) assert.deepEqual(decodeChainHead(encodeChainHead(head)), head);
  assert.throws(() => decodeChainHead(new Uint8Array(0)), HieroFault);
});
