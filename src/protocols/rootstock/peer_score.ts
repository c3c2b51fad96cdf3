/**
 * What peers have done, and how long those are kept away who did wrong: by node id and by address, as rskj counts.
 *
 * Layer: protocols/rootstock. Imports node_id (type). Source: spec/rootstock-network.md section 5.4.
 *
 * Where it differs from rskj: times are wall-clock times, so that bans outlive a restart; the table of addresses is
 * bounded too; and of a full table those who are punished are forgotten last, or a hundred new ids would end a ban.
 *
 * @module
 */

import type { NodeId } from "./node_id.ts";

/** What a peer can do, by rskj's names in lower case. */
export type ScoreEvent =
  | "invalid-block"
  | "invalid-message"
  | "invalid-header"
  | "invalid-network"
  | "invalid-transaction"
  | "unexpected-message"
  | "timeout-message"
  | "repeated-message"
  | "failed-handshake"
  | "successful-handshake"
  | "valid-block"
  | "valid-transaction"
  | "incompatible-protocol"
  | "unexpected-genesis"
  | "disconnection";

/** What an event does: `punish` begins a punishment on the first one, and lowers the score as `lower` does. */
const EFFECT: Readonly<Record<ScoreEvent, "punish" | "lower" | "none" | "raise">> = {
  "invalid-block": "punish",
  "invalid-message": "punish",
  "invalid-header": "punish",
  "invalid-network": "lower",
  "invalid-transaction": "lower",
  "unexpected-message": "none",
  "timeout-message": "none",
  "repeated-message": "none",
  "failed-handshake": "none",
  "successful-handshake": "none",
  "valid-block": "raise",
  "valid-transaction": "raise",
  "incompatible-protocol": "raise",
  "unexpected-genesis": "raise",
  "disconnection": "raise",
};

/** How long punishments last. */
export interface PunishmentConfig {
  readonly durationMs: number;
  /** Each later one is longer by this. */
  readonly incrementPercent: number;
  /** 0: no maximum. */
  readonly maximumMs: number;
}

/** Punishments of node ids, without a maximum. */
export const ID_PUNISHMENT: PunishmentConfig = { durationMs: 720_000, incrementPercent: 10, maximumMs: 0 };
/** Punishments of addresses: at most 6,000 minutes. */
export const ADDRESS_PUNISHMENT: PunishmentConfig = { ...ID_PUNISHMENT, maximumMs: 360_000_000 };

/** Beyond this a duration times 110 is no safe integer; 2,500 years. */
const LONGEST_MS = Math.floor(Number.MAX_SAFE_INTEGER / 200);

/**
 * Duration of a punishment, in integers as rskj computes it.
 *
 * @param punishments Punishments before this one.
 */
export function punishmentMs(config: PunishmentConfig, punishments: number, score: number): number {
  const { durationMs, incrementPercent, maximumMs } = config;
  const most = maximumMs > 0 ? maximumMs : LONGEST_MS;
  let result = durationMs;
  for (let i = 0; i < punishments; i++) {
    result = Math.floor(result * (100 + incrementPercent) / 100);
    if (result > most) return most;
  }
  return Math.min(score < 0 ? result * -score : result, most);
}

/** A ban as plain data: what the store keeps. */
export interface Ban {
  readonly kind: "id" | "address";
  /** Node id, or canonical text of an IP address. */
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly untilMs: number;
  /** Punishments with this one. */
  readonly punishments: number;
}

interface Score {
  score: number;
  /** Punishments so far; they outlive the score. */
  punishments: number;
  /** End of the punishment under way. */
  untilMs: number | undefined;
  /** What it did since its last punishment ended. */
  readonly counters: Map<ScoreEvent, number>;
}

/** Bounds of {@link PeerScores}. */
export interface PeerScoreConfig {
  /** Node ids; the one that did something longest ago is forgotten. @default {100} rskj's */
  readonly maxIds: number;
  /** @default {1_000} */
  readonly maxAddresses: number;
}

/** Scores of one kind of name. */
class ScoreTable {
  /** In the order they last did something. */
  readonly #scores = new Map<string, Score>();
  /** Whose punishment is over, until somebody asks. */
  readonly #ended = new Set<string>();
  readonly #kind: Ban["kind"];
  readonly #config: PunishmentConfig;
  readonly #capacity: number;

  constructor(kind: Ban["kind"], config: PunishmentConfig, capacity: number) {
    this.#kind = kind;
    this.#config = config;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#scores.size;
  }

  score(key: string): number {
    return this.#scores.get(key)?.score ?? 0;
  }

  count(key: string, event: ScoreEvent): number {
    return this.#scores.get(key)?.counters.get(event) ?? 0;
  }

