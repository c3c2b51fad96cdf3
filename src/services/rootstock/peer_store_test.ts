import assert from "node:assert/strict";
import { ManualClock, RecordingLog } from "../../kernel/_testing.ts";
import type { PeerRecord } from "../../protocols/rootstock/peer_events.ts";
import { PeerMachine } from "../../protocols/rootstock/peer_machine.ts";
import type { Ban } from "../../protocols/rootstock/peer_score.ts";
import type { Engine } from "../../store/engine.ts";
import { openMemoryEngine } from "../../store/memory_engine.ts";
import { openRocksEngine } from "../../store/rocks_engine.ts";
import { PEER_FAMILIES, PEER_FAMILY, PeerStore } from "./peer_store.ts";

const idAt = (n: number) => n.toString(16).padStart(128, "0");
const record = (n: number, seenMs = n): PeerRecord => ({
  id: idAt(n),
  host: `10.${n >>> 8}.${n & 255}.1`,
  port: 5_050,
  seenMs,
  failures: 0,
});

/** Milliseconds since 1970 for tests in which a ban must not end. */
async function clockAt(ms: number): Promise<ManualClock> {
  const clock = new ManualClock();
  await clock.advance(ms);
  return clock;
}

Deno.test("PeerStore keeps peers and bans through a reopened RocksDB", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const healthy: PeerRecord = { ...record(1), healthyMs: 4_000, failures: 2 };
    const open = () => openRocksEngine({ directory, families: PEER_FAMILIES });
    const machine = new PeerMachine({ ownId: idAt(99), random: Math.random });
    const { host, port, id: peer } = healthy;
    machine.handle({ type: "connected", connection: 1, peer, host, port, direction: "outbound" }, 1_000);
    const effects = machine.handle({ type: "scored", peer, event: "invalid-header" }, 1_000);
    const bans = effects.flatMap((effect) => effect.type === "ban" ? [effect.ban] : []);
    assert.equal(bans.length, 2);
    {
      await using engine = await open();
      await using store = await PeerStore.open(engine, {
        clock: await clockAt(1_000),
        log: new RecordingLog(),
      });
      assert.deepEqual([store.peers, store.bans], [[], []]);
      for (const one of [healthy, record(2), record(3)]) store.remember(one);
      store.forget(idAt(3));
      for (const ban of bans) store.ban(ban);
    }
    {
      await using engine = await open();
      const log = new RecordingLog();
      await using store = await PeerStore.open(engine, { clock: await clockAt(700_000), log });
      assert.deepEqual(store.peers, [record(2), healthy]);
      assert.deepEqual([...store.bans].sort((a, b) => b.kind.localeCompare(a.kind)), bans);
      const after = new PeerMachine({ ownId: idAt(99), random: Math.random });
      after.handle({ type: "restore", peers: store.peers, bans: store.bans }, 700_000);
      assert(after.isBanned(peer, "192.0.2.1", 720_999));
      assert(after.isBanned(undefined, host, 720_999));
      assert(!after.isBanned(peer, host, 721_000));
      assert.deepEqual(log.lines, []);
    }
    await using engine = await open();
    await using store = await PeerStore.open(engine, {
      clock: await clockAt(721_000),
      log: new RecordingLog(),
    });
    assert.deepEqual(store.bans, [], "it is over");
    await store.flush();
    assert.deepEqual(await Array.fromAsync(engine.family(PEER_FAMILY.ban).scan()), []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("PeerStore.open() removes what it cannot read, with one warning a family", async () => {
  await using engine = openMemoryEngine({ families: PEER_FAMILIES });
  const bytes = (text: string) => new TextEncoder().encode(text);
  const good = { host: "192.0.2.1", port: 1, seenMs: 5, failures: 0 };
  const put = (family: string, key: Uint8Array, value: unknown) =>
    engine.write([{
      kind: "put",
      family,
      key,
      value: bytes(typeof value === "string" ? value : JSON.stringify(value)),
    }]);
  const key = (n: number) => Uint8Array.fromHex(idAt(n));
  await put(PEER_FAMILY.peer, key(1), good);
  await put(PEER_FAMILY.peer, key(2), "{");
  await put(PEER_FAMILY.peer, key(3), { ...good, port: 0 });
  await put(PEER_FAMILY.peer, key(4), { ...good, host: "name.example" });
  await put(PEER_FAMILY.peer, key(5), { ...good, host: "0:0::1" });
  await put(PEER_FAMILY.peer, bytes("short"), good);
  const ban = { untilMs: 10_000, punishments: 1 };
  await put(PEER_FAMILY.ban, bytes("address 192.0.2.1"), ban);
  await put(PEER_FAMILY.ban, bytes("address nowhere"), ban);
  await put(PEER_FAMILY.ban, bytes("id 00"), ban);
  await put(PEER_FAMILY.ban, bytes("name x"), ban);
  await put(PEER_FAMILY.ban, bytes(`id ${idAt(1)}`), { untilMs: -1, punishments: 1 });
  const log = new RecordingLog();
  await using store = await PeerStore.open(engine, { clock: await clockAt(1), log });
  assert.deepEqual(store.peers.map(({ id }) => id), [idAt(1)]);
  assert.deepEqual(store.bans, [{ kind: "address", key: "192.0.2.1", ...ban }]);
  assert.deepEqual(log.lines.map(({ level, fields }) => [level, fields]), [
    ["warn", { family: PEER_FAMILY.peer, corrupt: 5 }],
    ["warn", { family: PEER_FAMILY.ban, corrupt: 4 }],
  ]);
  await store.flush();
  assert.equal((await Array.fromAsync(engine.family(PEER_FAMILY.peer).scanKeys())).length, 1);
  assert.equal((await Array.fromAsync(engine.family(PEER_FAMILY.ban).scanKeys())).length, 1);
});

Deno.test("PeerStore.open() keeps the thousand peers that were seen last", async () => {
  await using engine = openMemoryEngine({ families: PEER_FAMILIES });
  const deps = { clock: await clockAt(1), log: new RecordingLog() };
  {
    await using store = await PeerStore.open(engine, deps);
    for (let n = 0; n < 1_200; n++) store.remember(record(n));
  }
  await using store = await PeerStore.open(engine, deps);
  assert.equal(store.peers.length, 1_000);
  assert.equal(store.peers.at(-1)?.seenMs, 200);
  await store.flush();
  assert.equal((await Array.fromAsync(engine.family(PEER_FAMILY.peer).scanKeys())).length, 1_000);
});

Deno.test("PeerStore gathers changes, and writes again what could not be written", async () => {
  await using memory = openMemoryEngine({ families: PEER_FAMILIES });
  let fails = true;
  const writes: (boolean | undefined)[] = [];
  const engine: Engine = {
    family: (name) => memory.family(name),
    probe: () => memory.probe(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
    write: (operations, options) => {
      writes.push(options?.sync);
      return fails ? Promise.reject(new Error("no space")) : memory.write(operations, options);
    },
  };
  const log = new RecordingLog();
  const store = await PeerStore.open(engine, { clock: await clockAt(1), log });
  for (let i = 0; i < 100; i++) store.remember(record(1, i));
  assert.equal(store.pending, 1);
  const ban: Ban = { kind: "id", key: idAt(1), untilMs: 10_000, punishments: 1 };
  store.ban(ban);
  store.unban(ban);
  store.ban(ban);
  await store.flush();
  await store.flush();
  assert.equal(store.pending, 2);
  assert.deepEqual(log.lines.map(({ level, fields }) => [level, fields.changes]), [["warn", 2]]);
  fails = false;
  store.remember(record(2));
  for (let n = 10; n < 9_000; n++) store.forget(idAt(n));
  assert.equal(store.pending, 4_096);
  await store[Symbol.asyncDispose]();
  assert.deepEqual(writes, [true, true, true]);
  assert.equal(store.pending, 0);
});
