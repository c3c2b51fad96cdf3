// deno-lint-ignore-file no-console -- an example speaks to whoever ran it
/**
 * A batch across two column families: all of it is stored, or none.
 *
 *     deno run --no-prompt --ignore-env --allow-read --allow-env='CAIRN_*' \
 *       examples/store_batch.ts
 *
 * That keeps everything in memory. On disk, with RocksDB, which is a native library:
 *
 *     deno run --no-prompt --ignore-env --allow-read --allow-env='CAIRN_*' --allow-write=notes --allow-ffi=node_modules \
 *       examples/store_batch.ts --data notes
 *
 * @module
 */

import { parseArgs } from "node:util";
import { CairnError, type FamilySpec, openMemoryEngine, openRocksEngine } from "../mod.ts";

const { values } = parseArgs({ options: { data: { type: "string" } } });
const families: FamilySpec[] = [{ name: "notes.text" }, { name: "notes.by_tag" }];
await using engine = values.data === undefined
  ? openMemoryEngine({ families })
  : await openRocksEngine({ families, directory: values.data });

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

// A note and its entry in the index, together and synced: the promise resolves when they are on disk.
for (const [id, tag, note] of [["1", "red", "apples"], ["2", "green", "pears"], ["3", "red", "cherries"]]) {
  await engine.write([
    { kind: "put", family: "notes.text", key: bytes(id!), value: bytes(note!) },
    { kind: "put", family: "notes.by_tag", key: bytes(`${tag}/${id}`), value: bytes("") },
  ]);
}

// Keys are sorted as bytes, so a prefix is a range.
const notes = engine.family("notes.text");
for await (const key of engine.family("notes.by_tag").scanKeys({ gte: bytes("red/"), lt: bytes("red0") })) {
  const id = text(key).slice("red/".length);
  console.log(`red note ${id}: ${text((await notes.get(bytes(id)))!)}`);
}

// A batch that cannot be written leaves nothing behind.
try {
  await engine.write([
    { kind: "put", family: "notes.text", key: bytes("4"), value: bytes("plums") },
    { kind: "put", family: "notes.by_colour", key: bytes("blue/4"), value: bytes("") },
  ]);
} catch (error) {
  if (!(error instanceof CairnError)) throw error;
  console.log(`refused: ${error.code}; note 4 is ${await notes.get(bytes("4")) ?? "not there"}`);
}
