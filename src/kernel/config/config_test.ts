import assert from "node:assert/strict";
import { z } from "zod";
import { CairnError } from "../errors.ts";
import { type ConfigEntry, loadConfig, type LoadConfigOptions, localFile, shownValue } from "./load.ts";
import { type ConfigProblem, formatOrigin, formatProblem } from "./problem.ts";
import type { Sections } from "./schema.ts";

const SECTIONS = {
  node: z.object({
    name: z.string().default("cairn"),
    stopTimeoutMs: z.int().min(10).max(1_000).default(500),
    tags: z.array(z.string()).default([]),
    verbose: z.boolean().default(false),
    budget: z.bigint().default(7n),
    limits: z.object({
      streams: z.int().default(10),
      bytes: z.int().default(20),
    }).prefault({}),
  }),
  log: z.object({
    level: z.enum(["debug", "info"]).default("info"),
    levels: z.record(z.string(), z.enum(["debug", "info"])).default({}),
  }),
  tls: z.object({
    key: z.string().min(8).optional().meta({ secret: true }),
  }),
} as const;

async function withFiles<T>(
  files: Readonly<Record<string, string>>,
  run: (file: string, dir: string) => Promise<T>,
): Promise<T> {
  const dir = await Deno.makeTempDir({ prefix: "cairn-config-" });
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${dir}/${name}`, text);
    return await run(`${dir}/cairn.toml`, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function problemsOf<S extends Sections>(
  options: LoadConfigOptions<S>,
): Promise<readonly ConfigProblem[]> {
  const error = await loadConfig(options).then(() => assert.fail("expected a refusal"), (thrown) => thrown);
  assert.ok(error instanceof CairnError, String(error));
  assert.equal(error.code, "CONFIG_INVALID");
  assert.equal(error.mapping.exit, 2);
  return error.detail["problems"] as readonly ConfigProblem[];
}

function originOf(entries: readonly ConfigEntry[], key: string): string {
  const entry = entries.find((candidate) => candidate.key === key);
  assert.ok(entry, `no entry ${key}`);
  return formatOrigin(entry.origin).replace(/^.*\//, "");
}

Deno.test("loadConfig() gives the defaults when no layer says anything", async () => {
  await withFiles({ "cairn.toml": "" }, async (file) => {
    const { values, entries, files } = await loadConfig({ sections: SECTIONS, file });
    assert.equal(values.node.stopTimeoutMs, 500);
    assert.deepEqual(values.node.limits, { streams: 10, bytes: 20 });
    assert.ok(entries.every((entry) => entry.origin.layer === "default"));
    assert.deepEqual(files, [file, file.replace(".toml", ".local.toml")]);
  });
});

Deno.test("loadConfig() merges default < file < local file < environment < flag, and keeps every origin", async () => {
  // Each key is set by one more layer than the one before it, so each layer wins exactly once.
  const files = {
    "cairn.toml": `[node]\nstopTimeoutMs = 101\ntags = ["file"]\nverbose = true\nname = "file"\n`,
    "cairn.local.toml": `[node]\n# local\ntags = ["local"]\nverbose = true\nname = "local"\n`,
  };
  await withFiles(files, async (file) => {
    const { values, entries } = await loadConfig({
      sections: SECTIONS,
      file,
      env: { CAIRN__NODE__VERBOSE: "false", CAIRN__NODE__NAME: "env" },
      flags: [{ key: "node.name", value: "flag", flag: "--name" }],
    });
    assert.deepEqual(values.node, {
      name: "flag",
      stopTimeoutMs: 101,
      tags: ["local"],
      verbose: false,
      budget: 7n,
      limits: { streams: 10, bytes: 20 },
    });
    assert.equal(originOf(entries, "node.budget"), "default");
    assert.equal(originOf(entries, "node.stopTimeoutMs"), "cairn.toml:2");
    assert.equal(originOf(entries, "node.tags"), "cairn.local.toml:3");
    assert.equal(originOf(entries, "node.verbose"), "env CAIRN__NODE__VERBOSE");
    assert.equal(originOf(entries, "node.name"), "flag --name");
  });
});

