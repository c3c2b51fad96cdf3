/**
 * `cairn chain submit`: signs a message and hands it to a node.
 *
 * Layer: cli. The key never leaves the process: the node gets a signature.
 *
 * @module
 */

import type { Command } from "commander";
import { CairnError } from "../../kernel/errors.ts";
import { publicKeyOf, signMessage } from "../../protocols/kimura/keys.ts";
import { keyToSender } from "../../protocols/kimura/message.ts";
import { newSecretKey, readSecretKey } from "../../services/chain/secret_key.ts";
import type { CliDeps } from "../deps.ts";
import { nodeClient, URL_HELP, type UrlOption } from "./options.ts";

interface SubmitOptions extends UrlOption {
  readonly content: string;
  readonly key?: string;
  readonly nonce?: string;
}

/** Adds `chain submit`. */
export function registerSubmit(chain: Command, deps: CliDeps): void {
  chain.command("submit")
    .description("Sign a message and submit it; prints its id")
    .requiredOption("--content <text>", "content of the message")
    .option(
      "--key <file>",
      "key that signs, as `chain keys new` makes it (default: one for this message alone)",
    )
    .option("--nonce <number>", "nonce of the message (default: the one the node expects)")
    .option("--url <url>", URL_HELP)
    .option("--json", "print JSON with stable keys")
    .addHelpText("after", "\nExamples:\n  cairn chain submit --content hello --key alice.key")
    .action(async (options: SubmitOptions, command: Command) => {
      const secret = secretOf(options.key);
      const sender = keyToSender(publicKeyOf(secret));
      const client = await nodeClient(options, command, deps);
      const nonce = parseNonce(options.nonce) ?? await client.nextNonce(sender);
      const timestamp = BigInt(Math.floor(Date.now() / 1_000));
      const message = signMessage(secret, { content: options.content, nonce, timestamp });
      const { message_id: id, status } = await client.submit(message);
      if (options.json) {
        return deps.out(JSON.stringify({ messageId: id, status, sender, nonce: Number(nonce) }));
      }
      deps.out(id);
      deps.err(status === "accepted" ? "cairn: accepted" : "cairn: forwarded to the leader");
    });
}

function secretOf(path: string | undefined): Uint8Array {
  if (path === undefined) return newSecretKey();
  const secret = readSecretKey(path);
  if (secret !== undefined) return secret;
  throw new CairnError("FILE_UNREADABLE", `Cannot read key '${path}': there is no such file`, {
    hint: `make it with 'cairn chain keys new --output ${path}'`,
  });
}

function parseNonce(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return BigInt(text);
  throw new CairnError("USAGE", `Cannot read nonce '${text}'`, { hint: "give a number from 0 on" });
}
