import assert from "node:assert/strict";
import {
  encodeVerificationData,
  NO_VERIFICATION_DATA,
} from "../../protocols/hiero/proofs/verification_data.ts";
import { WireWriter } from "../../protocols/hiero/wire_writer.ts";
import { itemRanges } from "../../protocols/hiero/items.ts";
import { vectorTest } from "../../../tests/vectors.ts";
import { makeChain, TEST_VERIFY_OPTIONS, withBrokenLink } from "./_testing.ts";
import { listBlockFiles, readBlockFile } from "./block_files.ts";
import { decodeVerdict, type VerdictBody } from "./verdict_codec.ts";
import { VerifyTask, type VerifyTaskOptions } from "./verify_task.ts";

function openTask(options: Partial<VerifyTaskOptions> = {}) {
  const task = new VerifyTask({
    chainState: new Uint8Array(0),
    ...TEST_VERIFY_OPTIONS,
    ...options,
  });
  return {
    task,
    verify: (number: number, block: Uint8Array): VerdictBody =>
      decodeVerdict(task.verify(BigInt(number), block)),
  };
}

function faultOf(verdict: VerdictBody): string {
  assert.ok(verdict.status === "fault", "expected a fault");
  return verdict.fault.type;
}

/** Puts `record`s before the last item of a block. */
function withRecords(block: Uint8Array, records: Uint8Array): Uint8Array {
  const { recordStart } = [...itemRanges(block)].at(-1)!;
  return new WireWriter(block.length + records.length).raw(block.subarray(0, recordStart)).raw(records)
    .raw(block.subarray(recordStart)).finish();
}

Deno.test("VerifyTask.verify() follows a chain and goes on from the state of its last block", () => {
  const chain = makeChain(4);
  const { verify } = openTask();
  const first = verify(0, chain[0]!);
  const second = verify(1, chain[1]!);
  assert.ok(first.status === "ok" && second.status === "ok");
  assert.equal(second.record.previousHash, first.record.rootHash);
  const again = openTask({ chainState: second.chainState });
  assert.equal(faultOf(again.verify(3, chain[3]!)), "MISSING_VERIFICATION_DATA");
  assert.equal(faultOf(again.verify(2, makeChain(3, 2)[2]!)), "BAD_BLOCK_PROOF");
  assert.equal(again.verify(2, chain[2]!).status, "ok");
  assert.equal(faultOf(again.verify(4, chain[3]!)), "MISSING_VERIFICATION_DATA");
  assert.equal(again.verify(3, chain[3]!).status, "ok");
});

Deno.test("VerifyTask.verify() lets no other block take the place of the first one announced", () => {
  const chain = makeChain(4);
  const { task, verify } = openTask();
  assert.equal(
    faultOf(verify(2, withRecords(chain[2]!, Uint8Array.of(0x0a, 0x02, 0x0a, 0x00)))),
    "UNSUPPORTED_STREAM_FORMAT",
  );
  assert.equal(faultOf(verify(3, chain[3]!)), "MISSING_VERIFICATION_DATA");
  assert.equal(verify(2, chain[2]!).status, "ok");
  assert.equal(verify(3, chain[3]!).status, "ok");
  task.rebase(new Uint8Array(0));
  assert.equal(faultOf(verify(0, withBrokenLink(chain[0]!))), "BAD_BLOCK_PROOF");
  assert.equal(faultOf(verify(1, chain[1]!)), "MISSING_VERIFICATION_DATA");
  assert.equal(verify(0, chain[0]!).status, "ok");
});

Deno.test("VerifyTask.verify() warns of a broken link where it is told to", () => {
  const chain = makeChain(2);
  const { verify } = openTask({ brokenLink: "warn" });
  verify(0, chain[0]!);
  const verdict = verify(1, makeChain(2, 2)[1]!);
  assert.ok(verdict.status === "ok");
  assert.equal(verdict.warnings[0]!.detail.check, "previous-hash");
});

