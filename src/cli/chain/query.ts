/**
 * `cairn chain query`: what a node has of the chain.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import { CairnError } from "../../kernel/errors.ts";
import type { BlockView, MessageView } from "../../services/chain/views.ts";
import type { CliDeps } from "../deps.ts";
import { nodeClient, parseMessageId, URL_HELP, type UrlOption } from "./options.ts";

/** Adds `chain query` and what can be asked. */
export function registerQuery(chain: Command, deps: CliDeps): void {
  const query = chain.command("query").description("Ask a node: height, hash, latest, block, message");
  const verb = (name: string, description: string) =>
    query.command(name).description(description).option("--url <url>", URL_HELP)
      .option("--json", "print JSON with stable keys");

  verb("height", "Height of the last block").action(async (options: UrlOption, command: Command) => {
    const view = await (await nodeClient(options, command, deps)).height();
    deps.out(options.json ? JSON.stringify(view) : String(view.height));
  });
  verb("hash", "Hash of the last block").action(async (options: UrlOption, command: Command) => {
    const view = await (await nodeClient(options, command, deps)).height();
    deps.out(options.json ? JSON.stringify(view) : view.hash);
  });
  verb("latest", "The last block").action(async (options: UrlOption, command: Command) => {
    print(await (await nodeClient(options, command, deps)).block("latest"), options, deps);
  });
  verb("block", "The block of a height; exit 1 if the node does not have it").argument("<height>", "number")
    .action(async (text: string, options: UrlOption, command: Command) => {
      if (!/^\d{1,15}$/.test(text)) {
        throw new CairnError("USAGE", `Cannot read height '${text}'`, { hint: "give a number" });
      }
      print(await (await nodeClient(options, command, deps)).block(Number(text)), options, deps);
    });
  verb("message", "A message and the block that has it; exit 1 if the node does not have it")
    .argument("<id>", "64 hexadecimal digits, as `chain submit` prints them")
    .action(async (text: string, options: UrlOption, command: Command) => {
      const view = await (await nodeClient(options, command, deps)).message(parseMessageId(text));
      if (options.json) deps.out(JSON.stringify(view));
      else for (const line of messageLines(view)) deps.out(line);
    });
}

function print(view: BlockView, { json }: UrlOption, deps: CliDeps): void {
  if (json) return deps.out(JSON.stringify(view));
  const { header, hash, leader, message_ids: ids } = view;
  deps.out(`block ${header.height}, ${time(header.timestamp)}, ${ids.length} messages`);
  deps.out(`  hash     ${hash}`);
  deps.out(`  previous ${header.prev_hash}`);
  deps.out(`  root     ${header.message_root}`);
  deps.out(`  leader   ${leader ?? "unsigned"}`);
  for (const id of ids) deps.out(`  message  ${id}`);
}

function messageLines({ message_id: id, status, height, index, ...rest }: MessageView): string[] {
  return [
    `message ${id}`,
    status === "stored" ? `  block   ${height}, place ${index}` : "  block   none yet: it is pending",
    `  sender  ${rest.sender}`,
    `  nonce   ${rest.nonce}, ${time(rest.timestamp)}, ${rest.signature === null ? "unsigned" : "signed"}`,
    // Text of strangers: what would steer a terminal is shown as JSON shows it.
    `  content ${JSON.stringify(rest.content)}`,
  ];
}

function time(seconds: number): string {
  return seconds > 8.64e12 ? String(seconds) : new Date(seconds * 1_000).toISOString();
}
