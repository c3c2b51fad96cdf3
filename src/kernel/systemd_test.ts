import assert from "node:assert/strict";

const NOTIFIER = `
import { notifySystemd } from "${import.meta.resolve("./systemd.ts")}";
import { RecordingLog } from "${import.meta.resolve("./_testing.ts")}";
const log = new RecordingLog();
await notifySystemd("READY=1", log);
console.log(JSON.stringify(log.lines.map((line) => line.message)));
`;

/** Runs the notifier in a process that finds a stand-in for `systemd-notify` on its path. */
async function run(exitCode: number, flags: readonly string[], env: Record<string, string>) {
  const dir = await Deno.makeTempDir({ prefix: "cairn-systemd-" });
  try {
    const program = `${dir}/systemd-notify`;
    await Deno.writeTextFile(
      program,
      `#!/bin/sh\necho "$NOTIFY_SOCKET $@" > ${dir}/told\nexit ${exitCode}\n`,
    );
    await Deno.chmod(program, 0o755);
    await Deno.writeTextFile(`${dir}/notify.ts`, NOTIFIER);
    const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", ...flags, `${dir}/notify.ts`],
      env: { ...env, PATH: `${dir}:${Deno.env.get("PATH")}`, NO_COLOR: "1" },
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const told = await Deno.readTextFile(`${dir}/told`).catch(() => undefined);
    return { told: told?.trim(), warnings: JSON.parse(new TextDecoder().decode(stdout)) };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const RIGHTS = ["--allow-run=systemd-notify", "--allow-env=NOTIFY_SOCKET"];

Deno.test("notifySystemd() runs systemd-notify when systemd asked for it and the rights are there", async () => {
  const result = await run(0, RIGHTS, { NOTIFY_SOCKET: "/run/x" });
  assert.deepEqual(result, { told: "/run/x READY=1", warnings: [] });
});

Deno.test("notifySystemd() says when systemd-notify fails, and does not throw", async () => {
  const { warnings } = await run(3, RIGHTS, { NOTIFY_SOCKET: "/run/x" });
  assert.deepEqual(warnings, ["systemd-notify failed"]);
});

Deno.test("notifySystemd() does nothing without the variable or without the rights", async () => {
  assert.deepEqual(await run(0, RIGHTS, { NOTIFY_SOCKET: "" }), { told: undefined, warnings: [] });
  assert.deepEqual(await run(0, [], { NOTIFY_SOCKET: "/run/x" }), { told: undefined, warnings: [] });
});
