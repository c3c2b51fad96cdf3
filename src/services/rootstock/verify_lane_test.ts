import assert from "node:assert/strict";
import { ChainGenerator, type GeneratedHeader } from "../../protocols/rootstock/generate.ts";
import { REGTEST } from "../../protocols/rootstock/networks/regtest.ts";
import { VerifyLane } from "./verify_lane.ts";

const GENESIS = { number: 0, hash: REGTEST.genesis.hash };

interface Opened extends Disposable {
  readonly lane: VerifyLane;
  /** Blocks whose ancestors were asked for. */
  readonly asked: number[];
  /** Headers that `ancestorsOf` finds; what the lane verifies is not stored by itself. */
  readonly stored: GeneratedHeader[];
}

async function openLane(): Promise<Opened> {
  const asked: number[] = [];
  const stored: GeneratedHeader[] = [];
  const lane = await VerifyLane.open({
    network: REGTEST,
    // deno-lint-ignore require-await -- as a store answers
    ancestorsOf: async ({ number, hash }) => {
      asked.push(number);
      if (number === 0) return [];
      const found = stored.findIndex((header) => header.hash.toHex() === hash.toHex());
      return found < 0 ? undefined : stored.slice(0, found + 1).map(({ header }) => header);
    },
    nowSeconds: () => 1_735_700_000,
    failed: (error) => {
      throw error;
    },
  });
  return { lane, asked, stored, [Symbol.dispose]: () => lane[Symbol.dispose]() };
}

function take(generator: ChainGenerator, count: number): GeneratedHeader[] {
  return Array.from({ length: count }, () => generator.next());
}

const bytesOf = (headers: readonly GeneratedHeader[]) => headers.map(({ header }) => header);

Deno.test("VerifyLane verifies segments that follow each other, and asks for ancestors once", async () => {
  using opened = await openLane();
  const { lane, asked } = opened;
  const chain = take(new ChainGenerator({ network: REGTEST, unclesOf: (number) => number % 3 }), 600);

  const verdicts = await Promise.all([
    lane.verify(GENESIS, bytesOf(chain.slice(0, 192))),
    lane.verify(chain[191]!, bytesOf(chain.slice(192, 384))),
    lane.verify(chain[383]!, bytesOf(chain.slice(384))),
  ]);

  assert.deepEqual(asked, [0]);
  const verified = verdicts.flatMap(({ headers }) => headers);
  assert.ok(verdicts.every(({ valid }) => valid));
  assert.deepEqual(
    verified.map(({ number, hash, difficulty }) => ({ number, hash: hash.toHex(), difficulty })),
    chain.map(({ number, hash, difficulty }) => ({ number, hash: hash.toHex(), difficulty })),
  );
});

Deno.test("VerifyLane finds its way from one branch to another and back", async () => {
  using opened = await openLane();
  const { lane, asked, stored } = opened;
  const generator = new ChainGenerator({ network: REGTEST });
  const trunk = take(generator, 10);
  const branch = take(generator.fork({ seed: 5 }), 3);
  trunk.push(...take(generator, 5));
  stored.push(...trunk.slice(0, 10));

  const verdicts = await Promise.all([
    lane.verify(GENESIS, bytesOf(trunk.slice(0, 12))),
    lane.verify(trunk[9]!, bytesOf(branch)),
  ]);
  stored.push(...trunk.slice(10, 12));
  verdicts.push(await lane.verify(trunk[11]!, bytesOf(trunk.slice(12))));

  assert.deepEqual(verdicts.map(({ valid }) => valid), [true, true, true]);
  assert.deepEqual(asked, [0, 10, 12]);
});

Deno.test("VerifyLane names the broken rule, and refuses what follows the refused", async () => {
  using opened = await openLane();
  const { lane } = opened;
  const broken = { number: 7, rule: "difficulty" } as const;
  const chain = take(new ChainGenerator({ network: REGTEST, broken }), 20);

  const [first, second] = await Promise.all([
    lane.verify(GENESIS, bytesOf(chain.slice(0, 10))),
    lane.verify(chain[9]!, bytesOf(chain.slice(10))),
  ]);

  assert.ok(!first.valid && !second.valid);
  assert.deepEqual([first.index, first.rule, first.headers.length], [6, "difficulty", 6]);
  assert.deepEqual([second.index, second.rule], [0, "parent-hash"]);
  assert.match(second.detail, /block 10/);
});

Deno.test("VerifyLane refuses what is asked of it after its end", async () => {
  const { lane } = await openLane();
  const verdict = lane.verify(GENESIS, []);
  lane[Symbol.dispose]();
  await assert.rejects(verdict, /Worker stopped/);
  await assert.rejects(lane.verify(GENESIS, []), /Worker stopped/);
});
