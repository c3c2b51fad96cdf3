import assert from "node:assert/strict";
import fc from "fast-check";
import { vectorTest } from "../../../tests/vectors.ts";
import { keccak256 } from "../../hot/keccak256.ts";
import { rlpEncode, type RlpInput } from "../../hot/rlp_encode.ts";
import {
  checkFrom,
  type DiscoveryMessage,
  encodePacket,
  inspectPacket,
  MAX_PACKET_BYTES,
  signerOf,
} from "./discovery_packet.ts";
import { nodeHash } from "./node_id.ts";
import { NodeKey } from "./secp256k1.ts";

interface DiscoveryCase {
  readonly name: string;
  readonly kind: string;
  readonly [key: string]: unknown;
}

const KEY = new NodeKey(new Uint8Array(32).fill(7));
const CHECK = "0a967855-cfba-4b1b-9890-f6c931a4a7a0";
const text = (value: string) => new TextEncoder().encode(value);

async function casesOf(dir: string, kind: string): Promise<readonly DiscoveryCase[]> {
  const { cases } = JSON.parse(await Deno.readTextFile(`${dir}/rootstock/discovery.json`));
  const found = cases.filter((one: DiscoveryCase) => one.kind === kind);
  assert(found.length > 0, kind);
  return found;
}

/** A packet around any type and payload, with a right digest and no signature worth its name. */
function rawPacket(type: number, payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(98 + payload.length);
  packet[97] = type;
  packet.set(payload, 98);
  packet.set(keccak256(packet.subarray(32)));
  return packet;
}

function read(type: number, payload: RlpInput): DiscoveryMessage | string {
  const seen = inspectPacket(rawPacket(type, rlpEncode(payload)));
  return seen.ok ? seen.packet.message : seen.fault;
}

vectorTest("inspectPacket() and signerOf() read rskj's signed Ping", async (dir) => {
  const [ping, ...rejected] = await casesOf(dir, "packet");
  const bytes = Uint8Array.fromHex(String(ping!.packet));
  const expected = ping!.expect as Record<string, unknown>;
  const seen = inspectPacket(bytes);
  assert(seen.ok);
  assert.deepEqual(seen.packet.message, {
    type: "ping",
    check: expected.messageId,
    networkId: expected.networkIdSigned32,
    host: expected.host,
    port: expected.port,
  });
  assert.equal(seen.packet.signature.toHex(), expected.signature);
  assert.equal(signerOf(seen.packet), (ping!.derived as Record<string, unknown>).signerNodeId);
  assert.equal(rejected.length, 1);
  for (const { packet } of rejected) {
    // The vector's type is 0, so that is what is found first; with a type its digest is wrong.
    const zeros = Uint8Array.fromHex(String(packet));
    assert.deepEqual(inspectPacket(zeros), { ok: false, fault: "type" });
    zeros[97] = 1;
    assert.deepEqual(inspectPacket(zeros), { ok: false, fault: "digest" });
  }
});

vectorTest("encodePacket() writes the payload of rskj's Ping byte for byte", async (dir) => {
  const [ping] = await casesOf(dir, "packet");
  const seen = inspectPacket(Uint8Array.fromHex(String(ping!.packet)));
  assert(seen.ok);
  const { data } = ping!.expect as Record<string, unknown>;
  assert.equal(encodePacket(seen.packet.message, KEY).subarray(98).toHex(), data);
});

vectorTest("inspectPacket() reads the payloads of rskj's tests", async (dir) => {
  for (const { type, data, expect } of await casesOf(dir, "data")) {
    const expected = expect as Record<string, unknown>;
    const seen = inspectPacket(rawPacket(Number(type), Uint8Array.fromHex(String(data))));
    assert(seen.ok);
    const { message } = seen.packet;
    assert.equal(message.check, expected.messageId);
    assert.equal(message.networkId, expected.networkIdSigned32);
    if (message.type === "ping") {
      assert.deepEqual([message.host, message.port], [expected.host, expected.port]);
    }
  }
});

