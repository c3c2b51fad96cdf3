/**
 * A second decoder for the tests of RLP, written for reading: recursive, with copies, and sums instead of
 * differences. And inputs for it: well-formed ones, and those that went wrong.
 *
 * @module
 */

/** What RLP holds. */
export type Item = Uint8Array | Item[];

/** One item or list: where its payload lies, and where it ends. */
interface Span {
  readonly isList: boolean;
  readonly from: number;
  readonly to: number;
}

/** The item that begins at `at`; throws if it is not canonical or does not end by `end`. */
function spanAt(bytes: Uint8Array, at: number, end: number): Span {
  if (at >= end) throw new Error("nothing there");
  const prefix = bytes[at]!;
  if (prefix < 0x80) return { isList: false, from: at, to: at + 1 };
  const isList = prefix >= 0xc0;
  const short = prefix - (isList ? 0xc0 : 0x80);
  let from = at + 1;
  let length = BigInt(short);
  if (short > 55) {
    from += short - 55;
    if (from > end) throw new Error("length cut off");
    const field = Array.from(bytes.subarray(at + 1, from));
    if (field[0] === 0) throw new Error("leading zero");
    length = field.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    if (length < 56n) throw new Error("long form of a short length");
  }
  if (BigInt(from) + length > BigInt(end)) throw new Error("cut off");
  const to = from + Number(length);
  if (!isList && length === 1n && bytes[from]! < 0x80) throw new Error("prefix of a single byte");
  return { isList, from, to };
}

/** Spans of what the payload of a list holds. */
function spansIn(bytes: Uint8Array, from: number, to: number): Span[] {
  const spans: Span[] = [];
  for (let at = from; at < to; at = spans.at(-1)!.to) spans.push(spanAt(bytes, at, to));
  return spans;
}

function whole(bytes: Uint8Array): Span {
  const span = spanAt(bytes, 0, bytes.length);
  if (span.to !== bytes.length) throw new Error("bytes behind it");
  return span;
}

/** Decodes exactly one item or list to the bottom. */
export function referenceDecode(bytes: Uint8Array): Item {
  const decode = ({ isList, from, to }: Span): Item =>
    isList ? spansIn(bytes, from, to).map(decode) : bytes.slice(from, to);
  return decode(whole(bytes));
}

/** Fields of exactly one list, without looking into nested ones. */
export function referenceFields(bytes: Uint8Array): readonly Span[] {
  const list = whole(bytes);
  if (!list.isList) throw new Error("not a list");
  return spansIn(bytes, list.from, list.to);
}

/** What a function returns; undefined if it throws. */
export function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Whether two decoders found the same. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array) {
    return b instanceof Uint8Array && a.length === b.length && a.every((byte, i) => byte === b[i]);
  }
  return Array.isArray(a) && Array.isArray(b) && a.length === b.length &&
    a.every((item, i) => isSame(item, b[i]));
}

/** Numbers below a bound from a seed, the same each time: xorshift. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

type Random = ReturnType<typeof randomFrom>;
const pick = <T>(random: Random, values: readonly T[]): T => values[random(values.length)]!;

/** Lengths around every change of form. */
const LENGTHS = [0, 1, 1, 1, 2, 20, 32, 54, 55, 56, 57, 255, 256, 257];

/** A value of up to so many lists within lists. */
export function randomItem(random: Random, depth: number): Item {
  if (depth > 0 && random(3) > 0) {
    return Array.from({ length: random(6) }, () => randomItem(random, depth - 1));
  }
  return Uint8Array.from({ length: pick(random, LENGTHS) }, () => random(256));
}

/** Prefixes and bytes of length that sit at an edge. */
const EDGES = [0, 1, 0x37, 0x38, 0x7f, 0x80, 0x81, 0xb7, 0xb8, 0xb9, 0xbb, 0xbc, 0xbf];
const LIST_EDGES = [0xc0, 0xc1, 0xf7, 0xf8, 0xf9, 0xfb, 0xfc, 0xff];

/** The bytes with up to three things wrong with them, most often near their start, where the lengths are. */
export function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  let mutated = [...bytes];
  for (let changes = random(4); changes > 0; changes--) {
    const at = random(Math.min(mutated.length, pick(random, [6, 40, 4_000])) || 1);
    const edge = pick(random, [...EDGES, ...LIST_EDGES, random(256)]);
    const kind = random(6);
    if (kind < 2) mutated[at] = edge;
    else if (kind === 2) mutated.splice(at, 0, edge);
    else if (kind === 3) mutated.splice(at, 1);
    else if (kind === 4) mutated = mutated.slice(0, random(mutated.length + 1));
    else mutated[at] = ((mutated[at] ?? 0) + pick(random, [1, 255])) & 255;
  }
  return Uint8Array.from(mutated);
}
