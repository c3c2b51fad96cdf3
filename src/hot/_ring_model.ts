/**
 * A model of the ring's algorithm, small enough to run every interleaving of its atomic steps.
 *
 * Layer: hot, tests only. Source: wasm/assembly/ring_producer.ts and ring_consumer.ts, step by step: each `case`
 * below is one access to shared memory, with the private computation that follows it. Threads interleave between
 * cases in every possible order (sequential consistency: what the real code gets from its atomics; the ordering of
 * plain slot words around them is the hardware's part and is tested by the soak test).
 *
 * Sleeping has no time-out here, although it has in the ring: a lost wake-up is a deadlock, not a delay.
 *
 * @module
 */

/** A fault that can be seeded, to show that the exploration finds it. */
export type Mutant =
  /** The producer looks for sleepers before it stores the cursor. */
  | "notify-before-cursor"
  /** A consumer does not check for events between registering and sleeping. */
  | "no-recheck-before-sleep"
  /** A consumer checks for events before it registers. */
  | "recheck-before-register"
  /** A consumer loads its wake word after registering: a wake in between leaves it asleep and unregistered. */
  | "word-after-register"
  /** The same for the producer that waits for space. */
  | "space-word-after-flag"
  /** The producer wakes without changing the wake word. */
  | "wake-word-unchanged"
  /** The producer takes the whole set of sleepers and wakes one. */
  | "one-wake-forgotten"
  /** The producer allows one slot too many. */
  | "one-slot-too-many"
  /** The cursor is stored before the second half of the slot. */
  | "cursor-before-slot"
  /** A consumer releases its batch before it has read it. */
  | "release-before-read"
  /** The waiting producer does not check for space after raising its flag. */
  | "no-recheck-before-space-wait"
  /** A consumer looks at the producer's flag before it releases. */
  | "space-flag-before-release"
  /** A lossy consumer does not look again after its copy. */
  | "no-revalidation"
  /** A lossy producer announces after it has begun to write. */
  | "announce-after-write"
  /** A joining consumer does not look at the cursor again once it gates. */
  | "join-without-second-look"
  /** A joining consumer that moves forward does not wake a producer that waits for the space. */
  | "join-without-wake";

/** What to explore. */
export interface ModelOptions {
  readonly policy: "gating" | "lossy";
  readonly slots: number;
  /** Events published; then the producer is done. */
  readonly events: number;
  /** Whether consumer 1 joins while the producer is running, instead of being there from the start. */
  readonly joins?: boolean;
  readonly mutant?: Mutant;
}

/** What came of it. */
export interface ModelResult {
  /** Distinct states reached. */
  readonly states: number;
  /** States in which all threads were done. */
  readonly ends: number;
  /** First violation, with the schedule that leads to it. */
  readonly violation: string | undefined;
}

// State: one small integer per field.
const CURSOR = 0;
const ANNOUNCED = 1;
const SLEEPERS = 2;
const MEMBERS = 3;
const SPACE_FLAG = 4;
const SPACE_WAKE = 5;
const P_PC = 6;
const P_NEXT = 7;
const P_MIN = 8;
const P_SEEN = 9;
const P_SET = 10;
const P_LOOK = 11; // minimum being computed
const P_PARKED = 12;
const C = 13; // per consumer, C_SIZE fields each
const C_SIZE = 10;
const PC = 0;
const READ = 1;
const RELEASED = 2;
const END = 3;
const FIRST = 4; // first half of the slot as read
const SECOND = 5;
const SEEN = 6;
const WAKE = 7;
const PARKED = 8;
const ACCOUNTED = 9; // events delivered or counted as lost (or missed before joining)
const SLOTS = C + 2 * C_SIZE;

const DONE = 99;

