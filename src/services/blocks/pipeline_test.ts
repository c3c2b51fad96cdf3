import assert from "node:assert/strict";
import type { Counter } from "prom-client";
import { vectorTest } from "../../../tests/vectors.ts";
import { encodeEndOfBlock, encodeEndStream } from "../../protocols/hiero/publish_messages.ts";
import { eventually } from "../../rpc/_testing.ts";
import { listBlockFiles, readBlockFile } from "./block_files.ts";
import { BlockStore } from "./store.ts";
import { loadVerificationData } from "./verification_start.ts";
import {
  BrittleEngine,
  type FakeCall,
  makeChain,
  openPipeline,
  type PipelineFixture,
  withBrokenLink,
} from "./_testing.ts";

const acknowledgements = (call: FakeCall) =>
  call.answers.filter((text) => text.startsWith("acknowledgement"));

async function stored(fixture: PipelineFixture, last: bigint): Promise<void> {
  await eventually(
    () => fixture.store.last === last && fixture.persisted.at(-1) === last,
    `block ${last} stored`,
  );
}

Deno.test("PublishPipeline takes a refused first block again though later blocks were in flight behind it", async () => {
  await using fixture = await openPipeline();
  const chain = makeChain(3);
  const publisher = fixture.connect();
  publisher.block(0n, withBrokenLink(chain[0]!));
  publisher.block(1n, chain[1]!);
  publisher.block(2n, chain[2]!);
  await eventually(() => publisher.answers.length > 0, "the refusal");
  assert.deepEqual(publisher.answers, ["end-stream BAD_BLOCK_PROOF"]);
  const next = fixture.connect();
  next.block(0n, chain[0]!);
  await stored(fixture, 2n);
  assert.deepEqual(acknowledgements(next).at(-1), "acknowledgement 2");
  for (const [i, block] of chain.entries()) assert.deepEqual(await fixture.store.block(BigInt(i)), block);
  assert.deepEqual(fixture.fatal, []);
});

Deno.test("PublishPipeline gives all shared memory back after good, bad, overtaken and failed blocks", async () => {
  await using fixture = await openPipeline();
  const { engine } = fixture;
  const chain = makeChain(80);
  const other = makeChain(80, 2);
  let failures = 0;
  let writes = 0;
  engine.beforeWrite = () => {
    if (++writes % 5 !== 3) return;
    failures++;
    throw new Error("no space");
  };
  let call = fixture.connect();
  for (let attempt = 0; fixture.store.last !== 79n; attempt++) {
    assert.ok(attempt < 1_000);
    if (fixture.machine.snapshot().handlers === 0) call = fixture.connect();
    const next = Number((fixture.store.last ?? -1n) + 1n);
    // Each third round begins with a block of another chain, and good ones behind it are overtaken by its refusal.
    for (let i = next; i < Math.min(next + 8, 80); i++) {
      call.block(BigInt(i), (attempt % 3 === 1 && i === next + 2 ? other : chain)[i]!);
    }
    await eventually(() => fixture.machine.snapshot().inFlight === 0, "nothing in flight");
  }
  assert.ok(failures > 2);
  await eventually(async () => await fixture.held() === 0, "shared memory given back");
  assert.deepEqual(fixture.fatal, []);
  assert.equal(fixture.machine.snapshot().queuedBytes, 0);
  for (const [i, block] of chain.entries()) assert.deepEqual(await fixture.store.block(BigInt(i)), block);
  assert.deepEqual(fixture.persisted, chain.map((_, i) => BigInt(i)));
  await fixture.pipeline.drain();
});

Deno.test("PublishPipeline acknowledges nothing before the write is done, then all of a batch with one answer", async () => {
  await using fixture = await openPipeline();
  const chain = makeChain(6);
  const gate = Promise.withResolvers<void>();
  let writes = 0;
  fixture.engine.beforeWrite = () => {
    writes++;
    return gate.promise;
  };
  const publisher = fixture.connect();
  const listener = fixture.connect();
  publisher.block(0n, chain[0]!);
  await eventually(() => writes === 1, "the first write");
  for (let i = 1; i < 6; i++) publisher.block(BigInt(i), chain[i]!);
  const verified = async () => (await fixture.metrics.blocksVerified.get()).values[0]?.value;
  await eventually(async () => await verified() === 6, "all verified");
  assert.deepEqual(publisher.answers, []);
  gate.resolve();
  await stored(fixture, 5n);
  // Block 0 was being written when the others were verified: they make the second batch.
  assert.deepEqual(publisher.answers, ["acknowledgement 0", "acknowledgement 5"]);
  assert.deepEqual(listener.answers, publisher.answers);
});

Deno.test("PublishPipeline tells every publisher of a failed write and is well again after the next one", async () => {
  await using fixture = await openPipeline();
  const [first] = makeChain(1);
  const calls = [fixture.connect(), fixture.connect()];
  fixture.engine.beforeWrite = () => {
    throw new Error("no space");
  };
  calls[0]!.block(0n, first!);
  await eventually(() => calls.every(({ ended }) => ended), "both calls ended");
  for (const call of calls) assert.deepEqual(call.answers, ["end-stream PERSISTENCE_FAILED"]);
  assert.equal(fixture.pipeline.writeFailure, "no space");
  assert.equal(fixture.store.last, undefined);
  fixture.engine.beforeWrite = () => {};
  const again = fixture.connect();
  again.block(0n, first!);
  await stored(fixture, 0n);
  assert.deepEqual(again.answers, ["acknowledgement 0"]);
  assert.equal(fixture.pipeline.writeFailure, undefined);
});

