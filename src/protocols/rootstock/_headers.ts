/**
 * Headers for tests: networks whose blocks are all of one version, and arbitrary headers of them.
 *
 * Layer: protocols/rootstock, tests only.
 *
 * @module
 */

import fc from "fast-check";
import { extensionData } from "./extension.ts";
import { BLOOM_BYTES } from "./genesis.ts";
import type { RootstockHeader } from "./header.ts";
import type { HeaderForm } from "./header_codec.ts";
import { adaptNetwork, type RootstockNetwork } from "./network.ts";
import { REGTEST } from "./networks/regtest.ts";

/** Regtest with blocks of this version, and with mainnet's rules on timestamps where asked for. */
export function networkOf(version: 0 | 1 | 2, options: { timed?: boolean } = {}): RootstockNetwork {
  const from = (least: number) => version >= least ? 1 : -1;
  return adaptNetwork(REGTEST, {
    ruleHeights: { rskip351: from(1), rskip144: from(1), rskip535: from(2), rskip97: 0 },
    ...(options.timed ? { maxFutureSeconds: 60 } : {}),
  });
}

const bytes = (...lengths: number[]) =>
  fc.oneof(...lengths.map((length) => fc.uint8Array({ minLength: length, maxLength: length })));

/** Any header that is of its form, proven or not. */
export function arbitraryHeader(version: 0 | 1 | 2, form: HeaderForm): fc.Arbitrary<RootstockHeader> {
  const base = fc.record({
    parentHash: bytes(32),
    unclesHash: bytes(32),
    coinbase: bytes(0, 20),
    stateRoot: bytes(32),
    transactionsRoot: bytes(32),
    receiptsRoot: bytes(32),
    logsBloom: bytes(BLOOM_BYTES),
    difficulty: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
    number: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    gasLimit: fc.uint8Array({ minLength: 1, maxLength: 6 }),
    gasUsed: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    timestamp: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    extraData: fc.uint8Array({ maxLength: 100 }),
    paidFees: fc.bigInt({ min: 0n, max: 2n ** 80n }),
    minimumGasPrice: fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
    uncleCount: fc.nat({ max: 2 ** 31 - 1 }),
    ummRoot: bytes(0, 20),
    edges: fc.array(fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }), { maxLength: 4 }),
    baseEvent: fc.uint8Array({ maxLength: 128 }),
    bitcoinMergedMiningHeader: bytes(80),
    bitcoinMergedMiningMerkleProof: bytes(0, 32, 384),
    bitcoinMergedMiningCoinbaseTransaction: bytes(0, 120, 200),
  });
  return base.map(({ logsBloom, edges, baseEvent, ...rest }) => {
    const extension = {
      logsBloom,
      ...(version > 0 ? { edges } : {}),
      ...(version === 2 ? { baseEvent } : {}),
    };
    if (form === "full" || version === 0) return { version, ...rest, ...extension };
    return { version, ...rest, extensionData: extensionData({ version, ...extension }) };
  });
}
