/** A second implementation of gRPC, written in Go, against the server. */

import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import {
  BlockNodeService,
  ServerStatusResponseSchema,
} from "../../proto/gen/org/hiero/block/api/node_service_pb.ts";
import { ChainGenerator } from "../../src/protocols/hiero/generate.ts";
import { nativeSha384 } from "../../src/protocols/hiero/native_sha384.ts";
import { BlockNodeClient } from "../../src/services/blocks/node_client.ts";
import { BlockContents } from "../../src/protocols/hiero/contents_tree.ts";
import { testServer } from "../../src/rpc/_testing.ts";
import { runCairn, startNode, tempDirectory } from "../support/node_process.ts";
import { PublishStream } from "../support/publish_stream.ts";

async function run(
  command: string,
  args: readonly string[],
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** `grpcurl` on the PATH, or where Go installs programs. */
async function findGrpcurl(): Promise<string | undefined> {
  const candidates = ["grpcurl"];
  await run("go", ["env", "GOPATH"]).then(
    ({ out }) => candidates.push(`${out.trim()}/bin/grpcurl`),
    () => {},
  );
  for (const candidate of candidates) {
    if (await run(candidate, ["-version"]).then(() => true, () => false)) return candidate;
  }
  return undefined;
}

const grpcurl = await findGrpcurl();

Deno.test({
  name:
    "grpcurl lists, describes and calls the services of RpcServer by reflection (needs grpcurl on PATH or in GOPATH)",
  ignore: grpcurl === undefined,
  async fn() {
    const { server } = testServer();
    await using _ = server;
    server.add(BlockNodeService, {
      serverStatus: {
        handle: () => Promise.resolve(create(ServerStatusResponseSchema, { lastAvailableBlock: 9n })),
      },
    });
    const { port } = await server.listen();
    server.setHealth("", "SERVING");
    const call = (...args: string[]) => run(grpcurl!, ["-plaintext", `127.0.0.1:${port}`, ...args]);
    const listed = (await call("list")).out.trim().split("\n");
    assert.deepEqual(listed, [
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "org.hiero.block.api.BlockNodeService",
    ]);
    const described = await call("describe", "org.hiero.block.api.ServerStatusDetailResponse");
    assert.match(described.out, /\.proto\.NodeAddressBook node_address_book = 4;/);
    assert.equal(JSON.parse((await call("grpc.health.v1.Health/Check")).out).status, "SERVING");
    const status = await call("org.hiero.block.api.BlockNodeService/serverStatus");
    assert.equal(JSON.parse(status.out).lastAvailableBlock, "9");
    const missing = await call("org.hiero.block.api.BlockNodeService/serverStatusDetail");
    assert.match(missing.err, /Code: Unimplemented/);
    assert.match((await call("describe", "no.Such")).err, /not found/i);
  },
});

Deno.test({
  name: "grpcurl subscribes to a node by reflection (needs grpcurl on PATH or in GOPATH)",
  ignore: grpcurl === undefined,
  async fn() {
    await using directory = await tempDirectory();
    await using node = await startNode({ dataDir: directory.path });
    const generator = new ChainGenerator({ sha384: nativeSha384, items: 2, itemBytes: 100 });
    await using publisher = new PublishStream(node.grpc);
    for (let number = 0n; number < 2n; number++) publisher.sendBlock(number, generator.next().bytes);
    await publisher.acknowledged(1n);
    const subscribe = async (start: string, end: string) => {
      const request = JSON.stringify({ start_block_number: start, end_block_number: end });
      const method = "org.hiero.block.api.BlockStreamSubscribeService/subscribeBlockStream";
      const { code, out, err } = await run(grpcurl!, ["-plaintext", "-d", request, node.grpc, method]);
      assert.equal(code, 0, err);
      // One JSON object after the other, each over several lines.
      return out.trim().split(/\n(?=\{)/).map((text) => JSON.parse(text));
    };
    const [items, end, ...rest] = await subscribe("0", "1");
    assert.equal(items.blockItems.blockItems.length, 5);
    assert.deepEqual(end, { endOfBlock: {} });
    assert.deepEqual(rest.slice(1), [{ endOfBlock: { blockNumber: "1" } }, { status: "SUCCESS" }]);
    assert.deepEqual(await subscribe("1", "0"), [{ status: "INVALID_END_BLOCK_NUMBER" }]);
  },
});

Deno.test({
  name:
    "grpcurl finds getBlockContentsProof of a node by reflection and gets a proof (needs grpcurl on PATH or in GOPATH)",
  ignore: grpcurl === undefined,
  async fn() {
    await using directory = await tempDirectory();
    await using node = await startNode({ dataDir: directory.path });
    assert.equal((await runCairn("blocks", "publish", "--generate", "1", "--to", node.grpc)).code, 0);
    using client = new BlockNodeClient(node.grpc);
    const block = await client.block({ kind: "number", number: 0n }, AbortSignal.timeout(30_000));
    const { siblings } = new BlockContents(block, nativeSha384).prove(2, "16-leaf");
    const ask = async (request: unknown) => {
      const method = "org.hiero.block.api.ProofService/getBlockContentsProof";
      const { code, out, err } = await run(grpcurl!, [
        "-plaintext",
        "-d",
        JSON.stringify(request),
        node.grpc,
        method,
      ]);
      assert.equal(code, 0, err);
      return JSON.parse(out);
    };
    const { status, blockContentProof } = await ask({ blockNumber: "0", blockItemIndex: 2 });
    assert.equal(status, "SUCCESS");
    assert.ok(blockContentProof.blockItem.signedTransaction.length > 0);
    assert.deepEqual(
      blockContentProof.siblingHashes.map((sibling: { isFirst?: boolean; siblingHash: string }) => [
        sibling.isFirst ?? false,
        sibling.siblingHash,
      ]),
      siblings.map(({ isFirst, hash }) => [isFirst, hash.toBase64()]),
    );
    assert.equal((await ask({ blockNumber: "1", blockItemIndex: 2 })).status, "NOT_AVAILABLE");
    assert.equal((await ask({ blockNumber: "0" })).status, "INVALID_REQUEST");
  },
});
