// kill -9 in the middle of ingest: what was acknowledged is there, the chain is whole, the node goes on.

import assert from "node:assert/strict";
import { ChainVerifier } from "../src/protocols/hiero/chain.ts";
import { ChainGenerator } from "../src/protocols/hiero/generate.ts";
import { nativeSha384 } from "../src/protocols/hiero/native_sha384.ts";
import { BlockNodeClient } from "../src/services/blocks/node_client.ts";
import { publishBlocks } from "../src/services/blocks/publisher.ts";
import { startNode, tempDirectory } from "./support/node_process.ts";

const ROUNDS = 20;

Deno.test(`node killed with SIGKILL during ingest ${ROUNDS} times keeps every acknowledged block`, async () => {
  await using directory = await tempDirectory();
  const generator = new ChainGenerator({ sha384: nativeSha384, items: 10, itemBytes: 500, template: true });
  const chain: Uint8Array[] = [];
  const source = {
    block(number: bigint) {
      while (chain.length <= Number(number)) chain.push(generator.next().bytes);
      return chain[Number(number)];
    },
  };
  let acknowledged = -1n;
  let previousLast = -1n;
  for (let round = 0; round < ROUNDS; round++) {
    await using node = await startNode({ dataDir: directory.path });
    using client = new BlockNodeClient(node.grpc);
    const signal = AbortSignal.timeout(60_000);
    const { lastAvailableBlock = -1n, nextExpectedBlock } = await client.status(signal);
    assert.ok(
      lastAvailableBlock >= acknowledged,
      `round ${round}: ${lastAvailableBlock} stored, ${acknowledged} acknowledged`,
    );
    assert.ok(lastAvailableBlock >= previousLast);
    previousLast = lastAvailableBlock;
    if (lastAvailableBlock >= 0n) assert.equal(nextExpectedBlock, lastAvailableBlock + 1n);

    const before = acknowledged;
    // Another moment of the write path each round.
    const killAfter = BigInt(20 + ((round * 37) % 60));
    const killed = Promise.withResolvers<void>();
    const publication = publishBlocks(client.openPublishStream(signal), {
      first: lastAvailableBlock + 1n,
      ...source,
    }, {
      signal,
      onProgress({ lastAcknowledged }) {
        if (lastAcknowledged === undefined) return;
        acknowledged = lastAcknowledged;
        if (acknowledged >= lastAvailableBlock + killAfter) node.kill9().then(killed.resolve, killed.reject);
      },
    });
    await assert.rejects(publication);
    await killed.promise;
    assert.ok(acknowledged > before, `round ${round} made no progress`);
  }

  await using node = await startNode({ dataDir: directory.path });
  using client = new BlockNodeClient(node.grpc);
  const signal = AbortSignal.timeout(60_000);
  const { firstAvailableBlock, lastAvailableBlock } = await client.status(signal);
  assert.equal(firstAvailableBlock, 0n);
  assert.ok(lastAvailableBlock! >= acknowledged);
  const verifier = new ChainVerifier({ sha384: nativeSha384 });
  for (let number = 0n; number <= lastAvailableBlock!; number++) {
    const block = await client.block({ kind: "number", number }, signal);
    const verdict = verifier.verify(block);
    assert.equal(verdict.status, "ok", `block ${number}`);
    assert.equal(verdict.number, number);
    assert.deepEqual(block.length, chain[Number(number)]!.length);
  }
});
