import assert from "node:assert/strict";
import { CairnError } from "../kernel/errors.ts";
import type { Operation } from "./engine.ts";
import { code } from "./engine_contract.ts";
import { unpackGroup, type WriteGroup } from "./write_group.ts";
import { WriteQueue } from "./write_queue.ts";
import { WriterError } from "./writer.ts";

/** A writer whose commits end when the test says so. */
class FakeWriter {
  readonly groups: { numbers: number[]; sync: boolean; end: PromiseWithResolvers<number> }[] = [];
  fault: CairnError | undefined;
  recoveries = 0;
  recovery: () => Promise<void> = () => {
    this.fault = undefined;
    return Promise.resolve();
  };

  queue(options: { groupBytes?: number; queueBatches?: number } = {}): WriteQueue {
    return new WriteQueue({
      groupBytes: 1_000,
      queueBatches: 1_000,
      families: new Map([["a.a", 0]]),
      ...options,
    }, {
      commit: (group: WriteGroup) => {
        const end = Promise.withResolvers<number>();
        this.groups.push({ numbers: [...unpackGroup(group)].map((op) => op.key[0]!), sync: group.sync, end });
        return end.promise;
      },
      failed: (error) => {
        this.fault = new CairnError("STORE_WRITE_FAILED", "Cannot write", { cause: error });
        return this.fault;
      },
      faulty: () => this.fault !== undefined,
      recover: () => {
        this.recoveries++;
        return this.recovery();
      },
      metrics: () => undefined,
    });
  }
}

function batch(number: number, valueBytes = 0): Operation[] {
  return [{ kind: "put", family: "a.a", key: new Uint8Array([number]), value: new Uint8Array(valueBytes) }];
}

/** Lets everything run that can run without another commit ending. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("WriteQueue.write() sends batches of one turn together and gathers while two groups are under way", async () => {
  const writer = new FakeWriter();
  const queue = writer.queue();
  const writes = [queue.write(batch(1), true), queue.write(batch(2), true)];
  await settle();
  writes.push(queue.write(batch(3), true));
  await settle();
  for (let n = 4; n <= 9; n++) {
    writes.push(queue.write(batch(n), true));
    await settle();
  }
  assert.deepEqual(writer.groups.map((group) => group.numbers), [[1, 2], [3]]);
  writer.groups[0]!.end.resolve(0);
  await settle();
  assert.deepEqual(writer.groups[2]!.numbers, [4, 5, 6, 7, 8, 9]);
  writer.groups[1]!.end.resolve(0);
  writer.groups[2]!.end.resolve(0);
  await Promise.all(writes);
  assert.deepEqual(queue.depth, { batches: 0, bytes: 0 });
});

Deno.test("WriteQueue.write() syncs a group if one of its batches asks for it", async () => {
  const writer = new FakeWriter();
  const queue = writer.queue();
  void queue.write(batch(1), false);
  void queue.write(batch(2), true);
  await settle();
  void queue.write(batch(3), false);
  await settle();
  assert.deepEqual(writer.groups.map((group) => group.sync), [true, false]);
  for (const group of writer.groups) group.end.resolve(0);
  await queue.close();
});

Deno.test("WriteQueue fails every batch written before a failure was heard of, and takes those after it", async () => {
  const writer = new FakeWriter();
  const queue = writer.queue({ groupBytes: 1 });
  const early = [1, 2, 3, 4, 5].map((n) => queue.write(batch(n), true));
  const outcomes = Promise.allSettled(early);
  await settle();
  assert.deepEqual(writer.groups.map((group) => group.numbers), [[1], [2]]);
  writer.groups[0]!.end.reject(new WriterError("No space left on device", { code: "LEVEL_IO_ERROR" }));
  await assert.rejects(early[0]!, code("STORE_WRITE_FAILED"));
  // Written between the failure and the refusal of the second group.
  const late = queue.write(batch(6), true);
  await settle();
  assert.equal(writer.recoveries, 0, "a group is still under way");
  writer.groups[1]!.end.reject(new WriterError("A batch before it failed", { refused: true }));
  await settle();
  assert.equal(writer.recoveries, 1);
  assert.deepEqual(writer.groups[2]!.numbers, [6]);
  writer.groups[2]!.end.resolve(0);
  await late;
  for (const outcome of await outcomes) {
    assert.equal(outcome.status, "rejected");
    assert.ok(code("STORE_WRITE_FAILED")((outcome as PromiseRejectedResult).reason));
  }
  assert.deepEqual(queue.depth, { batches: 0, bytes: 0 });
});

Deno.test("WriteQueue fails a batch that is being packed when a failure is heard of", async () => {
  const writer = new FakeWriter();
  const queue = writer.queue({ groupBytes: 100_000_000 });
  const first = queue.write(batch(1), true);
  await settle();
  // Packing takes several turns of the event loop.
  const second = queue.write(batch(2, 30_000_000), true);
  const outcomes = Promise.allSettled([first, second]);
  await Promise.resolve();
  await Promise.resolve();
  writer.groups[0]!.end.reject(new WriterError("No space left on device", { code: "LEVEL_IO_ERROR" }));
  assert.deepEqual((await outcomes).map((outcome) => outcome.status), ["rejected", "rejected"]);
  assert.equal(writer.groups.length, 1);
});

Deno.test("WriteQueue.write() rejects with the fault while recovery fails", async () => {
  const writer = new FakeWriter();
  const queue = writer.queue();
  const first = queue.write(batch(1), true);
  await settle();
  writer.recovery = () => Promise.reject(writer.fault);
  writer.groups[0]!.end.reject(new WriterError("No space left on device", { code: "LEVEL_IO_ERROR" }));
  await assert.rejects(first, code("STORE_WRITE_FAILED"));
  await assert.rejects(queue.write(batch(2), true), code("STORE_WRITE_FAILED"));
  await assert.rejects(queue.write(batch(3), true), code("STORE_WRITE_FAILED"));
  assert.equal(writer.recoveries, 2);
  assert.equal(writer.groups.length, 1);
});

Deno.test("WriteQueue.close() waits for what was accepted and refuses the rest", async () => {
  const writer = new FakeWriter();
  const queue = writer.queue({ groupBytes: 1 });
  const writes = [1, 2, 3].map((n) => queue.write(batch(n), true));
  const closed = queue.close();
  await assert.rejects(queue.write(batch(4), true), code("STORE_CLOSED"));
  for (let i = 0; i < 3; i++) {
    await settle();
    writer.groups[i]!.end.resolve(0);
  }
  await closed;
  await Promise.all(writes);
});
