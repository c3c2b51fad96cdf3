/**
 * What is wrong with RLP input, as an error: one place for the codes of the kernels and of `rlp_walk.ts`.
 *
 * Layer: hot. Bytes of the input are never part of a message: they come from peers.
 *
 * @module
 */

import {
  RLP_LEADING_ZERO,
  RLP_LONG_FORM,
  RLP_NOT_A_LIST,
  RLP_SINGLE_BYTE,
  RLP_TOO_DEEP,
  RLP_TOO_LARGE,
  RLP_TOO_MANY_FIELDS,
  RLP_TRAILING_BYTES,
  RLP_TRUNCATED,
} from "../../wasm/layout.ts";
import { HotError, type HotErrorCode } from "./error.ts";

const FAULTS: Readonly<Record<number, readonly [code: HotErrorCode, message: string]>> = {
  [RLP_TRUNCATED]: ["RLP_TRUNCATED", "an item reaches beyond what holds it"],
  [RLP_TRAILING_BYTES]: ["RLP_TRAILING_BYTES", "bytes follow the item"],
  [RLP_NOT_A_LIST]: ["RLP_NOT_A_LIST", "expected a list"],
  [RLP_SINGLE_BYTE]: ["RLP_NOT_CANONICAL", "a byte below 0x80 has a prefix"],
  [RLP_LONG_FORM]: ["RLP_NOT_CANONICAL", "the long form for fewer than 56 bytes"],
  [RLP_LEADING_ZERO]: ["RLP_NOT_CANONICAL", "a length with a leading zero"],
  [RLP_TOO_MANY_FIELDS]: ["RLP_TOO_MANY_FIELDS", "more fields than the table has rows"],
  [RLP_TOO_DEEP]: ["RLP_TOO_DEEP", "lists are nested too deep"],
  [RLP_TOO_LARGE]: ["RLP_TOO_LARGE", "more than 2^31 - 1 bytes"],
};

/** The error for a value that RLP of this node cannot hold, by the same codes. */
export function rlpWriteFault(fault: number): HotError {
  const [code, message] = FAULTS[fault]!;
  return new HotError(code, `Cannot write RLP: ${message}`);
}

/** The error for an `RLP_` code of the layout, met at an offset of the input. */
export function rlpFault(fault: number, offset: number): HotError {
  const [code, message] = FAULTS[fault]!;
  return new HotError(code, `Cannot read RLP: ${message}, at offset ${offset}`);
}
