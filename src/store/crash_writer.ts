/**
 * Writes batches over two families until it is killed, and prints the number of each acknowledged one.
 *
 * Layer: store. Test support: the child process of `crash_test.ts`. Arguments: directory, first number.
 *
 * @module
 */

import { toCairnError } from "../kernel/errors.ts";
import { CRASH_FAMILIES, crashOperations } from "./crash_data.ts";
import { openRocksEngine } from "./rocks_engine.ts";

/** Enough that groups form. */
const WRITES_IN_FLIGHT = 8;

const [directory, first] = Deno.args;
try {
  const engine = await openRocksEngine({ directory: directory!, families: CRASH_FAMILIES });
  let next = Number(first);
  await Promise.all(Array.from({ length: WRITES_IN_FLIGHT }, async () => {
    while (true) {
      const number = next++;
      await engine.write(crashOperations(number));
      // One write call a line: a kill cannot cut it.
      await Deno.stdout.write(new TextEncoder().encode(`${number}\n`));
    }
  }));
} catch (error) {
  const failure = toCairnError(error);
  await Deno.stderr.write(new TextEncoder().encode(`${failure.toLine()}\n`));
  Deno.exit(failure.mapping.exit);
}
