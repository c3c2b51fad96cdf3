/**
 * How many packets are worth looking at: per sender, and for all of them.
 *
 * Layer: protocols/rootstock. Imports ip_address. Finding out who signed a packet takes most of a millisecond, so one
 * sender must not buy all of it: each has a budget of its own, and what strangers get together is apart from what nodes
 * get that are established or were asked something. Senders can be forged, so that last line is what holds.
 *
 * @module
 */

import { addressKind, endpointKey, type IpAddress, networkRange } from "./ip_address.ts";

/** Packets of a burst, and those regained in a second. */
export interface PacketRate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Budgets of {@link PacketBudget}. */
export interface PacketBudgetConfig {
  /** Of one IPv4 address or one IPv6 /64; of one address and port on loopback. @default {32, 8 a second} */
  readonly perSender: PacketRate;
  /** Of all who are neither established nor were asked. @default {60, 60 a second}: a twelfth of a core, as each costs an
   * answer and a Ping too */
  readonly strangers: PacketRate;
  /** Of all others. @default {240, 120 a second}: an eighth of a core */
  readonly known: PacketRate;
  /** Senders whose budget is kept; the one seen longest ago is forgotten. @default {4_096} */
  readonly maxSenders: number;
}

/** See {@link PacketBudgetConfig} for each value. */
export const DEFAULT_PACKET_BUDGET_CONFIG: PacketBudgetConfig = {
  perSender: { burst: 32, perSecond: 8 },
  strangers: { burst: 60, perSecond: 60 },
  known: { burst: 240, perSecond: 120 },
  maxSenders: 4_096,
};

class Bucket {
  #left: number;
  #atMs: number;
  readonly #rate: PacketRate;

  constructor(rate: PacketRate, nowMs: number) {
    this.#rate = rate;
    this.#left = rate.burst;
    this.#atMs = nowMs;
  }

  take(nowMs: number): boolean {
    const { burst, perSecond } = this.#rate;
    const regained = Math.max(0, nowMs - this.#atMs) * perSecond / 1_000;
    this.#left = Math.min(burst, this.#left + regained);
    this.#atMs = nowMs;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}

/** Why a packet is not looked at. */
export type BudgetRefusal = "sender-budget" | "global-budget";

/** The budgets of one socket. */
export class PacketBudget {
  readonly #config: PacketBudgetConfig;
  /** In the order they were last seen. */
  readonly #senders = new Map<string, Bucket>();
  #strangers: Bucket | undefined;
  #known: Bucket | undefined;

  constructor(config: Partial<PacketBudgetConfig> = {}) {
    this.#config = { ...DEFAULT_PACKET_BUDGET_CONFIG, ...config };
  }

  /** Senders whose budget is kept. */
  get senders(): number {
    return this.#senders.size;
  }

  /** Takes one packet from the sender's budget; call it before anything costly. */
  admit(from: IpAddress, port: number, nowMs: number): BudgetRefusal | undefined {
    const key = addressKind(from) === "loopback"
      ? endpointKey(from.text, port)
      : networkRange(from, { v4: 32, v6: 64 });
    const bucket = this.#senders.get(key) ?? new Bucket(this.#config.perSender, nowMs);
    this.#senders.delete(key);
    this.#senders.set(key, bucket);
    if (this.#senders.size > this.#config.maxSenders) {
      for (const oldest of this.#senders.keys()) {
        this.#senders.delete(oldest);
        break;
      }
    }
    return bucket.take(nowMs) ? undefined : "sender-budget";
  }

  /** Takes the cost of one signature from the budget that all share. */
  spend(isKnown: boolean, nowMs: number): BudgetRefusal | undefined {
    const shared = isKnown
      ? this.#known ??= new Bucket(this.#config.known, nowMs)
      : this.#strangers ??= new Bucket(this.#config.strangers, nowMs);
    return shared.take(nowMs) ? undefined : "global-budget";
  }
}
