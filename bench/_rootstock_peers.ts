/**
 * Peers to sync from, in a process of their own: a generated chain in memory, served over the real wire with rskj's
 * limits.
 *
 * Arguments: headers, peers. A line of JSON on standard output says where they listen ({@link ServedChain}); each line
 * on standard input is the number of messages a minute that they take from then on. Ends with its standard input.
 *
 * @module
 */

import { RecordingLog } from "../src/kernel/_testing.ts";
import { ChainGenerator } from "../src/protocols/rootstock/generate.ts";
import { answerOf, type AnswerPlan, HeaderServer } from "../src/protocols/rootstock/header_server.ts";
import { REGTEST } from "../src/protocols/rootstock/networks/regtest.ts";
import { ReplayGuard } from "../src/protocols/rootstock/rlpx_handshake.ts";
import type { RskStatus } from "../src/protocols/rootstock/rsk_message.ts";
import { NodeKey } from "../src/protocols/rootstock/secp256k1.ts";
import { PeerConnection } from "../src/services/rootstock/peer_connection.ts";
import { PeerListener } from "../src/services/rootstock/peer_listener.ts";

/** What the process says when it serves. */
export interface ServedChain {
  /** `id@host:port`. */
  readonly peers: readonly string[];
  readonly headers: number;
  readonly headerBytes: number;
}

/**
 * Regtest's headers lack the bloom that mainnet's have. Six more siblings of the Merkle branch, and all the extra data
 * that the rules allow, bring them to mainnet's 1.1 kB; each sibling is two more SHA-256 to verify.
 */
const SHAPE = { merkleDepth: 18, extraDataBytes: 32 };

const randomBytes = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));

if (import.meta.main) {
  const [count = 0, peers = 0] = Deno.args.map(Number);
  const generator = new ChainGenerator({ network: REGTEST, ...SHAPE });
  const { genesis, networkId } = REGTEST;
  const hashes = [genesis.hash];
  const headers = [genesis.header];
  const heights = new Map([[genesis.hash.toHex(), 0]]);
  let totalDifficulty = genesis.totalDifficulty;
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const { hash, header, difficulty } = generator.next();
    heights.set(hash.toHex(), hashes.push(hash) - 1);
    headers.push(header);
    totalDifficulty += difficulty;
    bytes += header.length;
  }
  const status: Required<RskStatus> = {
    bestNumber: count,
    bestHash: hashes[count]!,
    parentHash: hashes[count - 1]!,
    totalDifficulty,
  };
  const lookUp = (plan: AnswerPlan) => {
    if (plan.lookup === "canonical") return plan.heights.map((height) => hashes[height]);
    const height = heights.get(plan.hash.toHex());
    if (height === undefined) return [];
    return headers.slice(Math.max(0, height - plan.count + 1), height + 1).reverse();
  };

  let perMinute = 1_000;
  const listen = async (): Promise<string> => {
    const key = NodeKey.generate(randomBytes);
    const replays = new ReplayGuard();
    const listener = await PeerListener.open({
      host: "127.0.0.1",
      port: 0,
      section: "bench",
      admit: () => true,
      log: new RecordingLog(),
      connect: (socket) => {
        const server = new HeaderServer<"client">({ perMinute });
        const session = { key, randomBytes, clientId: "bench", listenPort: 0, networkId, status };
        return new PeerConnection(
          socket,
          { ...session, genesisHash: genesis.hash, role: "responder", replays },
          {
            config: { messagesPerWindow: perMinute },
            onEvent: (event, connection) => {
              if (event.type !== "message") return;
              const plan = server.request("client", event.message, count, performance.now());
              if (plan === undefined) return;
              const answer = answerOf(plan, lookUp(plan));
              if (answer !== undefined) connection.send(answer);
              server.done("client");
            },
          },
        );
      },
    });
    return `${key.id.toHex()}@127.0.0.1:${listener.port}`;
  };
  const served: ServedChain = {
    peers: await Promise.all(Array.from({ length: peers }, listen)),
    headers: count,
    headerBytes: bytes / count,
  };
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(served)}\n`));
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    perMinute = Number(text.trim().split("\n").at(-1));
  }
  Deno.exit();
}
