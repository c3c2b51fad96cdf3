import assert from "node:assert/strict";
import fc from "fast-check";
import { keccak_256 as keccak256 } from "@noble/hashes/sha3.js";
import { rlpEncode } from "../../hot/rlp_encode.ts";
import { vectorTest } from "../../../tests/vectors.ts";
import { arbitraryHeader, networkOf } from "./_headers.ts";
import { hex, readVectors } from "./_vectors.ts";
import { extensionHash, isExtensionOf } from "./extension.ts";
import { decodeHeader, encodeHeader } from "./header_codec.ts";
import { hashForMergedMining, hashHeader, hashUncles, listOf } from "./header_hash.ts";
import { readHeaderFile } from "./header_file.ts";
import { judgeHeader } from "./header_rules.ts";
import { checkHeader } from "../../hot/header.ts";
import { rulesAt } from "./block_rules.ts";
import { MAINNET } from "./networks/mainnet.ts";
import { NETWORKS } from "./networks/mod.ts";
import { REGTEST } from "./networks/regtest.ts";
import { TESTNET } from "./networks/testnet.ts";
import { headerFromRpc } from "./rpc_block.ts";
import { Ancestors } from "./ancestors.ts";
import { addBlock, exactly } from "./total_difficulty.ts";
import { verifySegment } from "./verify_segment.ts";

vectorTest("headers-real and headers-mainnet: real headers decode, hash and prove", async (dir) => {
  for (
    const vector of [...await readVectors(dir, "headers-real"), ...await readVectors(dir, "headers-mainnet")]
  ) {
    const { id, computed } = vector;
    const network = NETWORKS[vector.network as "mainnet"];
    const bytes = hex(vector.headerRlp ?? computed.headerRlp);
    const header = decodeHeader(bytes, { network, form: "compressed" });
    assert.deepEqual(encodeHeader(header, "full"), bytes, id);
    const { hash, miningHash } = hashHeader(header, network);
    assert.equal(hash.toHex(), vector.expectedHash ?? vector.hash ?? computed.hash, id);
    const merged = vector.expectedHashForMergedMining ?? computed.hashForMergedMining;
    if (merged !== undefined) {
      assert.equal(hashForMergedMining(header, miningHash, network)?.toHex(), merged, id);
    }
    if (header.number === 0) continue;
    const verdict = checkHeader({ bytes, rules: rulesAt(network, header.number) });
    const judged = judgeHeader({ header, verdict, network, nowSeconds: header.timestamp });
    assert.deepEqual(judged.filter(({ status }) => status === "fail"), [], id);
  }
});

vectorTest("headers-real: testnet block 1 follows genesis by every rule", async (dir) => {
  const [, genesis, first] = await readVectors(dir, "headers-real");
  assert.equal(first.id, "testnet-1");
  assert.equal(TESTNET.genesis.hash.toHex(), genesis.expectedHash);
  const ancestors = Ancestors.genesis(TESTNET);
  const headers = [hex(first.headerRlp)];
  const verdict = verifySegment(ancestors, headers, { network: TESTNET, nowSeconds: 2_000_000_000 });
  assert.equal(verdict.valid || verdict.rule, true);
  assert.equal(ancestors.tip.hash.toHex(), first.computed.hash);
  const total = addBlock(exactly(TESTNET.genesis.totalDifficulty), verdict.headers[0]!.difficulty, []);
  assert.deepEqual(total, exactly(BigInt(first.expectedTotalDifficulty)));
});

vectorTest("headers: headerFromRpc() rebuilds the block that the reference node shows", async (dir) => {
  for (const { name, block, blockRlp, expect } of await readVectors(dir, "headers")) {
    const bytes = blockRlp === undefined ? new TextEncoder().encode(JSON.stringify(block)) : hex(blockRlp);
    const { header, statedHash, source } = readHeaderFile(bytes, TESTNET);
    assert.equal(source, blockRlp === undefined ? "json" : "block");
    const { hash, miningHash } = hashHeader(header, TESTNET);
    assert.equal(hash.toHex(), expect.hash.replace("0x", ""), name);
    if (statedHash !== undefined) assert.equal(statedHash, hash.toHex());
    if (expect.hashForMergedMining === undefined) continue;
    const merged = hashForMergedMining(header, miningHash, TESTNET);
    assert.equal(merged?.toHex(), expect.hashForMergedMining.replace("0x", ""), name);
  }
});

