/**
 * Tells systemd (`Type=notify`) when the node serves and when it stops.
 *
 * Layer: kernel. `NOTIFY_SOCKET` takes a unix datagram, which Deno sends only with `--unstable-net`, so the message
 * goes through the program `systemd-notify`. Both the right to run it and the right to see the variable must have
 * been granted; without either nothing happens.
 *
 * @module
 */

import type { Logger } from "./log.ts";

const NOTIFY_PROGRAM = "systemd-notify";

/** Sends `state`, such as `READY=1`. Never throws: a supervisor that is not told still supervises. */
export async function notifySystemd(state: string, log: Logger): Promise<void> {
  if (!isSupervised()) return;
  try {
    const command = new Deno.Command(NOTIFY_PROGRAM, {
      args: [state],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    const { code } = await command.output();
    if (code !== 0) log.warn("systemd-notify failed", { state, exitCode: code });
  } catch (error) {
    log.warn("Cannot run systemd-notify", { state, error });
  }
}

function isSupervised(): boolean {
  const granted = (descriptor: Deno.PermissionDescriptor) =>
    Deno.permissions.querySync(descriptor).state === "granted";
  return granted({ name: "run", command: NOTIFY_PROGRAM }) &&
    granted({ name: "env", variable: "NOTIFY_SOCKET" }) &&
    Boolean(Deno.env.get("NOTIFY_SOCKET"));
}
