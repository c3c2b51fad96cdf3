// The main job on real input: real blocks go in, are acknowledged, come back byte for byte, and are there after a restart.

import assert from "node:assert/strict";
import { listBlockFiles, readBlockFile } from "../src/services/blocks/block_files.ts";
import { BlockNodeClient } from "../src/services/blocks/node_client.ts";
import { publishBlocks } from "../src/services/blocks/publisher.ts";
import { BlockVerifier } from "../src/protocols/hiero/verify.ts";
import { nativeSha384 } from "../src/protocols/hiero/native_sha384.ts";
import { equalBytes, toHex } from "../src/protocols/hiero/fault.ts";
import { runCairn, startNode, tempDirectory } from "./support/node_process.ts";
import { vectorTest } from "./vectors.ts";
import { fromBinary, toJsonString } from "@bufbuild/protobuf";
import { TssDataSchema } from "../proto/gen/org/hiero/block/api/node_service_pb.ts";
import { readProofParts } from "../src/protocols/hiero/proofs/proof_parts.ts";
import { encodeTssData } from "../src/protocols/hiero/proofs/verification_data.ts";

interface IndexedBlock {
  readonly set: string;
  readonly file: string;
  readonly blockNumber: number;
  readonly blockRootHash: string;
  readonly uncompressedBytes: number;
}

for (const set of ["CN_11_12_TSS_SCHNORR", "CN_0_73_TSS_WRAPS_LEGACY"]) {
  vectorTest(`node acknowledges, serves and keeps the real blocks of ${set}`, async (vectors) => {
    const folder = `${vectors}/block-node`;
    const index: { blocks: IndexedBlock[] } = JSON.parse(await Deno.readTextFile(`${folder}/index.json`));
    const expected = index.blocks.filter((block) => block.set === set);
    const files = await listBlockFiles([`${folder}/${set}`]);
    assert.equal(files.length, expected.length);
    const blocks = await Promise.all(files.map(readBlockFile));
    const signal = AbortSignal.timeout(60_000);
    await using directory = await tempDirectory();

    const check = async (grpc: string) => {
      using client = new BlockNodeClient(grpc);
      const last = BigInt(blocks.length - 1);
      assert.deepEqual(await client.status(signal), {
        firstAvailableBlock: 0n,
        lastAvailableBlock: last,
        nextExpectedBlock: last + 1n,
      });
      for (const [i, block] of blocks.entries()) {
        const served = await client.block({ kind: "number", number: BigInt(i) }, signal);
        assert.ok(equalBytes(served, block), `block ${i} differs from its file`);
        const verdict = new BlockVerifier(nativeSha384).verify(served);
        assert.ok(verdict.status === "ok");
        const roots = verdict.roots.map(({ hash }) => toHex(hash));
        assert.ok(roots.includes(expected[i]!.blockRootHash));
      }
      const subscribed = await Array.fromAsync(client.subscribe({ last }, signal));
      assert.equal(subscribed.length, blocks.length);
      for (const [i, { number, bytes }] of subscribed.entries()) {
        assert.equal(number, BigInt(i));
        assert.ok(equalBytes(bytes, blocks[i]!), `block ${i} by subscription differs from its file`);
      }
      const latest = await client.block({ kind: "latest", latest: true }, signal);
      assert.ok(equalBytes(latest, blocks.at(-1)!));
    };

    {
      // No proof may be missing: what a node on a real network is set to.
      await using node = await startNode({
        dataDir: directory.path,
        env: { CAIRN__BLOCKS__PROOFS: "require" },
      });
      using client = new BlockNodeClient(node.grpc);
      assert.deepEqual(await client.status(signal), {
        firstAvailableBlock: undefined,
        lastAvailableBlock: undefined,
        nextExpectedBlock: undefined,
      });
      const source = { first: 0n, block: (number: bigint) => blocks[Number(number)] };
      const result = await publishBlocks(client.openPublishStream(signal), source, { signal });
      assert.equal(result.acknowledged, blocks.length);
      assert.equal(result.ended, undefined);
      await check(node.grpc);
      assert.equal(await node.metric("cairn_blocks_persisted_total"), blocks.length);
      assert.equal(await node.metric("cairn_blocks_proofs_verified_total"), blocks.length);
      assert.equal(await node.stop(), 0);
    }
    await using node = await startNode({ dataDir: directory.path });
    await check(node.grpc);
  });
}

