import assert from "node:assert/strict";
import { generateKeyPair } from "@libp2p/crypto/keys";
import { ed25519 } from "@noble/curves/ed25519.js";
import { keepNativeKeys } from "./key_cache.ts";

Deno.test("keepNativeKeys() signs and verifies as a second implementation does", async () => {
  const own = await generateKeyPair("Ed25519");
  const other = await generateKeyPair("Ed25519");
  keepNativeKeys(own);
  for (const length of [0, 1, 400, 70_000]) {
    const data = new Uint8Array(length).fill(length % 251);
    const signature = await own.sign(data);
    assert.deepEqual(Uint8Array.from(signature), ed25519.sign(data, own.raw.subarray(0, 32)));
    assert(ed25519.verify(Uint8Array.from(signature), data, own.publicKey.raw));
    assert.equal(await own.publicKey.verify(data, signature), true);
    assert.equal(await other.publicKey.verify(data, signature), false);
    assert.equal(await own.publicKey.verify(Uint8Array.from([...data, 1]), signature), false);
    const damaged = Uint8Array.from(signature);
    damaged[40]! ^= 1;
    assert.equal(await own.publicKey.verify(data, damaged), false);
    assert.equal(await own.publicKey.verify(data, signature.subarray(1)), false);
    assert.equal(await other.publicKey.verify(data, ed25519.sign(data, other.raw.subarray(0, 32))), true);
  }
});

Deno.test("keepNativeKeys() forgets keys beyond its bound, and verifies with them all the same", async () => {
  const own = await generateKeyPair("Ed25519");
  keepNativeKeys(own);
  const data = Uint8Array.of(1);
  const signature = await own.sign(data);
  assert.equal(await own.publicKey.verify(data, signature), true);
  const prototype = Object.getPrototypeOf(own.publicKey);
  for (let i = 0; i < 1_100; i++) {
    const raw = ed25519.getPublicKey(new Uint8Array(32).fill(i % 256).fill(i >> 8, 0, 1));
    assert.equal(prototype.verify.call({ raw }, data, signature), false);
  }
  assert.equal(await own.publicKey.verify(data, signature), true);
});
