/**
 * Comparing byte strings.
 *
 * Layer: protocols/rootstock. Imports nothing.
 *
 * @module
 */

/** Whether two byte strings are equal. Not constant-time: nothing compared with it is a secret. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether one byte string comes before another of the same length. */
export function isBefore(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]!;
  return false;
}
