/**
 * `deno bench` of the kernels beside their peers, a call at a time; `hot_report.ts` measures the same jobs in rounds,
 * with native programs, and writes the page.
 *
 * @module
 */

import { RLP as EthereumJs } from "@ethereumjs/rlp";
import { hashInto, warmupSimd } from "blake3-jit";
import { createBLAKE3, createKeccak } from "hash-wasm";
import { RLP as MicroEth } from "micro-eth-signer/core/rlp.js";
import { blake3 } from "../src/hot/blake3.ts";
import { keccak256 } from "../src/hot/keccak256.ts";
import { HotMemory } from "../src/hot/memory.ts";
import { RlpIndex } from "../src/hot/rlp.ts";
import { rlpEncode } from "../src/hot/rlp_encode.ts";
import { HEADER, HEADER_FIELDS } from "./hot/_header.ts";

const memory = await HotMemory.create({ bytes: 1 << 20 });
void memory.scratch;
const { kernels } = memory;
const input = memory.allocate(HEADER.length, "header");
const window = memory.allocate(HEADER.length, "window");
const out = memory.allocate(HEADER.length, "output");
memory.u8.set(HEADER, input);
const index = new RlpIndex(memory, { fields: 32 });
const count = index.read(input, HEADER.length);
const { address: table, capacity } = index.table;

Deno.bench({
  name: "rlpIndex, in place",
  group: "RLP index of a header, 20 fields",
  baseline: true,
  fn: () => void kernels.rlpIndex(input, HEADER.length, table, capacity),
});
Deno.bench({
  name: "RlpIndex.of(), ordinary bytes",
  group: "RLP index of a header, 20 fields",
  fn: () => void RlpIndex.of(HEADER),
});
Deno.bench({
  name: "rlpIndex, with the header copied in and the rows copied out",
  group: "RLP index of a header, 20 fields",
  fn() {
    memory.u8.set(HEADER, window);
    const rows = new Uint32Array(2 * kernels.rlpIndex(window, HEADER.length, table, capacity));
    for (let i = 0; i < rows.length; i++) rows[i] = memory.u32[(table >>> 2) + i]!;
  },
});
Deno.bench({
  name: "micro-eth-signer",
  group: "RLP index of a header, 20 fields",
  fn: () => void MicroEth.decode(HEADER),
});
Deno.bench({
  name: "@ethereumjs/rlp",
  group: "RLP index of a header, 20 fields",
  fn: () => void EthereumJs.decode(HEADER),
});

const fields = [...HEADER_FIELDS];

Deno.bench({
  name: "rlpEncodeList, in place",
  group: "RLP encode of a header, 20 fields",
  baseline: true,
  fn: () => void kernels.rlpEncodeList(table, count, input, out),
});
Deno.bench({
  name: "rlpEncode(), ordinary bytes",
  group: "RLP encode of a header, 20 fields",
  fn: () => void rlpEncode(fields),
});
Deno.bench({
  name: "micro-eth-signer",
  group: "RLP encode of a header, 20 fields",
  fn: () => void MicroEth.encode(fields),
});
Deno.bench({
  name: "@ethereumjs/rlp",
  group: "RLP encode of a header, 20 fields",
  fn: () => void EthereumJs.encode(fields),
});

warmupSimd();
const digest = new Uint8Array(32);

for (const bytes of [64, 1_024]) {
  const ordinary = HEADER.slice(0, bytes);
  const group = `BLAKE3 of ${bytes} bytes`;
  const hasher = await createBLAKE3();
  Deno.bench({ name: "in place", group, baseline: true, fn: () => kernels.blake3(input, bytes, out) });
  Deno.bench({ name: "blake3(), an array of its own", group, fn: () => void blake3(ordinary) });
  Deno.bench({ name: "blake3.into()", group, fn: () => void blake3.into(ordinary, digest) });
  Deno.bench({ name: "blake3-jit", group, fn: () => hashInto(ordinary, digest) });
  Deno.bench({ name: "hash-wasm", group, fn: () => void hasher.init().update(ordinary).digest("binary") });
}

const short = HEADER.slice(0, 135);
const keccak = await createKeccak(256);
const group = "Keccak-256 of 135 bytes";
Deno.bench({ name: "in place", group, baseline: true, fn: () => kernels.keccak256(input, 135, out) });
Deno.bench({ name: "keccak256.into()", group, fn: () => void keccak256.into(short, digest) });
Deno.bench({ name: "hash-wasm", group, fn: () => void keccak.init().update(short).digest("binary") });
