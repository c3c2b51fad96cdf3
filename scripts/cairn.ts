/**
 * Starts `src/main.ts` with exactly the permissions its command needs, so that `--data /srv/cairn` works without
 * opening the rest of the disk.
 *
 * It looks for the data directory, the profile and the config file where the command line does (flags, then the
 * environment), takes `--allow-KIND=LIST` and `--allow-net` for Deno, and knows two commands, `start` and `blocks fsck`;
 * every other command may write the one file that its `--output` names. `--leader` names a host that the node may reach.
 *
 * @module
 */

import {
  CLIENT_PERMISSIONS,
  nodePermissions,
  offlinePermissions,
  type PermissionKind,
  type Permissions,
  toFlags,
  widen,
} from "./permissions.ts";

/** Where a node keeps its data if nobody says otherwise. */
const DEFAULT_DATA_DIR = "data";
/** What runs if nobody says otherwise. */
const DEFAULT_PROFILE = "default";

/** What to run. */
export interface Launch {
  readonly permissions: Permissions;
  /** Arguments for `src/main.ts`. */
  readonly args: readonly string[];
}

/** What of the environment matters here. */
export interface LaunchEnv {
  readonly CAIRN_CONFIG?: string | undefined;
  readonly CAIRN__NODE__DATA_DIR?: string | undefined;
  readonly CAIRN__NODE__PROFILE?: string | undefined;
}

/** Reads the command line. A data directory or a profile that only the config file names needs its flag too. */
export function planLaunch(commandLine: readonly string[], env: LaunchEnv = {}): Launch {
  const args: string[] = [];
  const words: string[] = [];
  const settings: Record<string, string> = {};
  const options: Record<string, string> = {};
  let extra: Permissions = {};
  for (let at = 0; at < commandLine.length; at++) {
    const arg = commandLine[at]!;
    const grant = /^--allow-(env|ffi|net|read|run|sys|write)=(.+)$/.exec(arg);
    if (grant || arg === "--allow-net") {
      extra = widen(extra, grant ? { [grant[1] as PermissionKind]: grant[2]!.split(",") } : { net: "all" });
      continue;
    }
    args.push(arg);
    const [, option, inline] = /^--(data|config|set|profile|output|leader)(?:=(.*))?$/.exec(
      arg.replace(/^-o(?!=)(.+)$/, "--output=$1").replace(/^-o$/, "--output"),
    ) ?? [];
    if (option === undefined) {
      if (!arg.startsWith("-")) words.push(arg);
      continue;
    }
    const value = inline ?? commandLine[++at];
    if (value === undefined) continue;
    if (inline === undefined) args.push(value);
    if (option !== "set") options[option] = value;
    else settings[value.replace(/=.*$/s, "")] = value.replace(/^[^=]*=/, "");
  }
  const config = options["config"] ?? env.CAIRN_CONFIG ?? "";
  const data = options["data"] ?? settings["node.dataDir"] ?? (env.CAIRN__NODE__DATA_DIR || DEFAULT_DATA_DIR);
  const profile = options["profile"] ?? settings["node.profile"] ??
    (env.CAIRN__NODE__PROFILE || DEFAULT_PROFILE);
  const readable = config === "" ? [] : [config, config.replace(/[^/]*$/, "cairn.local.toml")];
  if (words[0] === "start") {
    const host = hostOf(options["leader"] ?? "");
    const node = widen(
      nodePermissions({ dataDir: data, readable }, profile),
      host === undefined ? {} : { net: [host] },
    );
    return { permissions: widen(node, extra), args };
  }
  if (words[0] === "blocks" && words[1] === "fsck") {
    return { permissions: widen(offlinePermissions({ dataDir: data, readable }), extra), args };
  }
  const output = options["output"];
  // A key is written beside its name first, so that it is whole or absent.
  const isKey = words[0] === "chain" && words[1] === "keys";
  const written = output ? [output, ...(isKey ? [`${output}.new`] : [])] : [];
  const base = output ? widen(CLIENT_PERMISSIONS, { write: written }) : CLIENT_PERMISSIONS;
  return { permissions: widen(base, extra), args };
}

/** Host and port of a multiaddr of TCP, as Deno names them; the leader that a peer dials is on its command line. */
function hostOf(multiaddr: string): string | undefined {
  const [, host, port] = /^\/(?:ip4|ip6|dns4?|dns6)\/([^/]+)\/tcp\/(\d+)(?:\/|$)/.exec(multiaddr) ?? [];
  if (host === undefined) return undefined;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

if (import.meta.main) {
  const { permissions, args } = planLaunch(Deno.args, {
    CAIRN_CONFIG: Deno.env.get("CAIRN_CONFIG"),
    CAIRN__NODE__DATA_DIR: Deno.env.get("CAIRN__NODE__DATA_DIR"),
    CAIRN__NODE__PROFILE: Deno.env.get("CAIRN__NODE__PROFILE"),
  });
  const main = decodeURIComponent(new URL("../src/main.ts", import.meta.url).pathname);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", ...toFlags(permissions), main, ...args],
  }).spawn();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => {
      try {
        child.kill(signal);
      } catch (error) {
        // The child ended a moment before; its status is on the way.
        if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
      }
    });
  }
  Deno.exit((await child.status).code);
}
