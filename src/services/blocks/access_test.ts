import assert from "node:assert/strict";
import { RecordingLog } from "../../kernel/_testing.ts";
import {
  type BlockSpecifier,
  encodeBlockRequest,
  parseBlockResponse,
} from "../../protocols/hiero/access_messages.ts";
import { openEndedBook } from "../../protocols/hiero/proofs/address_book.ts";
import {
  NO_VERIFICATION_DATA,
  type VerificationData,
} from "../../protocols/hiero/proofs/verification_data.ts";
import { UINT64_MAX } from "../../protocols/hiero/wire.ts";
import { testMetrics } from "./_testing.ts";
import { type AccessDeps, accessHandlers, statusHandlers } from "./access.ts";
import type { BlockStore } from "./store.ts";

const BLOCK = Uint8Array.of(0x0a, 0x02, 0x0a, 0x00);

function openAccess(
  range: { first?: bigint; last?: bigint },
  nextExpected?: bigint,
  verificationData: VerificationData = NO_VERIFICATION_DATA,
) {
  const log = new RecordingLog();
  const metrics = testMetrics();
  const store = {
    ...range,
    ranges: () => range.first === undefined ? [] : [range],
    block(number: bigint) {
      if (number === 6n) return Promise.resolve(undefined);
      if (number === 7n) return Promise.reject(new Error("checksum"));
      return Promise.resolve(BLOCK);
    },
  } as unknown as BlockStore;
  const deps: AccessDeps = {
    store,
    metrics,
    log,
    nextExpected: () => nextExpected,
    verificationData: () => verificationData,
    nodeVersion: { major: 0, minor: 1, patch: 2, pre: "dev" },
    streamVersion: { major: 0, minor: 76, patch: 1, pre: "" },
    served: ["org.hiero.block.api.BlockAccessService"],
  };
  // What the handlers get of a call they do not look at.
  const call = undefined as never;
  const access = accessHandlers(deps).getBlock!;
  const { serverStatus, serverStatusDetail } = statusHandlers(deps);
  assert.ok(access.raw === true && serverStatus!.raw !== true && serverStatusDetail!.raw !== true);
  return {
    log,
    metrics,
    raw: (request: Uint8Array) => access.handle(request, call),
    get: async (request: BlockSpecifier) =>
      parseBlockResponse(await access.handle(encodeBlockRequest(request), call)),
    status: () => serverStatus!.handle(call, call),
    detail: () => serverStatusDetail!.handle(call, call),
  };
}

const number = (value: bigint): BlockSpecifier => ({ kind: "number", number: value });

Deno.test("getBlock answers each request of spec §5.1 with its status", async () => {
  const { get, raw, log, metrics } = openAccess({ first: 5n, last: 9n });
  const cases: [BlockSpecifier, string][] = [
    [number(5n), "SUCCESS"],
    [number(9n), "SUCCESS"],
    [number(UINT64_MAX), "SUCCESS"],
    [{ kind: "latest", latest: true }, "SUCCESS"],
    [{ kind: "latest", latest: false }, "INVALID_REQUEST"],
    [number(2n ** 63n), "INVALID_REQUEST"],
    [number(UINT64_MAX - 1n), "INVALID_REQUEST"],
    [number(2n ** 63n - 1n), "NOT_AVAILABLE"],
    [number(0n), "NOT_AVAILABLE"],
    [number(4n), "NOT_AVAILABLE"],
    [number(10n), "NOT_AVAILABLE"],
    [number(6n), "NOT_FOUND"],
    [number(7n), "NOT_FOUND"],
  ];
  for (const [request, status] of cases) {
    const answer = await get(request);
    assert.equal(
      answer.status,
      status,
      JSON.stringify(request, (_, v) => typeof v === "bigint" ? `${v}` : v),
    );
    assert.deepEqual(answer.block, status === "SUCCESS" ? BLOCK : undefined);
  }
  assert.equal(parseBlockResponse(await raw(new Uint8Array(0))).status, "INVALID_REQUEST");
  assert.ok(log.lines.some(({ message }) => message === "Block unreadable"));
  const { values } = await metrics.getBlockRequests.get();
  assert.equal(values.find(({ labels }) => labels.status === "SUCCESS")!.value, 4);
  await assert.rejects(raw(Uint8Array.of(0xff)), { code: "MALFORMED_MESSAGE" });
});

Deno.test("getBlock has nothing available in an empty store", async () => {
  const { get } = openAccess({});
  for (const request of [number(0n), number(UINT64_MAX), { kind: "latest", latest: true } as const]) {
    assert.equal((await get(request)).status, "NOT_AVAILABLE");
  }
});

Deno.test("serverStatus and serverStatusDetail tell the range, and uint64_max where there is none", async () => {
  const empty = openAccess({});
  assert.partialDeepStrictEqual(await empty.status(), {
    firstAvailableBlock: UINT64_MAX,
    lastAvailableBlock: UINT64_MAX,
    nextExpectedBlock: UINT64_MAX,
    onlyLatestState: true,
  });
  assert.deepEqual((await empty.detail()).availableRanges, []);
  const filled = openAccess({ first: 5n, last: 9n }, 10n);
  assert.partialDeepStrictEqual(await filled.status(), {
    firstAvailableBlock: 5n,
    lastAvailableBlock: 9n,
    nextExpectedBlock: 10n,
  });
  const detail = await filled.detail();
  assert.partialDeepStrictEqual(detail.availableRanges[0], { rangeStart: 5n, rangeEnd: 9n });
  assert.partialDeepStrictEqual(detail.versionInformation, {
    blockNodeVersion: { major: 0, minor: 1, patch: 2, pre: "dev" },
    streamProtoVersion: { major: 0, minor: 76, patch: 1 },
  });
  assert.partialDeepStrictEqual(detail.versionInformation!.installedPluginVersions, [
    { pluginId: "org.hiero.block.api.BlockAccessService", pluginSoftwareVersion: { minor: 1, pre: "dev" } },
  ]);
  assert.deepEqual(detail.storedRanges, detail.availableRanges);
});

Deno.test("serverStatusDetail tells the keys this node checks proofs with, and nothing where it has none", async () => {
  const { tssData, rangedAddressBookHistory } = await openAccess({}).detail();
  assert.deepEqual([tssData, rangedAddressBookHistory], [undefined, undefined]);
  const [ledgerId, schnorrKey] = [new Uint8Array(32).fill(1), new Uint8Array(192).fill(2)];
  const known = await openAccess({}, undefined, {
    tss: {
      ledgerId,
      wrapsVerificationKey: Uint8Array.of(3),
      roster: [{ nodeId: 0n, weight: 4n, schnorrKey }],
      validFromBlock: 0n,
    },
    addressBooks: [openEndedBook(new Map([[7n, Uint8Array.of(0xab)]]), 5n)],
  }).detail();
  assert.partialDeepStrictEqual(known.tssData, {
    ledgerId,
    wrapsVerificationKey: Uint8Array.of(3),
    currentRoster: { rosterEntries: [{ nodeId: 0n, weight: 4n, schnorrPublicKey: schnorrKey }] },
    validFromBlock: 0n,
  });
  const [ranged] = known.rangedAddressBookHistory!.addressBooks;
  assert.partialDeepStrictEqual(ranged, { startBlock: 5n, endBlock: UINT64_MAX });
  assert.partialDeepStrictEqual(ranged!.addressBook!.nodeAddress[0], { nodeId: 7n, RSAPubKey: "ab" });
});
