import assert from "node:assert/strict";
import fc from "fast-check";
import { checkHeader } from "../../hot/header.ts";
import { networkOf } from "./_headers.ts";
import { Ancestors, tipOf } from "./ancestors.ts";
import { rulesAt } from "./block_rules.ts";
import type { BreakableRule } from "./breaks.ts";
import { RootstockFault } from "./fault.ts";
import { ChainGenerator, type ChainGeneratorOptions, generateChain } from "./generate.ts";
import { decodeHeader, encodeHeader } from "./header_codec.ts";
import { firstFailure, judgeHeader } from "./header_rules.ts";
import { adaptNetwork, type RootstockNetwork } from "./network.ts";
import { REGTEST } from "./networks/regtest.ts";
import { type SegmentVerdict, verifySegment } from "./verify_segment.ts";

const NOW = 2_000_000_000;
const TIMED = networkOf(0, { timed: true });

function verify(
  network: RootstockNetwork,
  headers: readonly Uint8Array[],
  ancestors = Ancestors.genesis(network),
  nowSeconds = NOW,
): SegmentVerdict {
  return verifySegment(ancestors, headers, { network, nowSeconds });
}

/** Every header by decoding it and asking for every rule: what the hot path has to agree with. */
function verifySlowly(network: RootstockNetwork, headers: readonly Uint8Array[], ancestors: Ancestors) {
  for (const [index, bytes] of headers.entries()) {
    const refuse = (rule: string) => ({ index, rule });
    const parent = ancestors.tip;
    const verdict = checkHeader({ bytes, rules: rulesAt(network, parent.number + 1) });
    if (verdict.facts === undefined) return refuse("form");
    try {
      const header = decodeHeader(bytes, { network, form: "compressed" });
      const failed = firstFailure(
        judgeHeader({ header, verdict, network, nowSeconds: NOW, parent, ancestors }),
      );
      if (failed !== undefined) return refuse(failed.rule);
      const powByte = verdict.valid ? verdict.powHash[0]! : 0;
      ancestors.push(tipOf(header, verdict.facts.hash), powByte, header.uncleCount);
    } catch (fault) {
      if (!(fault instanceof RootstockFault)) throw fault;
      return refuse("form");
    }
  }
  return { index: headers.length, rule: "valid" };
}

const outcome = (verdict: SegmentVerdict) =>
  verdict.valid
    ? { index: verdict.headers.length, rule: "valid" }
    : { index: verdict.index, rule: verdict.rule };

const bytesOf = (options: ChainGeneratorOptions & { count: number }) =>
  generateChain(options).map(({ header }) => header);

Deno.test("verifySegment() accepts chains of every version across the heights at which fork data begin", () => {
  for (const version of [0, 1, 2] as const) {
    const network = networkOf(version, { timed: version === 0 });
    const chain = generateChain({
      network,
      count: 700,
      unclesOf: (number) => number % 7 === 0 ? 2 : 0,
      wander: true,
    });
    const ancestors = Ancestors.genesis(network);
    const verdict = verify(network, chain.map(({ header }) => header), ancestors);
    assert.deepEqual(outcome(verdict), { index: 700, rule: "valid" });
    assert.equal(ancestors.tip.number, 700);
    assert.deepEqual(ancestors.tip.hash, chain.at(-1)!.hash);
    assert.equal(ancestors.size, 512);
    for (const [i, found] of verdict.headers.entries()) {
      const { number, hash, difficulty, header, uncles } = chain[i]!;
      const { timestamp, paidFees, parentHash } = decodeHeader(header, { network, form: "compressed" });
      const uncleCount = uncles.length;
      const hasUncles = uncleCount > 0;
      const expected = { number, hash, difficulty, timestamp, paidFees, parentHash, uncleCount, hasUncles };
      assert.deepEqual(found, expected);
    }
  }
});

Deno.test("verifySegment() gives the same in segments of any length, from ancestors that were stored between them", () => {
  const network = TIMED;
  const headers = bytesOf({ network, count: 600, merkleDepth: 3 });
  const whole = Ancestors.genesis(network);
  assert.ok(verify(network, headers, whole).valid);
  let ancestors = Ancestors.genesis(network);
  for (let at = 0, length = 1; at < headers.length; at += length, length = length % 200 + 37) {
    assert.ok(verify(network, headers.slice(at, at + length), ancestors).valid, `from ${at}`);
    ancestors = Ancestors.decode(ancestors.encode());
  }
  assert.deepEqual(ancestors.encode(), whole.encode());
  assert.deepEqual(verify(network, [], ancestors), { valid: true, headers: [] });
});

