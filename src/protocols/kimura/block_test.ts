import assert from "node:assert/strict";
import { blake3 as reference } from "@noble/hashes/blake3.js";
import fc from "fast-check";
import { testChain, testMessage } from "./_chain.ts";
import { type Block, blockHash, decodeBlock, encodeBlock, GENESIS, sealDigest } from "./block.ts";
import { U64_MAX } from "./bytes.ts";
import { KimuraFault } from "./fault.ts";
import {
  BLOCK_JSON_FRAME_BYTES,
  blockFromJson,
  blockToJson,
  idJsonBytes,
  messageFromJson,
  messageToJson,
} from "./json.ts";
import { decodeMessage, encodeMessage, makeMessage, messageId } from "./message.ts";

const u64 = fc.bigInt({ min: 0n, max: U64_MAX });
const bytesOf = (count: number) => fc.uint8Array({ minLength: count, maxLength: count });
const seal = fc.record({ publicKey: bytesOf(33), signature: bytesOf(64) }, { noNullPrototype: true }).chain((
  fields,
) => fc.option(u64, { nil: undefined }).map((term) => term === undefined ? fields : { ...fields, term }));
const anyBlock: fc.Arbitrary<Block> = fc.tuple(
  fc.record({ height: u64, timestamp: u64, prevHash: bytesOf(32), messageRoot: bytesOf(32) }, {
    noNullPrototype: true,
  }),
  fc.array(bytesOf(32), { maxLength: 5 }),
  fc.option(seal, { nil: undefined }),
).map(([header, messageIds, made]) =>
  made === undefined ? { header, messageIds } : { header, messageIds, seal: made }
);
const text = fc.string({ unit: "binary", maxLength: 40 }).filter((value) => value.isWellFormed());
const anyMessage = fc.tuple(text, text, u64, u64, fc.option(bytesOf(64), { nil: undefined })).map(
  ([sender, content, timestamp, nonce, signature]) =>
    makeMessage({ sender, content, timestamp, nonce, ...(signature === undefined ? {} : { signature }) }),
);

const u64Bytes = (value: bigint) => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return [...bytes];
};

/** The wire rule of spec §1, written down a second time. */
function referenceHash(
  { header: { height, timestamp, prevHash, messageRoot }, messageIds }: Block,
): Uint8Array {
  const parts = [u64Bytes(height), u64Bytes(timestamp), [...prevHash], [...messageRoot]];
  return reference(
    Uint8Array.from(
      [...parts, u64Bytes(BigInt(messageIds.length)), ...messageIds.map((id) => [...id])].flat(),
    ),
  );
}

Deno.test("blockHash() is the wire rule, for any block", () => {
  fc.assert(fc.property(anyBlock, (block) => {
    assert.deepEqual([...blockHash(block)], [...referenceHash(block)]);
  }));
});

Deno.test("blockHash() of genesis is BLAKE3 of 88 zero bytes", () => {
  assert.equal(blockHash(GENESIS).toHex(), reference(new Uint8Array(88)).toHex());
});

Deno.test("messageId() is BLAKE3 of the sender's UTF-8 and the nonce", () => {
  fc.assert(fc.property(text, u64, (sender, nonce) => {
    const expected = reference(Uint8Array.from([...new TextEncoder().encode(sender), ...u64Bytes(nonce)]));
    assert.equal(messageId(sender, nonce).toHex(), expected.toHex());
  }));
});

Deno.test("sealDigest() commits to the ids and to the term", () => {
  const { block } = testChain(1, () => [testMessage(1, 0)])[0]!;
  const digests = [
    sealDigest(block, undefined),
    sealDigest(block, 0n),
    sealDigest(block, 1n),
    sealDigest({ ...block, messageIds: [] }, undefined),
    sealDigest({ ...block, header: { ...block.header, timestamp: 1n } }, undefined),
  ].map((digest) => digest.toHex());
  assert.equal(new Set(digests).size, digests.length);
});

Deno.test("decodeBlock() gives back what encodeBlock() wrote, and refuses every cut and every addition", () => {
  fc.assert(fc.property(anyBlock, fc.nat(), (block, at) => {
    const bytes = encodeBlock(block);
    assert.deepEqual(decodeBlock(bytes), block);
    assert.throws(() => decodeBlock(bytes.subarray(0, at % bytes.length)), KimuraFault);
    assert.throws(() => decodeBlock(Uint8Array.from([...bytes, 0])), KimuraFault);
  }));
});

Deno.test("decodeMessage() gives back what encodeMessage() wrote, and refuses every cut and every addition", () => {
  fc.assert(fc.property(anyMessage, fc.nat(), (message, at) => {
    const bytes = encodeMessage(message);
    assert.deepEqual(decodeMessage(bytes), message);
    assert.throws(() => decodeMessage(bytes.subarray(0, at % bytes.length)), KimuraFault);
    assert.throws(() => decodeMessage(Uint8Array.from([...bytes, 0])), KimuraFault);
  }));
});

Deno.test("decodeBlock() and decodeMessage() throw nothing but a KimuraFault on any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      for (const decode of [decodeBlock, decodeMessage]) {
        try {
          decode(bytes);
        } catch (thrown) {
          assert(thrown instanceof KimuraFault, String(thrown));
        }
      }
    }),
    { numRuns: 500 },
  );
});

const JSON_LIMIT = 1_000_000;
const encode = (value: string) => new TextEncoder().encode(value);

/** A block exactly as serde_json writes the original's struct. */
const ORIGINAL = `{"header":{"height":1,"timestamp":1700000001,"prev_hash":[${"7,".repeat(31)}7],` +
  `"message_root":[${"0,".repeat(31)}0]},"message_ids":[[${"1,".repeat(31)}255]]}`;

