// A peer that joins a chain that is long already.

import assert from "node:assert/strict";
import { tempDirectory } from "../support/node_process.ts";
import { assertSameChain, IS_LONG, startLeader, startPeer } from "./_network.ts";
import { fillChain } from "./_fill.ts";

const HEIGHT = IS_LONG ? 10_000 : 1_000;
const WITHIN_MS = IS_LONG ? 10_000 : 30_000;

Deno.test(`A peer that joins at height ${HEIGHT} catches up with every block and message, and follows`, async () => {
  await using directory = await tempDirectory();
  const dataDir = `${directory.path}/leader`;
  await fillChain(dataDir, HEIGHT);
  await using leader = await startLeader({
    dataDir,
    settings: { "chain.production.blockIntervalMs": 1_000 },
  });
  const from = await leader.height();
  assert(from >= HEIGHT);
  const beganMs = performance.now();
  await using peer = await startPeer(leader, { dataDir: `${directory.path}/peer` });
  await peer.reaches(from, WITHIN_MS);
  const tookMs = performance.now() - beganMs;
  assert(tookMs < WITHIN_MS, `${tookMs} ms, the start of the process included`);
  if (IS_LONG) return;
  await peer.reaches(from + 1);
  await assertSameChain(leader, peer);
});
