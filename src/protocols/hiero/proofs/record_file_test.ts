import assert from "node:assert/strict";
import { vectorTest } from "../../../../tests/vectors.ts";
import type { HieroFault } from "../fault.ts";
import { nativeSha384 } from "../native_sha384.ts";
import { WireWriter } from "../wire_writer.ts";
import {
  type AddressBook,
  addressBookAt,
  decodeAddressBooks,
  encodeAddressBooks,
  openEndedBook,
  parseAddressBook,
} from "./address_book.ts";
import { createNativeRsaVerify } from "./native_rsa.ts";
import { readProofParts } from "./proof_parts.ts";
import { parseRecordFileProof, verifyRecordFile } from "./record_file.ts";
import { recordFileHash } from "./record_stream.ts";
import { readProofIndex, readRaw, readVector, SETS } from "./_vectors.ts";

const deps = { sha384: nativeSha384, rsaVerify: createNativeRsaVerify() };

function readRecords(dir: string) {
  return readProofIndex(dir).filter(({ set }) => set === SETS.RECORDS).map((entry) => {
    const { header, proofs, recordFile } = readProofParts(
      readVector(dir, entry.file),
      BigInt(entry.blockNumber),
    );
    const book = parseAddressBook(readRaw(dir, entry.addressBookFile!));
    return { entry, header, book, proof: parseRecordFileProof(proofs[0]!.content), item: recordFile! };
  });
}

vectorTest(
  "verifyRecordFile() accepts every signature of every real record file, versions 2, 5 and 6",
  (dir) => {
    const versions = new Set<number>();
    for (const { entry, proof, item, header, book } of readRecords(dir)) {
      assert.deepEqual(verifyRecordFile(proof, item, header, book, deps), {
        version: entry.proofs[0]!.version,
        signers: proof.signatures.length,
        unknownSigners: 0,
      }, entry.file);
      versions.add(proof.version);
    }
    assert.deepEqual([...versions].sort(), [2, 5, 6]);
  },
);

vectorTest(
  "verifyRecordFile() refuses one flipped bit in each part of item, header and signatures",
  (dir) => {
    for (const { entry, proof, item, header, book } of readRecords(dir)) {
      const refused = (
        what: string,
        changed: Partial<Parameters<typeof verifyRecordFile>[2] & { item: Uint8Array }>,
      ) =>
        assert.throws(
          () => verifyRecordFile(proof, changed.item ?? item, { ...header, ...changed }, book, deps),
          { name: "HieroFault" },
          `${entry.file}: ${what}`,
        );
      for (let at = 0; at < item.length; at += 1 + Math.floor(item.length / 60)) {
        const flipped = item.slice();
        flipped[at]! ^= 1 << at % 8;
        refused(`byte ${at} of the item`, { item: flipped });
      }
      refused("time", { timestamp: header.timestamp.map((byte) => byte ^ 1) });
      const hapiVersion = header.hapiVersion.slice();
      hapiVersion[1]! ^= 1;
      refused("version", { hapiVersion });
      if (proof.version !== 2 && header.number !== 0n) refused("number", { number: header.number ^ 1n });
      proof.signatures.forEach(({ nodeId, signature }, i) => {
        const flipped = signature.slice();
        flipped[(i * 37) % 384]! ^= 1;
        const signatures = proof.signatures.with(i, { nodeId, signature: flipped });
        assert.throws(() => verifyRecordFile({ ...proof, signatures }, item, header, book, deps), (error) => {
          assert.equal((error as HieroFault).detail.step, "rsa-signature");
          assert.equal((error as HieroFault).detail.nodeId, String(nodeId));
          return true;
        });
      });
    }
  },
);

vectorTest(
  "verifyRecordFile() skips unknown nodes, zeros and a node seen before, and needs one signature",
  (dir) => {
    const { proof, item, header, book } = readRecords(dir).find(({ proof }) => proof.version === 6)!;
    const [first, second] = proof.signatures as [typeof proof.signatures[0], typeof proof.signatures[0]];
    const zero = { nodeId: second.nodeId, signature: new Uint8Array(384) };
    const stranger = { nodeId: 9_999n, signature: second.signature };
    const again = { nodeId: first.nodeId, signature: second.signature };
    const verify = (...signatures: readonly typeof first[]) =>
      verifyRecordFile({ ...proof, signatures }, item, header, book, deps);
    assert.deepEqual(verify(stranger, zero, first, again), { version: 6, signers: 1, unknownSigners: 1 });
    assert.throws(
      () => verify(stranger, zero),
      (error) => (error as HieroFault).detail.step === "rsa-no-signer",
    );
    assert.throws(
      () => verify(again, first),
      (error) => (error as HieroFault).detail.step === "rsa-signature",
    );
  },
);

