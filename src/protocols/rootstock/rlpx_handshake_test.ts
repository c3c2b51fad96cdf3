import assert from "node:assert/strict";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { rlpEncode } from "../../hot/rlp_encode.ts";
import { vectorTest } from "../../../tests/vectors.ts";
import { seededBytes, shakeHands } from "./_wire.ts";
import { concatKdf, ECIES_OVERHEAD_BYTES, eciesDecrypt, eciesEncrypt } from "./ecies.ts";
import { joinBytes } from "./growing_bytes.ts";
import { ACK_BYTES, AUTH_BYTES, decodeAck, decodeAuth, PacketOpener } from "./handshake_packets.ts";
import { deriveSecrets, InitiatorHandshake, ReplayGuard, ResponderHandshake } from "./rlpx_handshake.ts";
import { isPrivateKey, NodeKey, recoverNodeId } from "./secp256k1.ts";
import { WireFault } from "./wire_fault.ts";

const hex = (text: string) => Uint8Array.fromHex(text);
const FORMS = ["eip8", "plain"] as const;
const isFault = (code: string) => (error: unknown) => error instanceof WireFault && error.code === code;

async function readCases(dir: string, name: string) {
  return JSON.parse(await Deno.readTextFile(`${dir}/rootstock/${name}`));
}

vectorTest("NodeKey and recoverNodeId() agree with the vectors secp256k1", async (dir) => {
  const { cases } = await readCases(dir, "secp256k1.json");
  for (const { kind, privateKey, publicKey, hash, r, s, recId, address } of cases) {
    const id = publicKey.slice(2);
    if (kind === "public") {
      assert.equal(new NodeKey(hex(privateKey)).id.toHex(), id);
      assert.equal(keccak_256(hex(id)).slice(12).toHex(), address);
    } else {
      assert.equal(recoverNodeId(hex(hash), joinBytes([hex(r), hex(s), Uint8Array.of(recId)])).toHex(), id);
    }
  }
  assert.equal(cases.length, 2);
});

Deno.test("NodeKey: both sides compute one secret, the same as @noble/curves; a signature names its key", () => {
  const randomBytes = seededBytes(7);
  const secret = randomBytes(32);
  const [a, b] = [new NodeKey(secret), NodeKey.generate(randomBytes)];
  const shared = a.sharedSecret(b.id);
  assert.deepEqual([...shared], [...b.sharedSecret(a.id)]);
  const noble = secp256k1.getSharedSecret(secret, joinBytes([Uint8Array.of(4), b.id]), false);
  assert.equal(Uint8Array.from(shared).toHex(), noble.slice(1, 33).toHex());
  const hash = randomBytes(32);
  assert.equal(recoverNodeId(hash, a.sign(hash)).toHex(), a.id.toHex());
  assert.throws(() => a.sharedSecret(new Uint8Array(64)));
  assert.throws(() => recoverNodeId(hash, new Uint8Array(64)), RangeError);
  assert.throws(
    () => recoverNodeId(hash, joinBytes([a.sign(hash).slice(0, 64), Uint8Array.of(2)])),
    RangeError,
  );
  for (const bad of [new Uint8Array(32), new Uint8Array(32).fill(255), new Uint8Array(31).fill(1)]) {
    assert.equal(isPrivateKey(bad), false);
    assert.throws(() => new NodeKey(bad), RangeError);
  }
});

vectorTest("ECIES and its key derivation agree with the vectors ecies", async (dir) => {
  const { cases } = await readCases(dir, "ecies.json");
  const [decrypt, kdf] = cases;
  const key = new NodeKey(hex(decrypt.privateKey));
  assert.equal(Uint8Array.from(eciesDecrypt(hex(decrypt.cipher), key)).toHex(), decrypt.plaintext);
  const derived = concatKdf(new TextEncoder().encode(kdf.sharedSecretAscii), kdf.outputLength);
  assert.equal(Uint8Array.from(derived).toHex(), kdf.output);
});

Deno.test("ECIES: what was made is read; with any bit flipped it is refused", () => {
  const randomBytes = seededBytes(3);
  const [to, ephemeralKey] = [NodeKey.generate(randomBytes), NodeKey.generate(randomBytes)];
  const [plaintext, macData] = [randomBytes(50), Uint8Array.of(1, 2)];
  const message = eciesEncrypt({ plaintext, to: to.id, ephemeralKey, iv: randomBytes(16), macData });
  assert.equal(message.length, plaintext.length + ECIES_OVERHEAD_BYTES);
  assert.deepEqual(Uint8Array.from(eciesDecrypt(message, to, macData)), plaintext);
  for (let i = 0; i < message.length; i++) {
    const changed = message.slice();
    changed[i]! ^= 1 << (i % 8);
    assert.throws(() => eciesDecrypt(changed, to, macData), isFault("handshake"), `byte ${i}`);
  }
  for (const bytes of [0, 1, ECIES_OVERHEAD_BYTES - 1]) {
    assert.throws(() => eciesDecrypt(message.subarray(0, bytes), to, macData), isFault("handshake"));
  }
  assert.throws(() => eciesDecrypt(message, to), isFault("handshake"));
  assert.throws(() => eciesDecrypt(message, ephemeralKey, macData), isFault("handshake"));
});

