/**
 * A header out of a file of whatever form: RLP, its hexadecimal digits, or JSON as rskj's RPC gives it.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-consensus.md section 1.3. RLP may be a header, compressed or full,
 * or a whole block, whose header is its first element and whose uncles are its third.
 *
 * @module
 */

import { HotError } from "../../hot/error.ts";
import { RlpIndex } from "../../hot/rlp.ts";
import type { RlpFields } from "../../hot/rlp_fields.ts";
import { rulesAt } from "./block_rules.ts";
import { RootstockFault } from "./fault.ts";
import { decodeHeader, HEADER_SLOTS, type HeaderForm, headerNumber } from "./header_codec.ts";
import type { RootstockNetwork } from "./network.ts";
import { headerFromRpc, type StatedHeader } from "./rpc_block.ts";

/** What a file holds. */
export interface HeaderFile extends StatedHeader {
  readonly source: "json" | "block" | HeaderForm;
  /** Full forms of the block's uncles. */
  readonly uncles?: readonly Uint8Array[];
}

const BRACE = 0x7b;
const BLOOM_SLOT = HEADER_SLOTS.indexOf("logsBloom");
const EXTENSION_BYTES = 35;

/**
 * Reads a header.
 *
 * @throws {RootstockFault} `json-malformed`, `hex-malformed`, or as the decoders.
 */
export function readHeaderFile(bytes: Uint8Array, network: RootstockNetwork): HeaderFile {
  const first = bytes[bytes.findIndex((byte) => byte > 0x20)];
  // An RLP list begins with 0xc0 and above, where no text does.
  if (first === undefined || first >= 0xc0) return readRlp(bytes, network);
  const text = new TextDecoder().decode(bytes).trim();
  if (first === BRACE) return { source: "json", ...headerFromRpc(parse(text), network) };
  const hex = text.replace(/^["']?(0x)?/i, "").replace(/["']$/, "").replace(/\s+/g, "");
  if (!/^([0-9a-f]{2})+$/i.test(hex)) {
    throw new RootstockFault(
      "hex-malformed",
      "Cannot read the header: neither RLP, nor hexadecimal digits, nor JSON",
    );
  }
  return readRlp(Uint8Array.fromHex(hex), network);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RootstockFault("json-malformed", `Cannot read the block: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function readRlp(bytes: Uint8Array, network: RootstockNetwork): HeaderFile {
  try {
    const fields = RlpIndex.of(bytes);
    if (fields.count === 0 || !fields.isList(0)) return readHeader(bytes, fields, network);
    const header = encoded(bytes, fields, 0);
    const uncles = fields.count < 3 ? undefined : fields.nested(2);
    return {
      ...readHeader(header, RlpIndex.of(header), network, "full"),
      source: "block",
      ...(uncles === undefined
        ? {}
        : { uncles: Array.from({ length: uncles.count }, (_, i) => encoded(bytes, uncles, i)) }),
    };
  } catch (cause) {
    if (!(cause instanceof HotError)) throw cause;
    throw new RootstockFault("not-canonical", `Cannot read the header: ${cause.message}`, { cause });
  }
}

function readHeader(
  bytes: Uint8Array,
  fields: RlpFields,
  network: RootstockNetwork,
  wanted?: HeaderForm,
): HeaderFile {
  const { version } = rulesAt(network, headerNumber(bytes));
  const isCompressed = version === 0 || fields.length(BLOOM_SLOT) === EXTENSION_BYTES;
  const form = wanted ?? (isCompressed ? "compressed" : "full");
  return { source: form, header: decodeHeader(bytes, { network, form }) };
}

/** A field with its prefix. */
function encoded(bytes: Uint8Array, fields: RlpFields, i: number): Uint8Array {
  return bytes.subarray(
    i === 0 ? fields.offset(0) - prefixBytes(fields.length(0)) : fields.end(i - 1),
    fields.end(i),
  );
}

function prefixBytes(length: number): number {
  return length < 56 ? 1 : 1 + Math.ceil((32 - Math.clz32(length)) / 8);
}
