/**
 * `cairn rootstock header`: one header of a running node.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import { CairnError } from "../../kernel/errors.ts";
import type { RpcRequest } from "../../services/rootstock/json_rpc_client.ts";
import type { CliDeps } from "../deps.ts";
import { nodeClient, printFields, URL_HELP, type UrlOption } from "./options.ts";

/** Adds `rootstock header`. */
export function registerHeader(rootstock: Command, deps: CliDeps): void {
  rootstock.command("header")
    .description("Show a header as the node's JSON-RPC gives it; exit 1 if the node does not have it")
    .argument("<block>", "number, 0x hexadecimal number, hash of 64 digits, or `latest`")
    .option("--url <url>", URL_HELP)
    .option("--json", "print JSON with stable keys")
    .action(async (text: string, options: UrlOption, command: Command) => {
      const request = toRequest(text);
      const client = await nodeClient(options, command, deps);
      const found = await client.call(request.method, ...request.params ?? []);
      if (typeof found !== "object" || found === null) {
        throw new CairnError("BLOCK_NOT_FOUND", `Cannot show header ${text}: ${client.url} does not have it`);
      }
      if (options.json) deps.out(JSON.stringify(found));
      else printFields(found as Readonly<Record<string, unknown>>, deps);
    });
}

function toRequest(text: string): RpcRequest {
  if (/^(0x)?[0-9a-f]{64}$/i.test(text)) {
    return { method: "eth_getBlockByHash", params: [`0x${text.slice(-64)}`, false] };
  }
  const isNumber = /^(\d{1,15}|0x[0-9a-f]{1,12})$/i.test(text);
  if (isNumber || text === "latest" || text === "earliest") {
    const id = isNumber ? `0x${Number(text).toString(16)}` : text;
    return { method: "eth_getBlockByNumber", params: [id, false] };
  }
  throw new CairnError("USAGE", `Cannot show header '${text}'`, {
    hint: "give a number, a hash or `latest`",
  });
}
