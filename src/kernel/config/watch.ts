/**
 * Hot reload: watches the files, checks a change, and announces it; a bad change keeps what is in force.
 *
 * Layer: kernel. Triggers: a change on disk, or {@link ConfigWatcher.reload} (SIGHUP).
 *
 * @module
 */

import { basename, dirname } from "node:path";
import { toCairnError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { LoadedConfig } from "./load.ts";
import type { Sections } from "./schema.ts";

/** Editors write in several steps; 100 ms gathers them and stays under what a person notices. */
const DEBOUNCE_MS = 100;

/** Announced after a change was checked and taken over. */
export interface ConfigUpdated<S extends Sections> {
  readonly config: LoadedConfig<S>;
  readonly previous: LoadedConfig<S>;
  /** Keys whose effective value changed. */
  readonly changed: readonly string[];
  /** Those of `changed` that take effect only after a restart. */
  readonly needsRestart: readonly string[];
  /** What asked for the reload, such as `SIGHUP` or a file name. */
  readonly trigger: string;
}

/** Options of {@link ConfigWatcher}. */
export interface ConfigWatcherOptions<S extends Sections> {
  /** Configuration in force. */
  readonly initial: LoadedConfig<S>;
  /** Loads all layers again. */
  readonly load: () => Promise<LoadedConfig<S>>;
  /** Watch the files; `false` leaves only {@link ConfigWatcher.reload}. @default {true} */
  readonly watchFiles?: boolean;
}

/** What {@link ConfigWatcher} needs. */
export interface ConfigWatcherDeps<S extends Sections> {
  readonly log: Logger;
  /** Must not throw. */
  readonly onUpdate: (event: ConfigUpdated<S>) => void;
}

/** Keeps the configuration in force and replaces it when a valid change comes. */
export class ConfigWatcher<S extends Sections> implements AsyncDisposable {
  readonly #options: ConfigWatcherOptions<S>;
  readonly #deps: ConfigWatcherDeps<S>;
  readonly #watchers: Deno.FsWatcher[] = [];
  readonly #loops: Promise<void>[] = [];
  #current: LoadedConfig<S>;
  #reloading: Promise<void> = Promise.resolve();
  #debounce: ReturnType<typeof setTimeout> | undefined;
  #isDisposed = false;

  constructor(options: ConfigWatcherOptions<S>, deps: ConfigWatcherDeps<S>) {
    this.#options = options;
    this.#deps = deps;
    this.#current = options.initial;
    if (options.watchFiles ?? true) this.#watch(options.initial.files);
  }

  /** Configuration in force. */
  get current(): LoadedConfig<S> {
    return this.#current;
  }

  /** Loads again; reloads never overlap. Resolves when the change is announced or refused. */
  reload(trigger: string): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload(trigger));
    return this.#reloading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    clearTimeout(this.#debounce);
    for (const watcher of this.#watchers.splice(0)) watcher.close();
    await Promise.all(this.#loops.splice(0));
    await this.#reloading;
  }

  async #reload(trigger: string): Promise<void> {
    if (this.#isDisposed) return;
    const { log, onUpdate } = this.#deps;
    let config: LoadedConfig<S>;
    try {
      config = await this.#options.load();
    } catch (thrown) {
      const { code, message } = toCairnError(thrown);
      log.warn("Configuration change refused, the old one stays in force", {
        trigger,
        code,
        reason: message,
      });
      return;
    }
    if (this.#isDisposed) return;
    const { changed, needsRestart } = compareConfigs(this.#current, config);
    if (changed.length === 0) return log.debug("Configuration reloaded without a change", { trigger });
    const previous = this.#current;
    this.#current = config;
    log.info("Configuration updated", { trigger, changed, configHash: config.hash });
    if (needsRestart.length > 0) {
      log.warn("Configuration change needs a restart to take effect", { keys: needsRestart });
    }
    onUpdate({ config, previous, changed, needsRestart, trigger });
  }

  /** Directories are watched, not files: an editor may replace the file, and the local one may appear later. */
  #watch(files: readonly string[]): void {
    const names = new Set(files.map((file) => basename(file)));
    for (const directory of new Set(files.map((file) => dirname(file)))) {
      try {
        const watcher = Deno.watchFs(directory, { recursive: false });
        this.#watchers.push(watcher);
        this.#loops.push(this.#follow(watcher, names));
      } catch (thrown) {
        const { message } = toCairnError(thrown);
        this.#deps.log.warn("Cannot watch configuration files, only SIGHUP reloads", {
          directory,
          reason: message,
        });
      }
    }
  }

  async #follow(watcher: Deno.FsWatcher, names: ReadonlySet<string>): Promise<void> {
    for await (const event of watcher) {
      if (event.kind === "access") continue;
      const name = event.paths.map((path) => basename(path)).find((path) => names.has(path));
      if (name === undefined || this.#isDisposed) continue;
      clearTimeout(this.#debounce);
      this.#debounce = setTimeout(() => this.reload(name), DEBOUNCE_MS);
    }
  }
}

/** Keys whose values differ, and those of them marked `restart`. */
export function compareConfigs<S extends Sections>(
  previous: LoadedConfig<S>,
  next: LoadedConfig<S>,
): { changed: readonly string[]; needsRestart: readonly string[] } {
  const text = (value: unknown) =>
    JSON.stringify(value, (_, part) => typeof part === "bigint" ? `${part}n` : part);
  const before = new Map(previous.entries.map((entry) => [entry.key, entry]));
  const after = new Map(next.entries.map((entry) => [entry.key, entry]));
  const changed = [...new Set([...before.keys(), ...after.keys()])]
    .filter((key) => text(before.get(key)?.value) !== text(after.get(key)?.value));
  const needsRestart = changed.filter((key) => (after.get(key) ?? before.get(key))!.info.restart);
  return { changed, needsRestart };
}
