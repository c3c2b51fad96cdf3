import assert from "node:assert/strict";
import fc from "fast-check";
import { HEADER_OUT_BYTES, HEADER_ROW_BYTES } from "../../wasm/layout.ts";
import {
  checkReference,
  encodeItem,
  encodeList,
  makeFields,
  makeHeader,
  RULES,
} from "./_header_reference.ts";
import { type KernelRig, kernelTest, randomBytes } from "./_kernel_rig.ts";
import {
  checkHeader,
  checkHeaders,
  headerFlags,
  type HeaderInput,
  type HeaderRules,
  type HeaderVerdict,
  nextDifficulty,
  readHeaderVerdict,
  writeDifficultyRules,
} from "./header.ts";

/** Checks headers between guards, one of them where the memory ends. */
function checkRows(rig: KernelRig, headers: readonly HeaderInput[]): HeaderVerdict[] {
  const words = headers.flatMap(({ bytes, rules }, i) => {
    const at = i === headers.length >> 1 ? rig.putAtEnd(bytes) : rig.put(bytes);
    return [at, bytes.length, headerFlags(rules), rig.room(HEADER_OUT_BYTES, 8)];
  });
  const rows = rig.putWords(words);
  const valid = rig.hot.kernels.headerBatch(rows, headers.length);
  const verdicts = headers.map((_, i) => readHeaderVerdict(rig.hot, rows + i * HEADER_ROW_BYTES));
  assert.equal(valid, verdicts.filter((verdict) => verdict.valid).length);
  rig.reset();
  return verdicts;
}

/** Checks by the kernels and by the reference; both must agree. */
function agree(rig: KernelRig, headers: readonly HeaderInput[]): HeaderVerdict[] {
  const expected = headers.map(checkReference);
  assert.deepEqual(checkRows(rig, headers), expected);
  return expected;
}

const failureOf = (verdict: HeaderVerdict) => verdict.valid ? "valid" : verdict.failure;

const VARIANTS: readonly HeaderRules[] = [
  RULES,
  { ...RULES, umm: false },
  { ...RULES, umm: false, forkData: false },
  { ...RULES, umm: false, forkData: false, rskip180: false },
  { ...RULES, version: 1 },
  { ...RULES, version: 2, forkData: false },
];

kernelTest("headerBatch() gives hashes, numbers and verdicts of every variant, in any number", (rig) => {
  for (const rules of VARIANTS) {
    const headers = Array.from({ length: 5 }, (_, depth) => ({ ...makeHeader(rules, { depth }), rules }));
    for (const header of headers) assert.ok(agree(rig, [header])[0]!.valid);
    assert.ok(agree(rig, headers).every(({ valid }) => valid));
  }
  const many = Array.from({ length: 75 }, (_, i) => {
    const rules = VARIANTS[i % VARIANTS.length]!;
    return { ...makeHeader(rules, { depth: i % 13, after: i }), rules };
  });
  assert.ok(agree(rig, many).every(({ valid }) => valid));
  assert.deepEqual(agree(rig, []), []);
});

kernelTest("headerBatch() hashes all mining slots before RSKIP92, and ummRoot where there is one", (rig) => {
  const old: HeaderRules = { rskip92: false, forkData: false, rskip180: false, umm: false, version: 0 };
  const before = { ...makeHeader(old), rules: old };
  const [verdict] = agree(rig, [before]);
  // A list of siblings is no partial tree.
  assert.equal(failureOf(verdict!), "merkle-proof-format");
  const fields = makeFields(RULES).with(16, randomBytes(20));
  assert.ok(agree(rig, [{ ...makeHeader(RULES, {}, fields), rules: RULES }])[0]!.valid);
  // Without mining slots both hashes are of the same list, and nothing is proven.
  const unmined = { bytes: encodeList(makeFields(RULES).map(encodeItem)), rules: RULES };
  const [none] = agree(rig, [unmined]);
  assert.equal(failureOf(none!), "merkle-proof-format");
  assert.deepEqual(none!.facts!.hash, none!.facts!.miningHash);
});

