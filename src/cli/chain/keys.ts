/**
 * `cairn chain keys`: makes keys of senders, shows public keys.
 *
 * Layer: cli. A secret key is never printed.
 *
 * @module
 */

import type { Command } from "commander";
import { CairnError } from "../../kernel/errors.ts";
import { publicKeyOf } from "../../protocols/kimura/keys.ts";
import { LEADER_KEY_FILE, makeSecretKey, readSecretKey } from "../../services/chain/secret_key.ts";
import { type CliDeps, loadCliConfig } from "../deps.ts";

interface NewOptions {
  readonly output: string;
  readonly json?: boolean;
}

/** Adds `chain keys new` and `chain keys show`. */
export function registerKeys(chain: Command, deps: CliDeps): void {
  const keys = chain.command("keys").description("Keys of senders and of the leader: new, show");
  keys.command("new")
    .description("Make a key, in a file that only its owner can read; prints its public half")
    .requiredOption("-o, --output <file>", "file to make; one that exists stays")
    .option("--json", "print JSON with stable keys")
    .action(({ output, json }: NewOptions) => print(output, makeSecretKey(output), json, deps));
  keys.command("show")
    .description("Print the public half of a key: of a sender, or of the leader of a data directory")
    .argument("[file]", `key file (default: ${LEADER_KEY_FILE} of the data directory)`)
    .option("--data <dir>", "data directory (default: node.dataDir of the configuration)")
    .option("--json", "print JSON with stable keys")
    .action(
      async (file: string | undefined, options: { data?: string; json?: boolean }, command: Command) => {
        const path = file ??
          `${options.data ?? (await loadCliConfig(command, deps)).values.node.dataDir}/${LEADER_KEY_FILE}`;
        const secret = readSecretKey(path);
        if (secret === undefined) {
          throw new CairnError("FILE_UNREADABLE", `Cannot read key '${path}': there is no such file`, {
            hint: "a leader makes its key at its first start",
          });
        }
        print(path, secret, options.json, deps);
      },
    );
}

function print(file: string, secret: Uint8Array, json: boolean | undefined, deps: CliDeps): void {
  const publicKey = publicKeyOf(secret).toHex();
  deps.out(json ? JSON.stringify({ file, publicKey }) : publicKey);
}