const BROKEN: readonly (readonly [rule: BreakableRule, named: string])[] = [
  ["form", "form"],
  ["parent-hash", "parent-hash"],
  ["number", "number"],
  ["proof-of-work", "proof-of-work"],
  ["merkle-proof", "proof-of-work"],
  ["difficulty", "difficulty"],
  ["timestamp-bitcoin", "timestamp-bitcoin"],
  ["fork-detection", "fork-detection"],
  ["gas-limit-parent", "gas-limit-parent"],
  ["gas-used", "gas-used"],
  ["minimum-gas-price", "minimum-gas-price"],
  ["extra-data", "extra-data"],
];

Deno.test("verifySegment() refuses a header that breaks one rule, names it, and keeps those before it", () => {
  for (const number of [1, 2, 460]) {
    for (const [rule, named] of BROKEN) {
      if (rule === "fork-detection" && number < 450) continue;
      const chain = generateChain({ network: TIMED, count: number + 3, broken: { number, rule } });
      const ancestors = Ancestors.genesis(TIMED);
      const verdict = verify(TIMED, chain.map(({ header }) => header), ancestors);
      assert.deepEqual(outcome(verdict), { index: number - 1, rule: named }, `${rule} at ${number}`);
      assert.ok(!verdict.valid && verdict.detail !== "", rule);
      assert.equal(verdict.headers.length, number - 1);
      assert.equal(ancestors.tip.number, number - 1);
      const hash = number === 1 ? TIMED.genesis.hash : chain[number - 2]!.hash;
      assert.deepEqual(ancestors.tip.hash, hash);
      // What was kept can be built on.
      const rest = new ChainGenerator({ network: TIMED, seed: 9 }, ancestors.clone()).next();
      assert.ok(verify(TIMED, [rest.header], ancestors).valid);
    }
  }
});

Deno.test("verifySegment() refuses a time too far ahead of the clock it is given, and takes it later", () => {
  const headers = bytesOf({ network: TIMED, count: 5, broken: { number: 3, rule: "timestamp-future" } });
  const verdict = verify(TIMED, headers);
  assert.deepEqual(outcome(verdict), { index: 2, rule: "timestamp-future" });
  const { timestamp } = verify(TIMED, headers.slice(0, 2)).headers[1]!;
  const at = (now: number) => outcome(verify(TIMED, headers.slice(0, 2), undefined, now)).rule;
  assert.equal(at(timestamp - 60), "valid");
  assert.equal(at(timestamp - 61), "timestamp-future");
});

Deno.test("verifySegment() takes a timestamp that is not later than the parent's: only miners hold that", () => {
  const broken = { number: 3, rule: "timestamp-parent" } as const;
  const headers = bytesOf({ network: TIMED, count: 4, broken });
  // The difficulty follows from the time, which the generator changed after it.
  const network = adaptNetwork(TIMED, { difficulty: { divisor: 2 ** 31 - 1 } });
  assert.ok(verify(network, headers).valid);
});

Deno.test("verifySegment() holds the least gas limit and the most uncles", () => {
  // So near the minimum that one step leads below it.
  const low = Ancestors.genesis(REGTEST);
  low.setTip({ ...low.tip, gasLimit: 3_000_500n });
  const generator = new ChainGenerator(
    { network: REGTEST, broken: { number: 2, rule: "gas-limit-minimum" } },
    low.clone(),
  );
  const headers = [generator.next().header, generator.next().header];
  assert.deepEqual(outcome(verify(REGTEST, headers, low)), { index: 1, rule: "gas-limit-minimum" });
  const eleven = bytesOf({ network: REGTEST, count: 4, unclesOf: (number) => number === 4 ? 11 : 0 });
  assert.deepEqual(outcome(verify(REGTEST, eleven)), { index: 3, rule: "uncle-count" });
  const ten = bytesOf({ network: REGTEST, count: 4, unclesOf: (number) => number === 4 ? 10 : 0 });
  assert.ok(verify(REGTEST, ten).valid);
});

Deno.test("verifySegment() holds the difficulty where it moves up and down", () => {
  const network = adaptNetwork(networkOf(0), {
    difficulty: { minimum: 40n, divisor: 5, divisorRskip156: 5, blockSeconds: 14 },
  });
  const secondsTo = (number: number) => number < 15 ? 2 : number % 5 === 0 ? 14 : 30;
  const chain = generateChain({ network, count: 120, secondsTo });
  assert.ok(new Set(chain.map(({ difficulty }) => difficulty)).size > 5);
  assert.ok(verify(network, chain.map(({ header }) => header)).valid);
});

