/**
 * Answers for requests over HTTP/2 that are no gRPC: a browser, curl, a health probe of a load balancer.
 *
 * Layer: rpc. The gRPC library has an answer of its own for them, which on this runtime says 200: a probe would take
 * it for success. Source: gRPC over HTTP/2, "Requests" (415 for other content types, so that nobody mistakes an
 * error for an answer).
 *
 * @module
 */

import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";

const UNSUPPORTED_MEDIA_TYPE = 415;
const METHOD_NOT_ALLOWED = 405;
/** RST_STREAM with this code takes nothing back of an answer that is complete (RFC 9113 section 8.1). */
const NO_ERROR = 0;
/** INVALID_ARGUMENT and INTERNAL: what grpc-go says beside the same two statuses. */
const GRPC_STATUS = { [UNSUPPORTED_MEDIA_TYPE]: "3", [METHOD_NOT_ALLOWED]: "13" } as const;
const ANSWER = "This port speaks gRPC over HTTP/2\n";

type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => void;

/**
 * Stands between a server and its listeners for requests: only gRPC gets through.
 *
 * @param onRefused Called for each request that was answered here.
 */
export function guardAgainstForeign(http2: Http2Server, onRefused: () => void): void {
  const listeners = http2.listeners("stream") as StreamListener[];
  http2.removeAllListeners("stream");
  http2.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => {
    const status = statusOf(headers);
    if (status === undefined) return listeners.forEach((listener) => listener(stream, headers, ...rest));
    onRefused();
    refuse(stream, status);
  });
}

function statusOf(headers: IncomingHttpHeaders): keyof typeof GRPC_STATUS | undefined {
  if (!isGrpc(headers["content-type"])) return UNSUPPORTED_MEDIA_TYPE;
  return headers[":method"] === "POST" ? undefined : METHOD_NOT_ALLOWED;
}

/** `application/grpc`, alone or with a format or parameters behind; grpc-web is another protocol. */
function isGrpc(contentType: string | undefined): boolean {
  return /^application\/grpc(?:$|[+;])/i.test(contentType ?? "");
}

function refuse(stream: ServerHttp2Stream, status: keyof typeof GRPC_STATUS): void {
  // Without a listener a peer that leaves meanwhile would be an uncaught error.
  stream.on("error", () => {});
  stream.respond({
    ":status": status,
    "content-type": "text/plain",
    "grpc-status": GRPC_STATUS[status],
    ...(status === METHOD_NOT_ALLOWED ? { "allow": "POST" } : {}),
  });
  // Whatever body the peer still sends is not read, so its stream is ended from here.
  stream.end(ANSWER, () => stream.close(NO_ERROR));
}
