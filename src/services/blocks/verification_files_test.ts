import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { NodeAddressBookSchema } from "../../../proto/gen/com/hedera/hapi/services/basic_types_pb.ts";
import {
  RangedAddressBookHistorySchema,
  TssDataSchema,
} from "../../../proto/gen/org/hiero/block/api/node_service_pb.ts";
import { UINT64_MAX } from "../../protocols/hiero/wire.ts";
import { readVerificationFiles } from "./verification_files.ts";

async function withFile(content: string | Uint8Array, use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

const book = create(NodeAddressBookSchema, { nodeAddress: [{ RSAPubKey: "aabb", nodeId: 7n }] });
const key = new Map([[7n, Uint8Array.of(0xaa, 0xbb)]]);

Deno.test("readVerificationFiles() of no files knows nothing", async () => {
  assert.deepEqual(await readVerificationFiles({}), { tss: undefined, addressBooks: [] });
});

Deno.test("readVerificationFiles() reads TssData as JSON", async () => {
  const schnorrPublicKey = new Uint8Array(192).fill(3);
  const message = create(TssDataSchema, {
    ledgerId: new Uint8Array(32).fill(1),
    wrapsVerificationKey: Uint8Array.of(2),
    currentRoster: { rosterEntries: [{ nodeId: 4n, weight: 5n, schnorrPublicKey }] },
    validFromBlock: 6n,
  });
  await withFile(toJsonString(TssDataSchema, message), async (tssData) => {
    const { tss } = await readVerificationFiles({ tssData });
    assert.deepEqual(tss, {
      ledgerId: new Uint8Array(32).fill(1),
      wrapsVerificationKey: Uint8Array.of(2),
      roster: [{ nodeId: 4n, weight: 5n, schnorrKey: schnorrPublicKey }],
      validFromBlock: 6n,
    });
  });
});

Deno.test("readVerificationFiles() reads an address book as bytes, as JSON, and as JSON with ranges", async () => {
  const open = [{ startBlock: 0n, endBlock: UINT64_MAX, book: key }];
  const history = create(RangedAddressBookHistorySchema, {
    addressBooks: [{ addressBook: book, startBlock: 3n, endBlock: 9n }],
  });
  for (
    const [content, expected] of [
      [toBinary(NodeAddressBookSchema, book), open],
      [toJsonString(NodeAddressBookSchema, book), open],
      [toJsonString(RangedAddressBookHistorySchema, history), [{ startBlock: 3n, endBlock: 9n, book: key }]],
    ] as const
  ) {
    await withFile(content, async (addressBook) => {
      assert.deepEqual((await readVerificationFiles({ addressBook })).addressBooks, expected);
    });
  }
});

Deno.test("readVerificationFiles() names a file that is missing or something else", async () => {
  await assert.rejects(readVerificationFiles({ tssData: "/nowhere/tss.json" }), { code: "FILE_UNREADABLE" });
  await withFile(
    "{",
    (path) => assert.rejects(readVerificationFiles({ addressBook: path }), { code: "FILE_UNREADABLE" }),
  );
  await withFile(
    Uint8Array.of(0xff),
    (path) => assert.rejects(readVerificationFiles({ addressBook: path }), { code: "FILE_UNREADABLE" }),
  );
});
