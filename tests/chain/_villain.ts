/**
 * Nodes of a test's own that say to a real one what an honest node would not.
 *
 * @module
 */

import { NEVER, type TestNode, testNode } from "../../src/p2p/_testing.ts";
import type { GossipMessage } from "../../src/p2p/types.ts";
import { LEADER } from "../../src/protocols/kimura/_chain.ts";
import { BLOCKS_TOPIC, MESSAGES_TOPIC, SYNC_PROTOCOL } from "../../src/protocols/kimura/gossip.ts";
import {
  decodeSyncRequest,
  encodeSyncAnswer,
  type FullBlock,
  MAX_SYNC_REQUEST_BYTES,
} from "../../src/protocols/kimura/sync_messages.ts";
import type { ChainNode } from "./_network.ts";
import { until } from "../support/until.ts";

/** Public key of the leader whose secret tests have. */
export const TEST_LEADER_KEY = LEADER.publicKey.toHex();

const TOPICS = [BLOCKS_TOPIC, MESSAGES_TOPIC];

/** A node in the hands of a test, connected to a real one. */
export interface Villain extends AsyncDisposable {
  readonly id: string;
  readonly node: TestNode["node"];
  /** What it heard, in order. */
  readonly heard: readonly GossipMessage[];
  /** Gossips text. */
  say(topic: string, text: string): Promise<void>;
  /** What the target thinks of it; `undefined` when it is cut off. */
  score(): Promise<number | undefined>;
}

/** Options of {@link connectVillain}. */
export interface VillainOptions {
  /** Blocks that it answers the catch-up protocol with. @default it does not speak it */
  readonly serves?: readonly FullBlock[];
  readonly p2p?: Record<string, unknown>;
}

/** Connects a node with a new identity and waits until the target has it in its topics. */
export async function connectVillain(
  target: ChainNode,
  { serves, p2p = {} }: VillainOptions = {},
): Promise<Villain> {
  await using stack = new AsyncDisposableStack();
  const { node } = stack.use(testNode(p2p));
  const heard: GossipMessage[] = [];
  for (const topic of TOPICS) {
    node.subscribe(topic, (message) => {
      heard.push(message);
      return "accept";
    });
  }
  if (serves !== undefined) await node.serve(SYNC_PROTOCOL, handler(serves));
  await node.start(NEVER);
  await node.dial(target.address, NEVER);
  const { id } = node;
  const entry = async () => {
    const { connections } = await target.status();
    return (connections as { peer: string; score: number; topics: string[] }[])
      .find(({ peer }) => peer === id);
  };
  await until(
    "the villain in every topic",
    async () =>
      (await entry())?.topics.length === TOPICS.length &&
      node.peers().some(({ topics }) => topics.length === TOPICS.length),
  );
  const kept = stack.move();
  return {
    id,
    node,
    heard,
    async say(topic, text) {
      await node.publish(topic, new TextEncoder().encode(text));
    },
    score: async () => (await entry())?.score,
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

function handler(blocks: readonly FullBlock[]) {
  return {
    maxRequestBytes: MAX_SYNC_REQUEST_BYTES,
    maxConcurrent: 16,
    timeoutMs: 10_000,
    handle(bytes: Uint8Array): Uint8Array {
      const request = decodeSyncRequest(bytes);
      if (request.kind === "tip") {
        return encodeSyncAnswer({
          kind: "tip",
          height: blocks.at(-1)!.block.header.height,
          hash: new Uint8Array(32),
        });
      }
      if (request.kind === "messages") return encodeSyncAnswer({ kind: "messages", messages: [] });
      const from = blocks.findIndex(({ block }) => block.header.height === request.from);
      const found = from < 0 ? [] : blocks.slice(from, from + request.count);
      return encodeSyncAnswer({ kind: "blocks", blocks: found });
    },
  };
}
