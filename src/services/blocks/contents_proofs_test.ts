import assert from "node:assert/strict";
import { RecordingLog } from "../../kernel/_testing.ts";
import { verifyContentsProof } from "../../protocols/hiero/contents_proof.ts";
import { BlockContents } from "../../protocols/hiero/contents_tree.ts";
import { toHex } from "../../protocols/hiero/fault.ts";
import { itemRanges } from "../../protocols/hiero/items.ts";
import { hashLeaf } from "../../protocols/hiero/merkle.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import {
  encodeContentsProofRequest,
  type ItemSpecifier,
  parseContentsProofResponse,
} from "../../protocols/hiero/proof_messages.ts";
import { UINT64_MAX } from "../../protocols/hiero/wire.ts";
import type { CallContext } from "../../rpc/types.ts";
import { makeChain, testMetrics } from "./_testing.ts";
import { proofHandlers } from "./contents_proofs.ts";
import type { BlockRecord, BlockStore } from "./store.ts";
import { block, footer, header, item, tssProof } from "../../protocols/hiero/_blocks.ts";

const CHAIN = makeChain(3);
const LAST = 6n;
const TWIN = item(4);
const OTHERS: ReadonlyMap<bigint, Uint8Array> = new Map([
  [3n, block(header({ number: 3n, minor: 69 }), footer(), item(9, item(5)))],
  [4n, block(header({ number: 4n }), TWIN, TWIN, footer(), tssProof())],
  [5n, Uint8Array.of(0x0a, 0x02)],
]);

/** Blocks 0-2 of a chain; 3 opaque, 4 with equal items, 5 damaged, 6 not on disk. */
function openProofs(records: Partial<Record<string, Partial<BlockRecord>>> = {}) {
  const roots = [...CHAIN, OTHERS.get(4n)!].map((bytes) =>
    new BlockContents(bytes, nativeSha384).roots[0]!.hash
  );
  const known: typeof records = {
    ...Object.fromEntries(CHAIN.map((_, i) => [i, { rootHash: toHex(roots[i]!) }])),
    4: { rootHash: toHex(roots[3]!) },
    ...records,
  };
  const store = {
    first: 0n,
    last: LAST,
    block: (number: bigint) => Promise.resolve(CHAIN[Number(number)] ?? OTHERS.get(number)),
    record: (number: bigint) => Promise.resolve(known[String(number)]),
  } as unknown as BlockStore;
  const log = new RecordingLog();
  const metrics = testMetrics();
  const handler = proofHandlers({ store, metrics, log }).getBlockContentsProof!;
  assert.ok(handler.raw === true);
  const raw = (bytes: Uint8Array, signal = new AbortController().signal) =>
    handler.handle(bytes, { signal } as CallContext);
  return {
    roots,
    log,
    metrics,
    raw,
    ask: async (blockNumber: bigint, item: ItemSpecifier, signal?: AbortSignal) =>
      parseContentsProofResponse(await raw(encodeContentsProofRequest({ blockNumber, item }), signal)),
  };
}

const at = (index: number): ItemSpecifier => ({ kind: "index", index });

Deno.test("getBlockContentsProof proves an item named by position, by bytes and by leaf hash, all the same", async () => {
  const { ask, roots } = openProofs();
  const { start, end } = [...itemRanges(CHAIN[1]!)][2]!;
  const bytes = CHAIN[1]!.slice(start, end);
  const named: ItemSpecifier[] = [
    at(2),
    { kind: "item", item: bytes },
    { kind: "hash", hash: hashLeaf(nativeSha384, bytes) },
  ];
  for (const specifier of named) {
    const { status, proof } = await ask(1n, specifier);
    assert.equal(status, "SUCCESS");
    assert.deepEqual(proof!.item, bytes);
    assert.equal(proof!.signature.length, 2920);
    assert.equal(verifyContentsProof(proof!, nativeSha384, roots[1]).status, "ok");
  }
});

