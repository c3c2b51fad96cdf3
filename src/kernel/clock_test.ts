import assert from "node:assert/strict";
import { ManualClock } from "./_testing.ts";
import { SYSTEM_CLOCK, withDeadline } from "./clock.ts";

Deno.test("SYSTEM_CLOCK.sleep() ends at once when its signal aborts, before or during the sleep", async () => {
  const abort = new AbortController();
  const sleeping = SYSTEM_CLOCK.sleep(3_600_000, abort.signal);
  abort.abort();
  await sleeping;
  await SYSTEM_CLOCK.sleep(3_600_000, abort.signal);
});

Deno.test("SYSTEM_CLOCK.sleep() ends by itself", async () => {
  await SYSTEM_CLOCK.sleep(1, new AbortController().signal);
});

Deno.test("withDeadline() tells done from failed from late", async () => {
  const clock = new ManualClock();
  assert.deepEqual(await withDeadline(Promise.resolve(7), 10, clock), { kind: "done", value: 7 });
  const error = new Error("boom");
  assert.deepEqual(await withDeadline(Promise.reject(error), 10, clock), { kind: "failed", error });
  const late = withDeadline(new Promise(() => {}), 10, clock);
  await clock.advance(10);
  assert.deepEqual(await late, { kind: "late" });
});

Deno.test("withDeadline() swallows the failure of work that is late", async () => {
  const clock = new ManualClock();
  const work = Promise.withResolvers<void>();
  const outcome = withDeadline(work.promise, 10, clock);
  await clock.advance(10);
  assert.equal((await outcome).kind, "late");
  work.reject(new Error("nobody listens"));
  await clock.advance(1);
});
