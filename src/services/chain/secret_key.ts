/**
 * Secret keys of leaders and senders, in files that only their owner can read.
 *
 * Layer: services. A file has 64 hexadecimal digits, a secp256k1 scalar. Its content is never part of a message. Blocks:
 * called once, at a start or by a command.
 *
 * @module
 */

import { CairnError, toCairnError } from "../../kernel/errors.ts";
import { makePrivateFile, PrivateFileFault, readPrivateFile } from "../../kernel/private_file.ts";
import { publicKeyOf } from "../../protocols/kimura/keys.ts";

/** Name of the leader's key in the data directory. */
export const LEADER_KEY_FILE = "chain_leader.key";
/** Name of the network identity in the data directory. */
export const IDENTITY_FILE = "chain_identity.key";
/** The digits, a line end, and room to see that there is more. */
const MAX_FILE_BYTES = 80;
const FORMAT = /^[0-9a-f]{64}\n?$/i;

/** A new secret key: u8[32]. */
export function newSecretKey(): Uint8Array<ArrayBuffer> {
  while (true) {
    const secret = crypto.getRandomValues(new Uint8Array(32));
    if (isSecretKey(secret)) return secret;
  }
}

/**
 * Reads a key file.
 *
 * @returns `undefined` if there is none.
 * @throws {CairnError} `NODE_KEY_INVALID` if others may read it or it holds no key.
 */
export function readSecretKey(path: string): Uint8Array | undefined {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readPrivateFile(path, MAX_FILE_BYTES);
  } catch (thrown) {
    if (thrown instanceof PrivateFileFault) throw invalid(path, thrown.message, thrown.hint);
    throw thrown;
  }
  if (bytes === undefined) return undefined;
  const text = new TextDecoder().decode(bytes);
  const secret = FORMAT.test(text) ? Uint8Array.fromHex(text.trim()) : undefined;
  if (secret !== undefined && isSecretKey(secret)) return secret;
  throw invalid(path, "it does not hold 64 hexadecimal digits that are a key", "Restore it from a copy");
}

/**
 * Writes a new key file; one that exists stays, and is an error.
 *
 * @throws {CairnError} `NODE_KEY_INVALID` if it exists; `STORE_WRITE_FAILED`.
 */
export function makeSecretKey(path: string): Uint8Array {
  if (readSecretKey(path) !== undefined) {
    throw invalid(path, "it exists", "Name another file, or move this one away");
  }
  const secret = newSecretKey();
  try {
    makePrivateFile(path, new TextEncoder().encode(`${secret.toHex()}\n`));
  } catch (cause) {
    throw new CairnError("STORE_WRITE_FAILED", `Cannot write key '${path}': ${toCairnError(cause).message}`, {
      detail: { path },
      cause,
    });
  }
  return secret;
}

function isSecretKey(bytes: Uint8Array): boolean {
  try {
    publicKeyOf(bytes);
    return true;
  } catch {
    return false;
  }
}

function invalid(path: string, why: string, hint: string): CairnError {
  return new CairnError("NODE_KEY_INVALID", `Cannot use key '${path}': ${why}`, { hint, detail: { path } });
}