Deno.test("getBlockContentsProof answers each request without a proof with its status", async () => {
  const { ask, raw, log, metrics } = openProofs();
  const footerAt = [...itemRanges(CHAIN[0]!)].length - 2;
  const cases: [bigint, ItemSpecifier, string][] = [
    [0n, { kind: "unset" }, "INVALID_REQUEST"],
    [0n, { kind: "hash", hash: new Uint8Array(47) }, "INVALID_REQUEST"],
    [UINT64_MAX, at(0), "INVALID_REQUEST"],
    [2n ** 63n, at(0), "INVALID_REQUEST"],
    [2n ** 63n - 1n, at(0), "NOT_AVAILABLE"],
    [LAST + 1n, at(0), "NOT_AVAILABLE"],
    [3n, at(0), "NOT_AVAILABLE"],
    [0n, at(footerAt), "ITEM_NOT_FOUND"],
    [0n, at(footerAt + 1), "ITEM_NOT_FOUND"],
    [0n, at(footerAt + 2), "ITEM_NOT_FOUND"],
    [0n, at(0xffff_ffff), "ITEM_NOT_FOUND"],
    [0n, { kind: "hash", hash: new Uint8Array(48) }, "ITEM_NOT_FOUND"],
    [0n, { kind: "item", item: TWIN }, "ITEM_NOT_FOUND"],
    [4n, { kind: "item", item: TWIN }, "DUPLICATE_HASH_ITEM_FOUND"],
    [4n, { kind: "hash", hash: hashLeaf(nativeSha384, TWIN) }, "DUPLICATE_HASH_ITEM_FOUND"],
    [4n, at(1), "SUCCESS"],
    [5n, at(0), "ERROR"],
    [6n, at(0), "ERROR"],
  ];
  for (const [number, specifier, status] of cases) {
    const answer = await ask(number, specifier);
    assert.equal(answer.status, status, `block ${number}, ${specifier.kind}`);
    assert.equal(answer.proof !== undefined, status === "SUCCESS");
  }
  assert.equal(log.lines.filter(({ message }) => message === "Contents proof failed").length, 2);
  await assert.rejects(raw(Uint8Array.of(0xff)), { code: "MALFORMED_MESSAGE" });
  const { values } = await metrics.contentsProofRequests.get();
  assert.equal(values.find(({ labels }) => labels.status === "ITEM_NOT_FOUND")!.value, 6);
});

Deno.test("getBlockContentsProof follows the rule that the next block's link confirmed, not the verdict before it", async () => {
  const older = new BlockContents(CHAIN[1]!, nativeSha384).roots[1]!;
  assert.equal(older.rule, "8-leaf-one-child");
  const { ask } = openProofs({ 2: { previousHash: toHex(older.hash) } });
  const { proof } = await ask(1n, at(0));
  assert.equal(verifyContentsProof(proof!, nativeSha384, older.hash).status, "ok");
});

Deno.test("getBlockContentsProof takes the rule from the next block where the records were archived away", async () => {
  const { ask, roots } = openProofs({ 0: undefined, 1: undefined });
  const { status, proof } = await ask(0n, at(0));
  assert.equal(status, "SUCCESS");
  assert.equal(verifyContentsProof(proof!, nativeSha384, roots[0]!).status, "ok");
});

Deno.test("getBlockContentsProof answers ERROR when the block on disk is not the one of its record", async () => {
  const { ask, log } = openProofs({ 1: { rootHash: "00" } });
  assert.equal((await ask(1n, at(0))).status, "ERROR");
  assert.match(String(log.lines[0]!.fields?.["error"]), /not the one of its record/);
});

Deno.test("getBlockContentsProof makes nothing for a caller who left, and goes on with the next", async () => {
  const { ask } = openProofs();
  const left = AbortSignal.abort(new Error("left"));
  const [gone, next] = await Promise.allSettled([ask(0n, at(0), left), ask(0n, at(0))]);
  assert.ok(gone.status === "rejected" && gone.reason.message === "left");
  assert.ok(next.status === "fulfilled" && next.value.status === "SUCCESS");
});
