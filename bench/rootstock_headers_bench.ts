/**
 * `deno bench` of Rootstock headers: the whole rule set over linked headers on one core, beside plain TypeScript.
 *
 * Headers are those of mainnet today in form and size (1.1 kB, 12 siblings of the Merkle branch, fork-detection data,
 * bitcoin-time window) on a network of least difficulty: what a header costs does not depend on it. Times are of a
 * segment of 192, a reply of header sync; before them a table says headers a second, best of several runs, and how long
 * mainnet's 9.28 million take. The peer asks the same rules of every header with big integers: Keccak of @noble/hashes,
 * SHA-256 of node:crypto.
 *
 * @module
 */

import { checkReference } from "../src/hot/_header_reference.ts";
import { type Ancestors, tipOf } from "../src/protocols/rootstock/ancestors.ts";
import { rulesAt } from "../src/protocols/rootstock/block_rules.ts";
import { ChainGenerator } from "../src/protocols/rootstock/generate.ts";
import { decodeHeader } from "../src/protocols/rootstock/header_codec.ts";
import { firstFailure, judgeHeader } from "../src/protocols/rootstock/header_rules.ts";
import { adaptNetwork } from "../src/protocols/rootstock/network.ts";
import { REGTEST } from "../src/protocols/rootstock/networks/regtest.ts";
import { verifySegment } from "../src/protocols/rootstock/verify_segment.ts";

const SEGMENT = 192;
/** Blocks before the measured ones, so that fork-detection data are checked. */
const BEFORE = 600;
const MAINNET_HEADERS = 9_280_000;
const RUNS = 7;

/** Mainnet's rules and forms, regtest's difficulty. */
const network = adaptNetwork(REGTEST, {
  ruleHeights: { rskip97: 0, rskip351: -1, rskip144: -1, rskip535: -1 },
  maxFutureSeconds: 60,
});
const options = { network, nowSeconds: 4_000_000_000 };

const generator = new ChainGenerator({ network, merkleDepth: 12, unclesOf: (number) => number % 2 });
for (let i = 0; i < BEFORE; i++) generator.next();
const before = generator.ancestors;
const headers = Array.from({ length: 20 * SEGMENT }, () => generator.next().header);
const segment = headers.slice(0, SEGMENT);

/** What {@link verifySegment} does, a header at a time and without kernels. */
function verifyPlainly(ancestors: Ancestors, headers: readonly Uint8Array[]): void {
  for (const bytes of headers) {
    const parent = ancestors.tip;
    const header = decodeHeader(bytes, { network, form: "compressed" });
    const verdict = checkReference({ bytes, rules: rulesAt(network, header.number) });
    const { nowSeconds } = options;
    const failed = firstFailure(judgeHeader({ header, verdict, network, nowSeconds, parent, ancestors }));
    if (failed !== undefined || !verdict.valid) throw new Error(`refused: ${failed?.rule}`);
    ancestors.push(tipOf(header, verdict.facts.hash), verdict.powHash[0]!, header.uncleCount);
  }
}

function verifyHot(ancestors: Ancestors, headers: readonly Uint8Array[]): void {
  const verdict = verifySegment(ancestors, headers, options);
  if (!verdict.valid) throw new Error(`refused: ${verdict.rule}`);
}

/** Microseconds a header, best of some runs over so many segments. */
function measure(verify: typeof verifyHot, segments: number): number {
  let best = Infinity;
  for (let run = 0; run < RUNS; run++) {
    const ancestors = before.clone();
    const start = performance.now();
    for (let i = 0; i < segments; i++) verify(ancestors, headers.slice(i * SEGMENT, (i + 1) * SEGMENT));
    best = Math.min(best, (performance.now() - start) * 1000 / (segments * SEGMENT));
  }
  return best;
}

for (
  const [name, verify, segments] of [["verifySegment", verifyHot, 20], [
    "plain TypeScript",
    verifyPlainly,
    2,
  ]] as const
) {
  const micros = measure(verify, segments);
  const seconds = micros * MAINNET_HEADERS / 1e6;
  // deno-lint-ignore no-console
  console.log(
    `${name.padEnd(18)} ${micros.toFixed(1)} us a header of ${segment[0]!.length} bytes, ` +
      `${Math.round(1e6 / micros)} headers/s on one core; ${MAINNET_HEADERS} headers: ${
        Math.round(seconds)
      } s of CPU`,
  );
}

Deno.bench(`verifySegment, ${SEGMENT} headers`, { group: "segment", baseline: true }, () => {
  verifyHot(before.clone(), segment);
});
Deno.bench(`plain TypeScript, ${SEGMENT} headers`, { group: "segment" }, () => {
  verifyPlainly(before.clone(), segment);
});

const mined = new ChainGenerator({ network: REGTEST });
Deno.bench("ChainGenerator.next(), a regtest header", { group: "generate" }, () => void mined.next());
