/**
 * The key that is a node's identity, in a file that only its owner can read.
 *
 * Layer: p2p. Source: the libp2p peer id specification: the file holds the protobuf `PrivateKey`, as other
 * implementations keep it. Spec/kimura.md §3 asks for Ed25519.
 *
 * @module
 */

import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from "@libp2p/crypto/keys";
import type { PrivateKey } from "@libp2p/interface";
import { CairnError, toCairnError } from "../kernel/errors.ts";
import { makePrivateFile, PrivateFileFault, readPrivateFile } from "../kernel/private_file.ts";

/** Most bytes of an Ed25519 key file, with room. */
const MAX_KEY_FILE_BYTES = 256;

/** A key that lasts until the process ends. */
export async function ephemeralIdentity(): Promise<PrivateKey> {
  return await generateKeyPair("Ed25519");
}

/**
 * Reads the key file, or makes one.
 *
 * @throws {CairnError} `P2P_IDENTITY_INVALID` if the file is no Ed25519 key, can be read by others, or cannot be used.
 */
export async function loadIdentity(path: string): Promise<PrivateKey> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readPrivateFile(path, MAX_KEY_FILE_BYTES);
    if (bytes === undefined) return await createIdentity(path);
  } catch (thrown) {
    throw invalid(
      path,
      toCairnError(thrown).message,
      thrown instanceof PrivateFileFault ? thrown.hint : undefined,
    );
  }
  const key = decodeKey(bytes);
  if (key === undefined) throw invalid(path, "it is not a key file");
  if (key.type !== "Ed25519") throw invalid(path, `its key is ${key.type}, expected Ed25519`);
  return key;
}

function decodeKey(bytes: Uint8Array): PrivateKey | undefined {
  try {
    return privateKeyFromProtobuf(bytes);
  } catch {
    return undefined;
  }
}

async function createIdentity(path: string): Promise<PrivateKey> {
  const key = await ephemeralIdentity();
  const slash = path.lastIndexOf("/");
  if (slash > 0) await Deno.mkdir(path.slice(0, slash), { recursive: true });
  makePrivateFile(path, privateKeyToProtobuf(key));
  return key;
}

/** The cause is left out: a decoder may quote what it read. */
function invalid(
  path: string,
  why: string,
  hint = "Name another file, or move this one away to get a new identity",
) {
  return new CairnError("P2P_IDENTITY_INVALID", `Cannot use identity file '${path}': ${why}`, {
    hint,
    detail: { path },
  });
}
