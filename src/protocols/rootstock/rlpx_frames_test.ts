import assert from "node:assert/strict";
import fc from "fast-check";
import { rlpEncode, type RlpInput } from "../../hot/rlp_encode.ts";
import { SectionWriter, seededBytes, shakeHands } from "./_wire.ts";
import { ChunkAssembler } from "./frame_chunks.ts";
import { joinBytes } from "./growing_bytes.ts";
import { type Frame, FrameReader, FrameWriter } from "./rlpx_frames.ts";
import { WireFault } from "./wire_fault.ts";

const isFault = (code: string) => (error: unknown) => error instanceof WireFault && error.code === code;
const plainFrame = ({ code, payload }: Frame) => ({ code, payload: payload.toHex() });

/** A reader, and a second writer for it. */
function withSectionWriter(fn: (writer: SectionWriter, reader: FrameReader) => void): void {
  const { initiator, responder } = shakeHands();
  using writer = new SectionWriter(initiator);
  using reader = new FrameReader(responder);
  fn(writer, reader);
}

async function withEnds(
  fn: (writer: FrameWriter, reader: FrameReader) => void | Promise<void>,
  maxFrameBytes?: number,
): Promise<void> {
  const { initiator, responder } = shakeHands();
  using writer = new FrameWriter(initiator);
  using reader = new FrameReader(responder, maxFrameBytes);
  await fn(writer, reader);
}

Deno.test("Frames: messages of every size around a block come out as they went in", () =>
  withEnds((writer, reader) => {
    const randomBytes = seededBytes(21);
    for (const bytes of [0, 1, 14, 15, 16, 17, 31, 32, 33, 1_000, 65_535, 65_536, 200_000]) {
      const payload = randomBytes(bytes);
      const code = bytes % 0x19;
      const sealed = writer.seal(code, payload);
      assert.equal(sealed.length, 32 + (bytes + 1 + 15 >> 4 << 4) + 16);
      assert.deepEqual([...reader.receive(sealed)].map(plainFrame), [{ code, payload: payload.toHex() }]);
    }
  }));

Deno.test("Frames: split at every byte, two frames come out once their last byte is there", async () => {
  const randomBytes = seededBytes(23);
  const payloads = [randomBytes(20), randomBytes(45)];
  const total = 32 + 32 + 16 + 32 + 48 + 16;
  for (let at = 0; at <= total; at++) {
    await withEnds((writer, reader) => {
      const stream = joinBytes([writer.seal(0, payloads[0]!), writer.seal(0x18, payloads[1]!)]);
      assert.equal(stream.length, total);
      const first = [...reader.receive(stream.slice(0, at))];
      assert.equal(first.length, at === total ? 2 : at >= 80 ? 1 : 0, `split at ${at}`);
      const all = [...first, ...reader.receive(stream.slice(at))].map(({ payload }) => payload.toHex());
      assert.deepEqual(all, payloads.map((payload) => payload.toHex()));
    });
  }
});

Deno.test("Frames: any messages in any pieces come out in order", async () => {
  const message = fc.tuple(fc.nat(0x18), fc.uint8Array({ maxLength: 400 }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
      (messages, pieces) =>
        withEnds((writer, reader) => {
          const stream = joinBytes(messages.map(([code, payload]) => writer.seal(code, payload)));
          const got: Frame[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const end = at + pieces[i % pieces.length]!;
            got.push(...reader.receive(stream.slice(at, end)));
            at = end;
          }
          assert.deepEqual(
            got.map(plainFrame),
            messages.map(([code, payload]) => plainFrame({ code, payload })),
          );
        }),
    ),
    { numRuns: 60 },
  );
});

Deno.test("Frames: a flipped bit anywhere is a bad MAC", async () => {
  const payload = seededBytes(25)(40);
  for (let at = 0; at < 32 + 48 + 16; at++) {
    await withEnds((writer, reader) => {
      const sealed = writer.seal(0x10, payload);
      sealed[at]! ^= 1 << (at % 8);
      assert.throws(() => [...reader.receive(sealed)], isFault("bad-mac"), `byte ${at}`);
    });
  }
});

Deno.test("Frames: garbage of any length is a bad MAC, and a frame that comes twice too", () =>
  withEnds((writer, reader) => {
    const sealed = writer.seal(2, Uint8Array.of(0xc0));
    assert.equal([...reader.receive(sealed)].length, 1);
    assert.throws(() => [...reader.receive(sealed)], isFault("bad-mac"));
  }));

Deno.test("Frames: a message that does not fit in a frame is not sealed", () =>
  withEnds((writer, reader) => {
    assert.throws(() => writer.seal(1, new Uint8Array(0x7f_ffff)), RangeError);
    const largest = writer.seal(1, new Uint8Array(0x7f_fffe));
    assert.equal([...reader.receive(largest)][0]!.payload.length, 0x7f_fffe);
  }));

