// Any interleaving of publishers, disk, transport and subscribers: every subscriber gets every block of its range
// once, in order, byte for byte, and memory stays inside its bound.

import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, fillRecord, headerRecord, PROOF_RECORD } from "./_subscribe_script.ts";
import { equalBytes } from "./fault.ts";
import { parseItemSet } from "./publish_messages.ts";
import type { SubscribeEffect, SubscribeEvent } from "./subscribe_events.ts";
import { SubscribeMachine } from "./subscribe_machine.ts";
import { parseSubscribeResponse } from "./subscribe_messages.ts";
import { UINT64_MAX } from "./wire.ts";

const LIVE_BYTES = 400;

/** One random move. */
interface Move {
  readonly verb: "connect" | "leave" | "publish" | "refuse" | "store" | "answer";
  readonly which: number;
}

const move: fc.Arbitrary<Move> = fc.record({
  verb: fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom("connect" as const, "leave" as const) },
    { weight: 6, arbitrary: fc.constantFrom("publish" as const) },
    { weight: 1, arbitrary: fc.constantFrom("refuse" as const) },
    { weight: 3, arbitrary: fc.constantFrom("store" as const) },
    { weight: 10, arbitrary: fc.constantFrom("answer" as const) },
  ),
  which: fc.nat(1_000),
});

/** What a subscriber has got, held against the rules with every message. */
class Receiver {
  readonly start: bigint | undefined;
  readonly end: bigint | undefined;
  readonly #stored: ReadonlyMap<bigint, Uint8Array>;
  next: bigint | undefined;
  #parts: Uint8Array[] = [];

  constructor(stored: ReadonlyMap<bigint, Uint8Array>, start: bigint | undefined, end: bigint | undefined) {
    this.#stored = stored;
    this.start = start;
    this.end = end;
    this.next = start;
  }

