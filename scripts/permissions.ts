/**
 * The one list of what each of the project's processes may touch, and its translation to Deno flags.
 *
 * Nothing here runs with all permissions. `docs/permissions.md` explains each grant; a test holds it, the
 * Dockerfile and the systemd unit to this list.
 *
 * @module
 */

/** Kinds of permission that take a list of names. */
export type PermissionKind = "env" | "ffi" | "net" | "read" | "run" | "sys" | "write";

/** What a process may touch: names for a kind, or all of it. A kind left out is denied. */
export type Permissions = { readonly [K in PermissionKind]?: readonly string[] | "all" };

/** node-gyp-build looks here to tell musl from glibc before it loads a native library. */
const MUSL_MARKER = "/etc/alpine-release";

/** Addresses a listener may bind or a local client may reach; `0.0.0.0` is for containers. */
const LISTEN_HOSTS = ["127.0.0.1", "0.0.0.0"] as const;

/** Profiles whose peers may be anywhere. */
const PROFILES_WITH_PEERS: ReadonlySet<string> = new Set(["rootstock"]);

/** Profiles whose library of peer-to-peer lists the machine's addresses where it listens on all of them. */
const PROFILES_WITH_LIBP2P: ReadonlySet<string> = new Set(["chain-leader", "chain-peer"]);

/** Where the node looks: its own code and config (the current folder), its data, and files named on the command line. */
export interface NodePaths {
  readonly dataDir: string;
  readonly readable: readonly string[];
}

/**
 * Of a running node (`cairn start`). Most profiles listen, and talk to nobody of their own accord; a Rootstock client
 * finds its peers anywhere, and looks up the names of boot nodes.
 */
export function nodePermissions(paths: NodePaths, profile = "default"): Permissions {
  return {
    net: PROFILES_WITH_PEERS.has(profile) ? "all" : LISTEN_HOSTS,
    read: [".", paths.dataDir, MUSL_MARKER, ...paths.readable],
    write: [paths.dataDir],
    ffi: ["node_modules"],
    env: ["CAIRN_*"],
    ...(PROFILES_WITH_LIBP2P.has(profile) ? { sys: ["networkInterfaces"] } : {}),
  };
}

/** Of a command that opens a data directory without a node (`cairn blocks fsck`): no network. */
export function offlinePermissions(paths: NodePaths): Permissions {
  const { net: _net, ...rest } = nodePermissions(paths);
  return rest;
}

/** What a node under systemd needs besides: to say when it serves. */
export const SYSTEMD_PERMISSIONS: Permissions = { run: ["systemd-notify"], env: ["NOTIFY_SOCKET"] };

/** Of every other command: it reads the files and asks the nodes that its user names, and changes nothing. */
export const CLIENT_PERMISSIONS: Permissions = { net: "all", read: "all", env: ["CAIRN_*"] };

/**
 * Baked into the executable. Its native library is unpacked to a folder whose name is not known before, so the
 * library cannot be named; the data directory must be one of three.
 */
export const EXECUTABLE_PERMISSIONS: Permissions = {
  net: "all",
  read: "all",
  write: ["data", "/data", "/var/lib/cairn"],
  ffi: "all",
  env: ["CAIRN_*"],
};

/** Of tests and benchmarks: temporary folders, local sockets, and processes they start themselves. */
export function testPermissions(tempDir: string): Permissions {
  return {
    net: [...LISTEN_HOSTS, "localhost", "[::1]"],
    read: "all",
    write: [tempDir],
    ffi: ["node_modules"],
    env: ["CAIRN_*"],
    run: "all",
    sys: "all",
  };
}

/** Adds `extra` to `base`. */
export function widen(base: Permissions, extra: Permissions): Permissions {
  const kinds = new Set([...Object.keys(base), ...Object.keys(extra)] as PermissionKind[]);
  return Object.fromEntries([...kinds].map((kind) => {
    const [a = [], b = []] = [base[kind], extra[kind]];
    return [kind, a === "all" || b === "all" ? "all" : [...a, ...b]];
  }));
}

/**
 * Command-line flags of Deno. Environment variables that are not granted read as unset, so that libraries which
 * look for their debug switches do not fail.
 */
export function toFlags(permissions: Permissions): string[] {
  const flags = ["--no-prompt", "--ignore-env"];
  for (const [kind, names] of Object.entries(permissions)) {
    // Deno splits the list at single commas.
    const list = names === "all" ? [] : [...new Set(names)].map((name) => name.replaceAll(",", ",,"));
    flags.push(names === "all" ? `--allow-${kind}` : `--allow-${kind}=${list.join(",")}`);
  }
  return flags;
}
