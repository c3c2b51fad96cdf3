import assert from "node:assert/strict";
import fc from "fast-check";
import { snappyCompress, snappyDecompress } from "./snappy.ts";
import { WireFault } from "./wire_fault.ts";

const hex = (text: string) => Uint8Array.fromHex(text);
const isFault = (code: string) => (error: unknown) => error instanceof WireFault && error.code === code;

/** Bytes with repetitions, as headers have. */
const input = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 200 })), {
    maxLength: 12,
  })
    .map((runs) =>
      Uint8Array.from(
        runs.flatMap(([bytes, times]) => Array.from({ length: times }, () => [...bytes]).flat()),
      )
    ),
);

Deno.test("Snappy: what was compressed is decompressed", () => {
  fc.assert(
    fc.property(input, (bytes) => {
      const compressed = snappyCompress(bytes);
      assert.deepEqual(snappyDecompress(compressed, bytes.length), bytes);
    }),
    { numRuns: 300 },
  );
  for (const length of [0, 1, 59, 60, 61, 255, 256, 257, 65_535, 65_536, 65_537, 200_000]) {
    const noise = Uint8Array.from({ length }, (_, i) => Math.imul(i, 2_654_435_761) >>> 13);
    assert.deepEqual(snappyDecompress(snappyCompress(noise), length), noise, `${length} bytes of noise`);
    assert(snappyCompress(new Uint8Array(length)).length <= 12 + length / 20, `${length} zeros`);
  }
});

Deno.test("Snappy: elements of every kind, by the words of the format", () => {
  const cases: [compressed: string, plain: string][] = [
    ["00", ""],
    ["03" + "08" + "616263", "616263"],
    // A copy with an offset of one byte, that overlaps itself.
    ["09" + "08" + "616263" + "0903", "616263616263616263"],
    ["09" + "08" + "616263" + "160300", "616263616263616263"],
    ["09" + "08" + "616263" + "1703000000", "616263616263616263"],
    // A literal whose length has one, two, three and four bytes.
    ["03" + "f002" + "616263", "616263"],
    ["03" + "f40200" + "616263", "616263"],
    ["03" + "f8020000" + "616263", "616263"],
    ["03" + "fc02000000" + "616263", "616263"],
  ];
  for (const [compressed, plain] of cases) {
    assert.equal(snappyDecompress(hex(compressed), 100).toHex(), plain, compressed);
  }
});

Deno.test("Snappy: what does not add up is refused, and a bomb before memory is taken", () => {
  const cases: [code: string, compressed: string][] = [
    ["malformed", ""],
    ["malformed", "80"],
    ["malformed", "ffffffffff01"],
    ["malformed", "01"],
    ["malformed", "03" + "08" + "6162"],
    ["malformed", "02" + "08" + "616263"],
    ["malformed", "04" + "08" + "616263"],
    ["malformed", "04" + "00" + "61" + "0900"],
    ["malformed", "05" + "00" + "61" + "0502"],
    ["malformed", "05" + "00" + "61" + "0500"],
    ["malformed", "05" + "00" + "61" + "05"],
    ["malformed", "05" + "00" + "61" + "0eff"],
    ["malformed", "03" + "f0"],
    ["malformed", "e807" + "0061"],
    ["oversize", "e907" + "0061"],
    ["oversize", "ffffffff0f" + "0061"],
  ];
  for (const [code, compressed] of cases) {
    assert.throws(() => snappyDecompress(hex(compressed), 1_000), isFault(code), compressed);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        snappyDecompress(bytes, 10_000);
      } catch (error) {
        assert(error instanceof WireFault, String(error));
      }
    }),
    { numRuns: 1_000 },
  );
});