kernelTest("headerBatch() says which slot is not of its form", (rig) => {
  const { fields } = makeHeader();
  const bytes = (...values: number[]) => new Uint8Array(values);
  const long = (length: number, first = 1) => new Uint8Array(length).with(0, first);
  const cases: [slot: number, ...values: Uint8Array[]][] = [
    ...[0, 1, 3, 4, 5].map((slot): [number, ...Uint8Array[]] => [slot, bytes(), long(31), long(33)]),
    [2, bytes(0), long(19), long(21)],
    [6, bytes(), long(255), long(257), long(35)],
    [7, bytes(0x80), bytes(0, 0), bytes(0, 0x7f), long(34, 0).with(1, 0x80), long(33)],
    [8, bytes(0), bytes(0, 1), long(9), bytes(0x80, 0, 0, 0, 0, 0, 0, 0)],
    [9, bytes()],
    [10, bytes(0), bytes(0, 1), long(9), bytes(0x80, 0, 0, 0, 0, 0, 0, 0)],
    [11, bytes(0), bytes(0, 1), long(9), bytes(0x80, 0, 0, 0, 0, 0, 0, 0)],
    [13, bytes(0), bytes(0, 1)],
    [14, bytes(0, 0), bytes(0, 0x7f), bytes(0xff, 0x80)],
    [15, bytes(0), bytes(0, 1), bytes(0x80, 0, 0, 0), long(5)],
    [16, bytes(0), long(19), long(21)],
  ];
  for (const [slot, ...values] of cases) {
    const headers = values.map((value) => ({
      bytes: encodeList(fields.with(slot, value).map(encodeItem)),
      rules: RULES,
    }));
    for (const verdict of agree(rig, headers)) {
      assert.deepEqual(verdict, { valid: false, failure: "field-malformed", field: slot }, `slot ${slot}`);
    }
  }
  for (let slot = 0; slot < 20; slot++) {
    const encoded = fields.map(encodeItem).with(slot, encodeList([encodeItem(bytes(1, 2))]));
    const [verdict] = agree(rig, [{ bytes: encodeList(encoded), rules: RULES }]);
    assert.deepEqual(verdict, { valid: false, failure: "field-malformed", field: slot });
  }
});

kernelTest("headerBatch() takes what is unusual and of its form", (rig) => {
  const { fields } = makeHeader();
  const bytes = (...values: number[]) => new Uint8Array(values);
  const top = bytes(0x7f, 255, 255, 255, 255, 255, 255, 255);
  const cases: [slot: number, ...values: Uint8Array[]][] = [
    [2, bytes()],
    [7, bytes(), bytes(0), bytes(0, 0x80), new Uint8Array(33).fill(255, 1)],
    [8, top],
    [9, bytes(0), bytes(0, 0, 1)],
    [10, bytes(), top],
    [11, bytes(), top],
    [12, bytes(), randomBytes(1000)],
    [13, bytes(), randomBytes(40).with(0, 1)],
    [14, bytes(), bytes(0), bytes(0xff), bytes(0xff, 0x7f), bytes(0x80)],
    [15, bytes(), bytes(0x7f, 255, 255, 255)],
    [17, bytes(), randomBytes(81)],
    [18, bytes()],
    [19, bytes()],
  ];
  for (const [slot, ...values] of cases) {
    const headers = values.map((value) => ({
      bytes: encodeList(fields.with(slot, value).map(encodeItem)),
      rules: RULES,
    }));
    for (const verdict of agree(rig, headers)) assert.notEqual(verdict.facts, undefined, `slot ${slot}`);
  }
});

