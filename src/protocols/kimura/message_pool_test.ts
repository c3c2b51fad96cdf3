import assert from "node:assert/strict";
import { testMessage } from "./_chain.ts";
import { MessagePool } from "./message_pool.ts";

Deno.test("MessagePool.known() gives the one held only if it is the same in every field", () => {
  const pool = new MessagePool({ maxMessages: 10, maxLength: 10_000 });
  const held = testMessage(1, 0);
  pool.add(held);
  assert.equal(pool.known({ ...held, signature: held.signature!.slice() }), held);
  const others = [
    { ...held, content: "another" },
    { ...held, timestamp: held.timestamp + 1n },
    { ...held, signature: new Uint8Array(64) },
    (({ signature: _, ...bare }) => bare)(held),
    testMessage(1, 1),
  ];
  for (const other of others) assert.equal(pool.known(other), other);
});

Deno.test("MessagePool forgets the oldest beyond its bounds, and never the one that comes", () => {
  const pool = new MessagePool({ maxMessages: 2, maxLength: 10_000 });
  const [a, b, c] = [testMessage(1, 0), testMessage(1, 1), testMessage(1, 2)];
  assert.deepEqual([a, b, b, c].map((message) => pool.add(message)), [true, true, false, true]);
  assert.deepEqual([a, b, c].map(({ id }) => pool.get(id)), [undefined, b, c]);
  const small = new MessagePool({ maxMessages: 10, maxLength: 1 });
  small.add(a);
  small.add(b);
  assert.deepEqual([small.size, small.get(b.id)], [1, b]);
});