vectorTest(
  "cairn blocks verify gives the root hashes of index.json for every set it can hash",
  async (vectors) => {
    const folder = `${vectors}/block-node`;
    const index: { blocks: (IndexedBlock & { hashRule: string })[] } = JSON.parse(
      await Deno.readTextFile(`${folder}/index.json`),
    );
    const hashed = index.blocks.filter((block) => block.hashRule !== "unknown");
    assert.ok(hashed.length >= 16);
    const { code, stdout } = await runCairn(
      "blocks",
      "verify",
      "--json",
      ...hashed.map(({ file }) => `${folder}/${file}`),
    );
    const reports = stdout.trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(code, 0, stdout);
    for (const [i, block] of hashed.entries()) {
      assert.equal(reports[i].number, String(block.blockNumber));
      assert.equal(reports[i].rootHash, block.blockRootHash, block.file);
      assert.equal(reports[i].bytes, block.uncompressedBytes);
      assert.equal(reports[i].verdict, "hash-verified");
      // Address books are not in the blocks: without one there is nothing to check record files with.
      const isProven = block.set.startsWith("CN_");
      assert.equal(reports[i].proof.status, isProven ? "verified" : "unverified", block.file);
    }
  },
);

vectorTest(
  "cairn blocks verify --require-proofs takes keys from options and says which are missing",
  async (vectors) => {
    const folder = `${vectors}/block-node`;
    const verify = (...args: readonly string[]) => runCairn("blocks", "verify", "--require-proofs", ...args);
    const records = `${folder}/WRB_RECORD_FORMATS`;
    for (const version of ["v5", "v6"]) {
      const proven = await verify(
        `${records}/${version}-block.blk.gz`,
        "--address-book",
        `${records}/${version}-address_book.bin`,
      );
      assert.equal(proven.code, 0, proven.stdout);
      assert.match(proven.stdout, new RegExp(`proof: verified \\(record-file-${version.slice(1)}\\)`));
    }
    const other = await verify(
      `${records}/v5-block.blk.gz`,
      "--address-book",
      `${records}/testnet-genesis-address-book.proto.bin`,
    );
    assert.equal(other.code, 1);
    assert.match(other.stdout, /REFUSED BAD_BLOCK_PROOF/);

    const last = `${folder}/CN_11_12_TSS_SCHNORR/5.blk.gz`;
    const unknown = await verify(last);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stdout, /REFUSED MISSING_VERIFICATION_DATA/);
    const { publication } = readProofParts(
      await readBlockFile(`${folder}/CN_11_12_TSS_SCHNORR/0.blk.gz`),
      0n,
    );
    await using directory = await tempDirectory();
    const file = `${directory.path}/tss-bootstrap-roster.json`;
    const json = toJsonString(TssDataSchema, fromBinary(TssDataSchema, encodeTssData(publication!)));
    await Deno.writeTextFile(file, json);
    const known = await verify(last, "--tss-data", file);
    assert.equal(known.code, 0, known.stdout);
    assert.match(known.stdout, /proof: verified \(tss-schnorr\)/);

    const genesis = `${folder}/CN_11_12_TSS_SCHNORR/0.blk.gz`;
    const ledger = publication!.ledgerId.toHex();
    assert.equal((await verify(genesis, "--ledger-id", ledger)).code, 0);
    const foreign = await verify(genesis, "--ledger-id", ledger.replace(/^../, "00"));
    assert.equal(foreign.code, 1);
    assert.match(foreign.stdout, /the ledger id is not the expected one/);
    assert.equal((await verify(genesis, "--ledger-id", "1234")).code, 2);
  },
);
