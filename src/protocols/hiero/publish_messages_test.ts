import assert from "node:assert/strict";
import fc from "fast-check";
import { block, footer, header, item, tssProof } from "./_blocks.ts";
import { splitBlock } from "./block_split.ts";
import { HieroFault } from "./fault.ts";
import { itemRanges, peekItemKind } from "./items.ts";
import {
  encodeEndOfBlock,
  encodeEndStream,
  encodeItemsRequest,
  type ItemSet,
  MAX_SET_ITEMS,
  parsePublishRequest,
} from "./publish_messages.ts";
import { encodePublishResponse, parsePublishResponse, type PublishResponse } from "./publish_responses.ts";
import { UINT64_MAX } from "./wire.ts";
import { WireWriter } from "./wire_writer.ts";

function setOf(request: Uint8Array): ItemSet {
  const parsed = parsePublishRequest(request);
  assert.ok(parsed.kind === "items");
  return parsed.set;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const BLOCK = block(header({ number: 9n }), item(4, new Uint8Array(50)), footer(), tssProof());

Deno.test("parsePublishRequest() gives the records of a set as one view on the message", () => {
  const request = encodeItemsRequest(BLOCK);
  const set = setOf(request);
  assert.deepEqual(set.opening, { kind: "header", number: 9n });
  assert.equal(set.itemCount, 4);
  assert.equal(set.endsWithProof, true);
  assert.equal(set.records.buffer, request.buffer);
  assert.deepEqual(set.records, BLOCK);
});

Deno.test("parsePublishRequest() keeps item records byte for byte and drops unknown fields", () => {
  const [a, b, c] = [block(item(4)), block(item(5), item(6)), block(item(7))];
  const unknown = new WireWriter().varint(7, 300).bytes(9, new Uint8Array(3)).finish();
  const body = join([unknown, a, unknown, b, c, unknown]);
  const request = join([new WireWriter().varint(99, 1).finish(), encodeItemsRequest(body)]);
  const set = setOf(request);
  assert.deepEqual(set.records, join([a, b, c]));
  assert.equal(set.itemCount, 4);
});

Deno.test("parsePublishRequest() does not hold a message for the sake of a small set in it", () => {
  const request = join([
    new WireWriter().bytes(9, new Uint8Array(1000)).finish(),
    encodeItemsRequest(BLOCK.subarray(0, 0)),
  ]);
  assert.equal(setOf(request).records.length, 0);
  const padded = join([new WireWriter().bytes(9, new Uint8Array(9000)).finish(), encodeItemsRequest(BLOCK)]);
  const { records } = setOf(padded);
  assert.deepEqual(records, BLOCK);
  assert.notEqual(records.buffer, padded.buffer);
});

Deno.test("parsePublishRequest() tells apart what a set opens and ends with", () => {
  const open = (...items: Uint8Array[]) => setOf(encodeItemsRequest(block(...items)));
  assert.deepEqual(open(item(4)).opening, { kind: "continuation" });
  assert.deepEqual(open(item(4), header()).opening, { kind: "continuation" });
  assert.equal(open(tssProof(), item(4)).endsWithProof, false);
  assert.equal(open().itemCount, 0);
  const empty = open(item(1)).opening;
  assert.ok(empty.kind === "bad-header" && empty.empty);
  const broken = open(item(1, Uint8Array.of(0x18, 0xff))).opening;
  assert.ok(broken.kind === "bad-header" && !broken.empty && broken.message.includes("truncated varint"));
  assert.deepEqual(open(header({ number: UINT64_MAX })).opening, { kind: "header", number: UINT64_MAX });
});

Deno.test("parsePublishRequest() refuses a set of more items than any block has", () => {
  const items = (count: number) =>
    encodeItemsRequest(new Uint8Array(count * 2).map((_, i) => i % 2 === 0 ? 0x0a : 0));
  assert.equal(setOf(items(MAX_SET_ITEMS)).itemCount, MAX_SET_ITEMS);
  assert.throws(() => parsePublishRequest(items(MAX_SET_ITEMS + 1)), HieroFault);
});

Deno.test("parsePublishRequest() reads end of block, end of stream and nothing", () => {
  assert.deepEqual(parsePublishRequest(encodeEndOfBlock(0n)), { kind: "end-of-block", number: 0n });
  assert.deepEqual(parsePublishRequest(encodeEndOfBlock(UINT64_MAX)), {
    kind: "end-of-block",
    number: UINT64_MAX,
  });
  assert.deepEqual(parsePublishRequest(encodeEndStream(4, 1n, 100n)), {
    kind: "end-stream",
    code: 4,
    earliest: 1n,
    latest: 100n,
  });
  assert.deepEqual(parsePublishRequest(encodeEndStream(0, 0n, 0n)), {
    kind: "end-stream",
    code: 0,
    earliest: 0n,
    latest: 0n,
  });
  assert.deepEqual(parsePublishRequest(new Uint8Array(0)), { kind: "unset" });
  assert.deepEqual(parsePublishRequest(new WireWriter().varint(1, 5).finish()), { kind: "unset" });
});

Deno.test("parsePublishRequest() lets the last member of the oneof win", () => {
  const both = join([encodeItemsRequest(BLOCK), encodeEndOfBlock(3n)]);
  assert.equal(parsePublishRequest(both).kind, "end-of-block");
  assert.equal(parsePublishRequest(join([encodeEndOfBlock(3n), encodeItemsRequest(BLOCK)])).kind, "items");
});

Deno.test("encodePublishResponse() writes the bytes of the specification", () => {
  const bytes = (response: PublishResponse) => [...encodePublishResponse(response)];
  const max = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
  assert.deepEqual(bytes({ kind: "acknowledgement", number: 0n }), [0x0a, 0]);
  assert.deepEqual(bytes({ kind: "acknowledgement", number: 300n }), [0x0a, 3, 0x08, 0xac, 0x02]);
  assert.deepEqual(
    bytes({ kind: "end-stream", status: "DUPLICATE_BLOCK", number: 1n, proximate: UINT64_MAX }),
    [
      0x12,
      15,
      0x08,
      5,
      0x10,
      1,
      0x18,
      ...max,
    ],
  );
  assert.deepEqual(bytes({ kind: "skip", number: 1n }), [0x1a, 2, 0x08, 1]);
  assert.deepEqual(bytes({ kind: "resend", number: 1n }), [0x22, 2, 0x08, 1]);
  assert.deepEqual(bytes({ kind: "behind", number: -1n }), [0x2a, 11, 0x08, ...max]);
});

Deno.test("parsePublishResponse() reads back every response", () => {
  const number = fc.bigInt({ min: 0n, max: UINT64_MAX });
  const response: fc.Arbitrary<PublishResponse> = fc.oneof(
    fc.record({ kind: fc.constantFrom("acknowledgement", "skip", "resend", "behind"), number }),
    fc.record({
      kind: fc.constant("end-stream" as const),
      status: fc.constantFrom("UNKNOWN", "SUCCESS", "TIMEOUT", "BAD_BLOCK_PROOF", "PERSISTENCE_FAILED"),
      number,
      proximate: number,
    }),
  ) as fc.Arbitrary<PublishResponse>;
  fc.assert(fc.property(response, (value) => {
    assert.deepEqual({ ...parsePublishResponse(encodePublishResponse(value)) }, { ...value });
  }));
  assert.equal(parsePublishResponse(new Uint8Array(0)), undefined);
});

Deno.test("parsers of publish messages refuse garbage with a coded fault and never loop", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      for (const parse of [parsePublishRequest, parsePublishResponse, splitBlock]) {
        try {
          parse(bytes);
        } catch (error) {
          if (!(error instanceof HieroFault)) throw error;
          assert.equal(error.type, "UNABLE_TO_PARSE");
        }
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("splitBlock() cuts between items, keeps the proofs together and loses nothing", () => {
  const items = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 20 });
  fc.assert(
    fc.property(
      items,
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 200 }),
      (sizes, proofs, maxBytes) => {
        const bytes = block(
          header(),
          ...sizes.map((size) => item(4, new Uint8Array(size))),
          footer(),
          ...Array.from({ length: proofs }, () => item(9, new Uint8Array(30))),
        );
        const runs = splitBlock(bytes, maxBytes);
        assert.deepEqual(join(runs), bytes);
        runs.forEach((run, i) => {
          const kinds = [...itemRanges(run)].map(({ start, end }) => peekItemKind(run, start, end));
          const count = kinds.filter((kind) => kind === 9).length;
          assert.equal(count, i === runs.length - 1 ? proofs : 0);
          if (run.length > maxBytes) {
            assert.ok(kinds.length - Math.max(0, count - 1) === 1, "only one item may exceed");
          }
        });
      },
    ),
  );
});
