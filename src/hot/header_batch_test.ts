import assert from "node:assert/strict";
import fc from "fast-check";
import {
  checkReference,
  encodeItem,
  encodeList,
  makeFields,
  makeHeader,
  minimal,
  RULES,
} from "./_header_reference.ts";
import { type DifficultyRules, headerFlags, nextDifficulty } from "./header.ts";
import { HeaderBatch } from "./header_batch.ts";

const FLAGS = headerFlags(RULES);

/** A header of its form that nobody has mined. */
function unmined(difficulty: bigint, timestamp = 1_700_000_000n): Uint8Array {
  const fields = makeFields(RULES, 9_000_000n, difficulty);
  fields[11] = minimal(timestamp);
  return encodeList(fields.map(encodeItem));
}

Deno.test("HeaderBatch reads the verdicts of the reference, wherever in its buffer a header lies", () => {
  const batch = new HeaderBatch({ headers: 20, bytes: 65_536 });
  const made = Array.from({ length: 20 }, (_, i) => {
    const { bytes } = makeHeader(RULES, { depth: i % 5 });
    const buffer = new Uint8Array(bytes.length + i);
    buffer.set(bytes, i);
    return buffer.subarray(i);
  });
  for (let round = 0; round < 2; round++) {
    batch.next();
    for (const bytes of made) assert.ok(batch.add(bytes, FLAGS));
    batch.check();
    for (const [i, bytes] of made.entries()) {
      const expected = checkReference({ bytes, rules: RULES });
      assert.ok(expected.valid);
      assert.deepEqual(batch.verdict(i), expected);
      assert.equal(batch.isValid(i), true);
      const { facts, powHash, forkData } = expected;
      assert.deepEqual(batch.hash(i), facts.hash);
      assert.equal(BigInt(batch.number(i)), facts.number);
      assert.equal(BigInt(batch.timestamp(i)), facts.timestamp);
      assert.deepEqual([batch.uncleCount(i), batch.btcTime(i)], [facts.uncleCount, facts.btcTime]);
      assert.equal(batch.powByte(i), powHash[0]);
      assert.ok(batch.hasForkData(i, forkData!));
      assert.ok(!batch.hasForkData(i, forkData!.map((byte) => byte ^ 1)));
    }
  }
});

Deno.test("HeaderBatch.add() refuses what does not fit, and takes it after next()", () => {
  const batch = new HeaderBatch({ headers: 3, bytes: 4096 });
  const bytes = unmined(5n);
  let added = 0;
  while (batch.add(bytes, FLAGS)) added++;
  assert.equal(added, 3);
  assert.equal(batch.count, 3);
  batch.next();
  assert.ok(batch.add(bytes, FLAGS));
  // Too long to be a header: not read, and no room taken.
  assert.ok(batch.add(new Uint8Array(100_000), FLAGS));
  batch.check();
  assert.deepEqual(batch.verdict(1), { valid: false, failure: "header-too-large" });
});

Deno.test("HeaderBatch.difficulty() reads numbers of up to 256 bits", () => {
  const batch = new HeaderBatch({ headers: 1, bytes: 4096 });
  const difficulty = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
    fc.nat({ max: 255 }).map((bit) => 1n << BigInt(bit)),
  );
  fc.assert(fc.property(difficulty, (difficulty) => {
    batch.next();
    batch.add(unmined(difficulty), FLAGS);
    batch.check();
    assert.equal(batch.difficulty(0), difficulty);
  }));
});

Deno.test("HeaderBatch.difficultyFollows() agrees with nextDifficulty(), from a given parent and from the header before", () => {
  const batch = new HeaderBatch({ headers: 2, bytes: 8192 });
  const rules: DifficultyRules = {
    blockSeconds: 14,
    divisor: 400,
    minimum: new Uint8Array([9]),
    rskip97: true,
  };
  const parent = fc.record({
    difficulty: fc.bigInt({ min: 10n, max: 2n ** 250n }),
    timestamp: fc.bigInt({ min: 1n, max: 2n ** 50n }),
    seconds: fc.bigInt({ min: 0n, max: 100n }),
    off: fc.constantFrom(0n, 1n),
  });
  const bigint = (bytes: Uint8Array) => BigInt(`0x${bytes.toHex()}`);
  const digits = (value: bigint) => Uint8Array.fromHex(value.toString(16).padStart(64, "0"));
  fc.assert(fc.property(parent, ({ difficulty, timestamp, seconds, off }) => {
    // The headers made here name one uncle.
    const first = bigint(nextDifficulty(digits(difficulty), seconds, 1, rules)!) + off;
    const second = bigint(nextDifficulty(digits(first), 3n, 1, rules)!);
    batch.next();
    batch.setParent(difficulty, Number(timestamp));
    batch.add(unmined(first, timestamp + seconds), FLAGS);
    batch.add(unmined(second, timestamp + seconds + 3n), FLAGS);
    batch.check();
    assert.equal(batch.difficultyFollows(0, rules), off === 0n);
    assert.equal(batch.difficultyFollows(1, rules), true);
    const other = { ...rules, minimum: digits(2n ** 255n) };
    assert.equal(batch.difficultyFollows(1, other), false);
    // What was last is the parent of what comes next.
    batch.next();
    const third = bigint(nextDifficulty(digits(second), 1n, 1, rules)!);
    batch.add(unmined(third, timestamp + seconds + 4n), FLAGS);
    batch.check();
    assert.equal(batch.difficultyFollows(0, rules), true);
  }));
});