Deno.test("loadConfig() merges tables key by key and replaces lists whole", async () => {
  const files = {
    "cairn.toml":
      `[node]\ntags = ["a", "b"]\nlimits = { streams = 1, bytes = 2 }\n[log.levels]\nblocks = "debug"\nrpc = "info"\n`,
    "cairn.local.toml": `[node]\ntags = ["c"]\n[node.limits]\nbytes = 3\n[log]\nlevels.rpc = "debug"\n`,
  };
  await withFiles(files, async (file) => {
    const { values, entries } = await loadConfig({ sections: SECTIONS, file });
    assert.deepEqual(values.node.tags, ["c"]);
    assert.deepEqual(values.node.limits, { streams: 1, bytes: 3 });
    assert.deepEqual({ ...values.log.levels }, { blocks: "debug", rpc: "debug" });
    assert.equal(originOf(entries, "node.limits.streams"), "cairn.toml:3");
    assert.equal(originOf(entries, "node.limits.bytes"), "cairn.local.toml:4");
    assert.equal(originOf(entries, "log.levels.rpc"), "cairn.local.toml:6");
  });
});

Deno.test("loadConfig() reads numbers, booleans, bigints, lists, deep keys and tables from the environment", async () => {
  await withFiles({ "cairn.toml": "" }, async (file) => {
    const { values } = await loadConfig({
      sections: SECTIONS,
      file,
      env: {
        CAIRN__NODE__STOP_TIMEOUT_MS: "250",
        CAIRN__NODE__TAGS: "x, y",
        CAIRN__NODE__BUDGET: "123456789012345678901",
        CAIRN__NODE__LIMITS__STREAMS: "5",
        CAIRN__LOG__LEVELS__BLOCKS: "debug",
        CAIRN_COMMIT: "not configuration",
      },
      flags: [{ key: 'log.levels."blocks.ingest"', value: "info", flag: "--set" }],
    });
    assert.equal(values.node.stopTimeoutMs, 250);
    assert.deepEqual(values.node.tags, ["x", "y"]);
    assert.equal(values.node.budget, 123456789012345678901n);
    assert.equal(values.node.limits.streams, 5);
    assert.deepEqual({ ...values.log.levels }, { blocks: "debug", "blocks.ingest": "info" });
  });
});

Deno.test("loadConfig() refuses a wrong type with file, line, key, expected and found", async () => {
  await withFiles({ "cairn.toml": `# one\n\n[node]\nstopTimeoutMs = "soon"\n` }, async (file) => {
    const [problem, ...rest] = await problemsOf({ sections: SECTIONS, file });
    assert.equal(rest.length, 0);
    assert.equal(
      formatProblem(problem!),
      `${file}:4: node.stopTimeoutMs: expected integer, 10 to 1000, found string "soon"`,
    );
  });
});

Deno.test("loadConfig() refuses an unknown key and suggests the nearest", async () => {
  await withFiles({ "cairn.toml": `[node]\nstopTimeout = 5\n[nodes]\nname = "x"\n` }, async (file) => {
    const problems = (await problemsOf({ sections: SECTIONS, file })).map(formatProblem);
    assert.deepEqual(problems, [
      `${file}:2: node.stopTimeout: expected a known key, found an unknown one (did you mean 'node.stopTimeoutMs'?)`,
      `${file}:3: nodes: expected a known key, found an unknown one (did you mean 'node'?)`,
    ]);
  });
});

Deno.test("loadConfig() names the section of a key that stands in the wrong place", async () => {
  await withFiles({ "cairn.toml": `stopTimeoutMs = 5\n` }, async (file) => {
    const [problem] = await problemsOf({ sections: SECTIONS, file });
    assert.equal(problem!.suggestion, "node.stopTimeoutMs");
  });
});

