/**
 * RSA verification by the runtime's own library: the function that services and commands hand to this room.
 *
 * Layer: protocols. Imports node:crypto (a pure function of its input). The cores do not import this file: they are
 * given an {@link RsaVerify}.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import type { RsaVerify } from "./record_file.ts";

/** A verifier that parses each public key once. Keys come from address books, so there are some dozens. */
export function createNativeRsaVerify(): RsaVerify {
  const keys = new Map<string, KeyObject>();
  return (publicKey, message, signature) => {
    const id = publicKey.toHex();
    let key = keys.get(id);
    try {
      if (key === undefined) {
        key = createPublicKey(
          { key: Buffer.from(publicKey), format: "der", type: "spki" },
        );
        keys.set(id, key);
      }
      return key.asymmetricKeyType === "rsa" && verify("sha384", message, key, signature);
    } catch {
      // A key or a signature that the library cannot even read verifies nothing.
      return false;
    }
  };
}
