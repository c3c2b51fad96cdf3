// deno-lint-ignore-file no-console -- an example speaks to whoever ran it
/**
 * The publish race without a network: two publishers offer the same block, one wins it, both are acknowledged.
 *
 *     deno run --no-prompt --ignore-env --allow-read --allow-env='CAIRN_*' \
 *       examples/publish_race.ts
 *
 * The machine has no clock and does no I/O. Events go in, effects come out, and the caller does what they say; so
 * a simulation, a test and a node run the same rules.
 *
 * @module
 */

import {
  ChainGenerator,
  encodeEndOfBlock,
  encodeItemsRequest,
  nativeSha384,
  parsePublishRequest,
  type PublishEffect,
  type PublishEvent,
  PublishMachine,
} from "../mod.ts";

const machine = new PublishMachine({ lastPersisted: -1n });
let nowMs = 0;

/** Feeds one event; prints what publishers are told and returns what the caller has to do. */
function step(event: PublishEvent): readonly PublishEffect[] {
  const effects = machine.step(event, nowMs++);
  for (const effect of effects) {
    if (effect.kind !== "respond") continue;
    const { handler, response } = effect;
    console.log(`to publisher ${handler}: ${response.kind} of block ${response.number}`);
  }
  return effects;
}

const { bytes } = new ChainGenerator({ sha384: nativeSha384, items: 2, itemBytes: 100 }).next();
// A serialized Block and the records of a BlockItemSet are the same bytes.
const items = parsePublishRequest(encodeItemsRequest(bytes));
const endOfBlock = parsePublishRequest(encodeEndOfBlock(0n));

step({ kind: "connected", handler: 1 });
step({ kind: "connected", handler: 2 });
step({ kind: "message", handler: 1, request: items });
step({ kind: "message", handler: 2, request: items });

for (const effect of step({ kind: "message", handler: 1, request: endOfBlock })) {
  if (effect.kind !== "verify") continue;
  console.log(`verify block ${effect.number}, ${effect.bytes} bytes`);
  const { number, attempt } = effect;
  for (const next of step({ kind: "verified", number, attempt })) {
    if (next.kind !== "persist") continue;
    console.log(`store block ${next.number}`);
    step({ kind: "persisted", number: next.number });
  }
}
