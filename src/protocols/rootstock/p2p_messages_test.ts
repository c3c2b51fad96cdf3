import assert from "node:assert/strict";
import fc from "fast-check";
import { rlpEncode } from "../../hot/rlp_encode.ts";
import { vectorTest } from "../../../tests/vectors.ts";
import { decodeEthStatus, encodeEthStatus } from "./eth_status.ts";
import {
  decodeDisconnect,
  decodeHello,
  decodePeers,
  DISCONNECT_CODE,
  type DisconnectReason,
  encodeDisconnect,
  encodeHello,
  encodePeers,
} from "./p2p_messages.ts";
import { WireFault } from "./wire_fault.ts";

const hex = (text: string) => Uint8Array.fromHex(text);
const isFault = (code: string) => (error: unknown) => error instanceof WireFault && error.code === code;

vectorTest("Base messages and eth-style Status agree with the vectors p2p-messages", async (dir) => {
  const { cases } = JSON.parse(await Deno.readTextFile(`${dir}/rootstock/p2p-messages.json`));
  const seen = new Set<string>();
  for (const { name, type, payload, expect, encode } of cases) {
    const bytes = hex(payload);
    seen.add(type);
    if (type === "hello") {
      const hello = decodeHello(bytes);
      assert.equal(hello.p2pVersion, expect.p2pVersion);
      assert.equal(hello.clientId, expect.clientId);
      assert.equal(hello.capabilities.length, expect.capabilityCount);
      assert.equal(hello.listenPort, expect.listenPort);
      assert.equal(hello.nodeId.toHex(), expect.peerId);
    } else if (type === "disconnect") {
      if (expect === "error") assert.throws(() => decodeDisconnect(bytes), isFault("malformed"), name);
      else {
        const reason = decodeDisconnect(bytes);
        assert.equal(DISCONNECT_CODE[reason], expect.reason, name);
        if (encode) assert.equal(encodeDisconnect(reason).toHex(), payload, name);
      }
    } else if (type === "peers") {
      const peers = decodePeers(bytes);
      assert.deepEqual(
        peers.map(({ address, port, nodeId }) => ({ ip: address.join("."), port, peerId: nodeId.toHex() })),
        expect.peers,
      );
      assert.equal(encodePeers(peers).toHex(), payload);
    } else if (type === "eth-status") {
      const status = decodeEthStatus(bytes);
      assert.equal(status.protocolVersion, expect.protocolVersion);
      assert.equal(status.networkId, expect.networkId);
      assert.equal(status.totalDifficulty.toString(16), expect.totalDifficulty);
      assert.equal(status.bestHash.toHex(), expect.bestHash);
      assert.equal(status.genesisHash.toHex(), expect.genesisHash);
      assert.equal(encodeEthStatus(status).toHex(), payload);
    } else assert.equal(payload, "c0", name);
  }
  assert.deepEqual([...seen].sort(), ["disconnect", "eth-status", "hello", "peers", "ping"]);
});

const hello = {
  p2pVersion: 4,
  clientId: "Ethereum(J)/v9.1.0/Linux/Dev/Java/MainNet",
  capabilities: [{ name: "rsk", version: 62 }, { name: "snap", version: 1 }],
  listenPort: 5050,
  nodeId: new Uint8Array(64).fill(9),
};

Deno.test("Hello: what was encoded is decoded; further elements are ignored, missing ones are not", () => {
  assert.deepEqual(decodeHello(encodeHello(hello)), hello);
  const fields = [4, new Uint8Array(3), [], 5050, hello.nodeId];
  assert.deepEqual(decodeHello(rlpEncode([...fields, 1, [2]])).capabilities, []);
  assert.throws(() => decodeHello(rlpEncode(fields.slice(0, 4))), isFault("malformed"));
  assert.throws(
    () => decodeHello(rlpEncode([...fields.slice(0, 4), new Uint8Array(63)])),
    isFault("malformed"),
  );
  assert.throws(() => decodeHello(rlpEncode([4, [], [], 5050, hello.nodeId])), isFault("malformed"));
  assert.throws(() => decodeHello(rlpEncode([4, 1, 2, 5050, hello.nodeId])), isFault("malformed"));
});

Deno.test("Hello: long ones are cut or refused", () => {
  assert.throws(
    () => decodeHello(encodeHello({ ...hello, clientId: "x".repeat(5_000) })),
    isFault("oversize"),
  );
  assert.equal(decodeHello(encodeHello({ ...hello, clientId: "x".repeat(3_000) })).clientId.length, 256);
  const many = Array.from({ length: 65 }, () => ({ name: "a", version: 1 }));
  assert.throws(() => decodeHello(encodeHello({ ...hello, capabilities: many })), isFault("malformed"));
});

Deno.test("Disconnect: every reason as rskj writes it, a bare integer too, and unlisted codes", () => {
  for (const [reason, code] of Object.entries(DISCONNECT_CODE)) {
    assert.equal(decodeDisconnect(encodeDisconnect(reason as DisconnectReason)), reason);
    assert.equal(decodeDisconnect(rlpEncode(code)), reason, "bare");
  }
  assert.equal(encodeDisconnect("requested").toHex(), "c180");
  assert.equal(decodeDisconnect(hex("c100")), "requested");
  assert.equal(decodeDisconnect(hex("c0")), "requested");
  assert.equal(decodeDisconnect(hex("00")), "requested");
  assert.equal(decodeDisconnect(hex("c142")), "unknown");
  for (const bad of ["", "c1", "c1c0", "820001", "b8", "c5820100"]) {
    assert.throws(() => decodeDisconnect(hex(bad)), isFault("malformed"), bad);
  }
});

Deno.test("Decoders of base messages refuse garbage with a fault and with nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const decode of [decodeHello, decodeDisconnect, decodePeers, decodeEthStatus]) {
        try {
          decode(bytes);
        } catch (error) {
          assert(error instanceof WireFault, String(error));
        }
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("Eth-style Status: no sign byte before the difficulty, hashes of 32 bytes", () => {
  const status = {
    protocolVersion: 62,
    networkId: 775,
    totalDifficulty: 0x8000n,
    bestHash: new Uint8Array(32).fill(1),
    genesisHash: new Uint8Array(32).fill(2),
  };
  const payload = encodeEthStatus(status);
  assert(payload.toHex().startsWith("f8493e820307828000a0"), payload.toHex());
  assert.deepEqual(decodeEthStatus(payload), status);
  const with33 = rlpEncode([62, 775, new Uint8Array(33).fill(1), status.bestHash, status.genesisHash]);
  assert.throws(() => decodeEthStatus(with33), isFault("malformed"));
  const short = rlpEncode([62, 775, 1, status.bestHash.slice(1), status.genesisHash]);
  assert.throws(() => decodeEthStatus(short), isFault("malformed"));
});
