/**
 * What tests of connections to peers share.
 *
 * Layer: services. Not imported by the node.
 *
 * @module
 */

import { NodeKey } from "../../protocols/rootstock/secp256k1.ts";
import { genesisStatus, type SessionEvent } from "../../protocols/rootstock/session_events.ts";

const GENESIS_HASH = new Uint8Array(32).fill(0x6e);

/** Options of a session on one network, with a key of its own. */
export function sessionOptions() {
  const randomBytes = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
  return {
    key: NodeKey.generate(randomBytes),
    randomBytes,
    clientId: "cairn/test",
    listenPort: 0,
    networkId: 7771,
    genesisHash: GENESIS_HASH,
    status: genesisStatus(GENESIS_HASH, 1n),
  };
}

/** Keeps events, and lets a test wait for one. */
export class EventRecorder {
  readonly events: SessionEvent[] = [];
  readonly #waiting = new Set<() => void>();

  readonly onEvent = (event: SessionEvent): void => {
    this.events.push(event);
    for (const look of this.#waiting) look();
  };

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }

  /** Resolves when `count` events of a type have come. */
  seen(type: SessionEvent["type"], count = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.events.filter((event) => event.type === type).length < count) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}
