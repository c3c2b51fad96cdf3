import assert from "node:assert/strict";
import type { LogRecord } from "@logtape/logtape";
import { getConfig } from "@logtape/logtape";
import { CairnError } from "./errors.ts";
import { toPlain } from "./log_format.ts";
import { Logging, type LoggingDeps, type LoggingOptions } from "./logging.ts";

const AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

function setup(options: Partial<LoggingOptions> = {}, deps: LoggingDeps = {}) {
  const lines: string[] = [];
  const logging = new Logging({ level: "info", levels: {}, format: "json", ...options }, {
    write: (line) => lines.push(line),
    now: () => AT_MS,
    isTerminal: false,
    colors: false,
    ...deps,
  });
  return { logging, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

Deno.test("Logging writes JSON lines with UTC milliseconds, level, module, message and the fields", () => {
  const { logging, lines, parsed } = setup();
  logging.root.child("blocks").child("ingest", { requestId: "r1" }).info("Block received", { number: 7n });
  assert.deepEqual(parsed(), [{
    time: "2026-01-02T03:04:05.006Z",
    level: "info",
    module: "blocks.ingest",
    message: "Block received",
    requestId: "r1",
    number: "7",
  }]);
  assert.ok(lines[0]!.endsWith("}\n"));
});

Deno.test("Logging writes each level under its own name", () => {
  const { logging, parsed } = setup({ level: "trace" });
  for (const level of ["trace", "debug", "info", "warn", "error"] as const) logging.root[level]("Message");
  assert.deepEqual(parsed().map(({ level }) => level), ["trace", "debug", "info", "warn", "error"]);
  assert.equal(parsed()[0]!["module"], "cairn");
});

Deno.test("Logging holds levels per module, and a module speaks for those below it", () => {
  const { logging, parsed } = setup({
    level: "warn",
    levels: { "blocks": "debug", "blocks.ingest": "error" },
  });
  logging.root.child("rpc").info("rpc");
  logging.root.child("blocks").debug("blocks");
  logging.root.child("blocks.ingest").warn("ingest");
  logging.root.child("blocks").child("verify").debug("verify");
  logging.root.child("blocksmith").info("blocksmith");
  assert.deepEqual(parsed().map(({ message }) => message), ["blocks", "verify"]);
});

Deno.test("Logging.update() changes loggers that were handed out before", () => {
  const { logging, lines } = setup();
  const log = logging.root.child("blocks");
  log.debug("unseen");
  logging.update({ level: "info", levels: { blocks: "debug" } });
  log.debug("seen");
  logging.update({ level: "error", levels: {} });
  log.warn("unseen");
  assert.equal(lines.length, 1);
});

Deno.test("Logging shows an expected error by code, hint and cause, without a stack", () => {
  const { logging, parsed } = setup({ level: "debug" });
  const cause = new RangeError("offset 9");
  const error = new CairnError("BLOCK_MALFORMED", "Cannot read block 3", {
    cause,
    hint: "send it again",
    detail: { at: 9n },
  });
  logging.root.warn("Block refused", { error });
  const { stack, ...causeFields } = (parsed()[0]!["error"] as { cause: Record<string, unknown> }).cause;
  assert.match(String(stack), /RangeError: offset 9/);
  assert.deepEqual(causeFields, { name: "RangeError", message: "offset 9" });
  assert.deepEqual({ ...parsed()[0]!["error"] as object, cause: undefined }, {
    name: "CairnError",
    code: "BLOCK_MALFORMED",
    message: "Cannot read block 3",
    hint: "send it again",
    detail: { at: "9" },
    cause: undefined,
  });
});

Deno.test("Logging shows the stack of an unexpected error only where debug is on", () => {
  for (const [level, hasStack] of [["info", false], ["debug", true]] as const) {
    const { logging, parsed } = setup({ level });
    logging.root.error("Failed", { error: new TypeError("boom") });
    assert.equal("stack" in (parsed()[0]!["error"] as object), hasStack, level);
  }
});

Deno.test("Logging keeps a field from taking the place of time, level, module or message", () => {
  const { logging, parsed } = setup();
  logging.root.info("Real", { message: "fake", level: "fatal", time: 0, module: "x", fine: undefined });
  const [line] = parsed();
  assert.equal(line!["message"], "Real");
  assert.equal(line!["level"], "info");
  assert.equal(line!["_message"], "fake");
  assert.equal(line!["_level"], "fatal");
  assert.ok(!("fine" in line!));
});

Deno.test("Logging adds the fields of the active span", () => {
  const { logging, parsed } = setup({}, { traceFields: () => ({ traceId: "t1" }) });
  logging.root.info("Message");
  assert.equal(parsed()[0]!["traceId"], "t1");
});

Deno.test("Logging is pretty on a terminal, one line a record, and quotes what could steer it", () => {
  const { logging, lines } = setup({ format: "auto" }, { isTerminal: true });
  assert.equal(logging.format, "pretty");
  logging.root.child("rpc").warn("Peer left", {
    peer: "127.0.0.1:5",
    reason: "a\u001b[2Jb\nc\u009b",
    count: 3,
  });
  assert.equal(lines.length, 1);
  const line = lines[0]!.trimEnd();
  for (const control of ["\n", "\u001b", "\u009b"]) assert.ok(!line.includes(control));
  assert.match(
    line,
    /^03:04:05\.006Z +WARN +rpc +Peer left peer=127\.0\.0\.1:5 reason="a\\u001b\[2Jb\\nc\\u009b" count=3$/,
  );
});

Deno.test("Logging writes JSON off a terminal", () => {
  assert.equal(setup({ format: "auto" }).logging.format, "json");
});

Deno.test("Logging hands records to any LogTape sink, and leaves LogTape's own configuration alone", () => {
  const records: LogRecord[] = [];
  const { logging, lines } = setup({}, { sink: (record) => records.push(record) });
  logging.root.child("blocks").warn("Message", { a: 1 });
  assert.equal(lines.length, 0);
  assert.deepEqual(records.map(({ category, level, properties }) => ({ category, level, properties })), [
    { category: ["blocks"], level: "warning", properties: { a: 1 } },
  ]);
  assert.equal(getConfig(), null);
});

Deno.test("toPlain() makes anything JSON-serializable and bounded", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  assert.match(JSON.stringify(toPlain(cycle)), /\[…\]/);
  assert.equal(toPlain(new Uint8Array([1, 171])), "01ab");
  assert.match(String(toPlain(new Uint8Array(1_000))), /^0{128}… \(1000 bytes\)$/);
  assert.equal(String(toPlain("x".repeat(10_000))).length, 4_097);
  assert.equal((toPlain(Array.from({ length: 100 }, () => 1)) as unknown[]).length, 65);
  assert.equal(
    Object.keys(toPlain(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [i, i]))) as object).length,
    65,
  );
  assert.deepEqual(toPlain(new Map([["a", 1n]])), { a: "1" });
  assert.deepEqual(toPlain(new Set([1, undefined])), [1, null]);
  assert.deepEqual(toPlain([NaN, -0, null, Symbol("s"), new Date(0), new Date(NaN)]), [
    "NaN",
    -0,
    null,
    "Symbol(s)",
    "1970-01-01T00:00:00.000Z",
    "invalid date",
  ]);
});
