/**
 * Bytes as lower-case hexadecimal text.
 *
 * Layer: kernel. Pure.
 *
 * @module
 */

/** @returns Two digits a byte. */
export function encodeHex(bytes: Readonly<Uint8Array>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
