/**
 * Which incoming connections are let in before a byte of them is read.
 *
 * Layer: p2p. The library has limits of its own, but lets more in than its maximum while handshakes are under way, and
 * leaves timers behind.
 *
 * @module
 */

/** Why a connection is refused: too many, too many handshakes, too many from one host in a second. */
export type AdmissionRefusal = "limit" | "handshakes" | "rate";

/** Limits; see the configuration. */
export interface AdmissionLimits {
  readonly maxConnections: number;
  readonly maxPendingInbound: number;
  readonly inboundPerSecond: number;
}

/** Most hosts counted within a second; from one more nothing is let in until the second is over. */
const MAX_HOSTS = 4_096;

/** Counts sockets from their arrival to their end. */
export class Admission {
  readonly #limits: AdmissionLimits;
  /** Sockets that were let in and are open. */
  #open = 0;
  #second = 0;
  readonly #arrivals = new Map<string, number>();

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /**
   * Decides about a socket; one that is let in must be given back with {@link closed}.
   *
   * @param ready Incoming and outgoing connections whose handshake is done.
   */
  admit(
    host: string,
    ready: { readonly inbound: number; readonly outbound: number },
    nowMs: number,
  ): AdmissionRefusal | undefined {
    const { maxConnections, maxPendingInbound, inboundPerSecond } = this.#limits;
    const second = Math.floor(nowMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#arrivals.clear();
    }
    const arrivals = (this.#arrivals.get(host) ?? 0) + 1;
    if (arrivals === 1 && this.#arrivals.size >= MAX_HOSTS) return "rate";
    this.#arrivals.set(host, arrivals);
    if (arrivals > inboundPerSecond) return "rate";
    if (Math.max(this.#open, ready.inbound) + ready.outbound >= maxConnections) return "limit";
    if (this.#open - ready.inbound >= maxPendingInbound) return "handshakes";
    this.#open++;
    return undefined;
  }

  /** A socket that was let in is closed. */
  closed(): void {
    this.#open--;
  }
}
