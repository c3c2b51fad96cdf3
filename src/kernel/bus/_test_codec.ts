/**
 * Events of the bus tests: a number as f64 scalar, and a body of any length.
 *
 * Layer: kernel, tests only.
 *
 * @module
 */

import type { Codec } from "./codec.ts";

/** A number and some bytes. */
export interface NumberEvent {
  readonly value: number;
  readonly body: Uint8Array;
}

/** Codec of {@link NumberEvent}. */
export const numberCodec: Codec<NumberEvent> = {
  bodyBytes: (event) => event.body.length,
  encode(event, slot) {
    slot.setKind(1);
    slot.setF64(0, event.value);
    if (event.body.length > 0) slot.body.set(event.body);
  },
  decode: (slot) => ({ value: slot.f64(0), body: slot.body }),
};

/** Codec of plain numbers, without bodies. */
export const plainCodec: Codec<number> = {
  encode: (value, slot) => slot.setF64(0, value),
  decode: (slot) => slot.f64(0),
};