kernelTest(
  "headerBatch() refuses other counts, empty mining slots and what is not one canonical list",
  (rig) => {
    const { fields, bytes } = makeHeader();
    const encode = (parts: readonly Uint8Array[]): HeaderInput => ({
      bytes: encodeList(parts.map(encodeItem)),
      rules: RULES,
    });
    const empty = new Uint8Array(0);
    const ofLength = (length: number) => {
      // The coinbase takes what is left; 4096 bytes are read, 4097 are not.
      const size = encode(fields.with(19, new Uint8Array(1000))).bytes.length - 1000;
      return encode(fields.with(19, new Uint8Array(length - size)));
    };
    const cases: [string, HeaderInput][] = [
      ["field-count", encode(fields.slice(0, 16))],
      ["field-count", encode(fields.slice(0, 18))],
      ["field-count", encode([...fields, empty])],
      ["field-count", encode([...fields, ...fields])],
      ["field-count", encode([])],
      ["field-count", { bytes, rules: { ...RULES, umm: false } }],
      ["mining-fields-empty", encode(fields.with(17, empty).with(18, empty).with(19, empty))],
      ["header-too-large", { bytes: new Uint8Array(4097), rules: RULES }],
      ["header-too-large", ofLength(4097)],
      ["tag-not-found", encode(fields.with(19, new Uint8Array(500)))],
      ["not-canonical", { bytes: empty, rules: RULES }],
      ["not-canonical", { bytes: new Uint8Array([0x80]), rules: RULES }],
      ["not-canonical", { bytes: bytes.slice(0, -1), rules: RULES }],
      ["not-canonical", { bytes: new Uint8Array([...bytes, 0]), rules: RULES }],
      ["field-malformed", { bytes, rules: { ...RULES, version: 1 } }],
    ];
    const withoutForkData = cases.map(([failure, { bytes, rules }]): [string, HeaderInput] => [
      failure,
      { bytes, rules: { ...rules, forkData: false } },
    ]);
    for (const [failure, header] of withoutForkData) {
      assert.equal(failureOf(agree(rig, [header])[0]!), failure);
    }
    const verdicts = agree(rig, withoutForkData.map(([, header]) => header));
    assert.deepEqual(verdicts.map(failureOf), withoutForkData.map(([failure]) => failure));
    assert.notEqual(failureOf(agree(rig, [ofLength(4096)])[0]!), "header-too-large");
  },
);

kernelTest("headerBatch() agrees with the reference on thousands of changed headers", (rig) => {
  const bases = VARIANTS.map((rules) => ({ ...makeHeader(rules), rules }));
  const change = fc.record({ at: fc.nat(1200), value: fc.integer({ min: 1, max: 255 }), cut: fc.boolean() });
  const mutated = fc.record({ base: fc.nat(bases.length - 1), changes: fc.array(change, { maxLength: 2 }) })
    .map(
      ({ base, changes }): HeaderInput => {
        let { bytes, rules } = bases[base]!;
        for (const { at, value, cut } of changes) {
          if (cut && value < 30) bytes = bytes.slice(0, at);
          else if (bytes.length > 0) {
            bytes = bytes.with(at % bytes.length, bytes[at % bytes.length]! ^ value);
          }
        }
        return { bytes, rules };
      },
    );
  // Of a list that is too long and not canonical either, the kernel sees one and the reference the other.
  const one = (verdict: HeaderVerdict): HeaderVerdict =>
    failureOf(verdict) === "field-count" ? { valid: false, failure: "not-canonical" } : verdict;
  fc.assert(
    fc.property(fc.array(mutated, { minLength: 1, maxLength: 9 }), (headers) => {
      assert.deepEqual(checkRows(rig, headers).map(one), headers.map(checkReference).map(one));
    }),
    { numRuns: 500 },
  );
});

/** Section 3.3 with big integers. */
function differenceRule(
  parent: bigint,
  seconds: bigint,
  uncles: number,
  rules: { blockSeconds: number; divisor: number; minimum: bigint; rskip97: boolean },
): bigint {
  if (!rules.rskip97 && seconds >= 600n) return rules.minimum;
  const expected = BigInt(Math.imul(1 + uncles | 0, rules.blockSeconds));
  if (seconds < 0n || expected === seconds) return parent;
  const step = parent / BigInt(rules.divisor);
  const next = expected > seconds ? parent + step : parent - step;
  return next > rules.minimum ? next : rules.minimum;
}

