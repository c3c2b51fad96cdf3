/** A node under a supervisor that listens as systemd does. Deno cannot receive unix datagrams, so Python does. */

import assert from "node:assert/strict";
import { nodePermissions, SYSTEMD_PERMISSIONS, toFlags, widen } from "../scripts/permissions.ts";
import { TextLineStream } from "../src/cli/_lines.ts";
import { tempDirectory } from "./support/node_process.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** Prints what arrives on the socket, but for the barrier that systemd-notify waits on, until STOPPING. */
const SUPERVISOR = `
import socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print("listening", flush=True)
state = ""
while state != "STOPPING=1":
    state = listener.recv(4096).decode()
    if not state.startswith("BARRIER"): print(state, flush=True)
`;

function hasPrograms(...programs: readonly string[]): boolean {
  return programs.every((program) => {
    try {
      return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
        .success;
    } catch {
      return false;
    }
  });
}

Deno.test({
  name: "node tells systemd when it serves and when it stops (needs python3 and systemd-notify)",
  ignore: !hasPrograms("python3", "systemd-notify"),
  async fn() {
    await using directory = await tempDirectory();
    const socket = `${directory.path}/notify`;
    const supervisor = new Deno.Command("python3", {
      args: ["-c", SUPERVISOR, socket],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const heard = supervisor.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
      .getReader();
    assert.equal((await heard.read()).value, "listening");
    const dataDir = `${directory.path}/data`;
    const node = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        ...toFlags(widen(nodePermissions({ dataDir, readable: [ROOT] }), SYSTEMD_PERMISSIONS)),
        "src/main.ts",
        ...["start", "--data", dataDir, "--set", "admin.port=0", "--set", "blocks.rpc.address=127.0.0.1:0"],
      ],
      cwd: ROOT,
      env: { NOTIFY_SOCKET: socket },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    assert.equal((await heard.read()).value, "READY=1");
    node.kill("SIGTERM");
    assert.equal((await heard.read()).value, "STOPPING=1");
    assert.equal((await node.status).code, 0);
    assert.equal((await heard.read()).done, true);
    assert.equal((await supervisor.status).code, 0);
  },
});