vectorTest("auth, ack and secrets agree with the vectors rlpx-eip8", async (dir) => {
  const { common, cases } = await readCases(dir, "rlpx-eip8.json");
  const key = (name: string) => new NodeKey(hex(common[name]));
  const [authCase, ackCase] = cases;

  const auth = new PacketOpener(key("staticPrivB"), AUTH_BYTES).open(hex(authCase.packet))!;
  assert.equal(auth.form, "eip8");
  const { signature, id, nonce } = decodeAuth(auth);
  assert.equal(id.toHex(), key("staticPrivA").id.toHex());
  assert.equal(nonce.toHex(), common.nonceA);
  const { r, s, v } = common.signatureA;
  assert.equal(signature.toHex(), r + s + (v - 27).toString(16).padStart(2, "0"));
  const token = Uint8Array.from(key("staticPrivB").sharedSecret(id), (byte, i) => byte ^ nonce[i]!);
  assert.equal(recoverNodeId(token, signature).toHex(), key("ephemeralPrivA").id.toHex());

  const ack = new PacketOpener(key("staticPrivA"), ACK_BYTES).open(hex(ackCase.packet))!;
  assert.equal(decodeAck(ack).ephemeralId.toHex(), key("ephemeralPrivB").id.toHex());
  assert.equal(decodeAck(ack).nonce.toHex(), common.nonceB);

  const nonces = { initiatorNonce: hex(common.nonceA), responderNonce: hex(common.nonceB) };
  const packets = { auth: hex(ackCase.authPacket), ack: hex(ackCase.packet) };
  const initiator = deriveSecrets({
    role: "initiator",
    ephemeralKey: key("ephemeralPrivA"),
    remoteEphemeralId: key("ephemeralPrivB").id,
    ...nonces,
    ...packets,
  });
  const responder = deriveSecrets({
    role: "responder",
    ephemeralKey: key("ephemeralPrivB"),
    remoteEphemeralId: key("ephemeralPrivA").id,
    ...nonces,
    ...packets,
  });
  const { responderSecrets } = ackCase.expect;
  for (const { aes, mac } of [initiator, responder]) {
    assert.equal(aes.toHex(), responderSecrets.aes);
    assert.equal(mac.toHex(), responderSecrets.mac);
  }
  responder.ingressMac.update(new TextEncoder().encode("foo"));
  assert.equal(
    responder.ingressMac.digest().toHex(),
    responderSecrets.ingressMacDigestAfterUpdatingWithAsciiFoo,
  );
});

for (const form of FORMS) {
  Deno.test(`Handshake, ${form}: the responder answers in kind, and both sides have the same secrets`, () => {
    const { initiator, responder } = shakeHands(form);
    assert.equal(initiator.aes.toHex(), responder.aes.toHex());
    assert.equal(initiator.mac.toHex(), responder.mac.toHex());
    const peek = new Uint8Array(32);
    assert.equal(initiator.egressMac.peek(peek).toHex(), responder.ingressMac.digest().toHex());
    assert.equal(initiator.ingressMac.peek(peek).toHex(), responder.egressMac.digest().toHex());
  });

  Deno.test(`Handshake, ${form}: sizes, and nothing is answered before the last byte`, () => {
    const randomBytes = seededBytes(9);
    const [a, b] = [NodeKey.generate(randomBytes), NodeKey.generate(randomBytes)];
    const initiator = new InitiatorHandshake({ key: a, remoteId: b.id, randomBytes, form });
    const responder = new ResponderHandshake({ key: b, randomBytes, replays: new ReplayGuard() });
    const { packet } = initiator;
    if (form === "plain") assert.equal(packet.length, 307);
    else assert.equal((packet[0]! << 8) | packet[1]!, packet.length - 2);
    for (let i = 0; i < packet.length; i++) assert.equal(responder.receive(packet.subarray(0, i)), undefined);
    const answer = responder.receive(joinBytes([packet, Uint8Array.of(1, 2, 3)]))!;
    assert.equal(answer.bytesRead, packet.length);
    assert.equal(answer.form, form);
    assert.equal(answer.remoteId.toHex(), a.id.toHex());
    if (form === "plain") assert.equal(answer.packet.length, 210);
    for (let i = 0; i < answer.packet.length; i++) {
      assert.equal(initiator.receive(answer.packet.subarray(0, i)), undefined);
    }
    assert.equal(initiator.receive(answer.packet)!.bytesRead, answer.packet.length);
  });

  Deno.test(`Handshake, ${form}: an auth for another key, or a changed one, is refused`, () => {
    const randomBytes = seededBytes(11);
    const [a, b, c] = [1, 2, 3].map(() => NodeKey.generate(randomBytes)) as [NodeKey, NodeKey, NodeKey];
    const { packet } = new InitiatorHandshake({ key: a, remoteId: b.id, randomBytes, form });
    const receive = (key: NodeKey, bytes: Uint8Array) =>
      new ResponderHandshake({ key, randomBytes, replays: new ReplayGuard() }).receive(bytes);
    const refused = (key: NodeKey, bytes: Uint8Array) => {
      try {
        // A plain packet that cannot be opened may still be the beginning of a longer one.
        return receive(key, bytes) === undefined;
      } catch (error) {
        return isFault("handshake")(error);
      }
    };
    assert(refused(c, packet));
    for (let i = 0; i < packet.length; i += 7) {
      const changed = packet.slice();
      changed[i]! ^= 0x10;
      assert(refused(b, changed), `byte ${i}`);
    }
  });
}

