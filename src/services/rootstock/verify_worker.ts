/**
 * The Worker that verifies headers: kernels and rules off the main thread.
 *
 * Layer: services. One segment after the other, in the order they were posted. Source: spec/rootstock-consensus.md
 * section 3.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { Ancestors } from "../../protocols/rootstock/ancestors.ts";
import type { RootstockNetwork } from "../../protocols/rootstock/network.ts";
import { verifySegment } from "../../protocols/rootstock/verify_segment.ts";
import { type PackedVerdict, packVerdict, unpackBytes } from "./packed_headers.ts";

/** A message to the Worker: the network once, then segments. */
export type VerifyRequest =
  | { readonly kind: "network"; readonly network: RootstockNetwork }
  | {
    readonly kind: "segment";
    /** Hash of the block that the first header follows. */
    readonly after: Uint8Array;
    /** Headers up to that block, where the Worker may not have it at hand; none for genesis. */
    readonly ancestors: Uint8Array | undefined;
    /** Compressed forms, ascending. */
    readonly headers: Uint8Array;
    readonly nowSeconds: number;
  };

/** Its answers: one that it is ready, then one a segment. */
export type VerifyReply =
  | { readonly kind: "ready" }
  | { readonly kind: "verdict"; readonly verdict: PackedVerdict }
  /** The segment does not follow what was verified before it: that was refused. */
  | { readonly kind: "unanchored" };

let network: RootstockNetwork | undefined;
let current: Ancestors | undefined;

self.onmessage = ({ data }: MessageEvent<VerifyRequest>) => {
  if (data.kind === "network") {
    network = data.network;
    // The kernels are compiled and warm before the first peer sends anything.
    Ancestors.genesis(network);
    self.postMessage({ kind: "ready" } satisfies VerifyReply);
    return;
  }
  const options = { network: network!, nowSeconds: data.nowSeconds };
  if (data.ancestors !== undefined) {
    const headers = unpackBytes(data.ancestors);
    current = headers.length === 0 ? Ancestors.genesis(network!) : Ancestors.fromHeaders(headers, network!);
  }
  if (current === undefined || current.tip.hash.toHex() !== data.after.toHex()) {
    self.postMessage({ kind: "unanchored" } satisfies VerifyReply);
    return;
  }
  const verdict = packVerdict(verifySegment(current, unpackBytes(data.headers), options));
  self.postMessage({ kind: "verdict", verdict } satisfies VerifyReply, {
    transfer: [verdict.headers.buffer],
  });
};