Deno.test("PublishPipeline goes on after the stored chain when it is opened again", async () => {
  const engine = new BrittleEngine();
  const chain = makeChain(4);
  engine.keepsOpen = true;
  {
    await using fixture = await openPipeline({ engine });
    const call = fixture.connect();
    for (let i = 0; i < 2; i++) call.block(BigInt(i), chain[i]!);
    await stored(fixture, 1n);
  }
  engine.keepsOpen = false;
  await using fixture = await openPipeline({ engine });
  const call = fixture.connect();
  call.block(2n, makeChain(3, 2)[2]!);
  await eventually(() => call.answers.length > 0, "the refusal");
  assert.deepEqual(call.answers, ["end-stream BAD_BLOCK_PROOF"]);
  const next = fixture.connect();
  next.block(2n, chain[2]!);
  await stored(fixture, 2n);
});

Deno.test("PublishPipeline counts as refused only what was refused, not what a refusal overtook", async () => {
  await using fixture = await openPipeline();
  const chain = makeChain(6);
  const call = fixture.connect();
  call.block(0n, chain[0]!);
  call.block(1n, makeChain(2, 2)[1]!);
  for (let i = 2; i < 6; i++) call.block(BigInt(i), chain[i]!);
  await eventually(() => call.ended, "the call ended");
  await eventually(async () => await fixture.held() === 0, "every verdict in");
  const values = (await fixture.metrics.blocksRejected.get()).values.filter(({ value }) => value > 0);
  assert.deepEqual(values.map(({ value, labels }) => [labels.fault, value]), [["BAD_BLOCK_PROOF", 1]]);
  assert.equal(fixture.log.lines.filter(({ message }) => message === "Block refused").length, 1);
});

Deno.test("PublishPipeline performs effects in order though the transport calls back from within", async () => {
  await using fixture = await openPipeline({ config: { pauseAboveBytes: 1_000 } });
  const chain = makeChain(3);
  const [first, second] = [fixture.connect(), fixture.connect()];
  const gate = Promise.withResolvers<void>();
  fixture.engine.beforeWrite = () => gate.promise;
  first.block(0n, chain[0]!);
  assert.ok(first.paused && second.paused);
  // The first stream delivers the next block from within resume(): reading stops again before the second is resumed.
  first.onResume = () => {
    first.onResume = () => {};
    fixture.engine.beforeWrite = () => new Promise(() => {});
    first.block(1n, chain[1]!);
  };
  gate.resolve();
  await eventually(
    () => first.answers.length > 0 && fixture.machine.snapshot().inFlight === 1,
    "block 1 in flight",
  );
  assert.ok(fixture.machine.snapshot().paused);
  assert.deepEqual([first.paused, second.paused], [true, true]);
});

Deno.test("PublishPipeline reads a stream that has used its budget again in the next interval, and counts it", async () => {
  await using fixture = await openPipeline({
    config: { perHandlerMessageBudget: 1, flowControlIntervalMs: 20 },
  });
  const chain = makeChain(3);
  const call = fixture.connect();
  let resumed = 0;
  call.onResume = () => resumed++;
  for (const [i, block] of chain.entries()) {
    call.block(BigInt(i), block);
    assert.ok(call.paused);
    await eventually(() => resumed > i && !call.paused, `resumed after block ${i}`);
  }
  await stored(fixture, 2n);
  assert.ok(!call.paused);
  const { values } = await fixture.metrics.publishersHeld.get();
  assert.deepEqual(values.map(({ value, labels }) => [labels.reason, value]), [["budget", resumed]]);
});

Deno.test("PublishPipeline survives a call that closes from within send()", async () => {
  await using fixture = await openPipeline();
  const chain = makeChain(2);
  const [first, second] = [fixture.connect(), fixture.connect()];
  first.onSend = () => first.close();
  first.block(0n, chain[0]!);
  await stored(fixture, 0n);
  assert.equal(fixture.pipeline.publishers, 1);
  second.block(1n, chain[1]!);
  await stored(fixture, 1n);
  assert.deepEqual(second.answers, ["acknowledgement 0", "acknowledgement 1"]);
});

Deno.test("PublishPipeline.drain() takes nothing more, lets blocks in flight finish, and then stops cleanly", async () => {
  await using fixture = await openPipeline();
  const chain = makeChain(3);
  const call = fixture.connect();
  call.block(0n, chain[0]!);
  call.block(1n, chain[1]!);
  const drained = fixture.pipeline.drain();
  assert.ok(call.paused);
  call.block(2n, chain[2]!);
  const late = fixture.connect();
  assert.ok(late.paused);
  await drained;
  assert.equal(fixture.store.last, 1n);
  fixture.pipeline.shutdown();
  assert.deepEqual(call.answers.slice(-2), ["acknowledgement 1", "end-stream SUCCESS"]);
  assert.deepEqual(late.answers.at(-1), "end-stream SUCCESS");
  assert.ok(call.ended && late.ended);
  assert.equal(fixture.pipeline.publishers, 0);
});

