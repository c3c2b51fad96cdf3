/** A publisher on a third implementation of gRPC, the C core by way of Python, against a real node. */

import assert from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import { PublishStreamResponseSchema } from "../../proto/gen/org/hiero/block/api/block_stream_publish_service_pb.ts";
import { parseBlockResponse } from "../../src/protocols/hiero/access_messages.ts";
import { equalBytes } from "../../src/protocols/hiero/fault.ts";
import { listBlockFiles, readBlockFile } from "../../src/services/blocks/block_files.ts";
import { startNode, tempDirectory } from "../support/node_process.ts";
import { vectorsDir } from "../vectors.ts";

const SCRIPT = new URL("publish.py", import.meta.url).pathname;
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