Deno.test("Frames: more than is taken, or nothing, is refused from the header alone", async () => {
  await withEnds((writer, reader) => {
    assert.equal([...reader.receive(writer.seal(1, new Uint8Array(99)))].length, 1);
    const header = writer.seal(1, new Uint8Array(100)).subarray(0, 32);
    assert.throws(() => [...reader.receive(header)], isFault("oversize"));
  }, 100);
});

Deno.test("Frames: a second writer, by the words of the section, is understood whatever header data it sends", () =>
  withSectionWriter((writer, reader) => {
    const cases: [RlpInput, Partial<Frame>][] = [
      [[0], {}],
      [[0, 0], { contextId: 0 }],
      [[0, 3, 70_000], { contextId: 3, totalBytes: 70_000 }],
      [[0, 3], { contextId: 3 }],
      [[], {}],
      [5, {}],
    ];
    for (const [data, expected] of cases) {
      const [frame] = reader.receive(writer.frame(Uint8Array.of(0x18, 7, 8), rlpEncode(data)));
      const { code, payload, ...rest } = frame!;
      assert.deepEqual({ code, payload: [...payload], ...rest }, {
        code: 0x18,
        payload: [7, 8],
        ...expected,
      });
    }
    const [hello] = reader.receive(writer.frame(Uint8Array.of(0x80, 1), rlpEncode([0])));
    assert.equal(hello!.code, 0);
  }));

Deno.test("Frames: what a peer with the right keys may send wrong", () => {
  const data = rlpEncode([0]);
  const body = Uint8Array.of(1, 2, 3);
  const cases: [code: string, body: Uint8Array, headerData: Uint8Array, size: number][] = [
    ["malformed", new Uint8Array(), data, 0],
    ["oversize", body, data, 0x80_0000],
    ["oversize", body, data, 0xff_ffff],
    ["malformed", body, Uint8Array.of(0xc3, 0x80, 0x82), 3],
    ["malformed", body, Uint8Array.of(0xcf, 0x80, 0x82), 3],
    ["malformed", body, Uint8Array.of(0xc4, 0x80, 0x82, 0x00, 0x01), 3],
    ["unexpected-message", Uint8Array.of(0x81, 0x90, 3), data, 3],
  ];
  for (const [code, bytes, headerData, size] of cases) {
    withSectionWriter((writer, reader) => {
      assert.throws(() => [...reader.receive(writer.frame(bytes, headerData, size))], isFault(code));
    });
  }
});

const chunk = (contextId: number, bytes: number, totalBytes?: number, code = 0x18): Frame => ({
  code,
  payload: new Uint8Array(bytes).fill(contextId),
  contextId,
  ...(totalBytes === undefined ? {} : { totalBytes }),
});

Deno.test("Chunks: a message is whole with its last chunk, also between those of another", () => {
  const chunks = new ChunkAssembler(1_000);
  assert.equal(chunks.add({ code: 1, payload: new Uint8Array(5) })?.payload.length, 5);
  assert.equal(chunks.add(chunk(7, 5))?.payload.length, 5, "whole, with a context id");
  assert.equal(chunks.add(chunk(7, 5, 5))?.payload.length, 5, "whole, with its size");
  assert.equal(chunks.add(chunk(1, 300, 700)), undefined);
  assert.equal(chunks.add(chunk(2, 100, 150)), undefined);
  assert.equal(chunks.add(chunk(1, 300)), undefined);
  assert.deepEqual(chunks.add(chunk(2, 50)), { code: 0x18, payload: new Uint8Array(150).fill(2) });
  assert.deepEqual(chunks.add(chunk(1, 100)), { code: 0x18, payload: new Uint8Array(700).fill(1) });
  assert.equal(chunks.add(chunk(1, 300, 700)), undefined, "the id is free again");
});

Deno.test("Chunks: what does not add up is refused", () => {
  const cases: [code: string, ...frames: Frame[]][] = [
    ["malformed", chunk(1, 10, 30), chunk(1, 10, 30)],
    ["malformed", chunk(1, 10, 30), chunk(1, 10, undefined, 0x10)],
    ["malformed", chunk(1, 10, 30), chunk(1, 21)],
    ["malformed", chunk(1, 10, 30), chunk(1, 0)],
    ["malformed", chunk(1, 0, 30)],
    ["malformed", chunk(1, 31, 30)],
    ["oversize", chunk(1, 10, 1_001)],
    ["oversize", chunk(1, 600, 900), chunk(2, 600, 900)],
    ["oversize", ...[1, 2, 3, 4, 5].map((id) => chunk(id, 10, 30))],
  ];
  for (const [code, ...frames] of cases) {
    const chunks = new ChunkAssembler(1_000);
    const last = frames.pop()!;
    for (const frame of frames) assert.equal(chunks.add(frame), undefined);
    assert.throws(() => chunks.add(last), isFault(code));
  }
});
