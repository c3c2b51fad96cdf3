/**
 * Errors as `application/problem+json` (RFC 9457).
 *
 * Layer: http. The status comes from the one table in `src/kernel/errors.ts`.
 *
 * @module
 */

import { CairnError, toCairnError } from "../kernel/errors.ts";

/** Body of an error response. */
export interface Problem {
  /** Always `about:blank`: `code` says which problem it is. */
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  readonly requestId?: string;
}

/** Seconds after which a client may try again what is unavailable now. */
export const RETRY_AFTER_SECONDS = 5;

/** The response for whatever was thrown. The text of an unexpected failure stays inside the node. */
export function problemResponse(thrown: unknown, requestId?: string): Response {
  const error = toCairnError(thrown);
  const status = error.mapping.http;
  const body: Problem = {
    type: "about:blank",
    title: thrown instanceof CairnError ? error.message : "Internal error",
    status,
    code: error.code,
    ...(thrown instanceof CairnError && error.hint !== undefined ? { detail: error.hint } : {}),
    ...(requestId === undefined ? {} : { requestId }),
  };
  const headers = new Headers({ "content-type": "application/problem+json" });
  if (status === 503) headers.set("retry-after", String(RETRY_AFTER_SECONDS));
  return new Response(JSON.stringify(body), { status, headers });
}
