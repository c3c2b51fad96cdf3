// Rows A1-A8 of the block node's test scenarios (spec §10.3) and contents proofs, over real gRPC.

import assert from "node:assert/strict";
import {
  BlockContents,
  BlockNodeClient,
  BlockNodeService,
  type BlockSpecifier,
  CairnError,
  ChainGenerator,
  createClient,
  encodeContentsProof,
  equalBytes,
  type GeneratedBlock,
  itemRanges,
  type ItemSpecifier,
  nativeSha384,
  ProofService,
  publishBlocks,
  verifyContentsProof,
} from "../mod.ts";
import { hashLeaf } from "../src/protocols/hiero/merkle.ts";
import { startNode, tempDirectory } from "./support/node_process.ts";

const UINT64_MAX = 2n ** 64n - 1n;
const LATEST: BlockSpecifier = { kind: "latest", latest: true };
const at = (number: bigint): BlockSpecifier => ({ kind: "number", number });
const signal = () => AbortSignal.timeout(30_000);

function makeBlocks(count: number): GeneratedBlock[] {
  const chain = new ChainGenerator({ sha384: nativeSha384, items: 3, itemBytes: 200 });
  return Array.from({ length: count }, () => chain.next());
}

async function publish(client: BlockNodeClient, blocks: readonly GeneratedBlock[]): Promise<void> {
  const first = blocks[0]!.number;
  const source = { first, block: (number: bigint) => blocks[Number(number - first)]?.bytes };
  const { acknowledged } = await publishBlocks(client.openPublishStream(signal()), source, {
    signal: signal(),
  });
  assert.equal(acknowledged, blocks.length);
}

/** The status the node answered instead of a block or proof. */
async function refusal(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
  } catch (thrown) {
    if (thrown instanceof CairnError) return `${thrown.code} ${thrown.detail["status"]}`;
    throw thrown;
  }
  return "answered";
}

Deno.test("Block access A1-A7: a node answers as the scenarios say, empty, filled and after a restart", async (t) => {
  await using directory = await tempDirectory();
  const blocks = makeBlocks(12);
  const settings = { dataDir: directory.path };

  await t.step("first run", async (t) => {
    await using node = await startNode(settings);
    using client = new BlockNodeClient(node.grpc);
    using raw = createClient(BlockNodeService, node.grpc);
    const status = () => raw.unary("serverStatus", {});
    const detail = () => raw.unary("serverStatusDetail", {});
    const get = (specifier: BlockSpecifier) => client.block(specifier, signal());

    await t.step("A5: an empty node has first and last block uint64_max and no ranges", async () => {
      const { firstAvailableBlock, lastAvailableBlock, nextExpectedBlock, onlyLatestState } = await status();
      assert.deepEqual(
        [firstAvailableBlock, lastAvailableBlock, nextExpectedBlock],
        Array(3).fill(UINT64_MAX),
      );
      assert.equal(onlyLatestState, true);
      assert.deepEqual((await detail()).availableRanges, []);
      assert.equal(await refusal(get(LATEST)), "BLOCK_NOT_FOUND NOT_AVAILABLE");
    });

    await publish(client, blocks.slice(0, 11));

    await t.step("A1: getBlock of an existing block gives all its items, byte for byte", async () => {
      assert.ok(equalBytes(await get(at(5n)), blocks[5]!.bytes));
    });
    await t.step("A2: getBlock of another block answers NOT_AVAILABLE without a block", async () => {
      assert.equal(await refusal(get(at(11n))), "BLOCK_NOT_FOUND NOT_AVAILABLE");
    });
    await t.step("A3: getBlock of the latest, or of number uint64_max, gives the highest block", async () => {
      for (const specifier of [LATEST, at(UINT64_MAX)]) {
        assert.ok(equalBytes(await get(specifier), blocks[10]!.bytes));
      }
    });
    await t.step("A4: getBlock of neither a number nor the latest answers INVALID_REQUEST", async () => {
      for (const specifier of [{ kind: "latest", latest: false }, { kind: "unset" }] as const) {
        assert.equal(await refusal(get(specifier)), "BLOCK_NOT_FOUND INVALID_REQUEST");
      }
    });
    await t.step("A7: serverStatusDetail has the new range, the versions and the services", async () => {
      const { availableRanges, storedRanges, versionInformation } = await detail();
      assert.partialDeepStrictEqual(availableRanges, [{ rangeStart: 0n, rangeEnd: 10n }]);
      assert.deepEqual(storedRanges, availableRanges);
      assert.partialDeepStrictEqual(versionInformation!.streamProtoVersion, {
        major: 0,
        minor: 76,
        patch: 1,
      });
      const served = versionInformation!.installedPluginVersions.map(({ pluginId }) => pluginId);
      assert.ok(served.includes("org.hiero.block.api.ProofService"));
    });
    assert.equal(await node.stop(), 0);
  });

  await t.step("A6: after blocks 0-10 and a restart the range is kept and block 11 is accepted", async () => {
    await using node = await startNode(settings);
    using client = new BlockNodeClient(node.grpc);
    assert.deepEqual(await client.status(signal()), {
      firstAvailableBlock: 0n,
      lastAvailableBlock: 10n,
      nextExpectedBlock: 11n,
    });
    await publish(client, blocks.slice(11));
    assert.equal((await client.status(signal())).lastAvailableBlock, 11n);
    assert.equal(await node.stop(), 0);
  });
});

