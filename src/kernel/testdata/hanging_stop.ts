/**
 * A process whose stop never ends, for the test of forced exits.
 *
 * @module
 */

import { handleSignals } from "../signals.ts";

const say = (line: string) => Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
const busy = setInterval(() => {}, 1_000);
handleSignals({
  onStop: (signal) => say(`stopping on ${signal}`),
  onReload: () => clearInterval(busy),
  onForce: (code) => Deno.exit(code),
});
say("up");
