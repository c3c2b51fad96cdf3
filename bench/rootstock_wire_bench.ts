/**
 * What Rootstock's wire costs: handshakes, frames and messages; where another implementation does the same, beside it.
 *
 *   deno bench --allow-read --allow-env bench/rootstock_wire_bench.ts
 *
 * @module
 */

import { createCipheriv } from "node:crypto";
import { ECIES } from "@ethereumjs/devp2p";
import { RLP } from "@ethereumjs/rlp";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { keccak256 } from "../src/hot/keccak256.ts";
import { rlpEncode } from "../src/hot/rlp_encode.ts";
import { FrameReader, FrameWriter } from "../src/protocols/rootstock/rlpx_frames.ts";
import {
  InitiatorHandshake,
  ReplayGuard,
  ResponderHandshake,
} from "../src/protocols/rootstock/rlpx_handshake.ts";
import { decodeRskMessage } from "../src/protocols/rootstock/rsk_decode.ts";
import { encodeRskMessage } from "../src/protocols/rootstock/rsk_encode.ts";
import { NodeKey, recoverNodeId, toPublicKey } from "../src/protocols/rootstock/secp256k1.ts";
import { snappyCompress, snappyDecompress } from "../src/protocols/rootstock/snappy.ts";

const randomBytes = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));

/** Bytes of the fields of a header, with merged-mining proof and coinbase as mainnet's have them: 1.1 kB. */
const FIELD_BYTES = [32, 32, 20, 32, 32, 32, 256, 10, 3, 3, 3, 4, 9, 6, 4, 1, 20, 80, 384, 170];

/** A response of rskj's largest size: 192 headers. */
const headers = Array.from({ length: 192 }, () => rlpEncode(FIELD_BYTES.map(randomBytes)));
const payload = encodeRskMessage({ type: "block-headers-response", id: 1n, headers });
const ping = Uint8Array.of(0xc0);

const group = "headers response, 192 x 1.1 kB";
Deno.bench({ name: "encode", group, baseline: true }, () => {
  encodeRskMessage({ type: "block-headers-response", id: 1n, headers });
});
Deno.bench({ name: "decode", group }, () => {
  const message = decodeRskMessage(payload);
  if (message.type !== "block-headers-response" || message.headers.length !== 192) {
    throw new Error("expected 192");
  }
});
Deno.bench({ name: "decode, @ethereumjs/rlp (all fields)", group }, () => {
  const [[, body]] = RLP.decode(payload) as unknown as [[Uint8Array, Uint8Array]];
  RLP.decode(body);
});

/** Both ends of a handshake; frames go round between them without end. */
function makeEnds() {
  const [a, b] = [NodeKey.generate(randomBytes), NodeKey.generate(randomBytes)];
  const initiator = new InitiatorHandshake({ key: a, remoteId: b.id, randomBytes });
  const answer = new ResponderHandshake({ key: b, randomBytes, replays: new ReplayGuard() }).receive(
    initiator.packet,
  )!;
  const { secrets } = initiator.receive(answer.packet)!;
  return { writer: new FrameWriter(secrets), reader: new FrameReader(answer.secrets) };
}

function makeForeignEnds() {
  const [a, b] = [randomBytes(32), randomBytes(32)];
  const [aId, bId] = [new NodeKey(a).id, new NodeKey(b).id];
  const [initiator, responder] = [new ECIES(a, aId, bId), new ECIES(b, bId, aId)];
  responder["_gotEIP8Auth"] = initiator["_gotEIP8Ack"] = true;
  responder.parseAuthEIP8(initiator.createAuthEIP8()!);
  initiator.parseAckEIP8(responder.createAckEIP8()!);
  return { initiator, responder };
}

for (const [name, bytes] of [["a ping", ping], ["a headers response", payload]] as const) {
  const group = `frame of ${name}, ${bytes.length} bytes`;
  const { writer, reader } = makeEnds();
  Deno.bench({ name: "seal and open", group, baseline: true }, () => {
    for (const frame of reader.receive(writer.seal(0x18, bytes))) {
      if (frame.payload.length !== bytes.length) throw new Error("expected the payload");
    }
  });
  const { initiator, responder } = makeForeignEnds();
  const body = new Uint8Array([0x18, ...bytes]);
  // Without its copies of the stream, so the cipher and MAC alone.
  Deno.bench({ name: "seal and open, @ethereumjs/devp2p", group }, () => {
    responder.parseHeader(initiator.createBlockHeader(body.length)!);
    responder.parseBody(initiator.createBody(body)!);
  });
}

/** What a frame's time goes into. */
{
  const group = "of 211 kB";
  const cipher = createCipheriv("aes-256-ctr", randomBytes(32), randomBytes(16));
  const [hot, noble] = [keccak256.create(), keccak_256.create()];
  const out = new Uint8Array(32);
  Deno.bench({ name: "AES-256-CTR, native", group }, () => void cipher.update(payload));
  Deno.bench({ name: "running Keccak-256, hot, peeked at", group, baseline: true }, () => {
    hot.update(payload).peek(out);
  });
  Deno.bench({ name: "running Keccak-256, @noble/hashes, cloned", group }, () => {
    noble.update(payload).clone().digest();
  });
}

{
  const group = "one block of 16 bytes";
  const block = new Uint8Array(16);
  const cipher = createCipheriv("aes-256-ecb", randomBytes(32), null);
  cipher.setAutoPadding(false);
  const out = new Uint8Array(32);
  const [hot, noble] = [keccak256.create(), keccak_256.create()];
  Deno.bench(
    { name: "AES-256-ECB, native, one cipher kept", group, baseline: true },
    () => void cipher.update(block),
  );
  Deno.bench({ name: "running Keccak-256, hot, peeked at", group }, () => void hot.update(block).peek(out));
  Deno.bench({ name: "running Keccak-256, @noble/hashes, cloned", group }, () => {
    noble.update(block).clone().digest();
  });
}

{
  const group = "secp256k1";
  const privateKey = randomBytes(32);
  const [key, other] = [new NodeKey(privateKey), NodeKey.generate(randomBytes)];
  const hash = randomBytes(32);
  const signature = key.sign(hash);
  const publicKey = toPublicKey(other.id);
  Deno.bench({ name: "shared secret, native", group, baseline: true }, () => void key.sharedSecret(other.id));
  Deno.bench({ name: "shared secret, @noble/curves", group }, () => {
    secp256k1.getSharedSecret(privateKey, publicKey, false);
  });
  Deno.bench({ name: "sign", group }, () => void key.sign(hash));
  Deno.bench({ name: "recover", group }, () => void recoverNodeId(hash, signature));
}

{
  const group = "handshake, both sides";
  Deno.bench({ name: "this node", group, baseline: true }, () => {
    const { writer, reader } = makeEnds();
    writer[Symbol.dispose]();
    reader[Symbol.dispose]();
  });
  Deno.bench({ name: "@ethereumjs/devp2p", group }, () => void makeForeignEnds());
}

{
  const group = "Snappy, headers response";
  const compressed = snappyCompress(payload);
  Deno.bench({ name: "compress", group, baseline: true }, () => void snappyCompress(payload));
  Deno.bench({ name: "decompress", group }, () => void snappyDecompress(compressed, payload.length));
}
