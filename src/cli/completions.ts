/**
 * `cairn completions bash|zsh|fish`: prints a script that completes commands and options.
 *
 * Layer: cli. The script is made from the program itself, so it knows every command that is registered.
 *
 * @module
 */

import { Argument, type Command } from "commander";
import type { CliDeps } from "./deps.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = typeof SHELLS[number];

/** Adds `completions`. */
export function registerCompletions(program: Command, deps: CliDeps): void {
  program.command("completions")
    .description("Print a completion script for a shell")
    .helpGroup("Configuration:")
    .addArgument(new Argument("<shell>", "shell to complete in").choices(SHELLS))
    .addHelpText(
      "after",
      "\nExamples:\n  source <(cairn completions bash)\n  cairn completions fish > ~/.config/fish/completions/cairn.fish",
    )
    .action((shell: Shell) => deps.out(renderCompletions(program, shell)));
}

/** One command with what can follow it. */
interface Entry {
  /** Names from the program down, such as `["config", "show"]`; empty for the program. */
  readonly path: readonly string[];
  readonly words: readonly { readonly word: string; readonly description: string }[];
}

/** The script for `shell`. */
export function renderCompletions(program: Command, shell: Shell): string {
  const entries = listEntries(program, []);
  if (shell === "bash") return renderBash(entries);
  return shell === "zsh" ? renderZsh(entries) : renderFish(entries);
}

function listEntries(command: Command, path: readonly string[], inherited: Entry["words"] = []): Entry[] {
  const help = command.createHelp();
  const options = help.visibleOptions(command).map((option) => ({
    word: option.long ?? option.short!,
    description: option.description,
  }));
  const commands = help.visibleCommands(command).filter((child) => child.name() !== "help");
  const children = commands.map((child) => ({ word: child.name(), description: child.description() }));
  const choices = command.registeredArguments.flatMap((argument) => argument.argChoices ?? [])
    .map((word) => ({ word, description: "" }));
  const seen = new Set(options.map(({ word }) => word));
  const own = [...options, ...inherited.filter(({ word }) => !seen.has(word))];
  return [
    { path, words: [...children, ...choices, ...own] },
    ...commands.flatMap((child) => listEntries(child, [...path, child.name()], own.filter(isGlobal))),
  ];
}

/** Help and version are of each command or of the program alone. */
function isGlobal({ word }: { readonly word: string }): boolean {
  return word !== "--help" && word !== "--version";
}

function renderBash(entries: readonly Entry[]): string {
  return `# bash completion for cairn
_cairn() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" word
  case "$previous" in
    --config|--data) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
${knownPaths(entries).map((path) => `      ${quote(` ${path}`)}) path=${quote(` ${path}`)} ;;`).join("\n")}
    esac
  done
  case "$path" in
${
    entries.map(({ path, words }) =>
      `    ${quote(pathText(path))}) COMPREPLY=($(compgen -W ${quote(wordList(words))} -- "$current")) ;;`
    ).join("\n")
  }
  esac
}
complete -F _cairn cairn`;
}

function renderZsh(entries: readonly Entry[]): string {
  const describe = ({ word, description }: Entry["words"][number]) =>
    quote(`${word.replaceAll(":", "\\:")}${description === "" ? "" : `:${description}`}`);
  return `#compdef cairn
# zsh completion for cairn
_cairn() {
  local path_="" word
  local -a candidates
  case "$words[CURRENT-1]" in
    --config|--data) _files; return ;;
  esac
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$path_ $word" in
${knownPaths(entries).map((path) => `      ${quote(` ${path}`)}) path_=${quote(` ${path}`)} ;;`).join("\n")}
    esac
  done
  case "$path_" in
${
    entries.map(({ path, words }) =>
      `    ${quote(pathText(path))}) candidates=(${words.map(describe).join(" ")}) ;;`
    ).join("\n")
  }
  esac
  _describe 'cairn' candidates
}
# Sourced, the file registers itself; found through fpath, it is the function and has to run.
if [ "$funcstack[1]" = "_cairn" ]; then _cairn "$@"; else compdef _cairn cairn; fi`;
}

function renderFish(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ path, words }) =>
    words.map(({ word, description }) => {
      const condition = `__cairn_at ${quote(path.join(" "))}`;
      const name = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${quote(word)}`;
      return `complete -c cairn -f -n ${quote(condition)} ${name}${
        description === "" ? "" : ` -d ${quote(description)}`
      }`;
    })
  );
  return `# fish completion for cairn
function __cairn_at
  set -l path ""
  for word in (commandline -opc)[2..]
    switch "$path $word"
${
    knownPaths(entries).map((path) =>
      `      case ${quote(` ${path}`)}\n        set path ${quote(` ${path}`)}`
    ).join("\n")
  }
    end
  end
  test (string trim -- "$path") = "$argv[1]"
end
${lines.join("\n")}
complete -c cairn -F -l config
complete -c cairn -F -l data`;
}

function knownPaths(entries: readonly Entry[]): string[] {
  return entries.filter(({ path }) => path.length > 0).map(({ path }) => path.join(" "));
}

function pathText(path: readonly string[]): string {
  return path.length === 0 ? "" : ` ${path.join(" ")}`;
}

function wordList(words: Entry["words"]): string {
  return words.map(({ word }) => word).join(" ");
}

/** Single quotes hold everything but themselves, in all three shells. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