vectorTest("inspectPacket() refuses a UUID of another version", async (dir) => {
  for (const { messageId } of await casesOf(dir, "messageId")) {
    assert.equal(read(3, [new Uint8Array(64), text(String(messageId))]), "check");
  }
});

vectorTest("NodeKey has the ids of rskj's keys", async (dir) => {
  for (const { privateKey, nodeId } of await casesOf(dir, "nodeId")) {
    assert.equal(new NodeKey(Uint8Array.fromHex(String(privateKey))).id.toHex(), nodeId);
  }
});

Deno.test("inspectPacket() takes an upper-case check and gives it in lower case", () => {
  const message = read(3, [new Uint8Array(64), text(CHECK.toUpperCase()), 775]);
  assert(typeof message !== "string");
  assert.equal(message.check, CHECK);
  for (const check of ["", CHECK.slice(1), `${CHECK} `, CHECK.replaceAll("-", ""), "not a check"]) {
    assert.equal(read(3, [new Uint8Array(64), text(check)]), "check", check);
  }
});

Deno.test("inspectPacket() reads the second list of a Ping, ignores the first and whatever follows", () => {
  const to = [text("192.0.2.1"), 5050, 5050];
  for (const first of [new Uint8Array(), [], [1, 2, 3, 4, 5], new Uint8Array(9)]) {
    const message = read(1, [first, to, text(CHECK), 775, text("more"), []]);
    assert.deepEqual(message, { type: "ping", check: CHECK, networkId: 775, host: "192.0.2.1", port: 5050 });
  }
  for (const other of [[text("192.0.2.1"), 5050], [...to, 1], [], new Uint8Array(3)]) {
    assert.equal(read(1, [to, other, text(CHECK), 775]), "payload");
  }
  assert.equal(read(2, [to, to]), "payload");
  assert.equal(read(3, [new Uint8Array(64)]), "payload");
  assert.equal(read(4, [[]]), "payload");
});

Deno.test("inspectPacket() compares the low 32 bits of a network id", () => {
  const networkId = (value: RlpInput) => {
    const message = read(3, [new Uint8Array(64), text(CHECK), value]);
    return typeof message === "string" ? message : message.networkId;
  };
  assert.equal(networkId(775), 775);
  assert.equal(networkId(2n ** 32n + 775n), 775);
  assert.equal(networkId(0xffff_ffff), -1);
  assert.equal(networkId(new Uint8Array([0, 0, 0, 0, 3, 7])), 775);
  assert.equal(networkId(new Uint8Array()), 0);
});

Deno.test("inspectPacket() ignores bytes behind the first item, and they are signed", () => {
  const packet = encodePacket({ type: "find-node", check: CHECK, target: new Uint8Array(64) }, KEY);
  const longer = new Uint8Array(packet.length + 5);
  longer.set(packet);
  assert.deepEqual(inspectPacket(longer), { ok: false, fault: "digest" });
  longer.set(keccak256(longer.subarray(32)));
  const seen = inspectPacket(longer);
  assert(seen.ok);
  assert.equal(seen.packet.message.type, "find-node");
  assert.notEqual(signerOf(seen.packet), KEY.id.toHex());
});

Deno.test("inspectPacket() takes nodes of three and of four elements, and at most 20, else 19", () => {
  const id = new Uint8Array(64).fill(3);
  const ids = (nodes: RlpInput[]) => {
    const message = read(4, [nodes, text(CHECK), 775]);
    assert(typeof message !== "string" && message.type === "neighbors");
    return message.nodes;
  };
  const node = { id: id.toHex(), host: "192.0.2.1", port: 5050 };
  assert.deepEqual(ids([[text("192.0.2.1"), 5050, id], [text("192.0.2.1"), 5050, 1, id]]), [node, node]);
  const many = (count: number) => Array.from({ length: count }, () => [text("192.0.2.1"), 5050, 5050, id]);
  assert.equal(ids(many(20)).length, 20);
  assert.equal(ids(many(21)).length, 19);
  assert.equal(
    ids([[text("h"), 0, 0, id], [text("h"), 65_536, 1, id], [text("h"), 1, 1, id.subarray(1)]]).length,
    0,
  );
  assert.equal(read(4, [[[text("h"), 1]], text(CHECK)]), "payload");
  assert.equal(read(4, [[text("h")], text(CHECK)]), "payload");
});

