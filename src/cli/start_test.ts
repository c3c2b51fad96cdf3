import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { nodePermissions, toFlags, widen } from "../../scripts/permissions.ts";
import { TextLineStream } from "./_lines.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A node in a process of its own, with the permissions of production, in an empty directory. */
class NodeProcess implements AsyncDisposable {
  readonly dir: string;
  readonly lines: Record<string, unknown>[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #changed = Promise.withResolvers<void>();
  #isOver = false;

  private constructor(dir: string, args: readonly string[], env: Record<string, string>, script: string) {
    this.dir = dir;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        ...toFlags(
          widen(nodePermissions({ dataDir: "data", readable: [ROOT] }), {
            ffi: [`${ROOT}node_modules`],
            write: ["."],
          }),
        ),
        script,
        ...args,
      ],
      cwd: dir,
      env: { NO_COLOR: "1", CAIRN__BLOCKS__RPC__ADDRESS: "127.0.0.1:0", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reading = this.#read();
  }

  static async spawn(
    args: readonly string[],
    { files = {}, env = {}, script = MAIN }: {
      files?: Record<string, string>;
      env?: Record<string, string>;
      script?: string;
    } = {},
  ): Promise<NodeProcess> {
    const dir = await Deno.makeTempDir({ prefix: "cairn-start-" });
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${dir}/${name}`, text);
    return new NodeProcess(dir, args, env, script);
  }

  /** The first line whose message is `message`; fails when the process ends without one. */
  async line(message: string): Promise<Record<string, unknown>> {
    while (true) {
      const changed = this.changed();
      const found = this.lines.find((line) => line["message"] === message);
      if (found) return found;
      assert.ok(
        !this.#isOver,
        `no line ${JSON.stringify(message)} in ${JSON.stringify(this.lines, undefined, 1)}`,
      );
      await changed;
    }
  }

  /** Resolves when one more line has come or the process has ended. */
  changed(): Promise<void> {
    return this.#changed.promise;
  }

  async port(): Promise<number> {
    const { listening } = await this.line("Node is ready");
    return Number((listening as string[])[0]!.split(":").at(-1));
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async end(): Promise<{ code: number; signal: Deno.Signal | null; stdout: string }> {
    const stdout = await new Response(this.#child.stdout).text();
    await this.#reading;
    const { code, signal } = await this.#child.status;
    return { code, signal, stdout };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    if (!this.#child.stdout.locked) await this.#child.stdout.cancel();
    await this.#reading;
    await this.#child.status;
    await Deno.remove(this.dir, { recursive: true });
  }

  async #read(): Promise<void> {
    const lines = this.#child.stderr.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    for await (const line of lines) {
      this.lines.push(line.startsWith("{") ? JSON.parse(line) : { message: line });
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
    this.#isOver = true;
    this.#changed.resolve();
  }
}

const ANY_PORT = ["--set", "admin.port=0"];

Deno.test("cairn start says what it is, where it listens, serves, and exits 0 on SIGTERM and SIGINT", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await using node = await NodeProcess.spawn(["start", "--data", "here", ...ANY_PORT]);
    const port = await node.port();
    const begin = await node.line("Node is starting");
    assert.match(String(begin["version"]), /^\d+\.\d+\.\d+$/);
    assert.match(String(begin["configHash"]), /^[0-9a-f]{12}$/);
    assert.equal(begin["dataDir"], "here");
    assert.equal(begin["module"], "node");
    const response = await fetch(`http://127.0.0.1:${port}/readyz`);
    assert.equal(response.status, 200, await response.text());
    node.kill(signal);
    assert.deepEqual(await node.end(), { code: 0, signal: null, stdout: "" });
    assert.equal((await node.line("Node has stopped"))["reason"], signal);
  }
});

Deno.test("cairn start exits 1 with one line that names address and key when the port is in use", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await using node = await NodeProcess.spawn(["start", "--set", `admin.port=${port}`]);
  assert.equal((await node.end()).code, 1);
  const errors = node.lines.filter(({ level }) => level === "error");
  assert.equal(errors.length, 1, JSON.stringify(node.lines));
  assert.equal(errors[0]!["code"], "ADDRESS_IN_USE");
  assert.match(String(errors[0]!["message"]), new RegExp(`127\\.0\\.0\\.1:${port}`));
  assert.match(String(errors[0]!["hint"]), /admin\.port/);
});

const BAD_FILES = {
  "broken TOML": ["[admin\nport = 1\n", /cairn\.toml:1:\d+: expected valid TOML/],
  "a wrong type": [
    `[admin]\nport = "x"\n`,
    /cairn\.toml:2: admin\.port: expected integer, 0 to 65535, found string "x"/,
  ],
  "an unknown key": [`[admin]\nprot = 1\n`, /cairn\.toml:2: admin\.prot: .*did you mean 'admin\.port'/],
} as const;

for (const [what, [text, expected]] of Object.entries(BAD_FILES)) {
  Deno.test(`cairn start exits 2 with one line for ${what}`, async () => {
    await using node = await NodeProcess.spawn(["start"], { files: { "cairn.toml": text } });
    assert.equal((await node.end()).code, 2);
    assert.equal(node.lines.length, 1, JSON.stringify(node.lines));
    assert.match(String(node.lines[0]!["message"]), expected);
    assert.match(String(node.lines[0]!["message"]), /\[CONFIG_INVALID\]/);
  });
}

