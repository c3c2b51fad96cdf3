import assert from "node:assert/strict";
import fc from "fast-check";
import { rlpEncode } from "../../hot/rlp_encode.ts";
import { RlpIndex } from "../../hot/rlp.ts";
import { vectorTest } from "../../../tests/vectors.ts";
import { arbitraryHeader, networkOf } from "./_headers.ts";
import { hex, readVectors } from "./_vectors.ts";
import { rulesAt } from "./block_rules.ts";
import { RootstockFault } from "./fault.ts";
import {
  bareSlots,
  decodeHeader,
  encodeHeader,
  HEADER_SLOTS,
  type HeaderForm,
  headerNumber,
} from "./header_codec.ts";
import { adaptNetwork, type RskRule, RULE_UPGRADES } from "./network.ts";
import { MAINNET } from "./networks/mainnet.ts";
import { TESTNET } from "./networks/testnet.ts";
import { signedBytes, signedValue } from "./quantities.ts";

/** Code and field of what a decoder throws. */
function faultOf(decode: () => unknown): string {
  try {
    decode();
  } catch (fault) {
    assert.ok(fault instanceof RootstockFault, String(fault));
    return [fault.code, ...fault.field === undefined ? [] : [fault.field]].join(" ");
  }
  return "decoded";
}

const VERSIONS = [0, 1, 2] as const;

Deno.test("decodeHeader() gives back what encodeHeader() wrote, and the other way round, in every form", () => {
  for (const version of VERSIONS) {
    const network = networkOf(version);
    for (const form of ["compressed", "full"] as const) {
      fc.assert(
        fc.property(arbitraryHeader(version, form), (header) => {
          const bytes = encodeHeader(header, form);
          const decoded = decodeHeader(bytes, { network, form });
          assert.deepEqual(decoded, header);
          assert.deepEqual(encodeHeader(decoded, form), bytes);
          assert.equal(headerNumber(bytes), header.number);
        }),
        { numRuns: 60 },
      );
    }
  }
});

Deno.test("decodeHeader() throws nothing but its fault, whatever byte is changed", () => {
  for (const version of VERSIONS) {
    const network = networkOf(version);
    const changed = fc.tuple(arbitraryHeader(version, "full"), fc.nat(), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(changed, ([header, at, bits]) => {
        const bytes = encodeHeader(header, "full");
        bytes[at % bytes.length]! ^= bits;
        try {
          const decoded = decodeHeader(bytes, { network, form: "full" });
          assert.deepEqual(encodeHeader(decoded, "full"), bytes);
        } catch (fault) {
          if (!(fault instanceof RootstockFault)) throw fault;
        }
      }),
      { numRuns: 150 },
    );
  }
});

Deno.test("decodeHeader() refuses what is not exactly one canonical list", () => {
  const [header] = fc.sample(arbitraryHeader(0, "full"), 1);
  const bytes = encodeHeader(header!, "full");
  const decode = (bytes: Uint8Array) =>
    faultOf(() => decodeHeader(bytes, { network: networkOf(0), form: "full" }));
  assert.equal(decode(bytes), "decoded");
  assert.equal(decode(new Uint8Array([...bytes, 0])), "not-canonical");
  assert.equal(decode(bytes.subarray(0, -1)), "not-canonical");
  assert.equal(decode(new Uint8Array(0)), "not-canonical");
  assert.equal(decode(new Uint8Array([0x80])), "not-canonical");
  assert.equal(decode(rlpEncode([])), "field-count");
  assert.equal(decode(new Uint8Array(5000)), "header-too-large");
});