Deno.test("VerifyTask.verify() refuses a block whose verdict would not fit its topic, and goes on", () => {
  const chain = makeChain(2);
  const { verify } = openTask();
  // As many empty proofs as outgrow a verdict: each is named in the record.
  const many = new WireWriter(4_194_304);
  for (let i = 0; i < 10_000; i++) many.raw(Uint8Array.of(0x0a, 0x02, 0x4a, 0x00));
  const verdict = verify(0, withRecords(chain[0]!, many.finish()));
  assert.equal(faultOf(verdict), "UNSUPPORTED_STREAM_FORMAT");
  assert.equal(verify(0, chain[0]!).status, "ok");

  // A version text of 100,000 characters, in a header that is otherwise right.
  const items = [...itemRanges(chain[1]!)];
  const version = new WireWriter(100_100).varint(2, 78).bytes(4, new Uint8Array(100_000).fill(65)).finish();
  const header = chain[1]!.subarray(items[0]!.start, items[0]!.end);
  assert.ok(header.length > 4);
  const rest = new WireWriter(64).varint(3, 1).bytes(4, new WireWriter(8).varint(1, 1).finish()).finish();
  const long = new WireWriter(100_200).bytes(1, version).raw(rest).finish();
  const item = new WireWriter(100_300).bytes(1, long).finish();
  const block = new WireWriter(200_000).bytes(1, item).raw(chain[1]!.subarray(items[0]!.end)).finish();
  assert.equal(faultOf(verify(1, block)), "UNSUPPORTED_STREAM_FORMAT");
  assert.equal(verify(1, chain[1]!).status, "ok");
});

vectorTest(
  "VerifyTask.verify() takes the opaque blocks of SIM_HAPI_0_69 only where it is told to",
  async (vectors) => {
    const files = await listBlockFiles([`${vectors}/block-node/SIM_HAPI_0_69`]);
    const blocks = await Promise.all(files.map(readBlockFile));
    assert.equal(faultOf(openTask().verify(0, blocks[0]!)), "UNSUPPORTED_HAPI_VERSION");
    let chainState = new Uint8Array(0);
    for (const [i, block] of blocks.entries()) {
      // Opened anew each time, as after a restart.
      const verdict = openTask({ unverifiable: "store", chainState }).verify(i, block);
      assert.ok(verdict.status === "ok", `block ${i}: ${JSON.stringify(verdict)}`);
      assert.deepEqual([verdict.record.level, verdict.record.rootHash], ["not-verifiable", undefined]);
      chainState = verdict.chainState.slice();
    }
  },
);

async function readSet(vectors: string, set: string): Promise<Uint8Array[]> {
  return await Promise.all((await listBlockFiles([`${vectors}/block-node/${set}`])).map(readBlockFile));
}

function proofOf(verdict: VerdictBody): string {
  return verdict.status === "ok" ? `${verdict.record.proof?.status}` : verdict.fault.type;
}

vectorTest(
  "VerifyTask.verify() requires proofs where it is told to, and block 0 tells the keys once",
  async (vectors) => {
    const blocks = await readSet(vectors, "CN_0_73_TSS_WRAPS_LEGACY");
    const { task, verify } = openTask({ proofs: "require" });
    const first = verify(0, blocks[0]!);
    assert.equal(proofOf(first), "verified");
    assert.ok(first.status === "ok" && first.verificationData !== undefined);
    const second = verify(1, blocks[1]!);
    assert.ok(second.status === "ok");
    assert.equal(second.verificationData, undefined);
    // After a restart with what was stored, and without it.
    const { chainState } = second;
    const again = openTask({ proofs: "require", chainState, verificationData: first.verificationData });
    assert.equal(proofOf(again.verify(2, blocks[2]!)), "verified");
    assert.equal(
      proofOf(openTask({ proofs: "require", chainState }).verify(2, blocks[2]!)),
      "MISSING_VERIFICATION_DATA",
    );
    assert.equal(proofOf(openTask({ chainState }).verify(2, blocks[2]!)), "unverified");
    assert.equal(proofOf(openTask({ proofs: "off", chainState }).verify(2, blocks[2]!)), "unchecked");
    // With keys that another part of the node has learned: once, and only where none are known.
    const late = openTask({ chainState });
    late.task.learn(first.verificationData);
    late.task.learn(encodeVerificationData(NO_VERIFICATION_DATA));
    const third = late.verify(2, blocks[2]!);
    assert.equal(proofOf(third), "verified");
    assert.ok(third.status === "ok" && third.verificationData === undefined, "they are stored already");
    // If the write of block 0 failed, the task begins anew: the keys are told again, to be stored then.
    task.rebase(new Uint8Array(0));
    const told = verify(0, blocks[0]!);
    assert.ok(told.status === "ok");
    assert.deepEqual(told.verificationData, first.verificationData);
  },
);

