import assert from "node:assert/strict";
import { RLP as EthereumJs } from "@ethereumjs/rlp";
import { RLP as MicroEth } from "micro-eth-signer/core/rlp.js";
import { attempt, isSame, type Item, mutate, randomFrom, randomItem } from "./_rlp_reference.ts";
import { referenceDecode, referenceFields } from "./_rlp_reference.ts";
import { HotMemory } from "./memory.ts";
import { assertRlp, assertRlpAt, RlpIndex } from "./rlp.ts";
import { rlpEncode } from "./rlp_encode.ts";
import type { RlpFields } from "./rlp_fields.ts";

const INPUTS = 100_000;
const SEED = 20_150_730;
const OUT_BYTES = 1 << 20;

/** Message of what a function throws; undefined if it does not. */
function fault(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Everything the fields hold, to the bottom. */
function contentOf(fields: RlpFields): Item[] {
  return Array.from({ length: fields.count }, (_, i) => {
    return fields.isList(i) ? contentOf(fields.nested(i)) : fields.bytes(i);
  });
}

const rowsOf = (fields: RlpFields) =>
  Array.from({ length: fields.count }, (_, i) => ({
    isList: fields.isList(i),
    from: fields.offset(i),
    to: fields.end(i),
  }));

const isSameRows = (a: ReturnType<typeof rowsOf>, b: ReturnType<typeof rowsOf>) =>
  a.length === b.length &&
  a.every((row, i) => row.isList === b[i]!.isList && row.from === b[i]!.from && row.to === b[i]!.to);

async function openPlace(build: "simd" | "scalar") {
  const memory = await HotMemory.create({ bytes: 4 << 20, build });
  const index = new RlpIndex(memory, { fields: 4_096 });
  const nested = new RlpIndex(memory, { fields: 4_096 });
  return { memory, index, nested, out: memory.allocate(OUT_BYTES, "output") };
}

type Place = Awaited<ReturnType<typeof openPlace>>;

/** Reads bytes that end where the memory ends, so that a read behind them traps, and writes them again. */
function readInPlace({ memory, index, nested, out }: Place, bytes: Uint8Array): ReturnType<typeof rowsOf> {
  const address = memory.bytes - bytes.length;
  index.read(address, bytes.length);
  const written = index.table.encodeList(address, out, OUT_BYTES);
  assert(isSame(memory.u8.subarray(out, out + written), bytes));
  for (let i = 0; i < index.count; i++) {
    const row = index.table.address + 8 * i;
    assert.equal(memory.kernels.rlpEncodedStart(row, address) >>> 0, index.start(i));
    if (!index.isList(i)) continue;
    const found = attempt(() => index.nested(i));
    assert.equal(attempt(() => nested.readNested(index, i)), found?.count);
    if (found !== undefined) assert(isSameRows(rowsOf(nested), rowsOf(found)));
  }
  return rowsOf(index);
}

Deno.test(`RlpIndex and assertRlp() decide on ${INPUTS} inputs as three other decoders do (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  const places = [await openPlace("simd"), await openPlace("scalar")];
  let accepted = 0;
  for (let n = 0; n < INPUTS; n++) {
    const bytes = mutate(random, rlpEncode(randomItem(random, 3)));
    const say = () => `input ${n} of seed ${SEED}: ${bytes.toHex()}`;
    const expected = attempt(() => referenceDecode(bytes));
    const expectedRows = attempt(() => referenceFields(bytes));
    if (expected !== undefined) accepted++;

    // The peers. @ethereumjs/rlp takes no bytes at all for an empty item; everything else it decides alike.
    assert(
      isSame(attempt(() => MicroEth.decode(bytes)) ?? "refused", expected) || expected === undefined,
      say(),
    );
    assert.equal(attempt(() => MicroEth.decode(bytes)) === undefined, expected === undefined, say());
    if (bytes.length > 0) {
      const theirs = attempt(() => EthereumJs.decode(bytes));
      assert(theirs === undefined ? expected === undefined : isSame(theirs, expected), say());
    }

    const refusal = fault(() => assertRlp(bytes));
    assert.equal(refusal === undefined, expected !== undefined, say());
    const fields = attempt(() => RlpIndex.of(bytes));
    assert.equal(fields === undefined, expectedRows === undefined, say());
    const indexRefusal = fields === undefined ? fault(() => RlpIndex.of(bytes)) : undefined;
    if (fields !== undefined) {
      assert(isSameRows(rowsOf(fields), expectedRows as typeof expectedRows & []), say());
    }
    if (Array.isArray(expected)) {
      assert(isSame(contentOf(fields!), expected), say());
      assert(isSame(rlpEncode(expected), bytes), say());
    }

    for (const place of places) {
      const { memory } = place;
      const address = memory.bytes - bytes.length;
      memory.u8.set(bytes, address);
      assert.equal(fault(() => assertRlpAt(memory, address, bytes.length)), refusal, say());
      if (fields === undefined) {
        assert.equal(fault(() => void place.index.read(address, bytes.length)), indexRefusal, say());
      } else assert(isSameRows(readInPlace(place, bytes), rowsOf(fields)), say());
    }
  }
  // Neither side of the decision may be rare, or little was tested.
  assert(accepted > INPUTS / 5 && accepted < INPUTS * 4 / 5, `${accepted} accepted`);
});
