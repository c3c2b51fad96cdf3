/**
 * Big integers as the bytes of header slots, and as the numbers of JSON-RPC.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 1.1: difficulty and minimumGasPrice are two's
 * complement, and so is what miners write as a gas limit.
 *
 * @module
 */

/** Minimal two's complement; zero is one zero byte. */
export function signedBytes(value: bigint): Uint8Array {
  let bytes = 1;
  while (BigInt.asIntN(8 * bytes, value) !== value) bytes++;
  return Uint8Array.fromHex(BigInt.asUintN(8 * bytes, value).toString(16).padStart(2 * bytes, "0"));
}

/** Value of two's complement bytes, minimal or not; none are zero. */
export function signedValue(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toHex()}`));
}

/** Value of unsigned bytes, big-endian; none are zero. */
export function unsignedValue(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toHex()}`);
}