  /** @returns The ban that this event begins. */
  record(key: string, event: ScoreEvent, nowMs: number): Ban | undefined {
    const entry = this.#touch(key, nowMs);
    entry.counters.set(event, (entry.counters.get(event) ?? 0) + 1);
    const effect = EFFECT[event];
    if (effect === "punish" || effect === "lower") entry.score = Math.min(entry.score, 0) - 1;
    if (effect === "raise" && entry.score >= 0) entry.score++;
    if (effect !== "punish" || this.#isPunished(key, entry, nowMs)) return undefined;
    this.#ended.delete(key);
    entry.untilMs = nowMs + punishmentMs(this.#config, entry.punishments, entry.score);
    entry.punishments++;
    return this.#banOf(key, entry);
  }

  isPunished(key: string, nowMs: number): boolean {
    const entry = this.#scores.get(key);
    return entry !== undefined && this.#isPunished(key, entry, nowMs);
  }

  /** Whose punishment has ended since the last call. */
  expire(nowMs: number): string[] {
    for (const [key, entry] of this.#scores) this.#isPunished(key, entry, nowMs);
    const ended = [...this.#ended];
    this.#ended.clear();
    return ended;
  }

  restore({ key, untilMs, punishments }: Ban, nowMs: number): void {
    const entry = this.#touch(key, nowMs);
    entry.untilMs = Math.max(untilMs, entry.untilMs ?? 0);
    entry.punishments = Math.max(punishments, entry.punishments);
    entry.score = Math.min(entry.score, -1);
  }

  bans(nowMs: number): Ban[] {
    return [...this.#scores]
      .filter(([key, entry]) => this.#isPunished(key, entry, nowMs))
      .map(([key, entry]) => this.#banOf(key, entry));
  }

  #banOf(key: string, { untilMs = 0, punishments }: Score): Ban {
    return { kind: this.#kind, key, untilMs, punishments };
  }

  /** Ends the punishment if its time has come: score and counters begin anew, the number of punishments does not. */
  #isPunished(key: string, entry: Score, nowMs: number): boolean {
    if (entry.untilMs === undefined) return false;
    if (nowMs < entry.untilMs) return true;
    this.#ended.add(key);
    entry.untilMs = undefined;
    entry.score = 0;
    entry.counters.clear();
    return false;
  }

  #touch(key: string, nowMs: number): Score {
    const entry = this.#scores.get(key) ??
      { score: 0, punishments: 0, untilMs: undefined, counters: new Map() };
    this.#scores.delete(key);
    if (this.#scores.size >= this.#capacity) this.#forgetOne(nowMs);
    this.#scores.set(key, entry);
    return entry;
  }

  #forgetOne(nowMs: number): void {
    let victim: string | undefined;
    for (const [key, entry] of this.#scores) {
      victim ??= key;
      if (this.#isPunished(key, entry, nowMs)) continue;
      victim = key;
      break;
    }
    if (victim === undefined) return;
    if (this.isPunished(victim, nowMs)) this.#ended.add(victim);
    this.#scores.delete(victim);
  }
}

/** Scores and bans of node ids and addresses. Times are milliseconds since 1970. */
export class PeerScores {
  readonly #ids: ScoreTable;
  readonly #addresses: ScoreTable;

  constructor(config: Partial<PeerScoreConfig> = {}) {
    this.#ids = new ScoreTable("id", ID_PUNISHMENT, config.maxIds ?? 100);
    this.#addresses = new ScoreTable("address", ADDRESS_PUNISHMENT, config.maxAddresses ?? 1_000);
  }

  /**
   * Notes what a peer did, under its id and its address.
   *
   * @param address Canonical text of an IP address.
   * @returns The bans that begin.
   */
  record(id: NodeId | undefined, address: string | undefined, event: ScoreEvent, nowMs: number): Ban[] {
    const byId = id === undefined ? undefined : this.#ids.record(id, event, nowMs);
    const byAddress = address === undefined ? undefined : this.#addresses.record(address, event, nowMs);
    return [byId, byAddress].filter((ban) => ban !== undefined);
  }

  /** Whether the id or the address is punished. */
  isBanned(id: NodeId | undefined, address: string | undefined, nowMs: number): boolean {
    return (id !== undefined && this.#ids.isPunished(id, nowMs)) ||
      (address !== undefined && this.#addresses.isPunished(address, nowMs));
  }

  /** Score of an id: good from 0 on, 0 if nothing is known. */
  scoreOf(id: NodeId): number {
    return this.#ids.score(id);
  }

  /** How often the id has done that since its last punishment ended. */
  countOf(id: NodeId, event: ScoreEvent): number {
    return this.#ids.count(id, event);
  }

  /** Takes a stored ban. One that is over still counts among the punishments. */
  restore(ban: Ban, nowMs: number): void {
    (ban.kind === "id" ? this.#ids : this.#addresses).restore(ban, nowMs);
  }

  /** Bans that have ended since the last call. */
  expire(nowMs: number): Pick<Ban, "kind" | "key">[] {
    return [
      ...this.#ids.expire(nowMs).map((key) => ({ kind: "id" as const, key })),
      ...this.#addresses.expire(nowMs).map((key) => ({ kind: "address" as const, key })),
    ];
  }

  /** Bans in force. */
  bans(nowMs: number): Ban[] {
    return [...this.#ids.bans(nowMs), ...this.#addresses.bans(nowMs)];
  }

  /** Ids and addresses with a score. */
  get size(): number {
    return this.#ids.size + this.#addresses.size;
  }
}
