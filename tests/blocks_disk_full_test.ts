// A full disk: publishers are told, nothing acknowledged is lost, and the node goes on when there is room again.

import assert from "node:assert/strict";
import { equalBytes } from "../src/protocols/hiero/fault.ts";
import { ChainGenerator } from "../src/protocols/hiero/generate.ts";
import { nativeSha384 } from "../src/protocols/hiero/native_sha384.ts";
import { BlockNodeClient } from "../src/services/blocks/node_client.ts";
import { publishBlocks, type PublishResult } from "../src/services/blocks/publisher.ts";
import { startNode, tempDirectory } from "./support/node_process.ts";
import { canMount, mount, unmount } from "./support/tmpfs.ts";

const DISK = "48m";

const mountable = await canMount();

Deno.test({
  name:
    "node on a full disk ends publishers with PERSISTENCE_FAILED, keeps what it acknowledged, and recovers (needs root to mount a tmpfs)",
  ignore: !mountable,
  async fn() {
    await using directory = await tempDirectory();
    assert.ok(await mount(directory.path, DISK));
    await using _mounted = { [Symbol.asyncDispose]: () => unmount(directory.path) };
    const generator = new ChainGenerator({ sha384: nativeSha384, items: 10, itemBytes: 50_000 });
    const chain: Uint8Array[] = [];
    const block = (number: bigint) => {
      while (chain.length <= Number(number)) chain.push(generator.next().bytes);
      return chain[Number(number)]!;
    };

    await using node = await startNode({ dataDir: `${directory.path}/data` });
    using client = new BlockNodeClient(node.grpc);
    const signal = AbortSignal.timeout(120_000);
    const publish = (first: bigint, count: bigint): Promise<PublishResult> =>
      publishBlocks(client.openPublishStream(signal), {
        first,
        block: (number) => number < first + count ? block(number) : undefined,
      }, { signal, window: 8 });

    const filler = `${directory.path}/filler`;
    await publish(0n, 10n);
    // Leaves room for the data already there and little more.
    await fillUp(filler);
    const failed = await publish(10n, 60n);
    assert.equal(failed.ended?.status, "PERSISTENCE_FAILED");
    const acknowledged = failed.lastAcknowledged ?? 9n;
    assert.ok(node.running);
    const ready = await fetch(`${node.admin}/readyz`);
    assert.equal(ready.status, 503);
    assert.match(await ready.text(), /could not be written/);

    const { lastAvailableBlock } = await client.status(signal);
    assert.equal(lastAvailableBlock, acknowledged);
    for (let number = 0n; number <= acknowledged; number++) {
      assert.ok(equalBytes(await client.block({ kind: "number", number }, signal), block(number)));
    }

    await Deno.remove(filler);
    const next = acknowledged + 1n;
    let result = await publish(next, 5n);
    // The store tries again at most once a second.
    while (result.ended?.status === "PERSISTENCE_FAILED") {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const from = ((await client.status(signal)).lastAvailableBlock ?? -1n) + 1n;
      result = await publish(from, next + 5n - from);
    }
    assert.equal(result.ended, undefined, JSON.stringify(node.logs.slice(-8)));
    assert.equal((await client.status(signal)).lastAvailableBlock, next + 4n);
    const readyAgain = await fetch(`${node.admin}/readyz`);
    assert.equal(readyAgain.status, 200, await readyAgain.text());
    assert.equal(await node.stop(), 0);
  },
});

async function fillUp(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const chunk = new Uint8Array(65_536);
  try {
    for (;;) await file.write(chunk);
  } catch {
    // Full: what was wanted.
  }
}
