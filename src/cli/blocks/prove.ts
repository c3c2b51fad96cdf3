/**
 * `cairn blocks prove`: a proof that an item is part of a block, from a running node or from a block file.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import { CairnError } from "../../kernel/errors.ts";
import { contentsProofToJson } from "../../protocols/hiero/contents_file.ts";
import {
  type ContentsProof,
  encodeContentsProof,
  verifyContentsProof,
} from "../../protocols/hiero/contents_proof.ts";
import { BlockContents } from "../../protocols/hiero/contents_tree.ts";
import { HieroFault, toHex } from "../../protocols/hiero/fault.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import { BlockVerifier } from "../../protocols/hiero/verify.ts";
import { UINT64_MAX } from "../../protocols/hiero/wire.ts";
import { readBlockFile } from "../../services/blocks/block_files.ts";
import { BlockNodeClient } from "../../services/blocks/node_client.ts";
import type { CliDeps } from "../deps.ts";
import { interruptible, nodeAddress, TO_HELP, type ToOption } from "./options.ts";

interface ProveOptions extends ToOption {
  readonly item: string;
  readonly binary?: boolean;
  readonly json?: boolean;
  readonly output?: string;
}

/** An item by its position in the block, or by its position among those of its kind; from 0. */
type ItemChoice = { readonly index: number } | { readonly kind: string; readonly ordinal: number };

/** A proof and where it comes from. */
interface Proved {
  readonly blockNumber: bigint;
  readonly itemIndex: number;
  readonly proof: ContentsProof;
}

/** Adds `blocks prove`. */
export function registerProve(blocks: Command, deps: CliDeps): void {
  blocks.command("prove")
    .description("Prove that an item is part of a block, from a node or offline from a block file")
    .argument("<block>", "number of a block of the node, or a block file")
    .requiredOption("--item <item>", "position in the block from 0, or KIND:N as signed_transaction:0")
    .option("--to <address>", TO_HELP)
    .option("-o, --output <file>", "write the proof to this file, as JSON")
    .option("--binary", "with --output: write the serialized BlockContentsProof instead")
    .option("--json", "print the proof as JSON with stable keys")
    .action(async (block: string, options: ProveOptions, command: Command) => {
      if (options.binary && options.output === undefined) {
        throw new CairnError("USAGE", "Cannot print bytes", { hint: "give --output FILE with --binary" });
      }
      const choice = parseItem(options.item);
      const proved = /^\d{1,20}$/.test(block) && BigInt(block) <= UINT64_MAX
        ? await proveFromNode(BigInt(block), choice, await nodeAddress(options, command, deps))
        : await proveFromFile(block, choice);
      await printProof(proved, options, deps);
    });
}

async function printProof(proved: Proved, options: ProveOptions, deps: CliDeps): Promise<void> {
  const { blockNumber, itemIndex, proof } = proved;
  const verdict = verifyContentsProof(proof, nativeSha384);
  if (verdict.status === "fault") {
    throw new CairnError("MALFORMED_MESSAGE", `${verdict.fault.message} (from the node)`);
  }
  const { kind, rule, rootHash } = verdict;
  const json = contentsProofToJson(proof, {
    blockNumber,
    itemIndex,
    itemKind: kind,
    hashRule: rule,
    rootHash,
  });
  if (options.output !== undefined) {
    await Deno.writeFile(
      options.output,
      options.binary ? encodeContentsProof(proof) : new TextEncoder().encode(`${json}\n`),
    );
  }
  if (options.json) return deps.out(json);
  const { siblings, signature } = proof;
  deps.out(
    `block ${blockNumber} item ${itemIndex} ${kind} (${rule}), ${siblings.length} siblings, ` +
      `${signature.length} bytes of signature`,
  );
  deps.out(`  root ${toHex(rootHash)}`);
}

async function proveFromNode(blockNumber: bigint, choice: ItemChoice, address: string): Promise<Proved> {
  using client = new BlockNodeClient(address);
  return await interruptible(async (signal) => {
    // The API knows positions in the block only: those among items of a kind are looked up in the block.
    const itemIndex = "index" in choice
      ? choice.index
      : indexOf(openContents(await client.block({ kind: "number", number: blockNumber }, signal)), choice);
    const proof = await client.contentsProof(blockNumber, { kind: "index", index: itemIndex }, signal);
    return { blockNumber, itemIndex, proof };
  });
}

async function proveFromFile(path: string, choice: ItemChoice): Promise<Proved> {
  const block = await readBlockFile(path);
  const verdict = new BlockVerifier(nativeSha384).verify(block);
  if (verdict.status === "fault") {
    throw new CairnError("BLOCK_MALFORMED", `Cannot prove from '${path}': ${verdict.fault.message}`);
  }
  const contents = openContents(block);
  const itemIndex = indexOf(contents, choice);
  try {
    // A block with a known root has a known rule; openContents() refused the others.
    const proof = contents.prove(itemIndex, verdict.roots[0]!.rule);
    return { blockNumber: contents.number, itemIndex, proof };
  } catch (thrown) {
    if (!(thrown instanceof HieroFault)) throw thrown;
    throw new CairnError("BLOCK_ITEM_NOT_FOUND", thrown.message, { cause: thrown });
  }
}

function openContents(block: Uint8Array): BlockContents {
  try {
    return new BlockContents(block, nativeSha384);
  } catch (thrown) {
    if (!(thrown instanceof HieroFault)) throw thrown;
    throw new CairnError("BLOCK_MALFORMED", thrown.message, { cause: thrown });
  }
}

function indexOf(contents: BlockContents, choice: ItemChoice): number {
  const index = "index" in choice
    ? (choice.index < contents.length ? choice.index : undefined)
    : contents.indexOf(choice.kind, choice.ordinal);
  if (index !== undefined) return index;
  const what = "index" in choice ? `item ${choice.index}` : `item ${choice.kind}:${choice.ordinal}`;
  throw new CairnError(
    "BLOCK_ITEM_NOT_FOUND",
    `Cannot prove ${what}: block ${contents.number} has no such item`,
    {
      hint: `it has ${contents.length} items, from 0 on`,
    },
  );
}

function parseItem(text: string): ItemChoice {
  const [, kind, number] = /^(?:([a-z][a-z0-9_]*):)?(\d{1,10})$/.exec(text) ?? [];
  if (number === undefined || Number(number) > 0xffff_ffff) {
    throw new CairnError("USAGE", `Cannot prove item '${text}'`, {
      hint: "give a position from 0, or KIND:N as signed_transaction:0",
    });
  }
  return kind === undefined ? { index: Number(number) } : { kind, ordinal: Number(number) };
}
