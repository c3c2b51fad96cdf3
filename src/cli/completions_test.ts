import assert from "node:assert/strict";
import { runCli } from "./program.ts";

async function scriptFor(shell: string): Promise<string> {
  const out: string[] = [];
  const code = await runCli(["completions", shell], {
    out: (line) => out.push(line),
    err: assert.fail,
    env: {},
  });
  assert.equal(code, 0);
  return out.join("\n");
}

async function hasProgram(name: string): Promise<boolean> {
  try {
    return (await new Deno.Command(name, { args: ["-c", ":"], stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

/** Completes the last word of `words` in a real bash. */
async function complete(...words: string[]): Promise<string[]> {
  const line = words.map((word) => `'${word}'`).join(" ");
  const program = `${await scriptFor("bash")}
COMP_WORDS=(cairn ${line}); COMP_CWORD=${words.length}; _cairn; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, code } = await new Deno.Command("bash", { args: ["--norc", "-c", program] })
    .output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim().split("\n");
}

Deno.test({
  name: "cairn completions bash completes commands, subcommands, choices and options (needs bash)",
  ignore: !await hasProgram("bash"),
  async fn() {
    assert.deepEqual(await complete("st"), ["start"]);
    assert.deepEqual(await complete("config", ""), [
      "show",
      "check",
      "--help",
      "--config",
      "--set",
      "--debug",
    ]);
    assert.deepEqual(await complete("config", "show", "--or"), ["--origin"]);
    assert.deepEqual(await complete("completions", "z"), ["zsh"]);
    assert.deepEqual(await complete("start", "--pro"), ["--profile"]);
    assert.deepEqual(await complete("--debug", "heal"), ["healthcheck"]);
  },
});

for (const shell of ["zsh", "fish"]) {
  Deno.test(`cairn completions ${shell} offers every command with its description`, async () => {
    const script = await scriptFor(shell);
    for (const word of ["start", "healthcheck", "config show", "completions", "profile"]) {
      assert.ok(script.includes(word), word);
    }
    assert.ok(script.includes("Show or check the configuration"));
  });

  Deno.test({
    name: `cairn completions ${shell} is accepted by the shell (needs ${shell})`,
    ignore: !await hasProgram(shell),
    async fn() {
      const file = await Deno.makeTempFile({ prefix: "cairn-completions-" });
      try {
        await Deno.writeTextFile(file, await scriptFor(shell));
        const { code, stderr } = await new Deno.Command(shell, { args: ["-n", file] }).output();
        assert.equal(code, 0, new TextDecoder().decode(stderr));
      } finally {
        await Deno.remove(file);
      }
    },
  });
}

Deno.test("cairn completions refuses another shell and names those it knows", async () => {
  const err: string[] = [];
  const code = await runCli(["completions", "tcsh"], {
    out: assert.fail,
    err: (line) => err.push(line),
    env: {},
  });
  assert.equal(code, 2);
  assert.match(err.join("\n"), /bash, zsh, fish/);
});
