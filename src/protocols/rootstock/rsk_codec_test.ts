import assert from "node:assert/strict";
import { RLP } from "@ethereumjs/rlp";
import fc from "fast-check";
import { rlpEncode, type RlpInput } from "../../hot/rlp_encode.ts";
import { vectorTest } from "../../../tests/vectors.ts";
import { decodeRskMessage } from "./rsk_decode.ts";
import { encodeRskMessage } from "./rsk_encode.ts";
import type { RskMessage } from "./rsk_message.ts";
import { RSK_TYPE } from "./rsk_types.ts";
import { WireFault } from "./wire_fault.ts";

const hex = (text: string) => Uint8Array.fromHex(text);
const isFault = (code: string) => (error: unknown) => error instanceof WireFault && error.code === code;
const hash = (byte: number) => new Uint8Array(32).fill(byte);
const wrap = (type: number, body: RlpInput) => rlpEncode([[type, rlpEncode(body)]]);

vectorTest("A skeleton response agrees with the vector rsk-messages", async (dir) => {
  const { cases } = JSON.parse(await Deno.readTextFile(`${dir}/rootstock/rsk-messages.json`));
  assert.equal(cases.length, 1);
  const [{ id, identifiers, encoded }] = cases;
  const message: RskMessage = {
    type: "skeleton-response",
    id: BigInt(id),
    blocks: identifiers.map((block: { hash: string; number: number }) => ({
      ...block,
      hash: hex(block.hash),
    })),
  };
  const pair = hex(encoded);
  const payload = encodeRskMessage(message);
  assert.equal(payload.toHex(), `f8${pair.length.toString(16)}${encoded}`);
  assert.deepEqual(decodeRskMessage(payload), message);
});

Deno.test("Requests are the bytes of the specification", () => {
  const height: RskMessage = { type: "block-hash-request", id: 1n, height: 25 };
  assert.equal(encodeRskMessage(height).toHex(), "c7c60884c301c119");
  const skeleton: RskMessage = { type: "skeleton-request", id: 2n, startNumber: 0 };
  assert.equal(encodeRskMessage(skeleton).toHex(), "c7c61084c302c180");
});

/** With the prototype that decoded messages have. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
const hash32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const id = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const height = fc.maxSafeNat();
const rlpList = fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 4 }).map((items) => rlpEncode(items));
const lists = fc.array(rlpList, { maxLength: 5 });
const block = record({ hash: hash32, number: height });
const blocks = fc.array(block, { maxLength: 21 });
const typed = <T extends string>(type: T) => fc.constant(type);
/** A message of any type. */
const MESSAGE: fc.Arbitrary<RskMessage> = fc.oneof(
  record({
    type: typed("status"),
    status: record({
      bestNumber: height,
      bestHash: hash32,
      parentHash: hash32,
      totalDifficulty: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
    }),
  }),
  record({ type: typed("block"), block: rlpList }),
  record({ type: typed("get-block"), hash: hash32 }),
  record({ type: typed("new-block-hashes"), blocks }),
  record({ type: typed("transactions"), transactions: lists }),
  record({ type: typed("block-hash-request"), id, height }),
  record({ type: typed("block-headers-request"), id, hash: hash32, count: fc.nat(1_000) }),
  record({ type: typed("block-headers-response"), id, headers: lists }),
  record({ type: typed("block-request"), id, hash: hash32 }),
  record({ type: typed("block-response"), id, block: rlpList }),
  record({ type: typed("skeleton-response"), id, blocks }),
  record({ type: typed("body-request"), id, hash: hash32 }),
  record({ type: typed("body-response"), id, transactions: lists, uncles: lists }),
  record({ type: typed("body-response"), id, transactions: lists, uncles: lists, extension: rlpList }),
  record({ type: typed("skeleton-request"), id, startNumber: height }),
  record({ type: typed("new-block-hash"), hash: hash32 }),
  record({ type: typed("block-hash-response"), id, hash: hash32 }),
);

Deno.test("Messages of every type: what was encoded is decoded, and a second decoder finds type and body", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(MESSAGE, (message) => {
      seen.add(message.type);
      const payload = encodeRskMessage(message);
      assert.deepEqual(decodeRskMessage(payload), message);
      const [[type, body]] = RLP.decode(payload) as unknown as [[Uint8Array, Uint8Array]];
      assert.deepEqual([...type], [RSK_TYPE[message.type as keyof typeof RSK_TYPE]]);
      const decoded = RLP.decode(body) as RlpInput;
      assert.equal(rlpEncode(decoded).toHex(), body.toHex());
    }),
    { numRuns: 1_000 },
  );
  assert.equal(seen.size, Object.keys(RSK_TYPE).length);
});

Deno.test("Messages of the snapshot protocol have a code only; types that do not exist are refused", () => {
  for (let code = 20; code <= 25; code++) {
    assert.deepEqual(decodeRskMessage(wrap(code, [1, [2]])), { type: "snapshot", code });
  }
  for (const code of [0, 4, 5, 19, 26, 127, 255]) {
    assert.throws(() => decodeRskMessage(wrap(code, [])), isFault("unexpected-message"), `${code}`);
  }
  assert.throws(() => encodeRskMessage({ type: "snapshot", code: 20 }), TypeError);
});

