/**
 * Multiaddrs, and why listening on one failed.
 *
 * Layer: p2p.
 *
 * @module
 */

import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import { CairnError } from "../kernel/errors.ts";

/** @throws {CairnError} `P2P_MULTIADDR_INVALID`. */
export function parseAddress(address: string): Multiaddr {
  try {
    return multiaddr(address);
  } catch (cause) {
    throw new CairnError("P2P_MULTIADDR_INVALID", `Cannot use address '${address}': it is no multiaddr`, {
      hint: "write it as /ip4/127.0.0.1/tcp/4001, a peer's with /p2p/ and its identity behind it",
      detail: { address },
      cause,
    });
  }
}

/** Host of a multiaddr, an address or a name; empty if it has none. */
export function hostOf(address: Multiaddr): string {
  return address.getComponents().find(({ name }) => /^(ip4|ip6|dns|dns4|dns6)$/.test(name))?.value ?? "";
}

/**
 * Refuses an address that the process may not listen on. The runtime would throw that outside of every call, and
 * nothing could catch it.
 *
 * @throws {CairnError} `P2P_TRANSPORT_FAILED`, `P2P_MULTIADDR_INVALID`.
 */
export function assertMayListen(address: string): void {
  const parsed = parseAddress(address);
  const host = hostOf(parsed);
  const port = parsed.getComponents().find(({ name }) => name === "tcp")?.value ?? "0";
  const name = host.includes(":") ? `[${host}]` : host;
  const target = port === "0" ? name : `${name}:${port}`;
  if (host !== "" && Deno.permissions.querySync({ name: "net", host: target }).state !== "granted") {
    throw notGranted(address, `--allow-net=${target}`);
  }
  const isWildcard = host === "0.0.0.0" || host === "::";
  if (
    isWildcard && Deno.permissions.querySync({ name: "sys", kind: "networkInterfaces" }).state !== "granted"
  ) {
    throw notGranted(address, "--allow-sys=networkInterfaces");
  }
}

function notGranted(address: string, flag: string): CairnError {
  return new CairnError("P2P_TRANSPORT_FAILED", `Cannot listen on ${address}: this process may not`, {
    hint: `start with ${flag}`,
    detail: { address },
  });
}

/** Puts a failed start into one line. */
export function listenError(thrown: unknown, listen: readonly string[]): CairnError {
  const addresses = listen.join(", ");
  const text = describe(thrown);
  if (/EADDRINUSE|AddrInUse|in use/i.test(text)) {
    return new CairnError("ADDRESS_IN_USE", `Cannot listen on ${addresses}: the address is in use`, {
      hint: "set p2p.listen to a free port, or stop the process that holds it",
      detail: { addresses: listen },
      cause: thrown,
    });
  }
  const hint = "set p2p.listen to TCP addresses of this machine";
  return new CairnError("P2P_TRANSPORT_FAILED", `Cannot listen on ${addresses}: ${text}`, {
    hint,
    cause: thrown,
  });
}

/** Message of an error and of those behind it. */
function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const inner = [thrown.cause, ...(thrown instanceof AggregateError ? thrown.errors : [])].filter(Boolean);
  return [`${thrown.name}: ${thrown.message}`, ...inner.map(describe)].join("; ");
}
