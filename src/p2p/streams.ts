/**
 * One request and one answer over a stream, each behind an unsigned varint length, within bounds of size and time.
 *
 * Layer: p2p.
 *
 * @module
 */

import type { Stream } from "@libp2p/interface";
import { lpStream } from "@libp2p/utils";
import { CairnError } from "../kernel/errors.ts";

/** Bytes read ahead of a frame's end. */
const READ_AHEAD_BYTES = 65_536;

/** Sends `request`, returns the answer. The stream is closed, or reset on failure. */
export async function ask(
  stream: Stream,
  request: Uint8Array,
  maxAnswerBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const framed = open(stream, maxAnswerBytes);
  try {
    await framed.write(request, { signal });
    const answer = (await framed.read({ signal })).subarray();
    await stream.close({ signal });
    return answer;
  } catch (thrown) {
    stream.abort(asError(thrown));
    throw signal.aborted ? signal.reason : translate(thrown, maxAnswerBytes);
  }
}

/** Reads the request of a stream that a peer opened, sends what `answer` makes of it. */
export async function serve(
  stream: Stream,
  maxRequestBytes: number,
  signal: AbortSignal,
  answer: (request: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Promise<void> {
  const framed = open(stream, maxRequestBytes);
  try {
    const request = (await framed.read({ signal })).subarray();
    await framed.write(await answer(request), { signal });
    await stream.close({ signal });
  } catch (thrown) {
    stream.abort(asError(thrown));
    throw signal.aborted ? signal.reason : translate(thrown, maxRequestBytes);
  }
}

function open(stream: Stream, maxBytes: number) {
  return lpStream(stream, { maxDataLength: maxBytes, maxBufferSize: maxBytes + READ_AHEAD_BYTES });
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function translate(thrown: unknown, maxBytes: number): unknown {
  const name = asError(thrown).name;
  return name === "InvalidDataLengthError" || name === "InvalidDataLengthLengthError"
    ? new CairnError(
      "MESSAGE_TOO_LARGE",
      `Cannot read from stream: the peer sent more than ${maxBytes} bytes`,
      {
        cause: thrown,
      },
    )
    : thrown;
}