  take(message: Uint8Array): void {
    const response = parseSubscribeResponse(message)!;
    assert.notEqual(response.kind, "status");
    if (response.kind === "items") {
      const { opening } = parseItemSet(response.records);
      if (opening.kind === "header") {
        this.next ??= opening.number;
        assert.equal(opening.number, this.next, "neither gap nor repeat");
        this.#parts = [];
      } else assert.ok(this.#parts.length > 0, "items follow their header");
      this.#parts.push(response.records);
    } else if (response.kind === "end-of-block") {
      assert.equal(response.number, this.next);
      const stored = this.#stored.get(response.number);
      assert.ok(stored !== undefined, "the end comes once the block is stored");
      assert.ok(equalBytes(concat(...this.#parts), stored), "the stored bytes");
      this.#parts = [];
      this.next = response.number + 1n;
    }
  }
}

/** Drives a machine as a driver would. */
class Model {
  readonly machine = new SubscribeMachine({
    lastPersisted: 2n,
    config: { liveBytes: LIVE_BYTES, chunkBytes: 60, setOverheadBytes: 8, stallTimeoutMs: 0 },
  });
  readonly receivers = new Map<number, Receiver>();
  readonly #stored = new Map<bigint, Uint8Array>();
  /** Blocks being published, by number: their sets so far, and whether they are complete. */
  readonly #blocks = new Map<bigint, { sets: Uint8Array[]; complete: boolean }>();
  #outstanding: Exclude<SubscribeEffect, { kind: "finish" }>[] = [];
  #persisted = 2n;
  #subscribers = 0;
  #marks = 0;

  constructor() {
    for (let number = 0n; number <= 2n; number++) this.#stored.set(number, this.#makeBlock(number));
  }

  #makeBlock(number: bigint): Uint8Array {
    const items = Array.from({ length: 4 }, () => fillRecord(25, this.#marks++ % 250));
    return concat(headerRecord(number), ...items, PROOF_RECORD);
  }

  run({ verb, which }: Move): void {
    switch (verb) {
      case "connect":
        return this.#connect(which);
      case "leave": {
        const [id] = [...this.receivers.keys()].slice(which % Math.max(1, this.receivers.size));
        if (id === undefined) return;
        this.receivers.delete(id);
        return this.#step({ kind: "gone", subscriber: id });
      }
      case "publish":
        return this.#publish(this.#persisted + 1n + BigInt(which % 3), which);
      case "refuse": {
        // Given up or refused: it comes again, with other bytes.
        this.#blocks.delete(this.#persisted + 1n + BigInt(which % 3));
        return;
      }
      case "store": {
        const number = this.#persisted + 1n;
        const block = this.#blocks.get(number);
        if (block?.complete !== true) return;
        this.#blocks.delete(number);
        this.#stored.set(number, concat(...block.sets));
        this.#persisted = number;
        return this.#step({ kind: "persisted", number });
      }
      case "answer":
        if (this.#outstanding.length > 0) this.#answer(which % this.#outstanding.length);
    }
  }

  #connect(which: number): void {
    const id = ++this.#subscribers;
    const start = which % 4 === 0 ? undefined : BigInt(which) % (this.#persisted + 3n);
    const end = start !== undefined && which % 3 === 0 ? start + BigInt(which % 7) : undefined;
    this.receivers.set(id, new Receiver(this.#stored, start, end));
    const request = { start: start ?? UINT64_MAX, end: end ?? UINT64_MAX };
    this.#step({ kind: "connected", subscriber: id, request, first: 0n });
  }

  #publish(number: bigint, which: number): void {
    const block = this.#blocks.get(number);
    const begin = () => {
      const set = headerRecord(number);
      this.#blocks.set(number, { sets: [set], complete: false });
      this.#step({ kind: "accepted", number, set: parseItemSet(set) });
    };
    if (block === undefined) return begin();
    if (block.complete) return;
    // The same publisher may begin its block over.
    if (which % 11 === 0) return begin();
    const isLast = which % 4 === 0;
    const item = fillRecord(which % 90, this.#marks++ % 250);
    const set = isLast ? concat(item, PROOF_RECORD) : item;
    block.sets.push(set);
    this.#step({ kind: "accepted", number, set: parseItemSet(set) });
    if (!isLast) return;
    block.complete = true;
    this.#step({ kind: "complete", number });
  }

  #answer(index: number): void {
    const [effect] = this.#outstanding.splice(index, 1);
    if (effect === undefined) return;
    const { subscriber } = effect;
    if (effect.kind === "send") return this.#step({ kind: "ready", subscriber });
    const block = this.#stored.get(effect.number) ?? "missing";
    this.#step({ kind: "history", subscriber, block });
  }

  #step(event: SubscribeEvent): void {
    for (const effect of this.machine.step(event, 0)) {
      const receiver = this.receivers.get(effect.subscriber);
      if (effect.kind === "finish") {
        this.receivers.delete(effect.subscriber);
        if (effect.outcome === "GONE") continue;
        assert.equal(effect.status, "SUCCESS");
        assert.equal(receiver!.next, receiver!.end! + 1n);
        continue;
      }
      this.#outstanding.push(effect);
      if (effect.kind === "send") receiver?.take(effect.message);
    }
    assert.ok(this.machine.snapshot().liveBytes <= LIVE_BYTES);
  }

  /** Lets everything settle: what is being published is stored, every subscriber gets what there is. */
  settle(): bigint {
    for (let number = this.#persisted + 1n; this.#blocks.has(number); number++) {
      while (!this.#blocks.get(number)!.complete) this.#publish(number, 4);
      this.run({ verb: "store", which: 0 });
    }
    while (this.#outstanding.length > 0) this.#answer(0);
    return this.#persisted;
  }
}

Deno.test("SubscribeMachine sends every block once, in order and as stored, in any interleaving", () => {
  fc.assert(
    fc.property(fc.array(move, { minLength: 20, maxLength: 300 }), (moves) => {
      const model = new Model();
      for (const one of moves) model.run(one);
      const persisted = model.settle();
      for (const { start, end, next } of model.receivers.values()) {
        // Whoever is still there has everything up to the last block; live ones may have seen no header yet.
        if (next !== undefined && next <= persisted) assert.fail(`stuck at ${next} of ${persisted}`);
        if (end !== undefined) assert.ok(start! > persisted || end > persisted);
      }
    }),
    { numRuns: 400 },
  );
});
