import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type BlockChanges,
  LEADER,
  LEADER_KEY,
  nextBlock,
  START_SECONDS,
  TEST_RULES,
  testChain,
  testKey,
  testMessage,
  testSender,
} from "./_chain.ts";
import { type Block, GENESIS } from "./block.ts";
import type { FaultCode } from "./fault.ts";
import {
  announcementFromJson,
  ANNOUNCEMENTS_TOPIC,
  announcementToJson,
  isAnnouncedBy,
  signAnnouncement,
} from "./gossip.ts";
import { createBlockSigner, publicKeyOf, VerifyingKey, verifySignature } from "./keys.ts";
import { leafHash, merklePath, messageRoot, verifyPath } from "./merkle.ts";
import { encodeMessage, makeMessage, type Message } from "./message.ts";
import {
  checkEvidence,
  evidenceFromJson,
  evidenceToJson,
  makeProof,
  proofFromJson,
  proofToJson,
  verifyProof,
  verifyProofFile,
} from "./proof.ts";
import { checkBody, checkHeader, checkNonce, tipOf } from "./rules.ts";

const NOW = START_SECONDS + 100n;
const GENESIS_TIP = tipOf(GENESIS);
const encode = (value: string) => new TextEncoder().encode(value);

function headerCode(changes: BlockChanges, rules = TEST_RULES, parent = GENESIS_TIP): FaultCode | undefined {
  return checkHeader(nextBlock(parent, [], changes).block, parent, rules, NOW)?.code;
}

Deno.test("checkHeader() accepts a chain of the leader's blocks", () => {
  let parent = GENESIS_TIP;
  for (const { block } of testChain(5)) {
    assert.equal(checkHeader(block, parent, TEST_RULES, NOW), undefined);
    parent = tipOf(block);
  }
});

Deno.test("checkHeader() refuses each fault with its code and says what was expected", () => {
  assert.equal(headerCode({ height: 2n }), "HEIGHT_MISMATCH");
  assert.equal(headerCode({ height: 0n }), "HEIGHT_MISMATCH");
  assert.equal(headerCode({ prevHash: new Uint8Array(32) }), "PREV_HASH_MISMATCH");
  assert.equal(headerCode({ timestamp: NOW + 15n }), undefined);
  assert.equal(headerCode({ timestamp: NOW + 16n }), "TIMESTAMP_AHEAD");
  assert.equal(headerCode({ secret: null }), "LEADER_UNSIGNED");
  assert.equal(headerCode({ secret: testKey(2) }), "LEADER_KEY_WRONG");
  const parent = tipOf(nextBlock(GENESIS_TIP, [], { term: 3n }).block);
  assert.equal(
    headerCode({ timestamp: START_SECONDS, term: 3n }, TEST_RULES, parent),
    "TIMESTAMP_BEFORE_PARENT",
  );
  assert.equal(headerCode({ term: 2n }, TEST_RULES, parent), "TERM_BEFORE_PARENT");
  assert.equal(headerCode({}, TEST_RULES, parent), "TERM_BEFORE_PARENT");
  assert.equal(headerCode({ term: 4n }, TEST_RULES, parent), undefined);
  const { block } = nextBlock(GENESIS_TIP);
  const forged: Block = { ...block, seal: { ...block.seal!, signature: new Uint8Array(64) } };
  assert.equal(checkHeader(forged, GENESIS_TIP, TEST_RULES, NOW)?.code, "LEADER_SIGNATURE_INVALID");
  const tampered: Block = { ...block, messageIds: [new Uint8Array(32)] };
  assert.equal(checkHeader(tampered, GENESIS_TIP, TEST_RULES, NOW)?.code, "LEADER_SIGNATURE_INVALID");
  assert.match(
    checkHeader(nextBlock(GENESIS_TIP, [], { height: 7n }).block, GENESIS_TIP, TEST_RULES, NOW)!.message,
    /Expected block 1, got 7/,
  );
});

Deno.test("checkHeader() refuses too many messages and one that is named twice", () => {
  const messages = [testMessage(1, 0), testMessage(1, 1)];
  const few = { ...TEST_RULES, maxBlockMessages: 1 };
  assert.equal(
    checkHeader(nextBlock(GENESIS_TIP, messages).block, GENESIS_TIP, few, NOW)?.code,
    "TOO_MANY_MESSAGES",
  );
  const twice = nextBlock(GENESIS_TIP, [messages[0]!, messages[0]!]).block;
  assert.equal(checkHeader(twice, GENESIS_TIP, TEST_RULES, NOW)?.code, "MESSAGE_ID_REPEATED");
});

Deno.test("checkHeader() without a leader accepts what nobody signed, and still wants continuity", () => {
  const rules = { ...TEST_RULES, leader: undefined };
  assert.equal(headerCode({ secret: null }, rules), undefined);
  assert.equal(headerCode({ secret: null, height: 3n }, rules), "HEIGHT_MISMATCH");
});