Deno.test("decodeHeader() refuses each slot that is not of its form, and names it", () => {
  const [header] = fc.sample(arbitraryHeader(2, "full"), 1);
  const network = networkOf(2);
  const bytes = encodeHeader({ ...header!, number: 900, edges: [1], difficulty: 128n }, "full");
  const fields = RlpIndex.of(bytes);
  const slots = Array.from({ length: fields.count }, (_, i) => fields.bytes(i));
  const withSlot = (slot: number, content: Uint8Array | readonly Uint8Array[]) => {
    const changed: (Uint8Array | readonly Uint8Array[])[] = [...slots];
    changed[slot] = content;
    return faultOf(() => decodeHeader(rlpEncode(changed), { network, form: "full" }));
  };
  const names = [...HEADER_SLOTS, "ummRoot", "version", "edges", "baseEvent"];
  const zero = new Uint8Array(1);
  for (const slot of [0, 1, 2, 3, 4, 5, 6, 16]) {
    assert.equal(withSlot(slot, new Uint8Array(19)), `field-malformed ${names[slot]}`);
  }
  // A list is no item anywhere.
  for (let slot = 0; slot < 20; slot++) {
    assert.equal(withSlot(slot, [zero]), `field-malformed ${names[slot]}`);
  }
  for (const slot of [8, 10, 11, 13, 15]) {
    assert.equal(withSlot(slot, new Uint8Array([0, 1])), `field-malformed ${names[slot]}`);
    assert.equal(withSlot(slot, zero), `field-malformed ${names[slot]}`);
  }
  for (const slot of [8, 11]) {
    // Up to 2^63 - 1 nodes take; this one stops at what a number holds exactly.
    assert.equal(withSlot(slot, hex("20000000000000")), `field-malformed ${names[slot]}`);
  }
  assert.equal(withSlot(10, hex("8000000000000000")), "field-malformed gasUsed");
  assert.equal(withSlot(10, hex("7fffffffffffffff")), "decoded");
  assert.equal(withSlot(15, hex("80000000")), "field-malformed uncleCount");
  assert.equal(withSlot(15, hex("7fffffff")), "decoded");
  assert.equal(withSlot(7, hex("0001")), "field-malformed difficulty");
  assert.equal(withSlot(7, hex("80")), "field-malformed difficulty");
  assert.equal(withSlot(7, new Uint8Array(34).fill(1)), "field-malformed difficulty");
  assert.equal(withSlot(9, new Uint8Array(0)), "field-malformed gasLimit");
  assert.equal(withSlot(9, hex("00989680")), "decoded");
  assert.equal(withSlot(14, hex("0001")), "field-malformed minimumGasPrice");
  assert.equal(withSlot(14, hex("ff80")), "field-malformed minimumGasPrice");
  assert.equal(withSlot(17, hex("01")), "field-malformed version");
  assert.equal(withSlot(18, hex("010002")), "field-malformed edges");
  assert.equal(withSlot(20, new Uint8Array(79)), "btc-header-size bitcoinMergedMiningHeader");
  const unmined = slots.map((slot, i) => i < 20 ? slot : new Uint8Array(0));
  const empty = () => decodeHeader(rlpEncode(unmined), { network, form: "full" });
  assert.equal(faultOf(empty), "mining-fields-empty");
});

Deno.test("decodeHeader() takes a difficulty and a gas price that are absent, and gives back the empty slots", () => {
  const [header] = fc.sample(arbitraryHeader(0, "full"), 1);
  const { minimumGasPrice: _, ...rest } = header!;
  const absent = { ...rest, difficulty: 0n, difficultyBytes: new Uint8Array(0) };
  const bytes = encodeHeader(absent, "full");
  const decoded = decodeHeader(bytes, { network: networkOf(0), form: "full" });
  assert.deepEqual(decoded, absent);
});

Deno.test("decodeHeader() takes extension data only of the version of that height", () => {
  const [header] = fc.sample(arbitraryHeader(1, "compressed"), 1);
  const data = new Uint8Array(header!.extensionData!);
  const decode = (extensionData: Uint8Array) => {
    const bytes = encodeHeader({ ...header!, extensionData }, "compressed");
    return faultOf(() => decodeHeader(bytes, { network: networkOf(1), form: "compressed" }));
  };
  assert.equal(decode(data), "decoded");
  for (const at of [0, 1, 2]) {
    const changed = data.slice();
    changed[at]! ^= 3;
    assert.equal(decode(changed), "field-malformed extensionData");
  }
  assert.equal(decode(data.subarray(1)), "field-malformed extensionData");
});

Deno.test("decodeHeader() of testnet takes a full header without baseEvent below its bound, and writes the slot", () => {
  const [header] = fc.sample(arbitraryHeader(2, "full"), 1);
  for (const mined of [true, false]) {
    const { bitcoinMergedMiningHeader, ...rest } = header!;
    const whole = { ...rest, ...(mined ? { bitcoinMergedMiningHeader: bitcoinMergedMiningHeader! } : {}) };
    const short = (number: number) => {
      const fields = RlpIndex.of(encodeHeader({ ...whole, number }, "full"));
      const slots = Array.from({ length: fields.count }, (_, i) => fields.bytes(i));
      return rlpEncode(slots.filter((_, i) => i !== 19));
    };
    const decoded = decodeHeader(short(7_799_999), { network: TESTNET, form: "full" });
    assert.deepEqual(decoded.baseEvent, new Uint8Array(0));
    assert.equal(RlpIndex.of(encodeHeader(decoded, "full")).count, mined ? 23 : 20);
    const at = () => decodeHeader(short(7_800_000), { network: TESTNET, form: "full" });
    assert.equal(faultOf(at), "field-count");
    const elsewhere = () => decodeHeader(short(7_799_999), { network: networkOf(2), form: "full" });
    assert.equal(faultOf(elsewhere), "field-count");
  }
});

Deno.test("encodeHeader() cannot make the full form of a compressed header", () => {
  const [header] = fc.sample(arbitraryHeader(2, "compressed"), 1);
  assert.throws(() => encodeHeader(header!, "full"), /bloom/);
});

