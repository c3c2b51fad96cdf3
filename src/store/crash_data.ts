/**
 * What the crash test writes and expects.
 *
 * Layer: store. Test support, shared by both processes.
 *
 * @module
 */

import type { Operation } from "./engine.ts";
import type { FamilySpec } from "./family.ts";

/** Families of the crash test. */
export const CRASH_FAMILIES: readonly FamilySpec[] = [{ name: "crash.index" }, {
  name: "crash.body",
  values: "large",
}];

/** Key of a batch: u32 big-endian. */
export function crashKey(number: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, number);
  return key;
}

/** Body of a batch: 1 to 40,000 bytes that follow from its number. */
export function crashBody(number: number): Uint8Array {
  const body = new Uint8Array(1 + (number * 7_919) % 40_000);
  for (let i = 0; i < body.length; i++) body[i] = number + i * 31;
  return body;
}

/** Operations of a batch: one put in each family. */
export function crashOperations(number: number): Operation[] {
  const key = crashKey(number);
  return [
    { kind: "put", family: "crash.index", key, value: key },
    { kind: "put", family: "crash.body", key, value: crashBody(number) },
  ];
}
