/**
 * RLP of a header: finding its fields, and writing it.
 *
 * The peers decode to arrays, which is what they offer; they get ordinary bytes, and the fields as `Uint8Array`.
 *
 * @module
 */

import { RLP as EthereumJs } from "@ethereumjs/rlp";
import { RLP as MicroEth } from "micro-eth-signer/core/rlp.js";
import { HotMemory } from "../../src/hot/memory.ts";
import { assertRlp, RlpIndex } from "../../src/hot/rlp.ts";
import { rlpEncode } from "../../src/hot/rlp_encode.ts";
import { HEADER, HEADER_FIELDS } from "./_header.ts";
import { type Family, inProcess, repeat, times, value } from "./_rows.ts";

const MICRO = "micro-eth-signer";
const ETHEREUMJS = "@ethereumjs/rlp";
const ASKED_OF_PEERS = [times(8, MICRO), times(80, ETHEREUMJS)];

/** Rows of RLP. */
export async function rlpRows(): Promise<Family> {
  const memory = await HotMemory.create({ bytes: 1 << 20 });
  void memory.scratch;
  const { kernels } = memory;
  const input = memory.allocate(HEADER.length, "header");
  const out = memory.allocate(HEADER.length, "output");
  memory.u8.set(HEADER, input);
  const index = new RlpIndex(memory, { fields: 32 });
  const { address: table, capacity } = index.table;
  const count = index.read(input, HEADER.length);
  const fields = [...HEADER_FIELDS];
  return {
    name: "RLP",
    rows: [
      {
        name: "RLP index of a header, 20 fields",
        unit: "ns",
        work: 1,
        asks: [value(100, "ns"), ...ASKED_OF_PEERS],
        contenders: [
          inProcess("in place", "cairn", (iterations) => {
            for (let i = 0; i < iterations; i++) kernels.rlpIndex(input, HEADER.length, table, capacity);
          }),
          repeat("RlpIndex.read(), in place", "cairn", () => index.read(input, HEADER.length)),
          repeat("RlpIndex.of(), ordinary bytes", "cairn", () => RlpIndex.of(HEADER)),
          repeat(MICRO, "npm", () => MicroEth.decode(HEADER)),
          repeat(ETHEREUMJS, "npm", () => EthereumJs.decode(HEADER)),
        ],
      },
      {
        name: "RLP encode of a header, 20 fields",
        unit: "ns",
        work: 1,
        asks: [value(160, "ns"), ...ASKED_OF_PEERS],
        contenders: [
          inProcess("in place", "cairn", (iterations) => {
            for (let i = 0; i < iterations; i++) kernels.rlpEncodeList(table, count, input, out);
          }),
          repeat("rlpEncode(), ordinary bytes", "cairn", () => rlpEncode(fields)),
          repeat(MICRO, "npm", () => MicroEth.encode(fields)),
          repeat(ETHEREUMJS, "npm", () => EthereumJs.encode(fields)),
        ],
      },
      {
        name: "RLP check of a header to the bottom",
        unit: "ns",
        work: 1,
        asks: [],
        contenders: [
          inProcess("in place", "cairn", (iterations) => {
            for (let i = 0; i < iterations; i++) kernels.rlpValidate(input, HEADER.length);
          }),
          repeat("assertRlp(), ordinary bytes", "cairn", () => assertRlp(HEADER)),
        ],
      },
    ],
  };
}