vectorTest(
  "headers-layout: decodeHeader() takes the counts of elements that the reference node takes",
  async (dir) => {
    for (const vector of await readVectors(dir, "headers-layout")) {
      const { id, activeRules, miningFields, expectedElements, expectedDecodes, chainId, encoding = "full" } =
        vector;
      const number = vector.number ?? 20;
      const off = Object.fromEntries(Object.keys(RULE_UPGRADES).map((rule) => [rule, -1]));
      const on = Object.fromEntries(
        activeRules.map((rule: string) => [rule === "UMM" ? "rskipUmm" : `rskip${rule}`, 0]),
      ) as Partial<Record<RskRule, number>>;
      const network = adaptNetwork(chainId === 31 ? TESTNET : MAINNET, { ruleHeights: { ...off, ...on } });
      const { version } = rulesAt(network, number);
      if (vector.expectedVersion !== undefined) assert.equal(version, vector.expectedVersion, id);
      const [header] = fc.sample(arbitraryHeader(version, "full"), 1);
      const { ummRoot: _umm, edges: _edges, bitcoinMergedMiningHeader: btcHeader, ...rest } = header!;
      const has = (rule: string) => activeRules.includes(rule);
      const bytes = encodeHeader({
        ...rest,
        number,
        ...(has("UMM") && vector.ummRootLength !== null
          ? { ummRoot: new Uint8Array(vector.ummRootLength ?? 0) }
          : {}),
        ...(has("144") && has("351") ? { edges: [] } : {}),
        ...(miningFields
          ? { bitcoinMergedMiningHeader: new Uint8Array(vector.btcHeaderLength ?? btcHeader!.length).fill(1) }
          : {}),
      }, "full");
      const fields = RlpIndex.of(bytes);
      let slots = Array.from({ length: fields.count }, (_, i) => fields.bytes(i));
      const baseEventAt = 16 + Number(has("UMM")) + 1 + Number(has("144"));
      if (id.includes("one-short")) slots = slots.filter((_, i) => i !== baseEventAt);
      assert.equal(slots.length, expectedElements, id);
      const form: HeaderForm = encoding;
      const fault = faultOf(() => decodeHeader(rlpEncode(slots), { network, form }));
      assert.equal(fault === "decoded", expectedDecodes, `${id}: ${fault}`);
      if (expectedDecodes) {
        assert.equal(
          bareSlots(rulesAt(network, number), form) + (miningFields ? 3 : 0),
          slots.length,
        );
      }
    }
  },
);

vectorTest(
  "rlp-invalid-blocks and rlp-keccak-chain: decodeHeader() refuses blocks of another chain",
  async (dir) => {
    for (const { id, blockRlp } of await readVectors(dir, "rlp-invalid-blocks")) {
      const decode = () => decodeHeader(hex(blockRlp), { network: MAINNET, form: "full" });
      assert.notEqual(faultOf(decode), "decoded", id);
    }
    for (const { id, blockRlp } of await readVectors(dir, "rlp-keccak-chain")) {
      // The header is well-formed RLP of 15 fields, and no header here.
      const block = RlpIndex.of(hex(blockRlp));
      const header = hex(blockRlp).subarray(block.offset(0) - 3, block.end(0));
      assert.equal(
        faultOf(() => decodeHeader(header, { network: MAINNET, form: "full" })),
        "field-count",
        id,
      );
    }
  },
);

vectorTest("rlp-valid, rlp-invalid and rlp: none of them is a header", async (dir) => {
  for (const name of ["rlp-valid", "rlp-invalid", "rlp"]) {
    for (const { encoded } of await readVectors(dir, name)) {
      if (encoded === undefined) continue;
      assert.notEqual(
        faultOf(() => decodeHeader(hex(encoded), { network: MAINNET, form: "full" })),
        "decoded",
      );
    }
  }
});

Deno.test("signedBytes() is the shortest two's complement, and signedValue() reads it", () => {
  const cases: [bigint, string][] = [[0n, "00"], [127n, "7f"], [128n, "0080"], [-1n, "ff"], [-128n, "80"], [
    -129n,
    "ff7f",
  ]];
  for (const [value, digits] of [...cases, [10_000_000n, "00989680"], [6_800_000n, "67c280"]] as const) {
    assert.equal(signedBytes(value).toHex(), digits);
    assert.equal(signedValue(hex(digits)), value);
  }
  fc.assert(fc.property(fc.bigInt({ min: -(2n ** 300n), max: 2n ** 300n }), (value) => {
    const bytes = signedBytes(value);
    assert.equal(signedValue(bytes), value);
    if (bytes.length > 1) assert.notEqual(signedValue(bytes.subarray(1)), value);
  }));
});