Deno.test("verifySegment() needs 449 ancestors from block 450 on, and takes them from headers that link", () => {
  const headers = bytesOf({ network: TIMED, count: 900 });
  const from = (first: number) => Ancestors.fromHeaders(headers.slice(first, 600), TIMED);
  assert.ok(verify(TIMED, headers.slice(600), from(600 - 449)).valid);
  const short = verify(TIMED, headers.slice(600), from(600 - 448));
  assert.deepEqual(outcome(short), { index: 0, rule: "fork-detection" });
  assert.match(short.valid ? "" : short.detail, /449 ancestors are needed, 448 are known/);
  const gap = [...headers.slice(100, 200), ...headers.slice(201, 210)];
  assert.throws(() => Ancestors.fromHeaders(gap, TIMED), { code: "parent-hash" });
  assert.throws(() => Ancestors.fromHeaders([new Uint8Array([0xc0])], TIMED), { code: "field-count" });
  assert.throws(() => Ancestors.fromHeaders([], TIMED), RangeError);
});

Deno.test("verifySegment() says of changed bytes what the rules say one by one", () => {
  const network = TIMED;
  const chain = bytesOf({ network, count: 470, wander: true });
  const tail = chain.slice(455);
  const before = Ancestors.genesis(network);
  assert.ok(verify(network, chain.slice(0, 455), before).valid);
  const change = fc.record({
    index: fc.nat({ max: tail.length - 1 }),
    at: fc.nat(),
    bits: fc.integer({ min: 1, max: 255 }),
  });
  const rules = new Set<string>();
  fc.assert(
    fc.property(change, ({ index, at, bits }) => {
      const headers = tail.map((bytes) => bytes.slice());
      const bytes = headers[index]!;
      bytes[at % bytes.length]! ^= bits;
      const expected = verifySlowly(network, headers, before.clone());
      assert.deepEqual(outcome(verify(network, headers, before.clone())), expected);
      rules.add(expected.rule);
    }),
    { numRuns: 400 },
  );
  assert.ok(rules.has("proof-of-work") && rules.has("form"), [...rules].join());
});

Deno.test("verifySegment() says of headers out of order, twice or cut what the rules say one by one", () => {
  const network = networkOf(2);
  const chain = bytesOf({ network, count: 12 });
  fc.assert(fc.property(fc.array(fc.nat({ max: 11 }), { maxLength: 14 }), (order) => {
    const headers = order.map((i) => chain[i]!);
    const slow = verifySlowly(network, headers, Ancestors.genesis(network));
    assert.deepEqual(outcome(verify(network, headers)), slow);
  }));
});

Deno.test("verifySegment() refuses numbers and times above 2^53, which a node would take", () => {
  const [bytes] = bytesOf({ network: REGTEST, count: 1 });
  const header = decodeHeader(bytes!, { network: REGTEST, form: "compressed" });
  const above = 2n ** 53n as unknown as number;
  for (
    const [field, rule] of [["timestamp", "form field-malformed, timestamp"], [
      "number",
      "form field-malformed, number",
    ]] as const
  ) {
    const changed = encodeHeader({ ...header, [field]: above }, "compressed");
    const verdict = verify(REGTEST, [changed]);
    assert.equal(verdict.valid || `${verdict.rule} ${verdict.detail}`, rule);
  }
});

Deno.test("Ancestors.fromHeaders() takes a chain from genesis on, as it is after verifying it", () => {
  const headers = bytesOf({ network: REGTEST, count: 30, unclesOf: (number) => number % 2 });
  const verified = Ancestors.genesis(REGTEST);
  assert.ok(verify(REGTEST, headers, verified).valid);
  const taken = Ancestors.fromHeaders([REGTEST.genesis.header, ...headers], REGTEST);
  assert.deepEqual(taken.encode(), verified.encode());
});

Deno.test("Ancestors.decode() refuses bytes that are not theirs", () => {
  const bytes = Ancestors.genesis(REGTEST).encode();
  assert.ok(bytes.length < 1300);
  assert.deepEqual(Ancestors.decode(bytes).tip, Ancestors.genesis(REGTEST).tip);
  for (
    const wrong of [new Uint8Array(0), bytes.subarray(1), bytes.subarray(0, -1), new Uint8Array(bytes.length)]
  ) {
    assert.throws(() => Ancestors.decode(wrong), { code: "ancestors-malformed" });
  }
});