Deno.test("blockFromJson() reads the original's form, and blockToJson() writes it byte for byte", () => {
  const block = blockFromJson(encode(ORIGINAL), JSON_LIMIT);
  assert.equal(block.header.height, 1n);
  assert.equal(block.header.timestamp, 1_700_000_001n);
  assert.deepEqual([...block.header.prevHash], Array(32).fill(7));
  assert.deepEqual([...block.messageIds[0]!], [...Array(31).fill(1), 255]);
  assert.equal(block.seal, undefined);
  assert.equal(blockToJson(block), ORIGINAL);
});

Deno.test("blockToJson() of a signed block keeps the original's fields first and unchanged", () => {
  const { block } = testChain(1)[0]!;
  const parsed = JSON.parse(blockToJson(block));
  assert.deepEqual(Object.keys(parsed), ["header", "message_ids", "leader", "signature"]);
  assert.deepEqual(Object.keys(parsed.header), ["height", "timestamp", "prev_hash", "message_root"]);
  assert.equal(parsed.header.prev_hash.length, 32);
});

Deno.test("blockFromJson() gives back what blockToJson() wrote, heights above 2^53 too", () => {
  fc.assert(fc.property(anyBlock, (block) => {
    const json = blockToJson(block);
    assert.deepEqual(blockFromJson(encode(json), JSON_LIMIT), block);
    const bound = BLOCK_JSON_FRAME_BYTES + block.messageIds.reduce((sum, id) => sum + idJsonBytes(id), 0);
    assert(json.length <= bound, `${json.length} bytes are more than ${bound}`);
  }));
});

Deno.test("messageFromJson() gives back what messageToJson() wrote", () => {
  fc.assert(fc.property(anyMessage, (message) => {
    assert.deepEqual(messageFromJson(encode(messageToJson(message)), JSON_LIMIT), message);
  }));
});

Deno.test("blockFromJson() agrees with JSON.parse about white space, order and unknown fields", () => {
  const spaced = JSON.stringify(
    {
      later: { deep: [1, -2.5e3, 'x\\"', null, true, {}] },
      message_ids: [],
      header: JSON.parse(ORIGINAL).header,
      z: [],
    },
    null,
    2,
  );
  assert.equal(blockFromJson(encode(spaced), JSON_LIMIT).header.height, 1n);
});

Deno.test("blockFromJson() refuses everything that is no block", () => {
  const refused: [string, string][] = [
    ["", "MALFORMED_JSON"],
    ["[]", "MALFORMED_JSON"],
    ["{}", "MALFORMED_JSON"],
    [`${ORIGINAL}x`, "MALFORMED_JSON"],
    [ORIGINAL.slice(0, -1), "MALFORMED_JSON"],
    [ORIGINAL.replace('"height":1', '"height":-1'), "MALFORMED_JSON"],
    [ORIGINAL.replace('"height":1', '"height":1.0'), "MALFORMED_JSON"],
    [ORIGINAL.replace('"height":1', '"height":01'), "MALFORMED_JSON"],
    [ORIGINAL.replace('"height":1', '"height":18446744073709551616'), "MALFORMED_JSON"],
    [ORIGINAL.replace('"height":1', `"height":${"9".repeat(400)}`), "MALFORMED_JSON"],
    [ORIGINAL.replace('"height":1', '"height":1,"height":1'), "MALFORMED_JSON"],
    [ORIGINAL.replace("255", "256"), "MALFORMED_JSON"],
    [ORIGINAL.replace("255", "25,5"), "OVERSIZE"],
    [ORIGINAL.replace(",255", ""), "MALFORMED_JSON"],
    [ORIGINAL.replace(/}$/, `,"signature":[${"1,".repeat(63)}1]}`), "MALFORMED_JSON"],
    [ORIGINAL.replace(/}$/, ',"x":tru}'), "MALFORMED_JSON"],
    [ORIGINAL.replace(/}$/, `,"x":${"[".repeat(40)}${"]".repeat(40)}}`), "OVERSIZE"],
  ];
  for (const [json, code] of refused) {
    assert.throws(
      () => blockFromJson(encode(json), JSON_LIMIT),
      { name: "KimuraFault", code },
      json.slice(0, 60),
    );
  }
  assert.throws(() => blockFromJson(encode(ORIGINAL), ORIGINAL.length - 1), { code: "OVERSIZE" });
  assert.throws(() => blockFromJson(Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 100), {
    code: "MALFORMED_JSON",
  });
});

Deno.test("messageFromJson() refuses an id that is not that of sender and nonce, and a lone surrogate", () => {
  const json = messageToJson(testMessage(1, 0));
  assert.throws(() => messageFromJson(encode(json.replace('"nonce":0', '"nonce":1')), JSON_LIMIT), {
    code: "MALFORMED_JSON",
  });
  assert.throws(
    () => messageFromJson(encode(json.replace('"content":"', '"content":"\\ud800')), JSON_LIMIT),
    { code: "MALFORMED_JSON" },
  );
});

Deno.test("blockFromJson() throws nothing but a KimuraFault on damaged JSON", () => {
  fc.assert(
    fc.property(anyBlock, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 4 }), (block, at, damage) => {
      const bytes = encode(blockToJson(block));
      bytes.set(damage, at % (bytes.length - 4));
      try {
        blockFromJson(bytes, JSON_LIMIT);
      } catch (thrown) {
        assert(thrown instanceof KimuraFault, String(thrown));
      }
    }),
  );
});