Deno.test("Handshake: an ack of either form is taken, whatever the auth was", () => {
  const randomBytes = seededBytes(13);
  const [a, b] = [NodeKey.generate(randomBytes), NodeKey.generate(randomBytes)];
  const plain = new InitiatorHandshake({ key: a, remoteId: b.id, randomBytes, form: "plain" });
  const answer = new ResponderHandshake({ key: b, randomBytes, replays: new ReplayGuard() }).receive(
    plain.packet,
  )!;
  assert.equal(answer.packet.length, ACK_BYTES);
  const opened = new PacketOpener(a, ACK_BYTES).open(answer.packet)!;
  assert.equal(opened.form, "plain");
});

Deno.test("Handshake: an EIP-8 packet that begins as a plain one does is told apart", () => {
  const randomBytes = seededBytes(15);
  const [a, b] = [NodeKey.generate(randomBytes), NodeKey.generate(randomBytes)];
  const plaintext = joinBytes([
    // A fourth element, another version and a fifth are tolerated.
    rlpEncode([new Uint8Array(65), a.id, new Uint8Array(32).fill(5), 57, [1, 2]]),
    new Uint8Array(850),
  ]);
  const bytes = plaintext.length + ECIES_OVERHEAD_BYTES;
  const prefix = Uint8Array.of(bytes >> 8, bytes);
  assert.equal(prefix[0], 4);
  const ephemeralKey = NodeKey.generate(randomBytes);
  const message = eciesEncrypt({ plaintext, to: b.id, ephemeralKey, iv: randomBytes(16), macData: prefix });
  const packet = joinBytes([prefix, message]);
  const opener = new PacketOpener(b, AUTH_BYTES);
  for (const length of [0, 306, 307, 500, packet.length - 1]) {
    assert.equal(opener.open(packet.subarray(0, length)), undefined);
  }
  const opened = opener.open(packet)!;
  assert.equal(opened.form, "eip8");
  assert.deepEqual(decodeAuth(opened).nonce, new Uint8Array(32).fill(5));
});

Deno.test("Handshake: sizes that rskj would not take are refused at once", () => {
  const key = NodeKey.generate(seededBytes(17));
  for (const [high, low] of [[0x80, 0x00], [0xff, 0xff], [0, 0], [1, 0x32]] as const) {
    assert.throws(
      () => new PacketOpener(key, AUTH_BYTES).open(Uint8Array.of(high, low)),
      isFault("handshake"),
    );
  }
  assert.equal(new PacketOpener(key, AUTH_BYTES).open(Uint8Array.of(0x7f, 0xff)), undefined);
  assert.equal(new PacketOpener(key, AUTH_BYTES).open(Uint8Array.of(1, 0x33)), undefined);
});

Deno.test("Handshake: a recorded auth is refused, also with the other y of its key", () => {
  for (const form of FORMS) {
    const randomBytes = seededBytes(19);
    const [a, b] = [NodeKey.generate(randomBytes), NodeKey.generate(randomBytes)];
    const replays = new ReplayGuard(3);
    const { packet } = new InitiatorHandshake({ key: a, remoteId: b.id, randomBytes, form });
    const receive = (bytes: Uint8Array) =>
      new ResponderHandshake({ key: b, randomBytes, replays }).receive(bytes);
    assert(receive(packet));
    assert.throws(() => receive(packet), isFault("replayed-auth"));
    const at = form === "eip8" ? 2 : 0;
    const mirrored = packet.slice();
    const point = secp256k1.Point.fromBytes(packet.subarray(at, at + 65));
    mirrored.set(point.negate().toBytes(false), at);
    assert.throws(() => receive(mirrored), isFault("replayed-auth"));
    // It is the guard that refuses it: without its memory the packet is as good as the first one.
    assert(new ResponderHandshake({ key: b, randomBytes, replays: new ReplayGuard() }).receive(mirrored));
    for (let i = 0; i < 10; i++) {
      assert(receive(new InitiatorHandshake({ key: a, remoteId: b.id, randomBytes, form }).packet));
      assert(replays.size <= 3);
    }
  }
});
