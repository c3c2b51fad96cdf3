/**
 * Lies that a peer of tests can tell.
 *
 * @module
 */

import type { RskMessage } from "../../src/protocols/rootstock/rsk_message.ts";
import { CHUNK_HEADERS, SKELETON_CHUNKS } from "../../src/protocols/rootstock/skeleton.ts";
import type { Deviation } from "./_peer.ts";

const NOWHERE = new Uint8Array(32).fill(0xbb);

/** A best block far away that nobody has. */
const claimed: Deviation["status"] = (honest) => ({
  ...honest,
  bestNumber: honest.bestNumber + 1_000,
  bestHash: NOWHERE,
  totalDifficulty: honest.totalDifficulty * 1_000_000n,
});

const isAskedForClaim = (request: RskMessage) =>
  request.type === "block-headers-request" && request.hash.toHex() === NOWHERE.toHex();

/** Claims a best block that does not exist, and shows something else for it. */
export const NO_BLOCK: Deviation = {
  status: claimed,
  answer: (request, honest) => {
    if (!isAskedForClaim(request) || !("id" in request)) return honest;
    return { type: "block-headers-response", id: request.id, headers: [new Uint8Array([0xc0])] };
  },
};

/** Claims a best block that does not exist, and is silent about it. */
export const NO_ANSWER_ABOUT_CLAIM: Deviation = {
  status: claimed,
  answer: (request, honest) => isAskedForClaim(request) ? undefined : honest,
};

/** Its best block is there, its total difficulty is not. */
export const TOO_MUCH_DIFFICULTY: Deviation = {
  status: (honest) => ({ ...honest, totalDifficulty: honest.totalDifficulty * 1_000_000n }),
};

/** Chunks in which one header stands in for another: they do not link. */
export const WRONG_LINKS: Deviation = {
  answer: (_, honest) => {
    if (honest?.type !== "block-headers-response" || honest.headers.length < 3) return honest;
    const headers = [...honest.headers];
    headers[1] = headers[2]!;
    return { ...honest, headers };
  },
};

/** Answers nothing. */
export const SILENCE: Deviation = { answer: () => undefined };

/** Answers all, so late that nobody waits any more. */
export const SLOW_DRIP: Deviation = {
  answer: (_, honest) => honest && { message: honest, afterMs: 1_500 },
};

/** Its best block is there; what it says lies below is a skeleton without end, of blocks that nobody has. */
export const ENDLESS_SKELETON: Deviation = {
  answer: (request, honest) => {
    if (request.type === "block-headers-request" && request.count > 1) return undefined;
    if (request.type !== "skeleton-request" || honest?.type !== "skeleton-response") return honest;
    const from = Math.floor(request.startNumber / CHUNK_HEADERS) * CHUNK_HEADERS;
    const blocks = Array.from({ length: SKELETON_CHUNKS + 1 }, (_, i) => ({
      number: from + i * CHUNK_HEADERS,
      hash: crypto.getRandomValues(new Uint8Array(32)),
    }));
    return { ...honest, blocks };
  },
};