Deno.test("RSK Status: two's complement, and the form of two elements is read but never written", () => {
  const status = { bestNumber: 0, bestHash: hash(1), parentHash: hash(0) };
  for (
    const [difficulty, text] of [[0x80n, "820080"], [0x7fn, "7f"], [0n, "00"], [
      0x1_00000n,
      "83100000",
    ]] as const
  ) {
    const payload = encodeRskMessage({ type: "status", status: { ...status, totalDifficulty: difficulty } });
    assert(payload.toHex().endsWith(text), payload.toHex());
  }
  const short: RskMessage = { type: "status", status: { bestNumber: 7, bestHash: hash(1) } };
  assert.deepEqual(decodeRskMessage(wrap(1, [7, hash(1)])), short);
  assert.throws(() => encodeRskMessage(short), TypeError);
  const withDifficulty = (bytes: Uint8Array) => wrap(1, [7, hash(1), hash(0), bytes]);
  for (const bad of ["", "80", "ff00", "0001", "007f", "01".repeat(34)]) {
    assert.throws(() => decodeRskMessage(withDifficulty(hex(bad))), isFault("malformed"), bad);
  }
  assert.throws(() => decodeRskMessage(wrap(1, [7, hash(1), hash(0)])), isFault("malformed"));
});

Deno.test("Messages: as many elements as there are, and hashes of 32 bytes", () => {
  const bad: [string, Uint8Array][] = [
    ["nothing", new Uint8Array()],
    ["an empty list", hex("c0")],
    ["two messages", rlpEncode([[17, rlpEncode([hash(1)])], [17, rlpEncode([hash(1)])]])],
    ["no body", rlpEncode([[17]])],
    ["an empty body", rlpEncode([[17, new Uint8Array()]])],
    ["a body that is a list", rlpEncode([[17, [hash(1)]]])],
    ["a third element", rlpEncode([[17, rlpEncode([hash(1)]), 1]])],
    ["bytes behind the body", rlpEncode([[17, hex(`${rlpEncode([hash(1)]).toHex()}00`)]])],
    ["a short hash", wrap(17, [hash(1).slice(1)])],
    ["a list as hash", wrap(17, [[hash(1)]])],
    ["two hashes", wrap(17, [hash(1), hash(1)])],
    ["an id of 65 bits", wrap(11, [2n ** 64n, [hash(1)]])],
    ["an id that is a list", wrap(11, [[], [hash(1)]])],
    ["a height of 2^53", wrap(8, [1, [2n ** 53n]])],
    ["a height with a leading zero", wrap(8, [1, [hex("0001")]])],
    ["headers without the extra list", wrap(10, [1, [[1], [2]]])],
    ["a header that is an item", wrap(10, [1, [[hash(1)]]])],
    ["an identifier of three", wrap(13, [1, [[[hash(1), 1, 1]]]])],
    ["a block that is an item", wrap(12, [1, [hash(1)]])],
    ["a block that is empty", wrap(12, [1, [new Uint8Array()]])],
    ["a body response without uncles", wrap(15, [1, [[]]])],
    ["a body response of four", wrap(15, [1, [[], [], [], []]])],
    ["an extension that is an item", wrap(15, [1, [[], [], 1]])],
  ];
  for (const [what, payload] of bad) {
    assert.throws(() => decodeRskMessage(payload), isFault("malformed"), what);
  }
  assert.deepEqual(decodeRskMessage(wrap(8, [hex("00"), [hex("00")]])), {
    type: "block-hash-request",
    id: 0n,
    height: 0,
  });
});

Deno.test("Messages: more entries than are taken are refused, as many are not", () => {
  const many = (count: number, entry: RlpInput) => Array.from({ length: count }, () => entry);
  const cases: [most: number, payload: (count: number) => Uint8Array][] = [
    [192, (count) => wrap(10, [1, [many(count, [1])]])],
    [32, (count) => wrap(13, [1, [many(count, [hash(1), 1])]])],
    [1_024, (count) => wrap(6, many(count, [hash(1), 1]))],
    [16_384, (count) => wrap(7, many(count, [1]))],
    [32, (count) => wrap(15, [1, [[], many(count, [1])]])],
  ];
  for (const [most, payload] of cases) {
    decodeRskMessage(payload(most));
    assert.throws(() => decodeRskMessage(payload(most + 1)), isFault("malformed"));
  }
});

Deno.test("decodeRskMessage() refuses garbage and damaged messages with a fault and with nothing else", () => {
  const attempt = (bytes: Uint8Array) => {
    try {
      decodeRskMessage(bytes);
    } catch (error) {
      assert(error instanceof WireFault, String(error));
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), attempt), { numRuns: 1_000 });
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(MESSAGE, damage, (message, changes) => {
      const payload = encodeRskMessage(message);
      for (const [at, byte] of changes) payload[at % payload.length] = byte;
      attempt(payload);
      attempt(payload.subarray(0, payload.length >> 1));
    }),
    { numRuns: 1_000 },
  );
});
