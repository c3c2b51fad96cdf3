// Holds the walk through the message chain that README.md shows to what the nodes answer now.

import assert from "node:assert/strict";
import { runCairn, tempDirectory } from "../support/node_process.ts";
import { startLeader, startPeer } from "./_network.ts";
import { until } from "../support/until.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const PROMPT = "deno task --quiet cairn ";

/** Commands of the section's block, without comments and with their continuation. */
function walkOf(readme: string): string[] {
  const [, block = ""] = /^## Message chain\n\n```sh\n([\s\S]*?)^```$/m.exec(readme) ?? [];
  return block.replaceAll("\\\n", " ").split("\n").map((line) => line.replace(/ +#.*$/, "").trim())
    .filter((line) => line !== "");
}

Deno.test("README.md shows a walk through the message chain that real nodes can follow", async () => {
  const [leaderLine, peerLine, ...commands] = walkOf(await Deno.readTextFile(`${ROOT}README.md`));
  assert.match(leaderLine!, /^deno task start --profile chain-leader --data leader$/);
  assert.match(peerLine!, /--profile chain-peer .* --leader ADDRESS --set chain\.leaderKey=KEY/);
  await using directory = await tempDirectory();
  // The nodes of those two lines, on free ports: other tests run beside this one.
  await using leader = await startLeader({ dataDir: `${directory.path}/leader` });
  await using peer = await startPeer(leader, { dataDir: `${directory.path}/peer` });
  const file = `${directory.path}/proof.json`;
  let id = "";
  assert.equal(commands.length, 4);
  for (const command of commands) {
    assert(command.startsWith(PROMPT), command);
    const words = command.slice(PROMPT.length).split(/ +/).map((word) =>
      word === "ID" ? id : word === "KEY" ? leader.leaderKey : word === "proof.json" ? file : word
    );
    const isPeer = words.includes("http://127.0.0.1:8546");
    const args = words.map((word) => word === "http://127.0.0.1:8546" ? peer.client.url : word);
    const url = new URL(leader.client.url);
    const sets = isPeer ? [] : ["--set", `chain.rpc.port=${url.port}`];
    const { code, stdout, stderr } = await runCairn(...sets, ...args);
    assert.equal(code, 0, `${command}\n${stderr}`);
    if (words.includes("submit")) {
      id = stdout.trim();
      await until(
        "the message at the peer",
        async () => (await peer.client.message(id).catch(() => undefined))?.status === "stored",
      );
    }
    if (words.includes("verify-proof")) assert.match(stdout, new RegExp(`message ${id} is in block \\d+`));
  }
});
