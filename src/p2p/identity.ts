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
import { CairnError } from "../kernel/errors.ts";

/** Readable and writable by the owner alone. */
const OWNER_ONLY = 0o600;
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
  try {
    return await readIdentity(path) ?? await createIdentity(path);
  } catch (thrown) {
    if (thrown instanceof CairnError) throw thrown;
    throw invalid(path, thrown instanceof Error ? thrown.message : String(thrown), undefined, thrown);
  }
}

async function readIdentity(path: string): Promise<PrivateKey | undefined> {
  let stat: Deno.FileInfo;
  try {
    stat = await Deno.stat(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
  if (stat.mode !== null && (stat.mode & 0o077) !== 0) {
    const mode = (stat.mode & 0o777).toString(8).padStart(4, "0");
    throw invalid(path, `its mode is ${mode}, so others can read it`, `chmod 600 ${path}`);
  }
  if (!stat.isFile || stat.size > MAX_KEY_FILE_BYTES) throw invalid(path, "it is not a key file");
  let key: PrivateKey;
  try {
    key = privateKeyFromProtobuf(await Deno.readFile(path));
  } catch (cause) {
    throw invalid(path, "it is not a key file", undefined, cause);
  }
  if (key.type !== "Ed25519") throw invalid(path, `its key is ${key.type}, expected Ed25519`);
  return key;
}

async function createIdentity(path: string): Promise<PrivateKey> {
  const key = await generateKeyPair("Ed25519");
  const slash = path.lastIndexOf("/");
  if (slash > 0) await Deno.mkdir(path.slice(0, slash), { recursive: true });
  // Whole and private from its first moment: written beside, synced, then renamed to its name.
  const draft = `${path}.new`;
  using file = await Deno.open(draft, { write: true, create: true, truncate: true, mode: OWNER_ONLY });
  await Deno.chmod(draft, OWNER_ONLY);
  const bytes = privateKeyToProtobuf(key);
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
  await file.sync();
  await Deno.rename(draft, path);
  return key;
}

function invalid(path: string, what: string, hint?: string, cause?: unknown): CairnError {
  return new CairnError("P2P_IDENTITY_INVALID", `Cannot use identity file '${path}': ${what}`, {
    hint: hint ?? "name another file, or move this one away to get a new identity",
    detail: { path },
    ...(cause === undefined ? {} : { cause }),
  });
}
