/**
 * The writer Worker: takes groups of batches and commits each as one RocksDB batch, with one sync.
 *
 * Layer: store. RocksDB writes on the calling thread, sync included, which is why that thread is this one. The main
 * thread owns the database: this Worker never closes it.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { attachDatabase, type Column, type RocksDatabase, rocksErrorOf } from "./rocks_database.ts";
import { unpackGroup, type WriteGroup } from "./write_group.ts";
import type { WriterReply, WriterRequest } from "./writer_protocol.ts";

interface Attached {
  readonly database: RocksDatabase;
  readonly columns: readonly Column[];
}

let attached: Attached | undefined;
/** Groups of this epoch are refused, so that nothing overtakes a failed group that its caller has not heard of yet. */
let failedEpoch = -1;
/** Runs one request after the other. */
let tail: Promise<void> = Promise.resolve();

self.onmessage = (event: MessageEvent<WriterRequest>) => {
  tail = tail.then(async () => self.postMessage(await handle(event.data)));
};

async function handle(request: WriterRequest): Promise<WriterReply> {
  if (request.kind === "attach") {
    try {
      const database = await attachDatabase(request.handle);
      attached = { database, columns: request.families.map((name) => database.columns[name]!) };
      return { kind: "attached" };
    } catch (error) {
      return { kind: "attachFailed", message: rocksErrorOf(error).message };
    }
  }
  const { id, epoch, group } = request;
  if (epoch === failedEpoch) return { kind: "refused", id };
  const startedMs = performance.now();
  try {
    await commit(group);
    return { kind: "committed", id, seconds: (performance.now() - startedMs) / 1000 };
  } catch (error) {
    failedEpoch = epoch;
    return { kind: "failed", id, ...rocksErrorOf(error) };
  }
}

async function commit(group: WriteGroup): Promise<void> {
  // An empty batch has nothing to make durable.
  if (group.table.length === 0) return;
  const { database, columns } = attached!;
  const batch = database.batch();
  try {
    for (const { family, key, value } of unpackGroup(group)) {
      const column = columns[family]!;
      if (value) batch.put(key, value, { column });
      else batch.del(key, { column });
    }
    await batch.write({ sync: group.sync });
  } finally {
    await batch.close();
  }
}
