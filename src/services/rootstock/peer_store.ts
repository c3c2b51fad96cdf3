/**
 * The column families of known peers and of bans, and the only code that reads or writes them.
 *
 * Layer: services/rootstock. Changes are gathered and written in batches: which peers exist is no loss if it is a few
 * seconds old. Bans are written with sync.
 *
 * @module
 */

import { z } from "zod";
import type { Clock } from "../../kernel/clock.ts";
import { toCairnError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import { parseIpAddress } from "../../protocols/rootstock/ip_address.ts";
import { isNodeId, type NodeId } from "../../protocols/rootstock/node_id.ts";
import type { PeerRecord } from "../../protocols/rootstock/peer_events.ts";
import type { Ban } from "../../protocols/rootstock/peer_score.ts";
import type { Engine, Operation } from "../../store/engine.ts";
import type { FamilySpec } from "../../store/family.ts";

/** Column families. Never reuse a name: retired ones stay as comments with their last release. */
export const PEER_FAMILY = {
  peer: "rootstock.peer", // node id, 64 bytes -> host, port, seenMs, healthyMs?, failures; JSON
  ban: "rootstock.ban", // `id NODE-ID` or `address HOST` -> untilMs, punishments; JSON
} as const;

/** Their declarations for the engine. */
export const PEER_FAMILIES: readonly FamilySpec[] = [{ name: PEER_FAMILY.peer }, { name: PEER_FAMILY.ban }];

/** Changes are gathered for this long. */
const BATCH_MS = 5_000;
/** Stored peers that are read at start; of more, those seen longest ago are removed. */
const MAX_PEERS = 1_000;
/** Stored bans that are read at start; of more, those that end first are removed. */
const MAX_BANS = 1_100;

/** Changes that wait while the store cannot be written; of more, the oldest is dropped. */
const MAX_PENDING = 4_096;

const instant = z.int().nonnegative();
const peerValue = z.object({
  host: z.string().refine((host) => parseIpAddress(host)?.text === host),
  port: z.int().min(1).max(0xffff),
  seenMs: instant,
  healthyMs: instant.optional(),
  failures: z.int().nonnegative(),
});
const banValue = z.object({ untilMs: instant, punishments: z.int().positive() });

const UTF8 = new TextDecoder();
const UTF8_BYTES = new TextEncoder();
const jsonBytes = (value: unknown) => UTF8_BYTES.encode(JSON.stringify(value));
const banKey = ({ kind, key }: Pick<Ban, "kind" | "key">) => UTF8_BYTES.encode(`${kind} ${key}`);

function parseJson<T>(schema: z.ZodType<T>, bytes: Uint8Array): T | undefined {
  try {
    return schema.safeParse(JSON.parse(UTF8.decode(bytes))).data;
  } catch {
    // JSON.parse() throws a SyntaxError: no entry of ours.
    return undefined;
  }
}

function readPeer(key: Uint8Array, bytes: Uint8Array): PeerRecord | undefined {
  const id = key.toHex();
  const value = isNodeId(id) ? parseJson(peerValue, bytes) : undefined;
  if (value === undefined) return undefined;
  const { healthyMs, ...rest } = value;
  return { id, ...rest, ...(healthyMs === undefined ? {} : { healthyMs }) };
}

function readBan(key: Uint8Array, bytes: Uint8Array): Ban | undefined {
  const [kind, name = "", ...more] = UTF8.decode(key).split(" ");
  const value = parseJson(banValue, bytes);
  if (value === undefined || more.length > 0) return undefined;
  if (kind === "id" && isNodeId(name)) return { kind, key: name, ...value };
  return kind === "address" && parseIpAddress(name)?.text === name
    ? { kind, key: name, ...value }
    : undefined;
}

/** What a {@link PeerStore} needs. */
export interface PeerStoreDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** Keeps peers and bans across restarts. */
export class PeerStore implements AsyncDisposable {
  /** What was stored at start, newest peers first. */
  readonly peers: readonly PeerRecord[];
  /** Bans in force at start. */
  readonly bans: readonly Ban[];
  readonly #engine: Engine;
  readonly #deps: PeerStoreDeps;
  /** By family and key; the last change of a key counts. */
  #pending = new Map<string, Operation>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failed = false;
  #closed = false;

  private constructor(
    engine: Engine,
    deps: PeerStoreDeps,
    peers: readonly PeerRecord[],
    bans: readonly Ban[],
  ) {
    this.#engine = engine;
    this.#deps = deps;
    this.peers = peers;
    this.bans = bans;
  }

  /**
   * Reads what is stored. Entries that cannot be read are removed, with a warning.
   *
   * @throws {CairnError} `STORE_READ_FAILED`.
   */
  static async open(engine: Engine, deps: PeerStoreDeps): Promise<PeerStore> {
    const nowMs = deps.clock.nowMs();
    const surplus: Operation[] = [];
    const load = async <T>(family: string, read: (key: Uint8Array, value: Uint8Array) => T | undefined) => {
      const entries: { readonly key: Uint8Array; readonly entry: T }[] = [];
      let corrupt = 0;
      for await (const [key, value] of engine.family(family).scan()) {
        const entry = read(key, value);
        if (entry !== undefined) entries.push({ key, entry });
        else {
          corrupt++;
          surplus.push({ kind: "delete", family, key });
        }
      }
      if (corrupt > 0) {
        deps.log.warn("Entries of the store cannot be read and are removed", { family, corrupt });
      }
      return entries;
    };
    const keep = <T>(
      family: string,
      entries: { readonly key: Uint8Array; readonly entry: T }[],
      most: number,
      value: (entry: T) => number,
    ): T[] => {
      entries.sort((a, b) => value(b.entry) - value(a.entry));
      for (const { key } of entries.slice(most)) surplus.push({ kind: "delete", family, key });
      return entries.slice(0, most).map(({ entry }) => entry);
    };
    const { peer, ban } = PEER_FAMILY;
    const peers = keep(peer, await load(peer, readPeer), MAX_PEERS, ({ seenMs }) => seenMs);
    const all = await load(ban, readBan);
    for (const { key, entry } of all) {
      if (entry.untilMs <= nowMs) surplus.push({ kind: "delete", family: ban, key });
    }
    const inForce = all.filter(({ entry }) => entry.untilMs > nowMs);
    const bans = keep(ban, inForce, MAX_BANS, ({ untilMs }) => untilMs);
    const store = new PeerStore(engine, deps, peers, bans);
    for (const operation of surplus) store.#change(operation);
    return store;
  }

  /** Changes that are not written yet. */
  get pending(): number {
    return this.#pending.size;
  }

  remember({ id, ...value }: PeerRecord): void {
    const key = Uint8Array.fromHex(id);
    this.#change({ kind: "put", family: PEER_FAMILY.peer, key, value: jsonBytes(value) });
  }

  forget(id: NodeId): void {
    this.#change({ kind: "delete", family: PEER_FAMILY.peer, key: Uint8Array.fromHex(id) });
  }

  ban(ban: Ban): void {
    const { untilMs, punishments } = ban;
    const value = jsonBytes({ untilMs, punishments });
    this.#change({ kind: "put", family: PEER_FAMILY.ban, key: banKey(ban), value });
  }

  unban(ban: Pick<Ban, "kind" | "key">): void {
    this.#change({ kind: "delete", family: PEER_FAMILY.ban, key: banKey(ban) });
  }

  /** Writes what is pending. Never rejects: what could not be written is tried again with the next batch. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  /** Writes what is pending and stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.flush();
  }

  #change(operation: Operation): void {
    this.#pending.set(`${operation.family} ${operation.key.toHex()}`, operation);
    if (this.#pending.size > MAX_PENDING) {
      const keys = [...this.#pending.keys()];
      // A peer that is not stored costs a dial, a ban that is not stored lets somebody in.
      this.#pending.delete(keys.find((key) => key.startsWith(`${PEER_FAMILY.peer} `)) ?? keys[0]!);
    }
    if (this.#closed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, BATCH_MS);
  }

  async #write(): Promise<void> {
    if (this.#pending.size === 0) return;
    const batch = this.#pending;
    this.#pending = new Map();
    const operations = [...batch.values()];
    const sync = operations.some(({ family }) => family === PEER_FAMILY.ban);
    try {
      await this.#engine.write(operations, { sync });
      this.#failed = false;
    } catch (thrown) {
      const { code } = toCairnError(thrown, "STORE_WRITE_FAILED");
      if (!this.#failed) this.#deps.log.warn("Peers cannot be stored", { code, changes: operations.length });
      this.#failed = true;
      // Newer changes win.
      const newer = this.#pending;
      this.#pending = batch;
      for (const operation of newer.values()) this.#change(operation);
      if (newer.size === 0) this.#change(operations[0]!);
    }
  }
}