Deno.test("cairn start takes the environment over the file and the flag over the environment", async () => {
  await using node = await NodeProcess.spawn(["start", "--data", "flag", ...ANY_PORT], {
    files: { "cairn.toml": `[log]\nlevel = "error"\n[node]\ndataDir = "file"\n` },
    env: { CAIRN__LOG__LEVEL: "info", CAIRN__NODE__DATA_DIR: "env" },
  });
  assert.equal((await node.line("Node is starting"))["dataDir"], "flag");
  node.kill("SIGTERM");
  assert.equal((await node.end()).code, 0);
});

Deno.test("cairn start reloads on SIGHUP and on a change of the file, and survives a bad change", async () => {
  await using node = await NodeProcess.spawn(["start", ...ANY_PORT, "--set", "node.watchConfig=false"], {
    files: { "cairn.toml": `[log]\nlevel = "info"\n` },
  });
  const port = await node.port();
  await Deno.writeTextFile(`${node.dir}/cairn.toml`, `[log]\nlevel = "loud"\n`);
  node.kill("SIGHUP");
  const refused = await node.line("Configuration change refused, the old one stays in force");
  assert.match(String(refused["reason"]), /cairn\.toml:2: log\.level: .*found string "loud"/);

  await Deno.writeTextFile(
    `${node.dir}/cairn.toml`,
    `[log]\nlevel = "debug"\n[node]\nstopTimeoutMs = 7000\n`,
  );
  node.kill("SIGHUP");
  assert.deepEqual((await node.line("Configuration updated"))["changed"], [
    "node.stopTimeoutMs",
    "log.level",
  ]);
  assert.deepEqual((await node.line("Configuration change needs a restart to take effect"))["keys"], [
    "node.stopTimeoutMs",
  ]);
  // The new level is in force: requests are logged at debug.
  const response = await fetch(`http://127.0.0.1:${port}/healthz`, {
    headers: { "x-request-id": "after-reload" },
  });
  await response.body?.cancel();
  assert.equal((await node.line("Request served"))["requestId"], "after-reload");
  // Everybody in the process who subscribes to `config.updated` hears of it.
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  assert.match(metrics, /^cairn_bus_published_total\{topic="config\.updated"\} 1$/m);
  node.kill("SIGTERM");
  assert.equal((await node.end()).code, 0);
});

Deno.test("cairn start notices a changed file by itself", async () => {
  await using node = await NodeProcess.spawn(["start", ...ANY_PORT]);
  await node.port();
  await Deno.writeTextFile(`${node.dir}/cairn.local.toml`, `[log]\nlevel = "debug"\n`);
  assert.equal((await node.line("Configuration updated"))["trigger"], "cairn.local.toml");
  node.kill("SIGTERM");
  assert.equal((await node.end()).code, 0);
});

Deno.test("cairn healthcheck agrees with a running node", async () => {
  await using node = await NodeProcess.spawn(["start", ...ANY_PORT]);
  const port = await node.port();
  await using probe = await NodeProcess.spawn(["healthcheck", "--json", "--set", `admin.port=${port}`]);
  const { code, stdout } = await probe.end();
  assert.equal(code, 0);
  assert.equal(JSON.parse(stdout).ready, true);
  node.kill("SIGTERM");
  assert.equal((await node.end()).code, 0);
});

Deno.test("handleSignals() ends a process that hangs in its stop with 128 + n on the second signal", async () => {
  const script = fileURLToPath(new URL("../kernel/testdata/hanging_stop.ts", import.meta.url));
  await using node = await NodeProcess.spawn([], { script });
  await node.line("up");
  node.kill("SIGTERM");
  await node.line("stopping on SIGTERM");
  // Right behind the first, a signal would count as its repetition.
  await new Promise((resolve) => setTimeout(resolve, 300));
  node.kill("SIGINT");
  assert.equal((await node.end()).code, 130);
});

Deno.test("cairn start speaks to people in the pretty format: a banner, and plain text for a failure", async () => {
  await using node = await NodeProcess.spawn(["start", "--set", "log.format=pretty", ...ANY_PORT]);
  await node.line("");
  const isBanner = (text: unknown) => /^ {2}admin +http 127\.0\.0\.1:\d+$/.test(String(text));
  while (!node.lines.some(({ message }) => isBanner(message))) await node.changed();
  const port = String(node.lines.find(({ message }) => isBanner(message))!["message"]).split(":").at(-1);
  await using second = await NodeProcess.spawn([
    "start",
    "--set",
    "log.format=pretty",
    "--set",
    `admin.port=${port}`,
  ]);
  assert.equal((await second.end()).code, 1);
  const failures = second.lines.filter(({ message }) => String(message).startsWith("cairn: "));
  assert.equal(failures.length, 1, JSON.stringify(second.lines));
  assert.match(String(failures[0]!["message"]), /\[ADDRESS_IN_USE\]; set admin\.port to a free port/);
  node.kill("SIGINT");
  assert.equal((await node.end()).code, 0);
});

Deno.test("cairn prints data on stdout and nothing else there", async () => {
  await using show = await NodeProcess.spawn(["config", "show", "--json"]);
  const { code, stdout } = await show.end();
  assert.equal(code, 0);
  assert.equal(typeof JSON.parse(stdout).hash, "string");
  assert.equal(show.lines.length, 0);
  await using wrong = await NodeProcess.spawn(["config", "show", "--jsno"]);
  assert.deepEqual(await wrong.end(), { code: 2, signal: null, stdout: "" });
});
