/**
 * A real node in a process of its own, started as a user would, with the node's own permissions.
 *
 * @module
 */

import { nodePermissions, toFlags } from "../../scripts/permissions.ts";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;
const ROOT = new URL("../../", import.meta.url).pathname;

/** Time for a node to say that it is ready; generous, because tests run side by side on few cores. */
const READY_TIMEOUT_MS = 60_000;

/** One line of the node's log. */
export interface LogRecord {
  readonly level: string;
  readonly module: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Options of {@link startNode}. */
export interface StartNodeOptions {
  readonly dataDir: string;
  /** Keys of the configuration; both ports are free ones unless set here. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /** @default the node's own */
  readonly profile?: string;
  /** Environment besides that of the test. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A node that is up. */
export interface NodeProcess extends AsyncDisposable {
  readonly pid: number;
  /** `HOST:PORT` of the block API; throws if the profile has none. */
  readonly grpc: string;
  /** URL of the JSON-RPC; throws if the profile has none. */
  readonly jsonRpc: string;
  /** Base URL of the admin listener. */
  readonly admin: string;
  /** What a line of what it listens for says behind `what`; throws if there is none. */
  address(what: string): string;
  /** Lines of what it listens for. */
  readonly listening: readonly string[];
  readonly logs: readonly LogRecord[];
  /** SIGTERM, then the exit code. */
  stop(): Promise<number>;
  /** SIGKILL: no chance to clean up. */
  kill9(): Promise<void>;
  /** Whether the process is still there. */
  readonly running: boolean;
  /** The exit code, once it has ended and its log is read. */
  readonly ended: Promise<number>;
  /** A metric's value: sum over the series of this name with these labels; 0 if there is none. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
}

/** Flags and arguments of `cairn start`. */
export function startArgs({ dataDir, profile, settings = {} }: StartNodeOptions): string[] {
  const all = { "admin.port": 0, "blocks.rpc.address": "127.0.0.1:0", ...settings };
  const flags = toFlags(nodePermissions({ dataDir, readable: [ROOT] }));
  const sets = Object.entries(all).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  return [
    "run",
    "--quiet",
    ...flags,
    MAIN,
    "start",
    "--data",
    dataDir,
    ...(profile === undefined ? [] : ["--profile", profile]),
    ...sets,
  ];
}

/** Flags of every command that talks to a node. */
const CLI_FLAGS = [
  "--no-prompt",
  "--ignore-env",
  "--allow-net=127.0.0.1",
  "--allow-read",
  "--allow-write",
  "--allow-env=CAIRN_*",
  `--allow-ffi=${ROOT}node_modules`,
];

/** Starts `cairn` with any arguments. */
export function spawnCairn(...args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", ...CLI_FLAGS, MAIN, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
}

/** Runs `cairn` with any arguments and waits for its end. */
export async function runCairn(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", ...CLI_FLAGS, MAIN, ...args],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/**
 * Starts a node and waits until it is ready.
 *
 * @throws {Error} With its log if it does not come up.
 */
export async function startNode(options: StartNodeOptions): Promise<NodeProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: startArgs(options),
    cwd: ROOT,
    env: { ...options.env },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const logs: LogRecord[] = [];
  const ready = Promise.withResolvers<readonly string[]>();
  const reading = readLogs(child.stderr, logs, ready.resolve);
  let ended: number | undefined;
  const status = child.status.then(async ({ code }) => {
    ended = code;
    await reading;
    ready.reject(
      new Error(`Node ended with ${code}: ${logs.map((line) => JSON.stringify(line)).join("\n")}`),
    );
    return code;
  });
  const timer = setTimeout(() => ready.reject(new Error("Node did not become ready")), READY_TIMEOUT_MS);
  let listening: readonly string[];
  try {
    listening = await ready.promise;
  } finally {
    clearTimeout(timer);
  }
  const address = (what: string) => {
    const line = listening.find((line) => line.startsWith(what));
    if (line === undefined) throw new Error(`Node does not listen for '${what}'`);
    return line.slice(what.length);
  };
  const admin = `http://${address("admin http ")}`;

  async function end(signal: Deno.Signal): Promise<number> {
    try {
      if (ended === undefined) child.kill(signal);
    } catch (error) {
      // It has ended, and its status is on the way: two callers may want its end at once.
      if (!(error instanceof TypeError)) throw error;
    }
    return await status;
  }
  return {
    pid: child.pid,
    get grpc() {
      return address("blocks grpc ");
    },
    get jsonRpc() {
      return address("rootstock json-rpc ");
    },
    admin,
    address,
    listening,
    logs,
    stop: () => end("SIGTERM"),
    kill9: async () => void await end("SIGKILL"),
    ended: status,
    get running() {
      return ended === undefined;
    },
    async metric(name, labels = {}) {
      const text = await (await fetch(`${admin}/metrics`)).text();
      const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
      return text.split("\n")
        .filter((line) => /^[a-z]/.test(line) && line.split(/[{ ]/, 1)[0] === name)
        .filter((line) => wanted.every((label) => line.includes(label)))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    },
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
    },
  };
}

async function readLogs(
  stream: ReadableStream<Uint8Array>,
  logs: LogRecord[],
  onReady: (listening: readonly string[]) => void,
): Promise<void> {
  for await (const line of linesOf(stream)) {
    const record = parseRecord(line);
    logs.push(record);
    if (record.message === "Node is ready") onReady(record["listening"] as string[]);
  }
}

/** The complete lines of a process's output. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (
    const text of stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
  ) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

function parseRecord(line: string): LogRecord {
  try {
    return JSON.parse(line);
  } catch {
    return { level: "raw", module: "", message: line };
  }
}

/** A directory for one test, removed afterwards. */
export async function tempDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "cairn-test-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
