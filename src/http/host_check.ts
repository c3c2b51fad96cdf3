/**
 * Who may talk to a listener that has no passwords: by Host, against DNS rebinding, and by Origin, against web pages.
 *
 * Layer: http. Pure.
 *
 * @module
 */

/** What is allowed. */
export interface HostCheckOptions {
  /** Address that is listened on. */
  readonly listenHost: string;
  /** Further names in the Host header, without port; `*` allows all. */
  readonly allowedHosts: readonly string[];
  /** Origins of web pages that may call, as `https://wallet.example`; `*` allows all. */
  readonly allowedOrigins: readonly string[];
}

/**
 * Whether a Host header is one of this node's names. A page that makes its own name point to this machine (DNS
 * rebinding) still sends its own name. IP literals cannot be rebound, so they pass, as does no header at all.
 */
export function isAllowedHost(header: string | null, options: HostCheckOptions): boolean {
  if (header === null || header === "") return true;
  const name = /^(\[[^\]]*\]|[^:]*)(:\d+)?$/.exec(header)?.[1]?.toLowerCase();
  if (name === undefined) return false;
  if (isIpLiteral(name) || name === "localhost") return true;
  if (name === options.listenHost.toLowerCase()) return true;
  return options.allowedHosts.some((allowed) => allowed === "*" || allowed.toLowerCase() === name);
}

/** Whether a request that a web page made may be answered. Programs other than browsers send no Origin. */
export function isAllowedOrigin(origin: string | null, { allowedOrigins }: HostCheckOptions): boolean {
  if (origin === null) return true;
  return allowedOrigins.some((allowed) => allowed === "*" || allowed.toLowerCase() === origin.toLowerCase());
}

function isIpLiteral(name: string): boolean {
  if (name.startsWith("[") && name.endsWith("]")) return name.includes(":");
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(name);
}
