/**
 * Values of Ethereum's JSON-RPC: QUANTITY, DATA, and the ways to name a block.
 *
 * Layer: services. Pure. Source: spec/rootstock-network.md sections 7.1 and 7.2.
 *
 * @module
 */

import { z } from "zod";
import { JsonRpcError, RPC_CODE } from "../../http/json_rpc_error.ts";

/** `0x` and hexadecimal digits without leading zeros. */
export function toQuantity(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** `0x` and two digits a byte; `0x` for none. */
export function toData(bytes: Uint8Array): string {
  return `0x${bytes.toHex()}`;
}

/** QUANTITY of bytes that hold an unsigned number. */
export function bytesToQuantity(bytes: Uint8Array): string {
  return bytes.length === 0 ? "0x0" : toQuantity(BigInt(toData(bytes)));
}

/** Bytes as DATA. */
export const dataParam = z.string()
  .regex(/^0x([0-9a-fA-F]{2})*$/, "expected 0x and two hexadecimal digits a byte")
  .transform((text) => Uint8Array.fromHex(text.slice(2)));

/** Hash of a block; as rskj, `0x` may be missing. */
export const hashParam = z.string()
  .regex(/^(0x)?[0-9a-fA-F]{64}$/, "expected a block hash of 64 hexadecimal digits")
  .transform((text) => Uint8Array.fromHex(text.slice(-64)));

/** Index of an uncle. */
export const indexParam = z.string()
  .regex(/^0x[0-9a-fA-F]{1,8}$/, "expected 0x and an index in hexadecimal digits")
  .transform(Number);

/** A block as a parameter names it. */
export type BlockId =
  | { readonly kind: "number"; readonly number: number }
  | { readonly kind: "hash"; readonly hash: Uint8Array }
  | { readonly kind: "latest" }
  /** A header client has none. */
  | { readonly kind: "pending" };

/**
 * `latest`, `earliest`, `pending`, a hexadecimal number or a hash. Other text is well-formed for rskj and fails when it
 * is resolved, with the same code and text as here.
 */
export const blockIdParam = z.string().transform(parseBlockId);

/** Number of a block as `eth_getBlocksByNumber` takes it: hexadecimal or decimal. */
export const blockNumberParam = z.string()
  .regex(/^(0x[0-9a-fA-F]+|\d+)$/, "expected a block number")
  .transform((text) => clampedNumber(text));

/** @throws {JsonRpcError} `INVALID_PARAMS`. */
function parseBlockId(text: string): BlockId {
  if (text === "latest") return { kind: "latest" };
  if (text === "earliest") return { kind: "number", number: 0 };
  if (text === "pending") return { kind: "pending" };
  if (/^(0x)?[0-9a-fA-F]{64}$/.test(text)) return { kind: "hash", hash: Uint8Array.fromHex(text.slice(-64)) };
  if (/^0x[0-9a-fA-F]+$/.test(text)) return { kind: "number", number: clampedNumber(text) };
  throw new JsonRpcError(RPC_CODE.INVALID_PARAMS, `invalid blocknumber ${text.slice(0, 100)}`);
}

/** Heights beyond what a chain can have are all the same: unknown. */
function clampedNumber(text: string): number {
  const digits = text.replace(/^(0x)?0+(?=[0-9a-fA-F])/, "$1");
  return digits.length > 16 ? HEIGHT_UNKNOWN : Math.min(Number(digits), HEIGHT_UNKNOWN);
}

/** Below the largest height that the store has a key for. */
const HEIGHT_UNKNOWN = 2 ** 48 - 2;
