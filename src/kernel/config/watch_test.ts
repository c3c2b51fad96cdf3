import assert from "node:assert/strict";
import { z } from "zod";
import { type RecordedLine, RecordingLog } from "../_testing.ts";
import type { LogFields } from "../log.ts";
import { loadConfig } from "./load.ts";
import { type ConfigUpdated, ConfigWatcher } from "./watch.ts";

const SECTIONS = {
  node: z.object({
    name: z.string().default("cairn"),
    port: z.int().default(1).meta({ restart: true }),
  }),
};

async function withWatcher(
  watchFiles: boolean,
  run: (
    setup: {
      file: string;
      watcher: ConfigWatcher<typeof SECTIONS>;
      events: ConfigUpdated<typeof SECTIONS>[];
      lines: RecordedLine[];
      nextEvent: () => Promise<void>;
      nextLine: () => Promise<void>;
    },
  ) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "cairn-watch-" });
  const file = `${dir}/cairn.toml`;
  await Deno.writeTextFile(file, "[node]\nport = 1\n");
  const load = () => loadConfig({ sections: SECTIONS, file });
  const events: ConfigUpdated<typeof SECTIONS>[] = [];
  let event = Promise.withResolvers<void>();
  let line = Promise.withResolvers<void>();
  class WakingLog extends RecordingLog {
    override warn(message: string, fields?: LogFields): void {
      super.warn(message, fields);
      line.resolve();
      line = Promise.withResolvers();
    }
  }
  const log = new WakingLog();
  try {
    await using watcher = new ConfigWatcher({ initial: await load(), load, watchFiles }, {
      log,
      onUpdate: (update) => {
        events.push(update);
        event.resolve();
        event = Promise.withResolvers();
      },
    });
    await run({
      file,
      watcher,
      events,
      lines: log.lines,
      nextEvent: () => event.promise,
      nextLine: () => line.promise,
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("ConfigWatcher.reload() announces what changed and names what needs a restart", async () => {
  await withWatcher(false, async ({ file, watcher, events, lines }) => {
    await Deno.writeTextFile(file, `[node]\nname = "new"\nport = 2\n`);
    await watcher.reload("SIGHUP");
    assert.equal(events.length, 1);
    const [event] = events;
    assert.deepEqual(event!.changed, ["node.name", "node.port"]);
    assert.deepEqual(event!.needsRestart, ["node.port"]);
    assert.equal(event!.trigger, "SIGHUP");
    assert.equal(event!.previous.values.node.name, "cairn");
    assert.equal(watcher.current, event!.config);
    assert.equal(watcher.current.values.node.name, "new");
    const restart = lines.find(({ level }) => level === "warn");
    assert.deepEqual(restart?.fields, { keys: ["node.port"] });
  });
});

Deno.test("ConfigWatcher.reload() keeps the old configuration when the new one is bad, and says why", async () => {
  await withWatcher(false, async ({ file, watcher, events, lines }) => {
    const before = watcher.current;
    await Deno.writeTextFile(file, `[node]\nport = "two"\n`);
    await watcher.reload("SIGHUP");
    assert.equal(watcher.current, before);
    assert.equal(events.length, 0);
    const { level, message, fields } = lines[0]!;
    assert.equal(level, "warn");
    assert.match(message, /refused/);
    assert.match(
      String(fields["reason"]),
      /cairn\.toml:2: node\.port: expected integer, found string "two"/,
    );
    assert.equal(fields["code"], "CONFIG_INVALID");
  });
});

Deno.test("ConfigWatcher.reload() is silent when nothing changed", async () => {
  await withWatcher(false, async ({ watcher, events, lines }) => {
    await watcher.reload("SIGHUP");
    assert.equal(events.length, 0);
    assert.ok(lines.every(({ level }) => level === "debug"));
  });
});

Deno.test("ConfigWatcher notices a change on disk, a bad one, and a local file that appears", async () => {
  await withWatcher(true, async ({ file, watcher, nextEvent, nextLine }) => {
    let event = nextEvent();
    await Deno.writeTextFile(file, `[node]\nname = "one"\n`);
    await event;
    assert.equal(watcher.current.values.node.name, "one");

    const refused = nextLine();
    await Deno.writeTextFile(file, `[node\n`);
    await refused;
    assert.equal(watcher.current.values.node.name, "one");

    event = nextEvent();
    await Deno.writeTextFile(file, `[node]\nname = "one"\n`);
    await Deno.writeTextFile(file.replace(".toml", ".local.toml"), `[node]\nname = "two"\n`);
    await event;
    assert.equal(watcher.current.values.node.name, "two");
  });
});
