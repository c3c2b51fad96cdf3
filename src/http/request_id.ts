/**
 * The id of a request: taken from the caller when it is harmless, made otherwise.
 *
 * Layer: http.
 *
 * @module
 */

/** Header that carries the id both ways. */
export const REQUEST_ID_HEADER = "x-request-id";

/** Longer ids are cut, as in the RPC shell. */
const MAX_REQUEST_ID_CHARACTERS = 64;

/** @returns The caller's id if it is printable ASCII without spaces, cut to 64 characters, else a random UUID. */
export function requestIdOf(request: Request): string {
  const given = request.headers.get(REQUEST_ID_HEADER)?.slice(0, MAX_REQUEST_ID_CHARACTERS);
  return given !== undefined && /^[!-~]+$/.test(given) ? given : crypto.randomUUID();
}