vectorTest(
  "VerifyTask.verify() refuses a generated block once the network's keys are known",
  async (vectors) => {
    const blocks = await readSet(vectors, "CN_11_12_TSS_SCHNORR");
    const first = openTask().verify(0, blocks[0]!);
    assert.ok(first.status === "ok");
    const { verify } = openTask({ verificationData: first.verificationData! });
    assert.equal(proofOf(verify(0, makeChain(1)[0]!)), "BAD_BLOCK_PROOF");
    const pinned = openTask({ ledgerId: new Uint8Array(32) });
    assert.equal(proofOf(pinned.verify(0, blocks[0]!)), "BAD_BLOCK_PROOF");
  },
);

vectorTest(
  "VerifyTask.verifyAll() gives each block of a batch the verdict it gets alone",
  async (vectors) => {
    const blocks = await readSet(vectors, "CN_0_73_TSS_WRAPS_LEGACY");
    const alone = openTask({ proofs: "require" });
    const bad = blocks[3]!.slice();
    bad[bad.length - 1]! ^= 1;
    const sequence: readonly (readonly [number, Uint8Array])[] = [
      [0, blocks[0]!],
      [1, blocks[1]!],
      [7, blocks[2]!],
      [2, blocks[2]!],
      [3, bad],
      [4, blocks[4]!],
      [3, blocks[3]!],
      [4, blocks[4]!],
    ];
    const expected = sequence.map(([number, block]) => alone.verify(number, block));
    const { task } = openTask({ proofs: "require" });
    assert.equal(task.batches, false);
    const batch = task.verifyAll(sequence.map(([number, block]) => ({ number: BigInt(number), block })))
      .map(decodeVerdict);
    assert.deepEqual(batch, expected);
    assert.equal(task.batches, true);
    assert.deepEqual(batch.map(({ status }) => status), [
      "ok",
      "ok",
      "fault",
      "ok",
      "fault",
      "fault",
      "ok",
      "ok",
    ]);
  },
);

Deno.test("VerifyTask.verify() stores blocks whose proofs are all of unknown kinds only where it is told to", () => {
  const [block] = makeChain(1);
  // The proof's field in its oneof becomes 9, in two places: tag and length stay as long as they are.
  const proof = [...itemRanges(block!)].at(-1)!;
  const unknown = block!.slice();
  const at = unknown.indexOf(0x12, proof.start + 1);
  unknown[at] = 9 << 3 | 2;
  assert.equal(faultOf(openTask().verify(0, unknown)), "MISSING_MANDATORY_ITEM");
  assert.equal(faultOf(openTask({ proofs: "off" }).verify(0, unknown)), "MISSING_MANDATORY_ITEM");
  const stored = openTask({ unknownProofs: "store" }).verify(0, unknown);
  assert.ok(stored.status === "ok");
  assert.deepEqual(stored.record.proof, { status: "unverified", reason: "unknown-kind" });
  assert.equal(openTask({ proofs: "off", unknownProofs: "store" }).verify(0, unknown).status, "ok");
});
