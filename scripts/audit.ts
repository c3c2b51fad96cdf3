/**
 * Asks the registry's advisory service about known flaws in the dependencies of `deno.lock`.
 *
 * A flaw of high severity or worse fails. Where the service cannot be reached nothing was checked: one line says so,
 * and the exit code is 0, because a build must not depend on somebody else's service being up.
 *
 * @module
 */

import { capture, complain, firstComplaint, say } from "./process.ts";

/** What Deno says when it could not ask. */
const UNREACHABLE = /error sending request|client error|registry response|dns error|timed out/i;

if (import.meta.main) {
  const { code, stdout, stderr } = await capture(Deno.execPath(), ["audit", "--level=high"]);
  const complaint = firstComplaint(stderr);
  if (code === 0) {
    say(stdout.trim() || "No known flaws of high severity in the dependencies");
  } else if (UNREACHABLE.test(complaint)) {
    complain("Dependencies were not audited: the advisory service cannot be reached from here");
  } else {
    say(`${stdout}${stderr}`.trim());
    Deno.exit(1);
  }
}
