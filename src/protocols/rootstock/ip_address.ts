/**
 * IP addresses as text: one spelling for each, what kind of network they belong to, and which range they share.
 *
 * Layer: protocols/rootstock. Imports nothing. Source: RFC 4291, RFC 5952 (spelling), RFC 6890 (special ranges).
 * Peers write addresses as text, and IPv6 has many spellings of one: only the canonical one is ever compared.
 *
 * @module
 */

/** An address, parsed. IPv4 within IPv6 (`::ffff:192.0.2.1`) is IPv4. */
export interface IpAddress {
  /** Canonical spelling: dotted decimal, or RFC 5952. */
  readonly text: string;
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array;
}

/** `unusable`: nothing can be reached there (unspecified, multicast, broadcast, "this network"). */
export type AddressKind = "loopback" | "private" | "public" | "unusable";

/** Bits of the ranges that {@link networkRange} cuts. */
export interface RangeBits {
  readonly v4: number;
  readonly v6: number;
}

const V4_MAPPED_PREFIX_BYTES = 12;

function parseV4(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

/** Bytes of groups of hexadecimal digits, the last of which may be an IPv4 address. */
function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [i, group] of groups.entries()) {
    if (i === groups.length - 1 && group.includes(".")) {
      const v4 = parseV4(group);
      if (v4 === undefined) return undefined;
      bytes.push(...v4);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
      const value = parseInt(group, 16);
      bytes.push(value >>> 8, value & 0xff);
    }
  }
  return bytes;
}

function parseV6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = [parseGroups(halves[0]!), parseGroups(halves[1] ?? "")];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** RFC 5952: no leading zeros, the first of the longest runs of zero groups as `::`. */
function v6Text(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes[2 * i]! * 256 + bytes[2 * i + 1]!);
  let [best, bestLength] = [-1, 1];
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (from + length < 8 && groups[from + length] === 0) length++;
    if (length > bestLength) [best, bestLength] = [from, length];
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  return best < 0 ? hex(groups) : `${hex(groups.slice(0, best))}::${hex(groups.slice(best + bestLength))}`;
}

/** @returns `undefined` if the text is no IP address; host names, zones (`%eth0`) and brackets are none. */
export function parseIpAddress(text: string): IpAddress | undefined {
  const v4 = parseV4(text);
  if (v4 !== undefined) return { text, bytes: new Uint8Array(v4) };
  if (text.length > 45 || !text.includes(":")) return undefined;
  const v6 = parseV6(text);
  if (v6 === undefined) return undefined;
  const isMapped = v6.slice(0, V4_MAPPED_PREFIX_BYTES - 2).every((byte) => byte === 0) &&
    v6[10] === 0xff && v6[11] === 0xff;
  if (!isMapped) return { text: v6Text(v6), bytes: new Uint8Array(v6) };
  const inner = v6.slice(V4_MAPPED_PREFIX_BYTES);
  return { text: inner.join("."), bytes: new Uint8Array(inner) };
}

/** What kind of network the address belongs to. */
export function addressKind({ bytes }: IpAddress): AddressKind {
  const [a = 0, b = 0] = bytes;
  if (bytes.length === 4) {
    if (a === 127) return "loopback";
    if (a === 0 || a >= 224) return "unusable";
    const isPrivate = a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) ||
      (a === 169 && b === 254) || (a === 100 && b >= 64 && b < 128);
    return isPrivate ? "private" : "public";
  }
  if (a === 0xff) return "unusable";
  if (bytes.subarray(0, 15).every((byte) => byte === 0)) return bytes[15] === 1 ? "loopback" : "unusable";
  return (a & 0xfe) === 0xfc || (a === 0xfe && (b & 0xc0) === 0x80) ? "private" : "public";
}

/** The range that the address lies in, as `192.0.2.0/24`. */
export function networkRange({ bytes }: IpAddress, bits: RangeBits): string {
  const isV4 = bytes.length === 4;
  const kept = isV4 ? bits.v4 : bits.v6;
  const masked = Array.from(bytes, (byte, i) => {
    const left = Math.min(8, Math.max(0, kept - 8 * i));
    return byte & (0xff00 >>> left);
  });
  return `${isV4 ? masked.join(".") : v6Text(masked)}/${kept}`;
}

/** Address and port as one key; IPv6 in brackets. */
export function endpointKey(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
