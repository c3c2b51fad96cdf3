import assert from "node:assert/strict";
import { CairnError } from "../kernel/errors.ts";
import { exitCodeOf, failureText, ReportedError } from "./exit.ts";
import { runCli } from "./program.ts";

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(args, { out: (line) => out.push(line), err: (line) => err.push(line), env });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

async function withFile<T>(text: string, use: (file: string) => Promise<T>): Promise<T> {
  const dir = await Deno.makeTempDir({ prefix: "cairn-cli-" });
  try {
    await Deno.writeTextFile(`${dir}/cairn.toml`, text);
    return await use(`${dir}/cairn.toml`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("cairn --help goes to stdout, exits 0, and names every command, exit code and the environment", async () => {
  const { code, out, err } = await run(["--help"]);
  assert.equal(code, 0);
  assert.equal(err, "");
  for (const word of ["start", "healthcheck", "config", "completions", "CAIRN__", "Exit codes", "Examples"]) {
    assert.ok(out.includes(word), word);
  }
});

Deno.test("cairn without a command shows help on stderr and exits 2", async () => {
  for (const args of [[], ["config"]]) {
    const { code, out, err } = await run(args);
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.match(err, /^Usage: cairn/);
  }
});

Deno.test("cairn --version prints version, commit, Deno and WASM digest", async () => {
  const { code, out } = await run(["--version"], { CAIRN_COMMIT: "abc123" });
  assert.equal(code, 0);
  assert.match(out, /^cairn \d+\.\d+\.\d+\ncommit abc123\ndeno \d+\.\d+\.\d+\nwasm \S+$/);
});

Deno.test("cairn suggests the nearest flag and command, on stderr, and exits 2", async () => {
  const flag = await run(["start", "--profil", "x"]);
  assert.deepEqual([flag.code, flag.out], [2, ""]);
  assert.match(flag.err, /^cairn: unknown option '--profil'\n\(Did you mean --profile\?\)/);
  const command = await run(["strat"]);
  assert.deepEqual([command.code, command.out], [2, ""]);
  assert.match(command.err, /unknown command 'strat'\n\(Did you mean start\?\)/);
});

Deno.test("cairn config show --json has stable keys, hides nothing but secrets, and tells origins when asked", async () => {
  await withFile("[admin]\nport = 9700\n", async (file) => {
    const env = { CAIRN__LOG__LEVEL: "debug" };
    const plain = await run(["config", "show", "--json", "--config", file], env);
    assert.equal(plain.code, 0);
    assert.deepEqual(Object.keys(JSON.parse(plain.out)), ["hash", "values"]);
    const { values, origins } = JSON.parse(
      (await run(["config", "show", "--json", "--origin", "--config", file, "--set", "node.dataDir=/d"], env))
        .out,
    );
    assert.equal(values["admin.port"], 9700);
    assert.deepEqual(origins["admin.port"], { layer: "file", file, line: 2 });
    assert.deepEqual(origins["log.level"], { layer: "env", name: "CAIRN__LOG__LEVEL" });
    assert.deepEqual(origins["node.dataDir"], { layer: "flag", name: "--set" });
    assert.deepEqual(origins["admin.host"], { layer: "default" });
  });
});

Deno.test("cairn config show --origin prints key, value and origin", async () => {
  await withFile("[admin]\nport = 9700\n", async (file) => {
    const { out } = await run(["config", "show", "--origin"], { CAIRN_CONFIG: file });
    assert.ok(out.split("\n").includes(`admin.port = 9700  # ${file}:2`));
    assert.ok(out.split("\n").includes(`admin.host = "127.0.0.1"  # default`));
  });
});

Deno.test("cairn config check exits 0 for a valid configuration", async () => {
  await withFile("", async (file) => {
    assert.match(
      (await run(["config", "check", "--config", file])).out,
      /^Configuration is valid \(hash [0-9a-f]{12}\)$/,
    );
    const { code, out } = await run(["config", "check", "--json", "--config", file]);
    assert.equal(code, 0);
    assert.deepEqual({ ...JSON.parse(out), hash: "" }, { ok: true, hash: "", problems: [] });
  });
});

Deno.test("cairn config check reports every problem on stderr, or as JSON on stdout, and exits 2", async () => {
  await withFile(`[admin]\nport = "x"\nhots = "y"\n`, async (file) => {
    const text = await run(["config", "check", "--config", file]);
    assert.deepEqual([text.code, text.out], [2, ""]);
    assert.equal(text.err.split("\n").length, 2);
    const json = await run(["config", "check", "--json", "--config", file]);
    assert.deepEqual([json.code, json.err], [2, ""]);
    const { ok, problems } = JSON.parse(json.out);
    assert.equal(ok, false);
    assert.deepEqual(problems[0], {
      key: "admin.hots",
      origin: { layer: "file", file, line: 3 },
      expected: "a known key",
      found: "an unknown one",
      suggestion: "admin.host",
    });
  });
});

Deno.test("cairn refuses an unknown profile and names those there are", async () => {
  const { code, err } = await run(["config", "check", "--set", "node.profile=defualt"]);
  assert.equal(code, 2);
  assert.match(err, /flag --set: node\.profile: expected .*"default".*did you mean 'default'/);
});

Deno.test("cairn refuses a --set that is not key=value", async () => {
  const { code, err } = await run(["config", "show", "--set", "admin.port"]);
  assert.equal(code, 2);
  assert.match(err, /^cairn: Cannot read --set "admin\.port" \[USAGE\]; write --set section\.key=value$/);
});

Deno.test("cairn healthcheck exits 1 for a broken configuration, since probes know only 0 and 1", async () => {
  await withFile("[admin\n", async (file) => {
    const { code, out } = await run(["healthcheck", "--json", "--config", file]);
    assert.equal(code, 1);
    assert.equal(JSON.parse(out).ready, false);
  });
});

Deno.test("cairn healthcheck says ready or why not, by what the node answers", async () => {
  let report: unknown;
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    assert.equal(new URL(request.url).pathname, "/readyz");
    return Response.json(report, { status: (report as { ready: boolean }).ready ? 200 : 503 });
  });
  const args = ["healthcheck", "--set", `admin.port=${server.addr.port}`];
  report = { ready: true, reasons: [] };
  assert.deepEqual(await run(args), { code: 0, out: "ready", err: "" });
  report = { ready: false, reasons: ["store: cannot be read"] };
  assert.deepEqual(await run(args), { code: 1, out: "", err: "cairn: not ready: store: cannot be read" });
  const { code, out } = await run([...args, "--json"]);
  assert.equal(code, 1);
  assert.deepEqual(JSON.parse(out), {
    ready: false,
    url: `http://127.0.0.1:${server.addr.port}/readyz`,
    reasons: ["store: cannot be read"],
  });
});

Deno.test("cairn healthcheck exits 1 when no node answers", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { code, err } = await run(["healthcheck", "--set", `admin.port=${port}`]);
  assert.equal(code, 1);
  assert.match(err, /^cairn: not ready: no node answers/);
});

Deno.test("exitCodeOf() takes the code from the one table", () => {
  assert.equal(exitCodeOf(new CairnError("STORE_LOCKED", "x")), 3);
  assert.equal(exitCodeOf(new CairnError("STORE_FORMAT_TOO_NEW", "x")), 4);
  assert.equal(exitCodeOf(new CairnError("CONFIG_INVALID", "x")), 2);
  assert.equal(exitCodeOf(new ReportedError(new CairnError("STORE_LOCKED", "x"))), 3);
  assert.equal(exitCodeOf(new Error("x")), 1);
});

Deno.test("failureText() is one line, and shows the stack of an unexpected failure only at debug", () => {
  const expected = new CairnError("STORE_LOCKED", "Cannot open", { hint: "stop it" });
  assert.equal(failureText(expected, { debug: true }), "cairn: Cannot open [STORE_LOCKED]; stop it");
  const unexpected = new Error("boom");
  assert.equal(failureText(unexpected, { debug: false }), "cairn: boom [INTERNAL]");
  assert.match(failureText(unexpected, { debug: true })!, /boom \[INTERNAL\]\nError: boom\n\s+at /);
  assert.equal(failureText(new ReportedError(expected), { debug: false }), undefined);
});
