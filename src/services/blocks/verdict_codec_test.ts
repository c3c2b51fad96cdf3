import assert from "node:assert/strict";
import { decodeVerdict, encodeVerdict, type VerdictBody } from "./verdict_codec.ts";

const VERDICTS: VerdictBody[] = [
  {
    status: "ok",
    record: {
      rootHash: "00ff",
      previousHash: "01",
      rule: "16-leaf",
      level: "hash-verified",
      hapiVersion: "0.78.0-ä",
      items: 3,
      bytes: 2 ** 31,
      proofs: ["tss"],
    },
    warnings: [{ type: "BAD_BLOCK_PROOF", message: "m", detail: { check: "previous-hash" } }],
    futureItems: { hashed: 2, notHashed: 1 },
    chainState: Uint8Array.of(1, 2, 3),
  },
  { status: "fault", fault: { type: "UNABLE_TO_PARSE", message: "m", detail: { check: "wire", at: 4 } } },
];

Deno.test("decodeVerdict() gives back what encodeVerdict() took, from anywhere in a buffer, and keeps none of it", () => {
  for (const verdict of VERDICTS) {
    const bytes = encodeVerdict(verdict);
    const buffer = new Uint8Array(bytes.length + 7);
    buffer.set(bytes, 7);
    const decoded = decodeVerdict(buffer.subarray(7));
    buffer.fill(0xff);
    assert.deepEqual(decoded, verdict);
  }
});