Deno.test("loadConfig() refuses unknown and ill-typed variables by their names", async () => {
  await withFiles({ "cairn.toml": "" }, async (file) => {
    const problems = await problemsOf({
      sections: SECTIONS,
      file,
      env: { CAIRN__NODE__STOP_TIMEOUT: "5", CAIRN__NODE__VERBOSE: "yes", CAIRN__NODE__LIMITS: "5" },
    });
    assert.deepEqual(problems.map(formatProblem), [
      "env CAIRN__NODE__LIMITS: node.limits: expected a table, found number 5",
      "env CAIRN__NODE__STOP_TIMEOUT: node.stop_timeout: expected a known key, found an unknown one " +
      "(did you mean 'CAIRN__NODE__STOP_TIMEOUT_MS'?)",
      'env CAIRN__NODE__VERBOSE: node.verbose: expected boolean, found string "yes"',
    ]);
  });
});

Deno.test("loadConfig() refuses a table where a value belongs, and a value where a table belongs", async () => {
  await withFiles({ "cairn.toml": `log = 5\n[node.name]\nx = 1\n` }, async (file) => {
    const problems = (await problemsOf({ sections: SECTIONS, file })).map(formatProblem);
    assert.deepEqual(problems, [
      `${file}:1: log: expected a table, found number 5`,
      `${file}:2: node.name: expected string, found a table`,
    ]);
  });
});

Deno.test("loadConfig() reports every problem at once, list elements by their own line", async () => {
  await withFiles(
    { "cairn.toml": `[node]\ntags = [\n  "a",\n  5,\n]\nstopTimeoutMs = 5\n` },
    async (file) => {
      const problems = (await problemsOf({ sections: SECTIONS, file })).map(formatProblem);
      assert.deepEqual(problems, [
        `${file}:6: node.stopTimeoutMs: expected at least 10, found number 5`,
        `${file}:4: node.tags[1]: expected string, found number 5`,
      ]);
    },
  );
});

Deno.test("loadConfig() refuses broken TOML with line and column", async () => {
  await withFiles({ "cairn.toml": `[node]\nname = = "x"\n` }, async (file) => {
    const [problem] = await problemsOf({ sections: SECTIONS, file });
    assert.deepEqual(problem!.origin, { layer: "file", file, line: 2, column: 8 });
    assert.equal(problem!.expected, "valid TOML");
  });
});

Deno.test("loadConfig() refuses a named file that is not there", async () => {
  await withFiles({}, async (file) => {
    const [problem] = await problemsOf({ sections: SECTIONS, file });
    assert.equal(formatProblem(problem!), `${file}: expected a file, found none`);
  });
});

