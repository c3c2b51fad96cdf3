/**
 * Data directories with a long chain, as a leader that has run for long leaves them.
 *
 * @module
 */

import { nextBlock, START_SECONDS, testMessage } from "../../src/protocols/kimura/_chain.ts";
import { GENESIS } from "../../src/protocols/kimura/block.ts";
import { tipOf } from "../../src/protocols/kimura/rules.ts";
import type { FullBlock } from "../../src/protocols/kimura/sync_messages.ts";
import { MetricScope } from "../../src/kernel/metrics.ts";
import { RecordingLog } from "../../src/kernel/_testing.ts";
import { LEADER_KEY_FILE, makeSecretKey } from "../../src/services/chain/secret_key.ts";
import { CHAIN_FAMILIES, ChainStore } from "../../src/services/chain/store.ts";
import { storeConfig } from "../../src/store/config.ts";
import { openStore } from "../../src/store/store.ts";

/** Blocks written at a time. */
const BATCH = 500;
/** Every so many blocks one has a message. */
const MESSAGE_EVERY = 10;

/** Makes a leader's key and a chain of its blocks up to `height`. */
export async function fillChain(dataDir: string, height: number): Promise<void> {
  await using engine = await openStore(storeConfig.parse({}), {
    directory: dataDir,
    families: CHAIN_FAMILIES,
    log: new RecordingLog(),
    metrics: new MetricScope(),
  });
  const secret = makeSecretKey(`${dataDir}/${LEADER_KEY_FILE}`);
  const store = await ChainStore.open(engine);
  let parent = tipOf(GENESIS);
  let batch: FullBlock[] = [];
  for (let at = 1; at <= height; at++) {
    const messages = at % MESSAGE_EVERY === 0 ? [testMessage(1, at / MESSAGE_EVERY - 1)] : [];
    const full = nextBlock(parent, messages, { secret, timestamp: START_SECONDS + BigInt(at) });
    batch.push(full);
    parent = tipOf(full.block);
    if (batch.length < BATCH && at < height) continue;
    await store.append(batch);
    batch = [];
  }
}