Deno.test("recordFileHash() refuses versions it does not know", () => {
  for (const version of [0, 1, 3, 4, 7]) {
    assert.throws(() => recordFileHash(version, new Uint8Array(0), new Uint8Array(0), nativeSha384), {
      message: new RegExp(`unknown record file version ${version}`),
    });
  }
});

Deno.test("recordFileHash() refuses fields in old files that no signature covers", () => {
  const hash = new WireWriter().varint(1, 1).varint(2, 48).bytes(3, new Uint8Array(48)).finish();
  const file = (extra: WireWriter) =>
    new WireWriter().bytes(2, hash).bytes(4, hash).raw(extra.finish()).finish();
  for (const version of [2, 5]) {
    assert.equal(recordFileHash(version, file(new WireWriter()), new Uint8Array(0), nativeSha384).length, 48);
    for (const extra of [new WireWriter().varint(9, 1), new WireWriter().bytes(3, Uint8Array.of(0x18, 1))]) {
      assert.throws(() => recordFileHash(version, file(extra), new Uint8Array(0), nativeSha384), {
        message: /unknown field/,
      });
    }
  }
});

function bookOf(...nodes: readonly WireWriter[]): AddressBook {
  const book = new WireWriter();
  for (const node of nodes) book.bytes(1, node.finish());
  return parseAddressBook(book.finish());
}
const text = (value: string) => new TextEncoder().encode(value);

Deno.test("parseAddressBook() takes node ids, 0 for the one without, and accounts from memos in the oldest book", () => {
  const named = bookOf(
    new WireWriter().bytes(4, text("aa")),
    new WireWriter().bytes(4, text("bb")).varint(5, 7),
  );
  assert.deepEqual([...named], [[0n, Uint8Array.of(0xaa)], [7n, Uint8Array.of(0xbb)]]);
  const oldest = bookOf(
    new WireWriter().bytes(3, text("0.0.3")).bytes(4, text("aa")),
    new WireWriter().bytes(3, text("0.0.12")).bytes(4, text("bb")),
    new WireWriter().bytes(3, text("0.0.12")).bytes(4, text("bb")),
  );
  assert.deepEqual([...oldest.keys()], [0n, 9n]);
});

Deno.test("parseAddressBook() refuses two keys for a node, keys that are no hex, and a book without keys", () => {
  assert.throws(
    () =>
      bookOf(
        new WireWriter().bytes(4, text("aa")).varint(5, 7),
        new WireWriter().bytes(4, text("bb")).varint(5, 7),
      ),
    { message: /two keys for node 7/ },
  );
  assert.throws(() => bookOf(new WireWriter().bytes(4, text("zz")).varint(5, 1)), { message: /no hex/ });
  assert.throws(() => bookOf(), { message: /no node has a key/ });
});

Deno.test("addressBookAt() chooses by block, and encodeAddressBooks() keeps everything", () => {
  const [a, b] = [Uint8Array.of(1), Uint8Array.of(2)].map((key) => new Map([[0n, key]]));
  const books = [{ startBlock: 5n, endBlock: 9n, book: a! }, openEndedBook(b!, 10n)];
  assert.equal(addressBookAt(books, 4n), undefined);
  assert.equal(addressBookAt(books, 9n), a);
  assert.equal(addressBookAt(books, 1n << 60n), b);
  assert.deepEqual(decodeAddressBooks(encodeAddressBooks(books)), books);
});

Deno.test("createNativeRsaVerify() says no to a key or a signature that cannot be read", () => {
  const verify = createNativeRsaVerify();
  assert.equal(verify(Uint8Array.of(1, 2, 3), new Uint8Array(48), new Uint8Array(384)), false);
});
