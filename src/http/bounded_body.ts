/**
 * Reads the body of a request up to a limit.
 *
 * Layer: http.
 *
 * @module
 */

import { CairnError } from "../kernel/errors.ts";

/**
 * @throws {CairnError} `MESSAGE_TOO_LARGE` at the first byte beyond the limit, or at once when the length says so;
 * `IDLE_TIMEOUT` when `signal` aborts first.
 */
export async function readBody(request: Request, limit: number, signal: AbortSignal): Promise<Uint8Array> {
  const tooLarge = () =>
    new CairnError("MESSAGE_TOO_LARGE", `Cannot read the request: more than ${limit} bytes`, {
      detail: { limit },
    });
  if (Number(request.headers.get("content-length")) > limit) throw tooLarge();
  if (request.body === null) return new Uint8Array(0);
  const reader = request.body.getReader();
  const abort = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", abort);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (signal.aborted) {
        throw new CairnError("IDLE_TIMEOUT", "Cannot read the request: it came too slowly");
      }
      if (done) break;
      bytes += value.length;
      if (bytes > limit) {
        abort();
        throw tooLarge();
      }
      parts.push(value);
    }
  } finally {
    signal.removeEventListener("abort", abort);
  }
  if (parts.length === 1) return parts[0]!;
  const body = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}
