/**
 * Starts `src/main.ts` with exactly the permissions its command needs, so that `--data /srv/cairn` works without
 * opening the rest of the disk.
 *
 * It knows three options, `--data DIR`, `--config FILE` and `--allow-KIND=LIST` (handed to Deno), and one command,
 * `start`; everything is passed on. It also stands between `deno task` and the node because `deno task` repeats a
 * Ctrl-C that the terminal has already delivered, and a node takes a second signal as an order to give up.
 *
 * @module
 */

import {
  CLIENT_PERMISSIONS,
  nodePermissions,
  type PermissionKind,
  type Permissions,
  toFlags,
  widen,
} from "./permissions.ts";

/** Where a node keeps its data if nobody says otherwise. */
const DEFAULT_DATA_DIR = "data";

/** What to run. */
export interface Launch {
  readonly permissions: Permissions;
  /** Arguments for `src/main.ts`. */
  readonly args: readonly string[];
}

/** Reads the command line. */
export function planLaunch(commandLine: readonly string[]): Launch {
  const args: string[] = [];
  const words: string[] = [];
  const readable: string[] = [];
  let dataDir = DEFAULT_DATA_DIR;
  let extra: Permissions = {};
  for (let at = 0; at < commandLine.length; at++) {
    const arg = commandLine[at]!;
    const grant = /^--allow-(env|ffi|net|read|run|sys|write)=(.+)$/.exec(arg);
    if (grant) {
      extra = widen(extra, { [grant[1] as PermissionKind]: grant[2]!.split(",") });
      continue;
    }
    args.push(arg);
    const option = /^--(data|config)(?:=(.*))?$/.exec(arg);
    if (!option) {
      if (!arg.startsWith("-")) words.push(arg);
      continue;
    }
    const next = option[2] ?? commandLine[at + 1];
    if (option[2] === undefined && next !== undefined) args.push(commandLine[++at]!);
    if (next === undefined || next === "") continue;
    if (option[1] === "data") dataDir = next;
    else readable.push(next, next.replace(/[^/]*$/, "cairn.local.toml"));
  }
  const base = words[0] === "start" ? nodePermissions({ dataDir, readable }) : CLIENT_PERMISSIONS;
  return { permissions: widen(base, extra), args };
}

/** Whether a terminal is attached; then it delivers SIGINT to the child itself. */
function hasTerminal(): boolean {
  return [Deno.stdin, Deno.stdout, Deno.stderr].some((stream) => stream.isTerminal());
}

if (import.meta.main) {
  const { permissions, args } = planLaunch(Deno.args);
  const main = decodeURIComponent(new URL("../src/main.ts", import.meta.url).pathname);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", ...toFlags(permissions), main, ...args],
  }).spawn();
  const forward = (signal: Deno.Signal) => () => {
    try {
      child.kill(signal);
    } catch (error) {
      // The child ended a moment before; its status is on the way.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  };
  const onInterrupt = hasTerminal() ? () => {} : forward("SIGINT");
  Deno.addSignalListener("SIGINT", onInterrupt);
  Deno.addSignalListener("SIGTERM", forward("SIGTERM"));
  Deno.addSignalListener("SIGHUP", forward("SIGHUP"));
  Deno.exit((await child.status).code);
}
