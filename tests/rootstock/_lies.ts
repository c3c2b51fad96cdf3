/**
 * Lies that a peer of tests can tell.
 *
 * @module
 */

import type { Deviation } from "./_peer.ts";

/** Claims a best block that does not exist, with more difficulty than anybody has, and stays silent about it. */
export const NO_BLOCK: Deviation = {
  status: (honest) => ({
    ...honest,
    bestNumber: honest.bestNumber + 1_000,
    bestHash: new Uint8Array(32).fill(0xbb),
    totalDifficulty: honest.totalDifficulty * 1_000_000n,
  }),
  answer: (request, honest) => {
    const isAsked = request.type === "block-headers-request" && request.hash[0] === 0xbb &&
      request.hash[1] === 0xbb;
    // Some header: silence would be no lie that anybody is banned for.
    if (isAsked) return { type: "block-headers-response", id: request.id, headers: [new Uint8Array([0xc0])] };
    return honest;
  },
};