Deno.test("inspectPacket() refuses what is too short, too long or of an unknown type", () => {
  assert.deepEqual(inspectPacket(new Uint8Array(97)), { ok: false, fault: "short" });
  assert.deepEqual(inspectPacket(new Uint8Array(MAX_PACKET_BYTES + 1)), { ok: false, fault: "long" });
  for (const type of [0, 5, 255]) assert.equal(read(type, []), "type");
  const empty = inspectPacket(rawPacket(1, new Uint8Array()));
  assert.deepEqual(empty, { ok: false, fault: "payload" });
});

Deno.test("signerOf() takes v as 0, 1, 27 and 28, and finds nobody behind anything else", () => {
  const packet = encodePacket({ type: "find-node", check: CHECK, target: new Uint8Array(64) }, KEY);
  const withV = (v: number) => {
    const copy = packet.slice();
    copy[96] = v;
    copy.set(keccak256(copy.subarray(32)));
    const seen = inspectPacket(copy);
    assert(seen.ok);
    return signerOf(seen.packet);
  };
  const v = packet[96]!;
  assert.equal(withV(v), KEY.id.toHex());
  assert.equal(withV(v + 27), KEY.id.toHex());
  assert.notEqual(withV(1 - v), KEY.id.toHex());
  for (const other of [2, 3, 26, 29, 255]) assert.equal(withV(other), undefined);
  const zero = inspectPacket(rawPacket(3, packet.subarray(98)));
  assert(zero.ok);
  assert.equal(signerOf(zero.packet), undefined);
});

const checks = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(checkFrom);
const messages: fc.Arbitrary<DiscoveryMessage> = fc.record({
  check: checks,
  networkId: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
}).chain((common) => {
  const endpoint = { host: fc.oneof(fc.ipV4(), fc.domain()), port: fc.integer({ min: 1, max: 65_535 }) };
  const id = fc.uint8Array({ minLength: 64, maxLength: 64 });
  return fc.oneof(
    fc.record({ type: fc.constantFrom("ping" as const, "pong" as const), ...endpoint }),
    id.map((target) => ({ type: "find-node" as const, target })),
    fc.array(fc.record({ ...endpoint, id: id.map((bytes) => bytes.toHex()) }, { noNullPrototype: true }), {
      maxLength: 20,
    })
      .map((nodes) => ({ type: "neighbors" as const, nodes })),
  ).map((rest) => ({ ...common, ...rest }));
});

Deno.test("inspectPacket() reads what encodePacket() wrote, and signerOf() its signer", () => {
  fc.assert(
    fc.property(messages, fc.uint8Array({ minLength: 32, maxLength: 32 }), (message, bytes) => {
      // Any number from 1 up to about 2^249: always a private key.
      const key = new NodeKey(bytes.with(0, 1));
      const packet = encodePacket(message, key);
      assert(packet.length <= MAX_PACKET_BYTES);
      const seen = inspectPacket(packet);
      assert(seen.ok);
      assert.deepEqual(seen.packet.message, message);
      assert.equal(signerOf(seen.packet), key.id.toHex());
    }),
    { numRuns: 50 },
  );
});

Deno.test("inspectPacket() answers any bytes, and no bit of a packet may change", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 4 }), (bytes, type) => {
    inspectPacket(bytes);
    inspectPacket(rawPacket(type, bytes));
  }));
  const packet = encodePacket({ type: "find-node", check: CHECK, target: new Uint8Array(64) }, KEY);
  fc.assert(fc.property(fc.nat(packet.length * 8 - 1), (bit) => {
    const copy = packet.slice();
    copy[bit >>> 3]! ^= 1 << (bit & 7);
    assert(!inspectPacket(copy).ok);
  }));
});

Deno.test("nodeHash() is the digest of the digest", () => {
  const id = KEY.id.toHex();
  assert.deepEqual(nodeHash(id), keccak256(keccak256(Uint8Array.fromHex(id))));
});
