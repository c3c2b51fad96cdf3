/**
 * Answers what peers ask of the chain of headers.
 *
 * Layer: services. Source: spec/rootstock-network.md section 4.4. What cannot be answered is met with silence, as rskj
 * does.
 *
 * @module
 */

import { toCairnError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/log.ts";
import {
  answerOf,
  type AnswerPlan,
  HeaderServer,
  type HeaderServerOptions,
} from "../../protocols/rootstock/header_server.ts";
import type { NodeId } from "../../protocols/rootstock/node_id.ts";
import type { RskMessage } from "../../protocols/rootstock/rsk_message.ts";
import type { RootstockChainStore } from "./chain_store.ts";
import type { RootstockMetrics } from "./metrics.ts";
import type { PeerMessage } from "./peers.ts";

/** What {@link HeaderService} works with. */
export interface HeaderServiceDeps {
  readonly store: RootstockChainStore;
  readonly send: (peer: NodeId, message: RskMessage) => boolean;
  readonly metrics: RootstockMetrics;
  readonly log: Logger;
}

/** Serves headers. */
export class HeaderService {
  readonly #server: HeaderServer<NodeId>;
  readonly #deps: HeaderServiceDeps;

  constructor(options: Partial<HeaderServerOptions>, deps: HeaderServiceDeps) {
    this.#server = new HeaderServer(options);
    this.#deps = deps;
  }

  /** Answers a request, or not. */
  async request(peer: NodeId, message: PeerMessage): Promise<void> {
    const { store, send, metrics, log } = this.#deps;
    const plan = this.#server.request(peer, message, store.tip?.number ?? 0, performance.now());
    if (plan === undefined) return metrics.requestsIgnored.inc();
    try {
      const answer = answerOf(plan, await this.#lookUp(plan));
      if (answer !== undefined && send(peer, answer)) metrics.requestsServed.inc({ type: message.type });
      else metrics.requestsIgnored.inc();
    } catch (error) {
      // The peer asks somebody else; the store says by itself, on /readyz, what is wrong with it.
      log.warn("Cannot read headers for a peer", { peer, error: toCairnError(error).message });
      metrics.requestsIgnored.inc();
    } finally {
      this.#server.done(peer);
    }
  }

  gone(peer: NodeId): void {
    this.#server.gone(peer);
  }

  async #lookUp(plan: AnswerPlan): Promise<(Uint8Array | undefined)[]> {
    const { store } = this.#deps;
    if (plan.lookup === "headers") {
      return (await store.chainDown(plan.hash, plan.count)).map(({ header }) => header);
    }
    return (await store.headersByNumber(plan.heights)).map((found) => found?.hash);
  }
}