/** Explores every interleaving of one producer and two consumers. */
export function explore(options: ModelOptions): ModelResult {
  const { policy, slots, events, joins = false, mutant } = options;
  const lossy = policy === "lossy";

  const start = new Int8Array(SLOTS + 2 * slots);
  start[MEMBERS] = joins ? 0b01 : 0b11;
  if (joins) start[C + C_SIZE + PC] = 40;

  /** Runs the next step of the producer; `undefined` if it cannot run; a message if it broke the rules. */
  function producer(s: Int8Array): string | undefined {
    const next = s[P_NEXT]!;
    const slot = SLOTS + 2 * (next % slots);
    const hasSpace = () => next - s[P_MIN]! < slots + (mutant === "one-slot-too-many" ? 1 : 0);
    const look = (consumer: number) => {
      const released = s[C + consumer * C_SIZE + RELEASED]!;
      if (s[MEMBERS]! >> consumer & 1 && released < s[P_LOOK]!) s[P_LOOK] = released;
    };
    const settle = () => {
      if (s[P_LOOK]! > s[P_MIN]!) s[P_MIN] = s[P_LOOK]!;
    };
    switch (s[P_PC]) {
      case 0:
        if (next === events) s[P_PC] = DONE;
        else s[P_PC] = lossy ? 20 : hasSpace() ? 21 : 1;
        return "next";
      case 1:
        s[P_LOOK] = s[CURSOR]!;
        look(0);
        s[P_PC] = 2;
        return "look at 0";
      case 2:
        look(1);
        settle();
        s[P_PC] = hasSpace() ? 21 : 3;
        return "look at 1";
      case 3:
        if (mutant === "space-word-after-flag") s[SPACE_FLAG] = 1;
        else s[P_SEEN] = s[SPACE_WAKE]!;
        s[P_PC] = 4;
        return "load space word";
      case 4:
        if (mutant === "space-word-after-flag") s[P_SEEN] = s[SPACE_WAKE]!;
        else s[SPACE_FLAG] = 1;
        s[P_PC] = mutant === "no-recheck-before-space-wait" ? 7 : 5;
        return "raise flag";
      case 5:
        s[P_LOOK] = s[CURSOR]!;
        look(0);
        s[P_PC] = 6;
        return "look again at 0";
      case 6:
        look(1);
        settle();
        s[P_PC] = hasSpace() ? 9 : 7;
        return "look again at 1";
      case 7:
        if (s[SPACE_WAKE] === s[P_SEEN]) s[P_PARKED] = 1;
        s[P_PC] = 9;
        return "wait for space";
      case 9:
        s[SPACE_FLAG] = 0;
        s[P_PC] = 0;
        return "lower flag";
      case 20:
        if (mutant !== "announce-after-write") s[ANNOUNCED] = next + 1;
        s[P_PC] = 21;
        return "announce";
      case 21:
        s[slot] = next + 1;
        s[P_PC] = mutant === "cursor-before-slot" ? 23 : mutant === "notify-before-cursor" ? 26 : 22;
        return "write first half";
      case 22:
        s[slot + 1] = next + 1;
        if (mutant === "announce-after-write") s[ANNOUNCED] = next + 1;
        s[P_PC] = mutant === "cursor-before-slot" ? 24 : 23;
        if (mutant === "cursor-before-slot") s[P_NEXT] = next + 1;
        return "write second half";
      case 23:
        s[CURSOR] = next + 1;
        if (mutant === "cursor-before-slot") {
          s[P_PC] = 22;
        } else {
          s[P_NEXT] = next + 1;
          s[P_PC] = mutant === "notify-before-cursor" ? 0 : 24;
        }
        return "store cursor";
      case 24:
        s[P_PC] = s[SLEEPERS] === 0 ? 0 : 25;
        return "load sleepers";
      case 25:
        s[P_SET] = s[SLEEPERS]!;
        s[SLEEPERS] = 0;
        if (mutant === "one-wake-forgotten") s[P_SET] = s[P_SET]! & -s[P_SET]!;
        s[P_PC] = s[P_SET] === 0 ? 0 : 30;
        return "take sleepers";
      case 26:
        // Mutant: sleepers are looked at before the cursor is stored. The second half is written here, too.
        s[slot + 1] = next + 1;
        s[P_SET] = s[SLEEPERS]!;
        s[SLEEPERS] = 0;
        s[P_PC] = s[P_SET] === 0 ? 23 : 30;
        return "take sleepers early";
      case 30: {
        const consumer = s[P_SET]! & 1 ? 0 : 1;
        if (mutant !== "wake-word-unchanged") s[C + consumer * C_SIZE + WAKE]!++;
        s[P_PC] = 31;
        return `change word of ${consumer}`;
      }
      case 31: {
        const consumer = s[P_SET]! & 1 ? 0 : 1;
        s[C + consumer * C_SIZE + PARKED] = 0;
        s[P_SET] = s[P_SET]! & (s[P_SET]! - 1);
        const after = mutant === "notify-before-cursor" ? 23 : 0;
        s[P_PC] = s[P_SET] === 0 ? after : 30;
        return `wake ${consumer}`;
      }
      default:
        return undefined;
    }
  }

  /** Runs the next step of a consumer. */
  function consumer(s: Int8Array, which: number): string | undefined {
    const c = C + which * C_SIZE;
    const read = s[c + READ]!;
    const slot = SLOTS + 2 * (read % slots);
    const deliver = () => {
      if (s[c + FIRST] !== read + 1 || s[c + SECOND] !== read + 1) {
        throw new Error(`consumer ${which} was handed ${s[c + FIRST]}/${s[c + SECOND]} as event ${read + 1}`);
      }
      s[c + READ] = read + 1;
      s[c + ACCOUNTED]!++;
    };
    switch (s[c + PC]) {
      case 0:
        if (lossy) {
          // ringAvailable: the mark first, then the cursor.
          const oldest = s[ANNOUNCED]! - slots;
          if (oldest > read) {
            s[c + ACCOUNTED]! += oldest - read;
            s[c + READ] = oldest;
          }
        }
        s[c + PC] = 1;
        return "load mark";
      case 1:
        s[c + END] = s[CURSOR]!;
        if (s[CURSOR]! < read) throw new Error(`consumer ${which} is ahead of the cursor`);
        if (s[CURSOR]! > read) s[c + PC] = mutant === "release-before-read" ? 10 : 2;
        else s[c + PC] = read === events ? DONE : mutant === "recheck-before-register" ? 24 : 20;
        return "load cursor";
      case 2:
        s[c + FIRST] = s[slot]!;
        s[c + PC] = 3;
        return "read first half";
      case 3:
        s[c + SECOND] = s[slot + 1]!;
        s[c + PC] = 4;
        if (!lossy) {
          deliver();
          if (read + 1 < s[c + END]!) s[c + PC] = 2;
          else if (mutant === "release-before-read") s[c + PC] = 0;
          else s[c + PC] = mutant === "space-flag-before-release" ? 14 : 10;
        }
        return "read second half";
      case 4:
        if (mutant !== "no-revalidation" && s[ANNOUNCED]! - read > slots) {
          s[c + PC] = 0; // overwritten meanwhile: ringAvailable counts it
        } else {
          deliver();
          s[c + PC] = 0;
        }
        return "check mark";
      case 10:
        s[c + RELEASED] = s[c + END]!;
        s[c + PC] = mutant === "release-before-read" ? 2 : mutant === "space-flag-before-release" ? 0 : 11;
        return "release";
      case 11:
        s[c + PC] = s[SPACE_FLAG] === 0 ? 0 : 12;
        return "load flag";
      case 12:
        s[c + PC] = s[SPACE_FLAG] === 0 ? 0 : 13;
        s[SPACE_FLAG] = 0;
        return "take flag";
      case 13:
        s[SPACE_WAKE]!++;
        s[c + PC] = 15;
        return "change space word";
      case 14:
        // Mutant: the flag is looked at before the release; if it is up, the producer is woken after it.
        if (s[SPACE_FLAG] === 0) {
          s[c + PC] = 10;
        } else {
          s[SPACE_FLAG] = 0;
          s[SPACE_WAKE]!++;
          s[c + RELEASED] = s[c + END]!;
          s[c + PC] = 15;
        }
        return "load flag early";
      case 15:
        s[P_PARKED] = 0;
        s[c + PC] = 0;
        return "wake producer";
      case 20:
        if (mutant === "word-after-register") s[SLEEPERS] = s[SLEEPERS]! | 1 << which;
        else s[c + SEEN] = s[c + WAKE]!;
        s[c + PC] = 21;
        return "load word";
      case 21:
        if (mutant === "word-after-register") s[c + SEEN] = s[c + WAKE]!;
        else s[SLEEPERS] = s[SLEEPERS]! | 1 << which;
        s[c + PC] = mutant === "no-recheck-before-sleep" || mutant === "recheck-before-register" ? 23 : 22;
        return "register";
      case 22:
        s[c + PC] = s[CURSOR]! !== read ? 25 : 23;
        return "check cursor";
      case 23:
        if (s[c + WAKE] === s[c + SEEN]) s[c + PARKED] = 1;
        s[c + PC] = 25;
        return "sleep";
      case 24:
        s[c + PC] = s[CURSOR]! !== read ? 0 : 20;
        return "check cursor early";
      case 25:
        s[SLEEPERS] = s[SLEEPERS]! & ~(1 << which);
        s[c + PC] = 0;
        return "deregister";
      case 40:
        s[c + SEEN] = s[CURSOR]!;
        s[c + PC] = 41;
        return "join: load cursor";
      case 41:
        s[c + RELEASED] = s[c + SEEN]!;
        s[c + PC] = 42;
        return "join: show it";
      case 42:
        s[MEMBERS] = s[MEMBERS]! | 1 << which;
        s[c + PC] = 43;
        return "join: gate";
      case 43:
        if (mutant !== "join-without-second-look") s[c + SEEN] = s[CURSOR]!;
        s[c + READ] = s[c + SEEN]!;
        s[c + ACCOUNTED] = s[c + SEEN]!;
        s[c + PC] = 44;
        return "join: load cursor again";
      case 44:
        s[c + RELEASED] = s[c + SEEN]!;
        // Moving forward frees space: a producer that waits for it is woken as by any release.
        s[c + PC] = mutant === "join-without-wake" ? 0 : 11;
        return "join: start here";
      default:
        return undefined;
    }
  }

  const steps = [
    (s: Int8Array) => s[P_PARKED] ? undefined : producer(s),
    (s: Int8Array) => s[C + PARKED] ? undefined : consumer(s, 0),
    (s: Int8Array) => s[C + C_SIZE + PARKED] ? undefined : consumer(s, 1),
  ];
  const names = ["producer", "consumer 0", "consumer 1"];

  /**
   * Blanks what no later step reads, so that states that differ only in leftovers count once. A wake word matters
   * only against the value that a thread has loaded from it.
   */
  function forget(s: Int8Array): void {
    const pc = s[P_PC]!;
    if (pc !== 2 && pc !== 6) s[P_LOOK] = 0;
    if (pc !== 30 && pc !== 31) s[P_SET] = 0;
    if (pc < 4 || pc > 7) {
      s[P_SEEN] = 0;
      s[SPACE_WAKE] = 0;
    }
    for (const c of [C, C + C_SIZE]) {
      const at = s[c + PC]!;
      if (at !== 3 && at !== 4) s[c + FIRST] = 0;
      if (at !== 4) s[c + SECOND] = 0;
      if (at < 40 && (at < 21 || at > 23)) {
        s[c + SEEN] = 0;
        s[c + WAKE] = 0;
      }
      if (at >= 20 && at < 40) s[c + END] = 0;
    }
  }

  const seen = new Set<string>();
  const path: string[] = [];
  const stack: { readonly state: Int8Array; readonly depth: number; readonly step: string }[] = [
    { state: start, depth: 0, step: "start" },
  ];
  let ends = 0;
  const fail = (what: string): ModelResult => ({
    states: seen.size,
    ends,
    violation: `${what}\n  ${path.join("\n  ")}`,
  });
  while (stack.length > 0) {
    const { state, depth, step } = stack.pop()!;
    path.length = depth;
    path.push(step);
    let moved = false;
    for (const [thread, run] of steps.entries()) {
      const after = state.slice();
      let did: string | undefined;
      try {
        did = run(after);
      } catch (error) {
        return fail(`${names[thread]}: ${(error as Error).message}`);
      }
      if (did === undefined) continue;
      moved = true;
      forget(after);
      const key = String.fromCharCode(...new Uint8Array(after.buffer));
      if (seen.has(key)) continue;
      seen.add(key);
      stack.push({ state: after, depth: depth + 1, step: `${names[thread]}: ${did}` });
    }
    if (moved) continue;
    const done = state[P_PC] === DONE && state[C + PC] === DONE && state[C + C_SIZE + PC] === DONE;
    if (!done) return fail("deadlock: a wake-up was lost");
    for (const c of [C, C + C_SIZE]) {
      if (state[c + ACCOUNTED] !== events) return fail("an event was neither delivered nor counted as lost");
    }
    ends++;
  }
  return { states: seen.size, ends, violation: undefined };
}
