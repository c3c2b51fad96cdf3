import assert from "node:assert/strict";
import { HieroFault } from "./fault.ts";
import {
  countFutureItems,
  isFutureKind,
  ITEM,
  itemKindName,
  itemRanges,
  NOT_HASHED,
  openItem,
  peekItemKind,
  subtreeOf,
  SUBTREES,
} from "./items.ts";
import { WireReader } from "./wire.ts";

function typeOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    if (error instanceof HieroFault) return error.type;
    throw error;
  }
  return "none";
}

Deno.test("subtreeOf() sorts every known kind as the specification has it", () => {
  const names = Array.from({ length: 20 }, (_, field) => {
    if (typeOf(() => subtreeOf(field)) !== "none") return "refused";
    return subtreeOf(field) === NOT_HASHED ? "-" : SUBTREES[subtreeOf(field)];
  });
  assert.deepEqual(names, [
    "refused",
    "outputs",
    "consensusHeaders",
    "consensusHeaders",
    "inputs",
    "outputs",
    "outputs",
    "stateChanges",
    "refused",
    "-",
    "outputs",
    "traceData",
    "-",
    ...Array<string>(7).fill("refused"),
  ]);
});

Deno.test("subtreeOf() sorts future kinds by their number modulo 20", () => {
  for (const base of [20, 40, 1000, 536_870_900]) {
    for (const rest of [0, 19]) assert.equal(subtreeOf(base + rest), NOT_HASHED);
    for (const rest of [1, 2, 16, 17, 18]) {
      assert.equal(typeOf(() => subtreeOf(base + rest)), "UNSUPPORTED_ITEM_TYPE", `field ${base + rest}`);
    }
    for (let rest = 3; rest <= 15; rest++) assert.equal(subtreeOf(base + rest), rest - 3);
  }
});

Deno.test("countFutureItems() tells hashed ones from others, and knows none among the kinds that have a name", () => {
  const known = Object.fromEntries(
    [ITEM.BLOCK_HEADER, ITEM.BLOCK_FOOTER].map((kind) => [itemKindName(kind), 1]),
  );
  assert.deepEqual(countFutureItems(known), { hashed: 0, notHashed: 0 });
  const counts: [number, number][] = [[20, 2], [23, 3], [39, 4], [535, 5]];
  const future = {
    ...known,
    ...Object.fromEntries(counts.map(([kind, count]) => [itemKindName(kind), count])),
  };
  assert.deepEqual(countFutureItems(future), { hashed: 8, notHashed: 6 });
  assert.deepEqual([1, 12, 19, 20, 21, 1000].map(isFutureKind), [false, false, false, true, true, true]);
});

Deno.test("openItem() takes exactly one length-delimited field", () => {
  const open = (...bytes: number[]) => openItem(new WireReader(Uint8Array.from(bytes)));
  assert.equal(open(0x22, 1, 7), 4);
  assert.equal(typeOf(() => open()), "UNKNOWN_ERROR");
  assert.equal(typeOf(() => open(0x22, 1, 7, 0x22, 0)), "UNSUPPORTED_STREAM_FORMAT");
  assert.equal(typeOf(() => open(0x20, 1)), "UNABLE_TO_PARSE");
  assert.equal(typeOf(() => open(0x22, 2, 7)), "UNABLE_TO_PARSE");
});

Deno.test("peekItemKind() never throws: 0 for what has no tag", () => {
  assert.equal(peekItemKind(Uint8Array.of(0x4a, 0), 0, 2), 9);
  assert.equal(peekItemKind(Uint8Array.of(), 0, 0), 0);
  assert.equal(peekItemKind(Uint8Array.of(0xff), 0, 1), 0);
});

Deno.test("itemRanges() steps over fields that are no items", () => {
  const bytes = Uint8Array.of(0x0a, 1, 5, 0x10, 3, 0x0a, 0);
  assert.deepEqual([...itemRanges(bytes)], [
    { recordStart: 0, start: 2, end: 3 },
    { recordStart: 5, start: 7, end: 7 },
  ]);
});

Deno.test("itemKindName() spells kinds as the protobuf definition does", () => {
  assert.deepEqual([1, 9, 12, 25].map(itemKindName), [
    "block_header",
    "block_proof",
    "block_footer",
    "field_25",
  ]);
});
