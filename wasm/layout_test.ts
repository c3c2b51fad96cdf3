import assert from "node:assert/strict";
import { BUILDS, compile, parseDigest } from "../scripts/wasm.ts";
import * as layout from "./layout.ts";

const HERE = new URL("./", import.meta.url);

/** Rows of the tables in the header of layout.ts: name, constant, offset, bytes. */
async function readRows() {
  const text = await Deno.readTextFile(new URL("layout.ts", HERE));
  const rows = [...text.matchAll(/^ \* \| (\w+) +\| `(\w+)` +\| (\d+) +\| (\S+)/gm)];
  return rows.map(([, region, constant, offset, bytes]) => ({
    region: region!,
    constant: constant!,
    offset: Number(offset),
    bytes: bytes!,
  }));
}

const sizes: Record<string, number> = {
  header: layout.HEADER_BYTES,
  statics: layout.STATICS_BYTES,
  meta: layout.RING_META_BYTES,
  cursor: layout.RING_CURSOR_BYTES,
  sleepers: layout.RING_SLEEPERS_BYTES,
  members: layout.RING_MEMBERS_BYTES,
  space: layout.RING_SPACE_BYTES,
  announce: layout.RING_ANNOUNCE_BYTES,
  producer: layout.RING_PRODUCER_BYTES,
  consumers: layout.RING_CONSUMERS_MAX * layout.CONSUMER_BYTES,
  lanes: layout.SCRATCH_LANES_BYTES,
  padded: layout.SCRATCH_PADDED_BYTES,
  chaining: layout.SCRATCH_CHAINING_BYTES,
  state: layout.SCRATCH_STATE_BYTES,
  auxpow: layout.SCRATCH_AUXPOW_BYTES,
  digests: layout.SCRATCH_DIGESTS_BYTES,
  stream: layout.SCRATCH_STREAM_BYTES,
  key: layout.SCRATCH_KEY_BYTES,
  table: layout.SCRATCH_TABLE_BYTES,
  window: layout.SCRATCH_WINDOW_BYTES,
  headers: layout.SCRATCH_HEADERS_BYTES,
};

Deno.test("layout: every row of the table is what the constants say, and regions follow each other", async () => {
  const rows = await readRows();
  assert.equal(rows.length, 23);
  let end = 0;
  for (const { region, constant, offset, bytes } of rows) {
    if (region === "meta" || region === "lanes") end = 0; // these tables count from the ring, from the scratch area
    assert.equal(layout[constant as keyof typeof layout], offset, constant);
    assert.equal(offset, end, `${region} begins where the one before ends`);
    const size = sizes[region];
    if (size === undefined) continue; // heap and slots: as large as the host wants
    const [count, each] = bytes.split("x").map(Number);
    assert.equal(each === undefined ? count : count! * each, size, region);
    end = offset + size;
  }
  assert.equal(end, layout.SCRATCH_BYTES);
});

Deno.test("layout: fields of a line lie apart, aligned and inside their line", () => {
  const lines: [line: number, ...fields: [offset: number, bytes: number][]][] = [
    [
      layout.RING_META_BYTES,
      [layout.META_SLOTS, 4],
      [layout.META_SLOTS_ADDRESS, 4],
      [layout.META_ARENA_ADDRESS, 4],
      [layout.META_ARENA_BYTES, 4],
      [layout.META_POLICY, 4],
      [layout.META_START, 8],
    ],
    [
      layout.RING_PRODUCER_BYTES,
      [layout.PRODUCER_NEXT, 8],
      [layout.PRODUCER_MINIMUM, 8],
      [layout.PRODUCER_TAIL, 8],
      [layout.PRODUCER_LAP, 8],
      [layout.PRODUCER_HEAD, 4],
      [layout.PRODUCER_UNCHECKED_BYTES, 4],
      [layout.PRODUCER_SAVED_LAP, 8],
      [layout.PRODUCER_SAVED_HEAD, 4],
      [layout.PRODUCER_FULL_COUNT, 8],
      [layout.PRODUCER_SAVED_NEXT, 8],
    ],
    [
      layout.CONSUMER_BYTES,
      [layout.CONSUMER_RELEASED, 8],
      [layout.CONSUMER_READ, 8],
      [layout.CONSUMER_STATE, 4],
      [layout.CONSUMER_STOP, 4],
      [layout.CONSUMER_WAKE, 4],
      [layout.CONSUMER_WAKE_COUNT, 4],
      [layout.CONSUMER_LOST, 8],
      [layout.CONSUMER_ORDER, 4],
      [layout.CONSUMER_DEAD_AFTER_MS, 4],
    ],
    [
      layout.SLOT_BYTES,
      [layout.SLOT_ARENA_END, 8],
      [layout.SLOT_BODY_ADDRESS, 4],
      [layout.SLOT_BODY_BYTES, 4],
      [layout.SLOT_KIND, layout.RECORD_BYTES],
    ],
  ];
  for (const [line, ...fields] of lines) {
    let end = 0;
    for (const [offset, bytes] of fields) {
      assert.ok(offset >= end, `field at ${offset} overlaps the one that ends at ${end}`);
      assert.equal(offset % Math.min(bytes, 8), 0);
      end = offset + bytes;
    }
    assert.ok(end <= line);
  }
  assert.equal(layout.SLOT_SCALARS % 8, 0);
  assert.equal(layout.SLOT_SCALARS + layout.SLOT_SCALARS_BYTES, layout.SLOT_BYTES);
  assert.equal(layout.RING_SLOTS_OFFSET % layout.SLOT_BYTES, 0);
  assert.ok(layout.RING_CONSUMERS_MAX <= 32, "consumers are bits of a u32");
});

Deno.test("layout: the file holds integer literals only, so that both compilers fold the same values", async () => {
  const text = await Deno.readTextFile(new URL("layout.ts", HERE));
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\/\/.*$/gm, "");
  for (const line of code.split("\n").filter((line) => line.trim() !== "")) {
    assert.match(line, /^export const [A-Z][A-Z0-9_]* = \d+;$/);
  }
});

Deno.test("hot.wasm: compiling the sources again gives the committed bytes and digest", async () => {
  const { modules, digest } = await compile();
  for (const { file } of BUILDS) {
    assert.deepEqual(await Deno.readFile(new URL(file, HERE)), modules[file], file);
  }
  assert.equal(await Deno.readTextFile(new URL("hot.digest", HERE)), digest);
  assert.notEqual(parseDigest(digest), undefined);
  assert.equal(parseDigest("hot.wasm 00\n"), undefined);
});
