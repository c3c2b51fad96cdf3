/**
 * The Status message that Rootstock took over from Ethereum, code 0x10.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md section 4.2.
 *
 * @module
 */

import { RlpIndex } from "../../hot/rlp.ts";
import { rlpEncode } from "../../hot/rlp_encode.ts";
import { expectFields, hashOf, integerOf, itemOf } from "./rlp_reading.ts";
import { decoding, WireFault } from "./wire_fault.ts";

/** Version of the sub-protocol, also of the capability `rsk`. */
export const PROTOCOL_VERSION = 62;
/** A total difficulty has at most 256 bits. */
export const DIFFICULTY_BYTES_MAX = 32;

/** Which network and chain a peer is on. */
export interface EthStatus {
  readonly protocolVersion: number;
  /** 775, 8100 or 7771: not the chain id. */
  readonly networkId: number;
  /** Written without a sign byte here, unlike in the other Status. */
  readonly totalDifficulty: bigint;
  /** 32 bytes. */
  readonly bestHash: Uint8Array;
  /** 32 bytes. */
  readonly genesisHash: Uint8Array;
}

/** Payload of code 0x10. */
export function encodeEthStatus(status: EthStatus): Uint8Array {
  const { protocolVersion, networkId, totalDifficulty, bestHash, genesisHash } = status;
  return rlpEncode([protocolVersion, networkId, totalDifficulty, bestHash, genesisHash]);
}

/** @throws {WireFault} `malformed`. */
export function decodeEthStatus(payload: Uint8Array): EthStatus {
  const what = "the eth-style Status";
  return decoding(what, () => {
    const fields = RlpIndex.of(payload, 5);
    expectFields(fields, 5, 5, what);
    const difficulty = itemOf(fields, 2, what);
    if (difficulty.length > DIFFICULTY_BYTES_MAX) {
      throw new WireFault("malformed", `Cannot decode ${what}: a difficulty of ${difficulty.length} bytes`);
    }
    return {
      protocolVersion: integerOf(fields, 0),
      networkId: integerOf(fields, 1),
      // Bytes, not an RLP integer: rskj takes leading zeros.
      totalDifficulty: BigInt(`0x0${difficulty.toHex()}`),
      bestHash: hashOf(fields, 3, what).slice(),
      genesisHash: hashOf(fields, 4, what).slice(),
    };
  });
}
