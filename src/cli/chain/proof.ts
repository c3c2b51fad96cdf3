/**
 * `cairn chain proof` and `verify-proof`: that a message is in the chain, for somebody who has no node.
 *
 * Layer: cli. `verify-proof` needs no network.
 *
 * @module
 */

import type { Command } from "commander";
import { CairnError } from "../../kernel/errors.ts";
import { isPublicKey, VerifyingKey } from "../../protocols/kimura/keys.ts";
import { type ProofTrust, type ProofVerdict, verifyProofFile } from "../../protocols/kimura/proof.ts";
import { type CliDeps, loadCliConfig } from "../deps.ts";
import { EXIT } from "../exit.ts";
import { readInput } from "../input.ts";
import { nodeClient, parseMessageId, URL_HELP, type UrlOption } from "./options.ts";

interface ProofOptions extends UrlOption {
  readonly output?: string;
}

interface VerifyOptions {
  readonly leaderKey?: string;
  readonly blockHash?: string;
  readonly json?: boolean;
}

/** Adds `chain proof`. */
export function registerProof(chain: Command, deps: CliDeps): void {
  chain.command("proof")
    .description("Get the file that proves that a message is in a block; exit 1 if it is in none")
    .argument("<id>", "id of the message, 64 hexadecimal digits")
    .option("-o, --output <file>", "write the proof to this file (default: standard output)")
    .option("--url <url>", URL_HELP)
    .option("--json", "with --output, print JSON with stable keys")
    .action(async (text: string, options: ProofOptions, command: Command) => {
      const id = parseMessageId(text);
      const proof = await (await nodeClient(options, command, deps)).proof(id);
      const { output } = options;
      if (output === undefined) return deps.out(proof);
      await Deno.writeTextFile(output, `${proof}\n`);
      if (options.json) deps.out(JSON.stringify({ messageId: id, file: output, bytes: proof.length + 1 }));
      else deps.err(`cairn: proof of ${id} written to ${output}`);
    });
}

/** Adds `chain verify-proof`. */
export function registerVerifyProof(chain: Command, deps: CliDeps): void {
  chain.command("verify-proof")
    .description("Check a proof offline; exit 1 if it proves nothing")
    .argument("<file>", "proof as `chain proof` writes it; '-' for standard input")
    .option("--leader-key <hex>", "public key of the leader that is trusted (default: chain.leaderKey)")
    .option("--block-hash <hex>", "hash of the block, from a node that is trusted")
    .option("--json", "print JSON with stable keys")
    .addHelpText("after", "\nWithout a key and without a hash nothing is trusted, and exit code 2 says so.")
    .action(async (file: string, options: VerifyOptions, command: Command) => {
      const trust = await trustOf(options, command, deps);
      const verdict = verifyProofFile(await readInput(file), trust);
      if (verdict.status !== "ok") deps.setExitCode(EXIT.NO);
      if (options.json) deps.out(JSON.stringify(toReport(file, verdict)));
      else for (const line of linesOf(file, verdict)) deps.out(line);
    });
}

async function trustOf(options: VerifyOptions, command: Command, deps: CliDeps): Promise<ProofTrust> {
  const { blockHash } = options;
  const key = options.leaderKey ??
    (blockHash === undefined ? (await loadCliConfig(command, deps)).values.chain.leaderKey : "");
  if (key === "" && blockHash === undefined) {
    throw new CairnError("USAGE", "Cannot check the proof: no leader and no block is trusted", {
      hint: "give --leader-key, as `cairn chain keys show` prints it at the leader, or --block-hash",
    });
  }
  const trust = {
    leader: bytesOf("--leader-key", key, 33),
    blockHash: bytesOf("--block-hash", blockHash, 32),
  };
  if (trust.leader !== undefined && !isPublicKey(trust.leader)) {
    throw new CairnError("USAGE", "Cannot read --leader-key: it is no point of secp256k1");
  }
  return {
    ...(trust.leader && { leader: new VerifyingKey(trust.leader) }),
    ...(trust.blockHash && { blockHash: trust.blockHash }),
  };
}

function bytesOf(option: string, text: string | undefined, length: number): Uint8Array | undefined {
  if (text === undefined || text === "") return undefined;
  if (text.length === 2 * length && /^[0-9a-f]+$/i.test(text)) return Uint8Array.fromHex(text);
  throw new CairnError("USAGE", `Cannot read ${option}: expected ${2 * length} hexadecimal digits`);
}

function toReport(file: string, verdict: ProofVerdict): Readonly<Record<string, unknown>> {
  if (verdict.status === "fault") return { file, ok: false, ...verdict.fault };
  const { height, blockHash, message: { id, sender, content, timestamp, nonce }, isSigned } = verdict;
  return {
    file,
    ok: true,
    height: Number(height),
    blockHash: blockHash.toHex(),
    messageId: id.toHex(),
    sender,
    content,
    timestamp: Number(timestamp),
    nonce: Number(nonce),
    isSigned,
  };
}

function linesOf(file: string, verdict: ProofVerdict): string[] {
  if (verdict.status === "fault") {
    return [`${file}: proof REFUSED ${verdict.fault.code}`, `  ${verdict.fault.message}`];
  }
  const { height, blockHash, message: { id, sender, content }, isSigned } = verdict;
  return [
    `${file}: message ${id.toHex()} is in block ${height}`,
    `  block   ${blockHash.toHex()}`,
    `  sender  ${sender}${isSigned ? ", whose signature is valid" : ", unsigned"}`,
    `  content ${JSON.stringify(content)}`,
  ];
}