const asBytes = (value: bigint) => Uint8Array.fromHex(value.toString(16).padStart(64, "0"));

Deno.test("nextDifficulty() agrees with big integers, at every edge of the rule", () => {
  const parameters = fc.record({
    parent: fc.bigInt(0n, 2n ** 256n - 1n).chain((value) => fc.nat(255).map((bits) => value >> BigInt(bits))),
    seconds: fc.oneof(
      fc.bigInt(-2n, 700n),
      fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
      fc.constantFrom(14n, 28n, 599n, 600n),
    ),
    uncles: fc.oneof(fc.nat(12), fc.nat(2 ** 31 - 1)),
    rules: fc.record({
      blockSeconds: fc.constantFrom(10, 14),
      divisor: fc.constantFrom(1, 50, 400, 2048, 2 ** 32 - 1),
      minimum: fc.constantFrom(1n, 131_072n, 550_000_000n, 7_000_000_000_000_000n, 2n ** 255n),
      rskip97: fc.boolean(),
    }),
  });
  fc.assert(
    fc.property(parameters, ({ parent, seconds, uncles, rules }) => {
      const expected = differenceRule(parent, seconds, uncles, rules);
      const next = nextDifficulty(asBytes(parent), seconds, uncles, {
        ...rules,
        minimum: asBytes(rules.minimum),
      });
      assert.equal(next?.toHex(), expected < 2n ** 256n ? asBytes(expected).toHex() : undefined);
    }),
    { numRuns: 3000 },
  );
  const rules = { blockSeconds: 14, divisor: 0, minimum: new Uint8Array(1), rskip97: true };
  assert.throws(() => nextDifficulty(new Uint8Array(1), 1n, 0, rules), RangeError);
  assert.throws(() => nextDifficulty(new Uint8Array(33), 1n, 0, { ...rules, divisor: 1 }), RangeError);
});

kernelTest("headerDifficulty() compares a header with its parent", (rig) => {
  const child = (difficulty: bigint) => {
    const fields = makeFields(RULES, 9_000_001n, difficulty).with(11, Uint8Array.fromHex("6553f10a"));
    return { bytes: encodeList(fields.map(encodeItem)), rules: RULES };
  };
  const parent = { bytes: encodeList(makeFields(RULES, 9_000_000n, 4000n).map(encodeItem)), rules: RULES };
  // Ten seconds later and with one uncle: faster than 28 seconds.
  const headers = [parent, child(4010n), child(4009n), child(4000n)];
  const outs = headers.map(() => rig.room(HEADER_OUT_BYTES, 8));
  const rows = rig.putWords(
    headers.flatMap(({ bytes, rules }, i) => [rig.put(bytes), bytes.length, headerFlags(rules), outs[i]!]),
  );
  rig.hot.kernels.headerBatch(rows, headers.length);
  const rules = rig.room(48, 8);
  const minimum = new Uint8Array([1]);
  writeDifficultyRules(rig.hot, rules, { blockSeconds: 14, divisor: 400, minimum, rskip97: true });
  const agrees = outs.slice(1).map((out) => rig.hot.kernels.headerDifficulty(outs[0]!, out, rules));
  assert.deepEqual(agrees, [1, 0, 0]);
  rig.check();
});

Deno.test("checkHeaders() gives verdicts in order, whatever their number and size", () => {
  const headers = Array.from({ length: 120 }, (_, i): HeaderInput => {
    if (i % 17 === 5) return { bytes: randomBytes(5000), rules: RULES };
    if (i % 5 === 1) return { bytes: randomBytes(4096), rules: RULES };
    return { ...makeHeader(RULES, { depth: i % 9 }), rules: RULES };
  });
  assert.deepEqual(checkHeaders(headers), headers.map(checkReference));
  assert.deepEqual(checkHeader(headers[0]!), checkReference(headers[0]!));
  assert.deepEqual(checkHeaders([]), []);
});
