import assert from "node:assert/strict";
import { planLaunch } from "./cairn.ts";
import { CLIENT_PERMISSIONS, nodePermissions, offlinePermissions, toFlags, widen } from "./permissions.ts";

Deno.test("planLaunch() gives a node its default data directory and nothing wider", () => {
  const { permissions, args } = planLaunch(["start"]);
  assert.deepEqual(permissions, nodePermissions({ dataDir: "data", readable: [] }));
  assert.deepEqual(args, ["start"]);
});

Deno.test("planLaunch() opens the data directory and the config file that are named", () => {
  const { permissions, args } = planLaunch([
    "--config",
    "/etc/cairn/cairn.toml",
    "start",
    "--data=/srv/cairn",
  ]);
  assert.deepEqual(permissions.write, ["/srv/cairn"]);
  const read = permissions.read as readonly string[];
  for (const path of ["/srv/cairn", "/etc/cairn/cairn.toml", "/etc/cairn/cairn.local.toml"]) {
    assert(read.includes(path));
  }
  assert.deepEqual(args, ["--config", "/etc/cairn/cairn.toml", "start", "--data=/srv/cairn"]);
});

Deno.test("planLaunch() takes data directory and config file from the environment, and flags before it", () => {
  const env = { CAIRN_CONFIG: "/etc/cairn.toml", CAIRN__NODE__DATA_DIR: "/srv/a" };
  const fromEnv = nodePermissions({
    dataDir: "/srv/a",
    readable: ["/etc/cairn.toml", "/etc/cairn.local.toml"],
  });
  assert.deepEqual(planLaunch(["start"], env).permissions, fromEnv);
  assert.deepEqual(planLaunch(["start", "--data", "/srv/b"], env).permissions.write, ["/srv/b"]);
  assert.deepEqual(planLaunch(["start", "--set=node.dataDir=/srv/c"], env).permissions.write, ["/srv/c"]);
});

Deno.test("planLaunch() lets a Rootstock client reach peers anywhere, and no other profile", () => {
  const anywhere = [
    planLaunch(["start", "--profile", "rootstock"]),
    planLaunch(["start", "--profile=rootstock", "--set", "node.profile=default"]),
    planLaunch(["--set", "node.profile=rootstock", "start"]),
    planLaunch(["start"], { CAIRN__NODE__PROFILE: "rootstock" }),
    planLaunch(["start", "--allow-net"]),
  ];
  for (const { permissions } of anywhere) {
    assert.deepEqual(permissions, { ...nodePermissions({ dataDir: "data", readable: [] }), net: "all" });
  }
  const listening = [
    planLaunch(["start", "--profile", "default"], { CAIRN__NODE__PROFILE: "rootstock" }),
    planLaunch(["start", "--profile=default", "--set=node.profile=rootstock"]),
    planLaunch(["start", "--set=blocks.x=rootstock"]),
    planLaunch(["start", "--profile=constructor"]),
  ];
  for (const { permissions } of listening) {
    assert.deepEqual(permissions, nodePermissions({ dataDir: "data", readable: [] }));
  }
});

Deno.test("planLaunch() lets a peer of the message chain reach the leader that is named, and list addresses", () => {
  const { permissions } = planLaunch([
    "start",
    "--profile=chain-peer",
    "--leader",
    "/ip4/10.0.0.5/tcp/4001/p2p/12D3KooW",
  ]);
  assert.deepEqual(permissions.net, ["127.0.0.1", "0.0.0.0", "10.0.0.5:4001"]);
  assert.deepEqual(permissions.sys, ["networkInterfaces"]);
  const v6 = planLaunch(["start", "--leader=/ip6/::1/tcp/1"]).permissions;
  assert.deepEqual([v6.net, v6.sys], [["127.0.0.1", "0.0.0.0", "[::1]:1"], undefined]);
  for (const leader of ["", "/unix/x", "/ip4/1.2.3.4/udp/1", "10.0.0.5"]) {
    assert.deepEqual(
      planLaunch(["start", "--leader", leader]).permissions,
      planLaunch(["start"]).permissions,
    );
  }
});

Deno.test("planLaunch() lets a new key be written beside its name", () => {
  const { permissions } = planLaunch(["chain", "keys", "new", "-o", "/tmp/a.key"]);
  assert.deepEqual(permissions.write, ["/tmp/a.key", "/tmp/a.key.new"]);
  assert.deepEqual(planLaunch(["chain", "proof", "x", "-o", "p.json"]).permissions.write, ["p.json"]);
});

Deno.test("planLaunch() finds the command behind options that take a value", () => {
  for (
    const line of [["--set", "admin.port=0", "start"], ["--set=admin.port=0", "--config", "x.toml", "start"]]
  ) {
    assert.deepEqual(planLaunch(line).permissions.write, ["data"]);
  }
});

Deno.test("planLaunch() hands --allow flags to Deno and not to the command line", () => {
  const { permissions, args } = planLaunch(["start", "--allow-net=10.0.0.5,[::1]"]);
  assert.deepEqual(permissions.net, ["127.0.0.1", "0.0.0.0", "10.0.0.5", "[::1]"]);
  assert.deepEqual(args, ["start"]);
});

Deno.test("planLaunch() opens the data directory, and no network, to blocks fsck", () => {
  const { permissions } = planLaunch(["blocks", "fsck", "--data", "/srv/cairn", "--json"]);
  assert.deepEqual(permissions, offlinePermissions({ dataDir: "/srv/cairn", readable: [] }));
  assert.equal(permissions.net, undefined);
});

Deno.test("planLaunch() lets no other command write or load native code", () => {
  for (const line of [["blocks", "verify", "start"], ["--data", "start", "healthcheck"], ["--version"], []]) {
    assert.deepEqual(planLaunch(line), { permissions: CLIENT_PERMISSIONS, args: line });
  }
});

Deno.test("planLaunch() lets a command write the file that --output names, and nothing else", () => {
  for (const output of [["-o", "3.blk"], ["-o3.blk"], ["--output", "3.blk"], ["--output=3.blk"]]) {
    const line = ["blocks", "get", "3", ...output];
    assert.deepEqual(planLaunch(line), {
      permissions: widen(CLIENT_PERMISSIONS, { write: ["3.blk"] }),
      args: line,
    });
  }
  assert.deepEqual(planLaunch(["start", "-o", "3.blk"]).permissions.write, ["data"]);
});

Deno.test("toFlags() escapes commas in paths and never asks or grants everything", () => {
  assert.deepEqual(toFlags({ read: ["a,b", "c"], net: "all" }), [
    "--no-prompt",
    "--ignore-env",
    "--allow-read=a,,b,c",
    "--allow-net",
  ]);
});

Deno.test("widen() keeps what is wider", () => {
  assert.deepEqual(widen({ net: "all", read: ["a"] }, { net: ["b"], read: ["c"], run: ["d"] }), {
    net: "all",
    read: ["a", "c"],
    run: ["d"],
  });
});