Deno.test("PublishPipeline reports as fatal what goes wrong after a write, and acknowledges nothing more", async () => {
  await using fixture = await openPipeline();
  const call = fixture.connect();
  fixture.persisted.push = () => {
    throw new Error("listener broke");
  };
  call.block(0n, makeChain(1)[0]!);
  await eventually(() => fixture.fatal.length > 0, "the fatal error");
  assert.match(String(fixture.fatal), /listener broke/);
});

Deno.test("PublishPipeline acknowledges what a half-closed publisher sent whole, then ends its call", async () => {
  await using fixture = await openPipeline();
  const call = fixture.connect();
  const [first, second] = makeChain(2);
  call.block(0n, first!);
  call.block(1n, second!);
  call.halfClose();
  assert.equal(call.ended, false);
  await eventually(() => call.ended, "the call ended");
  assert.equal(call.answers.at(-1), "acknowledgement 1");
  assert.equal(call.endError, undefined);
});

Deno.test("PublishPipeline ends calls as the protocol says: idle, goodbye, half-close, malformed, dropped items", async () => {
  await using fixture = await openPipeline({ config: { idleTimeoutMs: 300 } });
  const idle = fixture.connect();
  const leaving = fixture.connect();
  leaving.message(encodeEndStream(1, 0n, 0n));
  const halfClosed = fixture.connect();
  halfClosed.halfClose();
  halfClosed.close();
  const malformed = fixture.connect();
  malformed.message(Uint8Array.of(0xff));
  malformed.message(encodeEndOfBlock(1n));
  const ahead = fixture.connect();
  ahead.message(encodeEndStream(4, 0n, 100n));
  const stray = fixture.connect();
  stray.message(Uint8Array.of(0x0a, 0x04, 0x0a, 0x02, 0x22, 0x00));
  assert.equal((await fixture.metrics.setsDropped.get()).values[0]!.value, 1);
  for (const call of [leaving, halfClosed]) assert.deepEqual([call.ended, call.answers], [true, []]);
  await eventually(() => malformed.ended, "the malformed stream ended");
  assert.deepEqual(malformed.answers, ["end-stream ERROR"]);
  assert.ok(fixture.log.lines.some(({ message }) => message === "Publisher is ahead of this node"));
  await eventually(() => idle.ended, "the idle stream ended");
  assert.deepEqual(idle.answers, []);
  assert.match(String(idle.endError), /idle/);
});

vectorTest(
  "PublishPipeline answers a bad proof with BAD_BLOCK_PROOF and others with ResendBlock, and counts",
  async (vectors) => {
    const files = await listBlockFiles([`${vectors}/block-node/CN_0_73_TSS_WRAPS_LEGACY`]);
    const chain = await Promise.all(files.map(readBlockFile));
    const engine = new BrittleEngine();
    await using fixture = await openPipeline({
      engine,
      arenaBytes: 2_097_152,
      verify: { proofs: "require" },
    });
    const [bad, good] = [fixture.connect(), fixture.connect()];
    bad.block(0n, chain[0]!);
    await stored(fixture, 0n);
    const flipped = chain[1]!.slice();
    flipped[flipped.length - 200]! ^= 1;
    bad.block(1n, flipped);
    await eventually(() => bad.answers.includes("end-stream BAD_BLOCK_PROOF"), "the refusal");
    good.block(2n, chain[2]!);
    await eventually(() => good.answers.includes("resend 1"), "ResendBlock");
    for (const number of [1, 2, 3, 4]) good.block(BigInt(number), chain[number]!);
    await stored(fixture, 4n);
    const count = async (counter: Counter) => {
      const { values } = await counter.get();
      return values.map(({ labels, value }) => [...Object.values(labels), value].join(" "));
    };
    assert.deepEqual(await count(fixture.metrics.proofsVerified), ["tss-schnorr 5"]);
    assert.equal((await count(fixture.metrics.proofsRefused)).length, 1);
    assert.deepEqual(await count(fixture.metrics.proofsUnverified), []);
    assert.equal((await fixture.store.record(3n))?.proof?.status, "verified");
    assert.deepEqual(fixture.fatal, []);
    // What block 0 told is stored with it, and so a restarted node goes on without asking.
    const reopened = await BlockStore.open(engine);
    assert.deepEqual(reopened.verificationData, fixture.store.verificationData);
    const data = await loadVerificationData(reopened, { ledgerId: "", tssDataFile: "", addressBookFile: "" });
    assert.equal(data.tss?.roster.length, 3);
    const ledgerId = "00".repeat(32);
    await assert.rejects(loadVerificationData(reopened, { ledgerId, tssDataFile: "", addressBookFile: "" }), {
      code: "CONFIG_INVALID",
      message: /the stored chain is of another ledger/,
    });
  },
);
