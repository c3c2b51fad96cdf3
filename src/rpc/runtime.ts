/**
 * Says whether this Deno can carry the gRPC server.
 *
 * Layer: rpc. Source: docs/decisions/0001-deno-2.9.3-and-grpc-js.md.
 *
 * @module
 */

import { CairnError } from "../kernel/errors.ts";

/** The release the node is built, tested and measured with. */
export const PINNED_DENO_VERSION = "2.9.3";

/** Releases whose node:http2 corrupts memory when a peer sends GOAWAY (denoland/deno issue 36788). */
const REFUSED_DENO_VERSIONS: ReadonlySet<string> = new Set(["2.9.4", "2.9.5", "2.9.6"]);

/**
 * Refuses the releases that are known to crash; any other is accepted, and the caller may warn when it is not
 * {@link PINNED_DENO_VERSION}.
 *
 * @param denoVersion Such as `Deno.version.deno`; a pre-release label counts as its release.
 * @returns The error to stop with, or `undefined`.
 */
export function checkRuntime(denoVersion: string): CairnError | undefined {
  const release = denoVersion.replace(/[-+].*$/, "");
  if (!REFUSED_DENO_VERSIONS.has(release)) return undefined;
  return new CairnError(
    "RUNTIME_UNSUPPORTED",
    `Cannot run on Deno ${denoVersion}: its HTTP/2 aborts the process when a gRPC peer disconnects`,
    {
      hint:
        `run with Deno ${PINNED_DENO_VERSION}, such as 'npx --yes deno@${PINNED_DENO_VERSION} task start'`,
      detail: { found: denoVersion, pinned: PINNED_DENO_VERSION },
    },
  );
}
