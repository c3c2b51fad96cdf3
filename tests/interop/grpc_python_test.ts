/** A publisher and a subscriber on a third implementation of gRPC, the C core by way of Python, against a real node. */

import assert from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import { PublishStreamResponseSchema } from "../../proto/gen/org/hiero/block/api/block_stream_publish_service_pb.ts";
import {
  SubscribeStreamResponse_Code,
  SubscribeStreamResponseSchema,
} from "../../proto/gen/org/hiero/block/api/block_stream_subscribe_service_pb.ts";
import { parseBlockResponse } from "../../src/protocols/hiero/access_messages.ts";
import { equalBytes } from "../../src/protocols/hiero/fault.ts";
import { listBlockFiles, readBlockFile } from "../../src/services/blocks/block_files.ts";
import { ChainGenerator } from "../../src/protocols/hiero/generate.ts";
import { nativeSha384 } from "../../src/protocols/hiero/native_sha384.ts";
import { parseSubscribeResponse } from "../../src/protocols/hiero/subscribe_messages.ts";
import { startNode, tempDirectory } from "../support/node_process.ts";
import { eventually } from "../../src/rpc/_testing.ts";
import { PublishStream } from "../support/publish_stream.ts";
import { vectorsDir } from "../vectors.ts";

const SCRIPT = new URL("publish.py", import.meta.url).pathname;
const SUBSCRIBE_SCRIPT = new URL("subscribe.py", import.meta.url).pathname;
const vectors = vectorsDir();

async function runPython(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command("python3", { args: [...args], stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

const hasGrpcio = await runPython("-c", "import grpc").then(({ code }) => code === 0, () => false);

Deno.test({
  name:
    "grpcio publishes real blocks to a node and gets the same bytes back (needs python3 with grpcio, CAIRN_VECTORS)",
  ignore: !hasGrpcio || vectors === undefined,
  async fn() {
    const files = await listBlockFiles([`${vectors}/block-node/CN_0_73_TSS_WRAPS_LEGACY`]);
    const blocks = await Promise.all(files.map(readBlockFile));
    await using directory = await tempDirectory();
    const unpacked = await Promise.all(blocks.map(async (block, i) => {
      const path = `${directory.path}/${i}.blk`;
      await Deno.writeFile(path, block);
      return path;
    }));
    await using node = await startNode({ dataDir: `${directory.path}/data` });
    const { code, out, err } = await runPython(SCRIPT, node.grpc, ...unpacked);
    assert.equal(code, 0, err);
    const result: { code: string; answers: string[]; blocks: string[] } = JSON.parse(out);
    assert.equal(result.code, "OK");
    const answers = result.answers.map((hex) =>
      fromBinary(PublishStreamResponseSchema, Uint8Array.fromHex(hex)).response
    );
    assert.ok(answers.every((answer) => answer.case === "acknowledgement"));
    assert.equal(answers.at(-1)?.value?.blockNumber, BigInt(blocks.length - 1));
    for (const [i, hex] of result.blocks.entries()) {
      const { status, block } = parseBlockResponse(Uint8Array.fromHex(hex));
      assert.equal(status, "SUCCESS");
      assert.ok(equalBytes(block!, blocks[i]!), `block ${i}`);
    }
    assert.equal(result.blocks.length, blocks.length);
  },
});

Deno.test({
  name:
    "grpcio subscribes to a node, from history into live, and gets every block's bytes (needs python3 with grpcio)",
  ignore: !hasGrpcio,
  async fn() {
    await using directory = await tempDirectory();
    await using node = await startNode({ dataDir: directory.path });
    const generator = new ChainGenerator({ sha384: nativeSha384, items: 3, itemBytes: 300 });
    const blocks = Array.from({ length: 10 }, () => generator.next().bytes);
    const sent: string[] = [];
    for (const [i, block] of blocks.entries()) {
      sent.push(`${directory.path}/${i}.blk`);
      await Deno.writeFile(sent[i]!, block);
    }
    const first = await runPython(SCRIPT, node.grpc, ...sent.slice(0, 5));
    assert.equal(first.code, 0, first.err);
    const subscribing = runPython(SUBSCRIBE_SCRIPT, node.grpc, "0", "9");
    await eventually(async () => await node.metric("cairn_blocks_subscribers") === 1, "a subscriber");
    await using publisher = new PublishStream(node.grpc);
    for (const [i, block] of blocks.entries()) if (i >= 5) publisher.sendBlock(BigInt(i), block);
    await publisher.acknowledged(9n);

    const { code, out, err } = await subscribing;
    assert.equal(code, 0, err);
    const result: { code: string; responses: string[] } = JSON.parse(out);
    assert.equal(result.code, "OK");
    const got: Uint8Array[] = [];
    let parts: number[] = [];
    for (const hex of result.responses) {
      const bytes = Uint8Array.fromHex(hex);
      const { response } = fromBinary(SubscribeStreamResponseSchema, bytes);
      if (response.case === "blockItems") {
        const parsed = parseSubscribeResponse(bytes)!;
        assert.ok(parsed.kind === "items");
        parts.push(...parsed.records);
      } else if (response.case === "endOfBlock") {
        assert.equal(response.value.blockNumber, BigInt(got.length));
        got.push(new Uint8Array(parts));
        parts = [];
      } else assert.equal(response.value, SubscribeStreamResponse_Code.SUCCESS);
    }
    assert.deepEqual(got, blocks.map((block) => new Uint8Array(block)));
  },
});
