import assert from "node:assert/strict";
import { Metadata } from "@grpc/grpc-js";
import { CairnError, CODES } from "../kernel/errors.ts";
import type { ErrorCode } from "../kernel/errors.ts";
import { CODE_METADATA_KEY, errorToStatus, grpcStatusName, statusToError } from "./status.ts";

Deno.test("errorToStatus() and statusToError() carry every code of the node there and back", () => {
  for (const code of Object.keys(CODES) as ErrorCode[]) {
    const status = errorToStatus(new CairnError(code, "Cannot do it"));
    assert.equal(status.code, CODES[code].grpc);
    assert.equal(status.metadata.get(CODE_METADATA_KEY)[0], code);
    assert.equal(statusToError(status, "try").code, code);
  }
});

Deno.test("errorToStatus() says nothing of an unexpected error", () => {
  for (const thrown of [new Error("secret"), new CairnError("INTERNAL", "secret"), "secret", null]) {
    const status = errorToStatus(thrown);
    assert.equal(status.code, 13);
    assert.equal(status.details, "Internal error");
  }
});

Deno.test("errorToStatus() cuts the message and mends lone surrogates", () => {
  const { details } = errorToStatus(new CairnError("USAGE", `\ud800${"x".repeat(5_000)}`));
  assert.equal(details.length, 1_024);
  assert.doesNotThrow(() => encodeURI(details));
});

Deno.test("statusToError() maps statuses of foreign servers by their number and keeps their words in detail", () => {
  const codes: [number, ErrorCode][] = [
    [1, "CANCELLED"],
    [4, "DEADLINE_EXCEEDED"],
    [14, "PEER_UNAVAILABLE"],
    [2, "INTERNAL"],
  ];
  for (const [code, expected] of codes) {
    const error = statusToError({ code, details: "words", metadata: new Metadata() }, "call x at y");
    assert.equal(error.code, expected);
    assert.equal(error.message, `Cannot call x at y: ${grpcStatusName(code)}`);
    assert.equal(error.detail["peerMessage"], "words");
  }
});

Deno.test("statusToError() does not take a code that the node does not have", () => {
  const metadata = new Metadata();
  for (const forged of ["toString", "NO_SUCH"]) {
    metadata.set(CODE_METADATA_KEY, forged);
    assert.equal(statusToError({ code: 5, details: "", metadata }, "try").code, "INTERNAL");
  }
});
