import assert from "node:assert/strict";
import { concat, fillRecord, headerRecord, PROOF_RECORD } from "../../protocols/hiero/_subscribe_script.ts";
import type { SubscribeResponse, SubscribeStatus } from "../../protocols/hiero/subscribe_messages.ts";
import { receiveBlocks, type SubscribeRange } from "./subscription.ts";

const items = (...records: readonly Uint8Array[]): SubscribeResponse => ({
  kind: "items",
  records: concat(...records),
});
const end = (number: bigint): SubscribeResponse => ({ kind: "end-of-block", number });
const status = (name: SubscribeStatus): SubscribeResponse => ({ kind: "status", status: name });

async function receive(range: SubscribeRange, responses: readonly SubscribeResponse[]) {
  const stream = async function* () {
    yield* responses;
  };
  const blocks: string[] = [];
  for await (const { number, bytes } of receiveBlocks(stream(), range, "node")) {
    blocks.push(`${number}: ${bytes.length}`);
  }
  return blocks;
}

Deno.test("receiveBlocks() puts blocks together and begins one anew when its header comes again", async () => {
  const header = headerRecord(7n);
  const blocks = await receive({ first: 7n, last: 8n }, [
    items(header, fillRecord(50)),
    items(header),
    items(fillRecord(10)),
    items(PROOF_RECORD),
    end(7n),
    items(headerRecord(8n), PROOF_RECORD),
    end(8n),
    status("SUCCESS"),
  ]);
  const sizes = [header.length + fillRecord(10).length + PROOF_RECORD.length];
  assert.deepEqual(blocks, [`7: ${sizes[0]}`, `8: ${headerRecord(8n).length + PROOF_RECORD.length}`]);
});

Deno.test("receiveBlocks() takes any first block where none was asked for, and ends when the node stops", async () => {
  const responses = [
    items(headerRecord(41n), PROOF_RECORD),
    end(41n),
    items(headerRecord(42n)),
    status("SUCCESS"),
  ];
  assert.equal((await receive({}, responses)).length, 1);
});

Deno.test("receiveBlocks() throws what is wrong with an answer", async () => {
  const block = (number: bigint) => [items(headerRecord(number), PROOF_RECORD), end(number)];
  const cases: [string, SubscribeRange, SubscribeResponse[], RegExp][] = [
    ["BLOCK_MALFORMED", { first: 7n }, block(8n), /block 8 came, not 7/],
    ["BLOCK_MALFORMED", {}, [...block(7n), ...block(9n)], /block 9 came, not 8/],
    ["BLOCK_MALFORMED", {}, [items(PROOF_RECORD)], /items came before a header/],
    ["BLOCK_MALFORMED", {}, [items(headerRecord(7n)), end(8n)], /end of block 8 came without/],
    ["BLOCK_MALFORMED", {}, [end(8n)], /end of block 8 came without/],
    ["BLOCK_MALFORMED", {}, [items(Uint8Array.of(0x0a, 0x05))], /Cannot follow node: Cannot parse protobuf/],
    ["BLOCK_MALFORMED", {}, [items(Uint8Array.of(0x0a, 0x02, 0x0a, 0x00))], /header/],
    ["BLOCK_NOT_FOUND", { first: 7n }, [status("NOT_AVAILABLE")], /Cannot get block 7 .*: NOT_AVAILABLE/],
    ["BLOCK_NOT_FOUND", { last: 7n }, [status("INVALID_END_BLOCK_NUMBER")], /Cannot subscribe at node/],
    ["PEER_UNAVAILABLE", { first: 7n }, [...block(7n), status("ERROR")], /Cannot get block 8 .*: ERROR/],
    ["PEER_UNAVAILABLE", { first: 7n, last: 8n }, [...block(7n), status("SUCCESS")], /block 8 .*: it stops/],
    ["PEER_UNAVAILABLE", { first: 7n }, block(7n), /block 8 .*: no status/],
  ];
  for (const [code, range, responses, message] of cases) {
    await assert.rejects(receive(range, responses), { code, message }, `${message}`);
  }
});
