import assert from "node:assert/strict";
import { check } from "./_publish_script.ts";
import { PublishMachine } from "./publish_machine.ts";

Deno.test("PublishMachine refuses a block above its size limit", () => {
  check(
    `
    > 1 connect
    > 1 header 0 60
    > 1 items 41
    1 < INVALID_REQUEST last max about 0
    note block-abandoned 1 block 0
    1 closed: ended
    > 2 connect
    > 2 whole 0 100
    > 2 end
    verify 0 #1, 100 bytes
  `,
    -1n,
    { maxBlockBytes: 100 },
  );
});

Deno.test("PublishMachine refuses a block with too many items", () => {
  check(
    `
    > 1 connect
    > 1 header 0
    > 1 items
    > 1 items
    1 < INVALID_REQUEST last max about 0
    note block-abandoned 1 block 0
    1 closed: ended
  `,
    -1n,
    { maxBlockItems: 2 },
  );
});

Deno.test("PublishMachine pauses streams while too many bytes are in flight and resumes them", () => {
  check(
    `
    > 1 connect
    > 1 whole 0 80
    > 1 end
    verify 0 #1, 80 bytes
    > 1 whole 1 40
    pause 1
    > 2 connect
    pause 2
    > at 1000
    > tick
    > done 0
    persist 0 #1
    1 < acknowledgement 0
    2 < acknowledgement 0
    resume 1
    resume 2
  `,
    -1n,
    { pauseAboveBytes: 100, idleTimeoutMs: 500 },
  );
});

Deno.test("PublishMachine gives up the highest waiting block when memory is full", () => {
  const { machine } = check(
    `
    > 1 connect
    > 2 connect
    > 3 connect
    > 1 header 0 50
    > 2 header 1 50
    > 3 header 2 50
    > 1 items 40
    note block-evicted 3 block 2
    3 < ERROR last max about 2
    3 closed: ended
    > 2 items 40
    note block-evicted 2 block 1
    2 < ERROR last max about 1
    note block-abandoned 2 block 1
    2 closed: ended
  `,
    -1n,
    { maxBlockBytes: 100, maxQueuedBytes: 150 },
  );
  assert.deepEqual(machine.snapshot().resend, [1n, 2n]);
});

Deno.test("PublishMachine counts what holding a set costs, so that tiny sets cannot fill the memory", () => {
  const { machine } = check(
    `
    > 1 connect
    > 1 header 0 2
    > 1 items 2
    > 1 items 2
    note block-evicted 1 block 0
    1 < ERROR last max about 0
    note block-abandoned 1 block 0
    1 closed: ended
  `,
    -1n,
    { maxBlockBytes: 100, maxQueuedBytes: 250, setOverheadBytes: 100 },
  );
  assert.equal(machine.snapshot().queuedBytes, 0);
});

Deno.test("PublishMachine says behind when too many blocks are started and not stored", () => {
  check(
    `
    > 1 connect
    > 1 header 0
    > 1 header 1
    note block-abandoned 1 block 0
    > 1 header 2
    note block-abandoned 1 block 1
    1 < behind max
    > 1 header 0
    > 1 header 1
    note block-abandoned 1 block 0
  `,
    -1n,
    { maxPendingBlocks: 2 },
  );
});

Deno.test("PublishMachine cancels an idle publisher and has its block sent again", () => {
  check(
    `
    > 1 connect
    > 1 header 0
    > at 400
    > 1 items
    > at 899
    > tick
    > at 900
    > tick
    note block-abandoned 1 block 0
    1 closed: idle
    > 2 connect
    > 2 block 0
    verify 0 #1, 10 bytes
  `,
    -1n,
    { idleTimeoutMs: 500 },
  );
});

Deno.test("PublishMachine leaves idle publishers alone when the time-out is 0", () => {
  check(`
    > 1 connect
    > at 1000000000
    > tick
  `);
});

Deno.test("PublishMachine says SUCCESS to all at shut-down", () => {
  check(
    `
    > 1 connect
    > 2 connect
    > 1 header 8
    > shutdown
    1 < SUCCESS last 7 about 0
    note block-abandoned 1 block 8
    1 closed: ended
    2 < SUCCESS last 7 about 0
    2 closed: ended
  `,
    7n,
  );
});

Deno.test("PublishMachine drops holes far behind the newest stored block", () => {
  const { machine } = check(
    `
    > 1 connect
    > 1 header 0
    > 1 gone
    note block-abandoned 1 block 0
    > stored 10
    > 2 connect
    > stored 11
    2 < acknowledgement 11
  `,
    -1n,
    { staleResendPruneBuffer: 11n },
  );
  assert.equal(machine.snapshot().nextUnstarted, 12n);
});

Deno.test("PublishMachine refuses limits that no block could meet", () => {
  assert.throws(
    () => new PublishMachine({ lastPersisted: -1n, config: { maxBlockBytes: 2, maxQueuedBytes: 1 } }),
    RangeError,
  );
});
