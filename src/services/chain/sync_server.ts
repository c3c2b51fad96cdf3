/**
 * Answers the catch-up protocol from the store.
 *
 * Layer: services. Source: spec/kimura.md §4.
 *
 * @module
 */

import type { Logger } from "../../kernel/log.ts";
import { KimuraFault } from "../../protocols/kimura/fault.ts";
import {
  decodeSyncRequest,
  encodeSyncAnswer,
  MAX_SYNC_REQUEST_BYTES,
  SOFT_SYNC_BYTES,
  type SyncAnswer,
  type SyncRequest,
} from "../../protocols/kimura/sync_messages.ts";
import type { PeerName, RequestHandler } from "../../p2p/types.ts";
import type { ChainStore } from "./store.ts";

/** Requests of one peer at a time; a follower makes one. */
const MAX_CONCURRENT = 4;
/** Time for one request, in milliseconds. */
const TIMEOUT_MS = 15_000;

/** Serves blocks and messages of `store`. What the store cannot give is an error of this node, and logged as one. */
export function syncHandler(
  store: ChainStore,
  log: Logger,
  onMalformed: (peer: PeerName, fault: KimuraFault) => void,
): RequestHandler {
  return {
    maxRequestBytes: MAX_SYNC_REQUEST_BYTES,
    maxConcurrent: MAX_CONCURRENT,
    timeoutMs: TIMEOUT_MS,
    async handle(bytes, from) {
      let request: SyncRequest;
      try {
        request = decodeSyncRequest(bytes);
      } catch (thrown) {
        if (thrown instanceof KimuraFault) onMalformed(from, thrown);
        throw thrown;
      }
      try {
        return encodeSyncAnswer(await answer(store, request));
      } catch (error) {
        log.error("Catch-up not answered", { what: request.kind, peer: from, error });
        throw error;
      }
    },
  };
}

async function answer(store: ChainStore, request: SyncRequest): Promise<SyncAnswer> {
  switch (request.kind) {
    case "tip": {
      const { height, hash } = store.tip;
      return { kind: "tip", height, hash };
    }
    case "blocks":
      return { kind: "blocks", blocks: await store.range(request.from, request.count, SOFT_SYNC_BYTES) };
    case "messages": {
      const found = await store.messages(request.ids);
      const messages = [];
      let bytes = 0;
      for (const entry of found) {
        if (entry === undefined) continue;
        messages.push(entry.message);
        bytes += entry.message.content.length + entry.message.sender.length;
        if (bytes >= SOFT_SYNC_BYTES) break;
      }
      return { kind: "messages", messages };
    }
  }
}
