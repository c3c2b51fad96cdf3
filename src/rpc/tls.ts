/**
 * Reads TLS files.
 *
 * Layer: rpc.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import type { Buffer } from "node:buffer";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { CairnError } from "../kernel/errors.ts";
import type { RpcConfig } from "./config.ts";
import type { ConnectionGateOptions } from "./connections.ts";

/** Reads one PEM file. @throws {CairnError} `CONFIG_INVALID` with the path. */
export async function readPem(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CairnError("CONFIG_INVALID", `Cannot read ${what} '${path}': ${reason}`, { cause });
  }
}

/** Certificate, key and client policy of a server. @throws {CairnError} `CONFIG_INVALID`. */
export async function readTlsMaterial(
  config: NonNullable<RpcConfig["tls"]>,
): Promise<NonNullable<ConnectionGateOptions["tls"]>> {
  const cert = await readPem(config.cert, "TLS certificate");
  const key = await readPem(config.key, "TLS key");
  const ca = config.clientCa === undefined ? undefined : await readPem(config.clientCa, "client authorities");
  try {
    const matches = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
    if (!matches) throw new Error("The key is of another certificate");
    if (ca !== undefined) new X509Certificate(ca);
  } catch (cause) {
    throw new CairnError("CONFIG_INVALID", `Cannot use TLS certificate '${config.cert}' and its key`, {
      hint: "certificate, key and client authorities must be PEM, and the key that of the certificate",
      cause,
    });
  }
  return ca === undefined ? { cert, key } : { cert, key, ca, requestCert: true, rejectUnauthorized: true };
}