function bodyCode(messages: readonly Message[], body = messages, last: Record<string, bigint> = {}) {
  const { block } = nextBlock(GENESIS_TIP, messages);
  return checkBody(block, body, TEST_RULES, (sender) => last[sender])?.code;
}

Deno.test("checkBody() accepts signed messages whose nonces go on from the chain", () => {
  assert.equal(bodyCode([]), undefined);
  assert.equal(
    bodyCode([testMessage(1, 0), testMessage(2, 5), testMessage(1, 1)], undefined, { [testSender(2)]: 4n }),
    undefined,
  );
});

Deno.test("checkBody() refuses each fault with its code", () => {
  const [first, second] = [testMessage(1, 0), testMessage(1, 1)];
  assert.equal(bodyCode([first, second], [first]), "BODY_MISMATCH");
  assert.equal(bodyCode([first, second], [second, first]), "BODY_MISMATCH");
  assert.equal(bodyCode([first], [{ ...first, content: "other" }]), "MESSAGE_ROOT_MISMATCH");
  assert.equal(bodyCode([first], [{ ...first, timestamp: 1n }]), "MESSAGE_ROOT_MISMATCH");
  const { signature: _, ...bare } = first;
  assert.equal(bodyCode([bare]), "MESSAGE_UNSIGNED");
  assert.equal(bodyCode([{ ...first, content: "other" }]), "MESSAGE_SIGNATURE_INVALID");
  assert.equal(bodyCode([makeMessage({ ...first, sender: testSender(2) })]), "MESSAGE_SIGNATURE_INVALID");
  assert.equal(bodyCode([makeMessage({ ...first, sender: "alice" })]), "SENDER_INVALID");
  assert.equal(bodyCode([testMessage(1, 0, "x".repeat(16_385))]), "CONTENT_TOO_LARGE");
  assert.equal(bodyCode([second]), "NONCE_SKIPPED");
  assert.equal(bodyCode([first], undefined, { [testSender(1)]: 0n }), "NONCE_REPLAYED");
});

Deno.test("checkNonce() wants 0 first and one more each time", () => {
  assert.equal(checkNonce(0n, undefined), undefined);
  assert.equal(checkNonce(1n, undefined)?.code, "NONCE_SKIPPED");
  assert.equal(checkNonce(5n, 4n), undefined);
  assert.equal(checkNonce(4n, 4n)?.code, "NONCE_REPLAYED");
  assert.equal(checkNonce(6n, 4n)?.code, "NONCE_SKIPPED");
});

Deno.test("VerifyingKey.verify() agrees with verifySignature() on good, damaged and foreign signatures", () => {
  const bytes = (count: number) => fc.uint8Array({ minLength: count, maxLength: count });
  const signed = createBlockSigner(testKey(1)).sign(nextBlock(GENESIS_TIP).block);
  fc.assert(
    fc.property(bytes(64), bytes(32), fc.nat(63), fc.nat(255), (noise, digest, at, change) => {
      const damaged = signed.seal!.signature.slice();
      damaged[at]! ^= change;
      for (const signature of [noise, damaged, signed.seal!.signature]) {
        assert.equal(
          LEADER_KEY.verify(signature, digest),
          verifySignature(signature, digest, LEADER_KEY.bytes),
        );
      }
    }),
    { numRuns: 20 },
  );
  assert.throws(() => new VerifyingKey(new Uint8Array(33)), RangeError);
  assert.notDeepEqual(publicKeyOf(testKey(2)), LEADER.publicKey);
});

Deno.test("VerifyingKey.verify() refuses the same signature with s in the upper half", () => {
  const { seal } = nextBlock(GENESIS_TIP).block;
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const s = order - BigInt(`0x${seal!.signature.subarray(32).toHex()}`);
  const high = seal!.signature.slice();
  high.set(Uint8Array.fromHex(s.toString(16).padStart(64, "0")), 32);
  const block = { ...nextBlock(GENESIS_TIP).block, seal: { ...seal!, signature: high } };
  assert.equal(checkHeader(block, GENESIS_TIP, TEST_RULES, NOW)?.code, "LEADER_SIGNATURE_INVALID");
});

const canonical = (count: number) => Array.from({ length: count }, (_, i) => Uint8Array.of(i, i >> 8));

Deno.test("messageRoot() is zero for nothing, the leaf for one, and prefixes keep leaf and node apart", () => {
  assert.deepEqual([...messageRoot([])], Array(32).fill(0));
  const [a, b, c] = canonical(3) as [Uint8Array, Uint8Array, Uint8Array];
  assert.deepEqual(messageRoot([a]), leafHash(a));
  const pair = messageRoot([a, b]);
  // A message whose bytes are two hashes is not the node above them, and the odd third goes up as it is.
  assert.notDeepEqual(messageRoot([Uint8Array.from([...leafHash(a), ...leafHash(b)])]), pair);
  assert.notDeepEqual(messageRoot([a, b, c, c]), messageRoot([a, b, c]));
});

