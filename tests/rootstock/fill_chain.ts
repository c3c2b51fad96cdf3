/**
 * Fills a data directory with a generated regtest chain, for a node to serve.
 *
 * Arguments: directory, blocks, and for a branch: height it leaves the trunk at, blocks of it, seed. The trunk is the same
 * for all; a branch of another seed is another one.
 *
 * @module
 */

import { TestChain } from "./_chain.ts";

const [directory, ...numbers] = Deno.args;
const [blocks = 0, forkAt = blocks, branchBlocks = 0, seed = 2] = numbers.map(Number);

const trunk = TestChain.generate(branchBlocks > 0 ? Math.min(blocks, forkAt) : blocks);
const chain = branchBlocks > 0 ? trunk.branch(branchBlocks, { seed }) : trunk;
await chain.fill(directory!);
Deno.stdout.writeSync(new TextEncoder().encode(`${chain.tip.number} ${chain.tip.hash.toHex()}\n`));