Deno.test("Block access A8: health answers 200 and metrics are text", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: directory.path });
  for (
    const [path, type] of [["healthz", /json|text/], ["readyz", /json|text/], [
      "metrics",
      /^text\/plain/,
    ]] as const
  ) {
    const response = await fetch(`${node.admin}/${path}`);
    assert.equal(response.status, 200, path);
    assert.match(response.headers.get("content-type")!, type);
    await response.body?.cancel();
  }
});

Deno.test("getBlockContentsProof proves every hashed item of a stored block over gRPC, and refuses the others", async () => {
  await using directory = await tempDirectory();
  await using node = await startNode({ dataDir: directory.path });
  using client = new BlockNodeClient(node.grpc);
  const blocks = makeBlocks(3);
  await publish(client, blocks);
  const ask = (number: bigint, item: ItemSpecifier) => client.contentsProof(number, item, signal());

  for (const { number, bytes, rootHash } of blocks) {
    const contents = new BlockContents(bytes, nativeSha384);
    const ranges = [...itemRanges(bytes)];
    for (const [index, { start, end }] of ranges.entries()) {
      if (!contents.isHashed(index)) {
        assert.equal(
          await refusal(ask(number, { kind: "index", index })),
          "BLOCK_ITEM_NOT_FOUND ITEM_NOT_FOUND",
        );
        continue;
      }
      const item = bytes.slice(start, end);
      for (
        const specifier of [
          { kind: "index", index },
          { kind: "item", item },
          { kind: "hash", hash: hashLeaf(nativeSha384, item) },
        ] as const
      ) {
        const proof = await ask(number, specifier);
        assert.deepEqual(encodeContentsProof(proof), encodeContentsProof(contents.prove(index, "16-leaf")));
        assert.equal(verifyContentsProof(proof, nativeSha384, rootHash).status, "ok");
      }
    }
  }
  assert.equal(await refusal(ask(3n, { kind: "index", index: 0 })), "BLOCK_NOT_FOUND NOT_AVAILABLE");
  assert.equal(await refusal(ask(0n, { kind: "unset" })), "BLOCK_ITEM_NOT_FOUND INVALID_REQUEST");
  assert.equal(await node.metric("cairn_blocks_contents_proof_requests_total", { status: "SUCCESS" }), 36);
  using proofs = createClient(ProofService, node.grpc);
  await assert.rejects(proofs.unary("getStateProof", {}), { code: "UNIMPLEMENTED" });
});
