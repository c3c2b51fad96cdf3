import assert from "node:assert/strict";
import fc from "fast-check";
import { PublishScript } from "./_publish_script.ts";

const CONFIG = { idleTimeoutMs: 1000, maxBlockBytes: 100, maxQueuedBytes: 150, pauseAboveBytes: 60 };
const HANDLERS = [1, 2, 3];

/** One random move; numbers are relative to what the machine expects, or most moves would be refused at once. */
interface Move {
  readonly verb: string;
  readonly handler: number;
  readonly offset: number;
}

const move: fc.Arbitrary<Move> = fc.record({
  verb: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("header", "whole", "block", "block", "block") },
    { weight: 4, arbitrary: fc.constantFrom("items", "proof", "end", "end") },
    { weight: 6, arbitrary: fc.constantFrom("verified", "verified", "store", "store", "failed") },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        "connect",
        "gone",
        "half-close",
        "bad-header",
        "bye",
        "unstored",
        "wait",
        "tick",
      ),
    },
  ),
  handler: fc.constantFrom(...HANDLERS),
  offset: fc.integer({ min: -1, max: 2 }),
});

/** Drives a machine as a driver would, and holds what it does against the rules. */
class Model {
  readonly script = new PublishScript(-1n, CONFIG);
  readonly stored = new Set<bigint>();
  readonly #connected = new Set<number>();
  /** Blocks handed out for storage, in that order. */
  #persisting: bigint[] = [];
  #nowMs = 0;

  run({ verb, handler, offset }: Move): void {
    const { lastPersisted, nextUnstarted, resend } = this.script.machine.snapshot();
    const [hole] = resend;
    const wanted = offset < 0
      ? hole ?? nextUnstarted - 1n
      : offset < 2
      ? hole ?? nextUnstarted
      : nextUnstarted + 1n;
    const number = wanted < 0n ? 0n : wanted;
    switch (verb) {
      case "connect":
        if (!this.#connected.has(handler)) this.#play(`${handler} connect`);
        this.#connected.add(handler);
        break;
      case "gone":
        this.#play(`${handler} gone`);
        this.#connected.delete(handler);
        break;
      case "header":
      case "whole":
      case "block":
        this.run({ verb: "connect", handler, offset });
        this.#play(`${handler} ${verb} ${number}`);
        break;
      case "bye":
        this.#play(`${handler} bye RESET 0 0`);
        break;
      case "verified":
      case "failed":
        this.#play(`${verb} ${lastPersisted + 1n + BigInt(Math.max(0, offset))}`);
        break;
      case "store": {
        const next = this.#persisting.shift();
        if (next === undefined) break;
        this.stored.add(next);
        this.#play(`stored ${next}`);
        break;
      }
      case "unstored": {
        const [next] = this.#persisting;
        if (next === undefined) break;
        this.#persisting = [];
        this.#play(`unstored ${next}`);
        break;
      }
      case "wait":
        this.#play(`at ${this.#nowMs += 300 * (offset + 2)}`);
        break;
      default:
        this.#play(verb === "tick" ? verb : `${handler} ${verb}`);
    }
    this.#check();
  }

  #play(command: string): void {
    for (const effect of this.script.run(command)) {
      const persist = /^persist (\d+)/.exec(effect)?.[1];
      if (persist !== undefined) {
        const number = BigInt(persist);
        const before = this.#persisting.at(-1);
        assert.ok(!this.stored.has(number), `block ${number} stored twice`);
        assert.ok(
          number === 0n || before === number - 1n || (before === undefined && this.stored.has(number - 1n)),
          `block ${number} handed out for storage before the one below it`,
        );
        this.#persisting.push(number);
      }
      const acknowledged = /acknowledgement (\d+)/.exec(effect)?.[1];
      if (acknowledged !== undefined) {
        assert.ok(this.stored.has(BigInt(acknowledged)), `block ${acknowledged} acknowledged but not stored`);
      }
      const closed = /^(\d+) closed/.exec(effect)?.[1];
      if (closed !== undefined) {
        assert.ok(this.#connected.delete(Number(closed)), `stream ${closed} closed twice`);
      }
      const told = /^(\d+) </.exec(effect)?.[1];
      if (told !== undefined) {
        assert.ok(this.#connected.has(Number(told)), `stream ${told} told after its end`);
      }
    }
  }

  #check(): void {
    const snapshot = this.script.machine.snapshot();
    assert.equal(snapshot.handlers, this.#connected.size);
    assert.ok(snapshot.queuedBytes >= 0 && snapshot.queuedBytes <= CONFIG.maxQueuedBytes);
    assert.ok(snapshot.inFlight >= 0 && snapshot.inFlight <= snapshot.queuedBlocks);
    assert.ok(snapshot.lastPersisted < snapshot.nextUnstarted);
    assert.ok(!snapshot.paused || snapshot.inFlight > 0, "paused with nothing to wait for");
    if (snapshot.queuedBlocks === 0) assert.equal(snapshot.queuedBytes, 0);
    assert.equal(snapshot.lastPersisted, BigInt(this.stored.size) - 1n, "every stored block is acknowledged");
    for (const hole of snapshot.resend) assert.ok(!this.stored.has(hole));
  }

  /** However bad it was, an honest publisher gets the chain going again. */
  recover(): void {
    for (const handler of [...this.#connected]) this.run({ verb: "gone", handler, offset: 0 });
    const goal = this.script.machine.snapshot().nextUnstarted + 6n;
    for (let round = 0; round < 60; round++) {
      const { resend, nextUnstarted, lastPersisted } = this.script.machine.snapshot();
      if (lastPersisted >= goal) return;
      this.run({ verb: "connect", handler: 9, offset: 0 });
      this.#play(`9 block ${resend[0] ?? nextUnstarted}`);
      for (let number = lastPersisted + 1n; number < goal + 1n; number++) this.#play(`verified ${number}`);
      while (this.#persisting.length > 0) this.run({ verb: "store", handler: 9, offset: 0 });
    }
    assert.fail(`stuck at ${this.script.machine.snapshot().lastPersisted}`);
  }
}

Deno.test("PublishMachine keeps its promises under any order of events, and an honest publisher can always go on", () => {
  let storedInAll = 0;
  fc.assert(
    fc.property(fc.array(move, { minLength: 50, maxLength: 150 }), (moves) => {
      const model = new Model();
      for (const handler of HANDLERS) model.run({ verb: "connect", handler, offset: 0 });
      for (const next of moves) model.run(next);
      storedInAll += model.stored.size;
      model.recover();
    }),
    { numRuns: 500 },
  );
  assert.ok(storedInAll > 1000, `the moves hardly stored anything: ${storedInAll}`);
});