Deno.test("loadConfig() never shows a secret: not in errors, not in entries, not in the hash", async () => {
  const secret = "hunter2";
  await withFiles({ "cairn.toml": `[tls]\nkey = "${secret}"\n` }, async (file) => {
    const [problem] = await problemsOf({ sections: SECTIONS, file });
    assert.doesNotMatch(JSON.stringify(problem), new RegExp(secret));
    assert.match(
      formatProblem(problem!),
      /tls\.key: expected at least 8 characters, found a string \(hidden/,
    );
  });
  await withFiles({ "cairn.toml": "" }, async (file) => {
    const load = (key: string) => loadConfig({ sections: SECTIONS, file, env: { CAIRN__TLS__KEY: key } });
    const [one, two] = await Promise.all([load("correct horse"), load("battery staple")]);
    assert.equal(one.values.tls.key, "correct horse");
    assert.equal(shownValue(one.entries.find((entry) => entry.key === "tls.key")!), "<secret>");
    assert.equal(one.hash, two.hash);
  });
});

Deno.test("loadConfig() freezes what it returns, at every depth", async () => {
  await withFiles({ "cairn.toml": "" }, async (file) => {
    const { values } = await loadConfig({ sections: SECTIONS, file });
    assert.throws(() => (values.node.limits as { streams: number }).streams = 1, TypeError);
    assert.throws(() => (values.node.tags as string[]).push("x"), TypeError);
  });
});

Deno.test("loadConfig() gives a hash that changes with any value and with nothing else", async () => {
  await withFiles({ "cairn.toml": "", "other.toml": "# nothing\n" }, async (file, dir) => {
    const hash = async (path: string, env = {}) =>
      (await loadConfig({ sections: SECTIONS, file: path, env })).hash;
    assert.match(await hash(file), /^[0-9a-f]{12}$/);
    assert.equal(await hash(file), await hash(`${dir}/other.toml`));
    assert.notEqual(await hash(file), await hash(file, { CAIRN__NODE__LIMITS__BYTES: "21" }));
  });
});

Deno.test("localFile() puts the local file beside the main one", () => {
  assert.equal(localFile("cairn.toml"), "cairn.local.toml");
  assert.equal(localFile("/etc/cairn/a.toml"), "/etc/cairn/a.local.toml");
  assert.equal(localFile("settings"), "settings.local");
});

Deno.test("loadConfig() says in words what each kind of value should have been", async () => {
  const sections = {
    a: z.object({
      short: z.string().min(3).default("abc"),
      long: z.string().max(3).default("abc"),
      list: z.array(z.string()).max(1).default([]),
      more: z.number().gt(5).default(6),
      less: z.number().lt(5).default(4),
      even: z.int().multipleOf(2).default(2),
      like: z.string().regex(/^a/).default("a"),
      url: z.url().default("http://localhost"),
      mode: z.enum(["on", "off"]).default("on"),
      either: z.union([z.literal("auto"), z.int()]).default("auto"),
      own: z.string().refine((text) => text !== "bad", "anything but bad").default("good"),
    }),
  };
  const text = `[a]
short = "ab"
long = "abcd"
list = ["a", "b"]
more = 5
less = 5
even = 3
like = "b"
url = "nowhere"
mode = "half"
either = true
own = "bad"
`;
  await withFiles({ "cairn.toml": text }, async (file) => {
    const problems = await problemsOf({ sections, file });
    assert.deepEqual(
      Object.fromEntries(problems.map(({ key, expected, found }) => [key, [expected, found]])),
      {
        "a.short": ["at least 3 characters", 'string "ab"'],
        "a.long": ["at most 3 characters", 'string "abcd"'],
        "a.list": ["at most 1 items", 'list ["a","b"]'],
        "a.more": ["more than 5", "number 5"],
        "a.less": ["less than 5", "number 5"],
        "a.even": ["a multiple of 2", "number 3"],
        "a.like": ["text like /^a/", 'string "b"'],
        "a.url": ["url", 'string "nowhere"'],
        "a.mode": ['"on" or "off"', 'string "half"'],
        "a.either": ['"auto" or number', "boolean true"],
        "a.own": ["anything but bad", 'string "bad"'],
      },
    );
  });
});

Deno.test("loadConfig() cuts a long value in its message, and shows dates and integers beyond 2^53 as they are", async () => {
  const text = `[node]\nstopTimeoutMs = "${
    "x".repeat(200)
  }"\nname = 1979-05-27\ntags = 99999999999999999999\n`;
  await withFiles({ "cairn.toml": text }, async (file) => {
    const found = (await problemsOf({ sections: SECTIONS, file })).map((problem) => problem.found);
    assert.equal(found.length, 3);
    assert.ok(found.some((value) => value.endsWith("xxx…") && value.length < 100), found.join());
    assert.ok(found.some((value) => value.startsWith('date "1979-05-27')), found.join());
    assert.ok(found.includes("bigint 99999999999999999999"), found.join());
  });
});
