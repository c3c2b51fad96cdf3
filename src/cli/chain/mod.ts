/**
 * `cairn chain`: the commands of the message chain.
 *
 * Layer: cli.
 *
 * @module
 */

import type { Command } from "commander";
import type { CliDeps } from "../deps.ts";
import { registerKeys } from "./keys.ts";
import { registerProof, registerVerifyProof } from "./proof.ts";
import { registerQuery } from "./query.ts";
import { registerSubmit } from "./submit.ts";

/** Adds `chain` and its verbs. */
export function registerChain(program: Command, deps: CliDeps): void {
  const chain = program.command("chain")
    .description("Message chain: submit, query, proof, verify-proof, keys")
    .helpGroup("Services:");
  registerSubmit(chain, deps);
  registerQuery(chain, deps);
  registerProof(chain, deps);
  registerVerifyProof(chain, deps);
  registerKeys(chain, deps);
}
