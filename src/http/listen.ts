/**
 * Opens an HTTP listener, and says in one line why it cannot.
 *
 * Layer: http.
 *
 * @module
 */

import { CairnError, toCairnError } from "../kernel/errors.ts";

/** Options of {@link listenHttp}. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Section of the configuration that holds `host` and `port`, for the hint. */
  readonly section: string;
}

/** Who made a request. */
export interface HttpPeer {
  /** IP address as text. */
  readonly remoteAddress: string;
}

/** An open listener. */
export interface HttpListener extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Accepts nothing more and waits for the requests in flight. Idempotent. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** `host:port` as URLs and people write it, IPv6 in brackets. */
export function formatAddress({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/**
 * Listens and hands every request to `handler`.
 *
 * @throws {CairnError} `ADDRESS_IN_USE`, or `SERVICE_START_FAILED` when the address cannot be bound for another reason.
 */
export function listenHttp(
  options: ListenOptions,
  handler: (request: Request, peer: HttpPeer) => Response | Promise<Response>,
): HttpListener {
  const { host, port } = options;
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve(
      { hostname: host, port, onListen: () => {} },
      (request, { remoteAddr }) => handler(request, { remoteAddress: remoteAddr.hostname }),
    );
  } catch (thrown) {
    throw listenError(thrown, options);
  }
  return {
    host: server.addr.hostname,
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Why an address cannot be listened on: `ADDRESS_IN_USE` or `SERVICE_START_FAILED`. */
export function listenError(thrown: unknown, { host, port, section }: ListenOptions): CairnError {
  const address = `${host}:${port}`;
  const detail = { address, key: `${section}.port` };
  // Deno's own listeners and node:net say it differently.
  if (thrown instanceof Deno.errors.AddrInUse || (thrown as { code?: unknown }).code === "EADDRINUSE") {
    return new CairnError("ADDRESS_IN_USE", `Cannot listen on ${address}: the address is in use`, {
      hint: `set ${section}.port to a free port, or stop the process that holds it`,
      detail,
      cause: thrown,
    });
  }
  const hint = thrown instanceof Deno.errors.NotCapable
    ? `start with --allow-net=${address}`
    : `set ${section}.host to an address of this machine`;
  return new CairnError(
    "SERVICE_START_FAILED",
    `Cannot listen on ${address}: ${toCairnError(thrown).message}`,
    {
      hint,
      detail,
      cause: thrown,
    },
  );
}