Deno.test("verifyPath() accepts every leaf of every tree of 1 to 33, and nothing else", () => {
  for (let count = 1; count <= 33; count++) {
    const leaves = canonical(count);
    const root = messageRoot(leaves);
    for (const [index, leaf] of leaves.entries()) {
      const path = merklePath(leaves, index);
      assert(verifyPath(leaf, index, count, path, root));
      assert(!verifyPath(leaf, index + 1, count, path, root));
      assert(!verifyPath(Uint8Array.of(9, 9), index, count, path, root));
      assert(!verifyPath(leaf, index, count, [...path, new Uint8Array(32)], root));
      if (path.length > 0) assert(!verifyPath(leaf, index, count, path.slice(1), root));
    }
  }
  assert.throws(() => merklePath(canonical(2), 2), RangeError);
});

Deno.test("verifyProofFile() accepts a proof that went through a file, against hash or leader", () => {
  const messages = [testMessage(1, 0), testMessage(2, 0), testMessage(1, 1)];
  const { block } = nextBlock(GENESIS_TIP, messages);
  for (const index of messages.keys()) {
    const file = encode(proofToJson(makeProof(block, messages, index)));
    for (const trust of [{ leader: LEADER_KEY }, { blockHash: tipOf(block).hash }]) {
      const verdict = verifyProofFile(file, trust);
      assert(verdict.status === "ok" && verdict.isSigned);
      assert.deepEqual(verdict.message, messages[index]);
    }
  }
});

Deno.test("verifyProof() refuses another message, place, path, block and leader", () => {
  const messages = [testMessage(1, 0), testMessage(2, 0), testMessage(1, 1)];
  const { block } = nextBlock(GENESIS_TIP, messages);
  const proof = makeProof(block, messages, 1);
  const refused = [
    verifyProof({ ...proof, message: { ...proof.message, content: "other" } }, {}),
    verifyProof({ ...proof, message: messages[0]! }, {}),
    verifyProof({ ...proof, index: 2 }, {}),
    verifyProof({ ...proof, path: [] }, {}),
    verifyProof(proof, { blockHash: new Uint8Array(32) }),
    verifyProof(proof, { leader: new VerifyingKey(publicKeyOf(testKey(2))) }),
    verifyProof({ ...proof, block: nextBlock(GENESIS_TIP, messages, { secret: null }).block }, {
      leader: LEADER_KEY,
    }),
  ];
  for (const verdict of refused) assert(verdict.status === "fault" && verdict.fault.code === "PROOF_INVALID");
  assert.throws(() => proofFromJson(encode("{}")), { code: "PROOF_INVALID" });
  const verdict = verifyProofFile(encode("{"), {});
  assert(verdict.status === "fault" && verdict.fault.code === "MALFORMED_JSON");
});

Deno.test("checkEvidence() accepts two signed blocks of one height, and no less", () => {
  const first = nextBlock(GENESIS_TIP).block;
  const second = nextBlock(GENESIS_TIP, [testMessage(1, 0)]).block;
  const evidence = evidenceFromJson(encode(evidenceToJson({ first, second })));
  assert.equal(checkEvidence(evidence, LEADER_KEY), undefined);
  const unsigned = nextBlock(GENESIS_TIP, [], { secret: null, timestamp: NOW }).block;
  const higher = nextBlock(tipOf(first)).block;
  for (const other of [first, unsigned, higher]) {
    assert.equal(checkEvidence({ first, second: other }, LEADER_KEY)?.code, "EVIDENCE_INVALID");
  }
});

Deno.test("isAnnouncedBy() accepts the leader's announcement and nobody else's", () => {
  const hash = tipOf(nextBlock(GENESIS_TIP).block).hash;
  const made = signAnnouncement(testKey(1), 1n, hash);
  const read = announcementFromJson(encode(announcementToJson(made)));
  assert(isAnnouncedBy(read, LEADER_KEY));
  assert(!isAnnouncedBy({ ...read, height: 2n }, LEADER_KEY));
  assert(!isAnnouncedBy(signAnnouncement(testKey(2), 1n, hash), LEADER_KEY));
  assert.throws(() => announcementFromJson(encode('{"height":1}')), { code: "MALFORMED_JSON" });
  assert.match(ANNOUNCEMENTS_TOPIC, /^kimura\//);
});

Deno.test("encodeMessage() has one form for one message", () => {
  const message = testMessage(1, 0);
  assert.deepEqual(encodeMessage(message), encodeMessage({ ...message }));
});
