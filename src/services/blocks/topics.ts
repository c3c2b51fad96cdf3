/**
 * The topics of the blocks service, as main thread and verify Worker share them.
 *
 * Layer: services. Source: docs/bus.md.
 *
 * @module
 */

import { defineTopic, type SlotReader, type SlotWriter, type TopicDefinition } from "../../kernel/bus/mod.ts";

/** Blocks between stream and disk: slots bound their number, the arena their bytes. */
const RECEIVED_SLOTS = 4_096;
/** Bodies are verdicts of some 600 bytes. */
const VERIFIED_ARENA_BYTES = 8_388_608;
const PERSISTED_SLOTS = 1_024;
/** Arena positions are multiples of 8. */
const ARENA_ALIGN_BYTES = 8;

/** What an event on `blocks.received` asks for. */
export const RECEIVED_KIND = {
  /** Verify the body, a serialized Block. */
  BLOCK: 1,
  /** Go on after another block: the body is its chain state, empty to begin anew. */
  REBASE: 2,
  /** Check proofs against the keys in the body, verification data, from here on. */
  KEYS: 3,
} as const;

/** An event on `blocks.received`. */
export interface ReceivedEvent {
  readonly kind: number;
  readonly number: bigint;
  readonly attempt: number;
  readonly bytes: number;
  /** Encoded one after the other; decoded as the one borrowed body. */
  readonly segments: readonly Uint8Array[];
}

/** An event on `blocks.verified`. */
export interface VerifiedEvent {
  readonly number: bigint;
  readonly attempt: number;
  readonly verifiedAtMs: number;
  /** See verdict_codec.ts. */
  readonly body: Uint8Array;
}

/** An event on `blocks.persisted`. */
export interface PersistedEvent {
  readonly number: bigint;
  readonly bytes: number;
}

/** Scalars: number in u32 0 and 1, attempt in f64 1: attempts are never used twice, and 2^32 of them are some weeks of load. */
function writeNumber(slot: SlotWriter, number: bigint): void {
  slot.setU32(0, Number(number & 0xffff_ffffn));
  slot.setU32(1, Number(number >> 32n));
}

function readNumber(slot: SlotReader): bigint {
  return (BigInt(slot.u32(1)) << 32n) | BigInt(slot.u32(0));
}

/** Whole blocks on their way to the verify Worker. Their bytes stay in the arena until they are on disk. */
export function receivedTopic(arenaBytes: number): TopicDefinition<ReceivedEvent> {
  return defineTopic<ReceivedEvent>({
    name: "blocks.received",
    slots: RECEIVED_SLOTS,
    arenaBytes: Math.ceil(arenaBytes / ARENA_ALIGN_BYTES) * ARENA_ALIGN_BYTES,
    policy: "gating",
    // Both subscribers live and die with the service; a long verification is no death.
    deadAfterMs: 0,
    codec: {
      bodyBytes: (event) => event.bytes,
      encode(event, slot) {
        slot.setKind(event.kind);
        writeNumber(slot, event.number);
        slot.setF64(1, event.attempt);
        const { body } = slot;
        let at = 0;
        for (const segment of event.segments) {
          body.set(segment, at);
          at += segment.length;
        }
      },
      decode: (slot) => ({
        kind: slot.kind,
        number: readNumber(slot),
        attempt: slot.f64(1),
        bytes: slot.bodyBytes,
        segments: [slot.body],
      }),
    },
  });
}

/** Verdicts on their way back. */
export const VERIFIED_TOPIC: TopicDefinition<VerifiedEvent> = defineTopic<VerifiedEvent>({
  name: "blocks.verified",
  slots: RECEIVED_SLOTS,
  arenaBytes: VERIFIED_ARENA_BYTES,
  policy: "gating",
  deadAfterMs: 0,
  codec: {
    bodyBytes: (event) => event.body.length,
    encode(event, slot) {
      writeNumber(slot, event.number);
      slot.setF64(1, event.attempt);
      slot.setF64(2, event.verifiedAtMs);
      slot.body.set(event.body);
    },
    decode: (slot) => ({
      number: readNumber(slot),
      attempt: slot.f64(1),
      verifiedAtMs: slot.f64(2),
      body: slot.body,
    }),
  },
});

/** Tells whoever is interested that a block is durable; nobody holds the node up. */
export const PERSISTED_TOPIC: TopicDefinition<PersistedEvent> = defineTopic<PersistedEvent>({
  name: "blocks.persisted",
  slots: PERSISTED_SLOTS,
  policy: "lossy",
  codec: {
    encode(event, slot) {
      writeNumber(slot, event.number);
      slot.setF64(1, event.bytes);
    },
    decode: (slot) => ({ number: readNumber(slot), bytes: slot.f64(1) }),
  },
});

/** Shared memory that the topics need beside the arena of received blocks, in bytes; generous. */
export const TOPICS_OVERHEAD_BYTES = 16_777_216;
