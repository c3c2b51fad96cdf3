import assert from "node:assert/strict";
import fc from "fast-check";
import { MessagePace } from "./message_pace.ts";

Deno.test("MessagePace: no window of time has more messages than it may, and nothing waits without need", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.nat(40), { minLength: 1, maxLength: 60 }),
      (limit, pauses) => {
        const windowMs = 100;
        const pace = new MessagePace(limit, windowMs);
        const sent: number[] = [];
        let nowMs = 0;
        for (const pause of pauses) {
          nowMs += pause;
          const inWindow = sent.filter((at) => at > nowMs - windowMs).length;
          const delay = pace.delayMs(nowMs);
          assert.equal(delay === 0, inWindow < limit, `${inWindow} in the window`);
          nowMs += delay;
          pace.count(nowMs);
          sent.push(nowMs);
          assert(sent.filter((at) => at > nowMs - windowMs).length <= limit);
        }
      },
    ),
  );
});