vectorTest("headers-mainnet: headerFromRpc() puts the sign byte of a gas limit back", async (dir) => {
  const [vector] = await readVectors(dir, "headers-mainnet");
  const { header } = readHeaderFile(hex(vector.computed.headerRlp), MAINNET);
  assert.equal(header.gasLimit.toHex(), vector.gasLimitBytes);
  const block = {
    number: "0xb1fc0",
    difficulty: "0x1",
    gasLimit: "0x989680",
    gasUsed: "0x0",
    timestamp: "0x1",
    paidFees: "0x0",
    minimumGasPrice: null,
    uncles: [],
    ...Object.fromEntries(
      [
        ...[
          "parentHash",
          "sha3Uncles",
          "miner",
          "stateRoot",
          "transactionsRoot",
          "receiptsRoot",
          "logsBloom",
        ],
        ...["extraData", "bitcoinMergedMiningHeader", "bitcoinMergedMiningMerkleProof"],
        "bitcoinMergedMiningCoinbaseTransaction",
      ].map((key) => [key, "0x"]),
    ),
  };
  const rebuilt = headerFromRpc({ jsonrpc: "2.0", id: 1, result: block }, MAINNET).header;
  assert.equal(rebuilt.gasLimit.toHex(), "00989680");
  assert.equal(rebuilt.minimumGasPrice, undefined);
  assert.throws(() => headerFromRpc({ result: null }, MAINNET), /there is none/);
  assert.throws(() => headerFromRpc({ ...block, difficulty: "7" }, MAINNET), /'difficulty' is "7"/);
  assert.throws(() => headerFromRpc({ ...block, miner: "0x1" }, MAINNET), /'miner'/);
  assert.throws(() => headerFromRpc({ ...block, number: "0xffffffffffffff" }, MAINNET), /'number'/);
});

Deno.test("hashHeader() of a full header is that of its compressed form", () => {
  for (const version of [1, 2] as const) {
    const network = networkOf(version);
    fc.assert(
      fc.property(arbitraryHeader(version, "full"), (header) => {
        const compressed = decodeHeader(encodeHeader(header, "compressed"), { network, form: "compressed" });
        assert.deepEqual(hashHeader(header, network), hashHeader(compressed, network));
        assert.ok(isExtensionOf(compressed, header));
        const other = { ...header, edges: [...header.edges ?? [], 7] };
        assert.ok(!isExtensionOf(compressed, other));
      }),
      { numRuns: 30 },
    );
  }
});

Deno.test("hashHeader() hashes slices as section 2 has them, ummRoot mixed in", () => {
  const network = networkOf(2);
  fc.assert(
    fc.property(arbitraryHeader(2, "compressed"), (header) => {
      const { bitcoinMergedMiningHeader: btcHeader, ...bare } = header;
      const encodedBare = encodeHeader(bare, "compressed");
      const payload = encodedBare.subarray(encodedBare[0] === 0xf8 ? 2 : 3);
      const { hash, miningHash } = hashHeader(header, network);
      assert.equal(hash.toHex(), keccak256(listOf([payload, rlpEncode(btcHeader!)])).toHex());
      const base = keccak256(encodedBare);
      const umm = header.ummRoot!;
      const mixed = umm.length === 0 ? base : keccak256(new Uint8Array([...base.subarray(0, 20), ...umm]));
      assert.equal(miningHash.toHex(), mixed.toHex());
    }),
    { numRuns: 30 },
  );
});

Deno.test("extensionHash() has the event before the edges, and no slot for edges that are not there", () => {
  const logsBloom = new Uint8Array(256).fill(3);
  const bloom = keccak256(logsBloom);
  const none = new Uint8Array(0);
  const event = new Uint8Array([1, 2]);
  const hash = (version: 1 | 2, extension: object) =>
    extensionHash(version, { logsBloom, ...extension }).toHex();
  const of = (...slots: Uint8Array[]) => keccak256(rlpEncode(slots)).toHex();
  assert.equal(hash(1, {}), of(bloom));
  assert.equal(hash(1, { edges: [] }), of(bloom, none));
  assert.equal(hash(1, { edges: [1, 258] }), of(bloom, hex("01000201")));
  assert.equal(hash(2, { edges: [-1] }), of(bloom, none, hex("ffff")));
  assert.equal(hash(2, { edges: [1], baseEvent: event }), of(bloom, event, hex("0100")));
  assert.throws(() => extensionHash(1, { edges: [] }), /bloom/);
});

Deno.test("hashForMergedMining() takes the data behind the last commitment, and none that are cut off", () => {
  const [header] = fc.sample(arbitraryHeader(0, "full"), 1);
  const miningHash = new Uint8Array(32).fill(5);
  const commitment = [...new TextEncoder().encode("RSKBLOCK:"), ...miningHash.subarray(0, 20)];
  const merged = (number: number, ...coinbase: number[]) => {
    const bitcoinMergedMiningCoinbaseTransaction = new Uint8Array(coinbase);
    const changed = { ...header!, number, bitcoinMergedMiningCoinbaseTransaction };
    return hashForMergedMining(changed, miningHash, REGTEST)?.subarray(20).toHex();
  };
  const [first, last] = [Array(12).fill(1), Array(12).fill(2)];
  assert.equal(merged(448), "05".repeat(12));
  assert.equal(merged(449, ...commitment, ...first, ...commitment, ...last, 9), "02".repeat(12));
  assert.equal(merged(449, ...commitment, ...first.slice(1)), undefined);
  assert.equal(merged(449), undefined);
});

Deno.test("hashUncles() of no uncles is the hash of an empty list", () => {
  assert.equal(hashUncles([]).toHex(), "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
});

Deno.test("listOf() writes the prefix of lists of every length", () => {
  for (const bytes of [0, 1, 55, 56, 255, 256, 65_535, 65_536, 100_000]) {
    const item = new Uint8Array(bytes).fill(1);
    // Bytes of one are items of themselves.
    assert.equal(listOf([item]).length, rlpEncode(Array.from(item, (one) => one)).length);
  }
});
