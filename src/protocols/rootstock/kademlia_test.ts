import assert from "node:assert/strict";
import fc from "fast-check";
import { vectorTest } from "../../../tests/vectors.ts";
import { hashDistance, KademliaTable, nodeDistance, pickNodes } from "./kademlia.ts";
import { nodeHash } from "./node_id.ts";

interface DiscoveryCase {
  readonly kind: string;
  readonly a: string;
  readonly b: string;
  readonly local: string;
  readonly expect: number;
}

const OWN = "00".repeat(64);

/** The `n`th id, and an address of a range of its own. */
const nodeAt = (n: number, host = `10.${n >>> 8}.${n & 255}.1`) => ({
  id: n.toString(16).padStart(128, "0"),
  host,
  port: 5050,
});

/** The first `count` nodes whose distance from {@link OWN} is `distance`. */
function nodesAt(distance: number, count: number): ReturnType<typeof nodeAt>[] {
  const found = [];
  for (let n = 1; found.length < count; n++) {
    const node = nodeAt(n);
    if (nodeDistance(OWN, node.id) === distance) found.push(node);
  }
  return found;
}

vectorTest("KademliaTable holds the bucket facts of rskj's tests", async (dir) => {
  const { cases }: { cases: readonly DiscoveryCase[] } = JSON.parse(
    await Deno.readTextFile(`${dir}/rootstock/discovery.json`),
  );
  const [distance] = cases.filter(({ kind }) => kind === "distance");
  assert.equal(nodeDistance(distance!.a, distance!.b), distance!.expect);
  const [same] = cases.filter(({ kind }) => kind === "sameBucket");
  const table = new KademliaTable(same!.local, { bucketSize: 1 });
  const first = { id: same!.a, host: "192.0.2.1", port: 8080 };
  assert.deepEqual(table.add(first), { type: "added" });
  const second = table.add({ id: same!.b, host: "198.51.100.1", port: 8080 });
  assert(second.type === "bucket-full");
  assert.equal(second.oldest.id, same!.a);
});

Deno.test("hashDistance() is the bit length of the xor", () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(fc.property(bytes, bytes, (a, b) => {
    const xor = BigInt(`0x${a.toHex()}`) ^ BigInt(`0x${b.toHex()}`);
    assert.equal(hashDistance(a, b), xor === 0n ? 0 : xor.toString(2).length);
    assert.equal(hashDistance(a, b), hashDistance(b, a));
  }));
  assert.equal(hashDistance(new Uint8Array(32), new Uint8Array(32).fill(255)), 256);
});

Deno.test("KademliaTable.add() names the oldest of a full bucket, and an answer makes that the newest", () => {
  const table = new KademliaTable(OWN, { bucketSize: 3 });
  const [a, b, c, d] = nodesAt(256, 4) as [KademliaNode, KademliaNode, KademliaNode, KademliaNode];
  for (const node of [a, b, c]) assert.equal(table.add(node).type, "added");
  const full = table.add(d);
  assert(full.type === "bucket-full" && full.oldest.id === a.id);
  assert.deepEqual(table.add(a), { type: "known", moved: false });
  const next = table.add(d);
  assert(next.type === "bucket-full" && next.oldest.id === b.id);
  assert(table.remove(b.id));
  assert(!table.remove(b.id));
  assert.equal(table.add(d).type, "added");
  assert.equal(table.size, 3);
});
type KademliaNode = ReturnType<typeof nodeAt>;

Deno.test("KademliaTable.add() takes a new address of a known node", () => {
  const table = new KademliaTable(OWN);
  table.add(nodeAt(1));
  assert.deepEqual(table.add({ ...nodeAt(1), host: "0:0:0:0:0:0:0:1" }), { type: "known", moved: true });
  assert.equal(table.get(nodeAt(1).id)?.host, "::1");
  assert.equal(table.size, 1);
  assert.throws(() => table.add({ ...nodeAt(2), host: "name.example" }), TypeError);
});

Deno.test("KademliaTable.add() lets one range have two places of a bucket and ten of the table", () => {
  const table = new KademliaTable(OWN);
  const far = nodesAt(256, 12);
  const outcomes = far.slice(0, 3).map((node, i) => table.add({ ...node, host: `192.0.2.${i}` }).type);
  assert.deepEqual(outcomes, ["added", "added", "range-full"]);
  assert.equal(table.add({ ...far[2]!, host: "192.0.3.1" }).type, "added");
  for (const distance of [255, 254, 253, 252, 251]) {
    for (const [i, node] of nodesAt(distance, 2).entries()) table.add({ ...node, host: `192.0.2.${i}` });
  }
  const inRange = [...table.nodes()].filter(({ host }) => host.startsWith("192.0.2."));
  assert.equal(inRange.length, 10);
  // A node may not move into a full range either: it keeps its place and its address.
  assert.deepEqual(table.add({ ...far[2]!, host: "192.0.2.9" }), { type: "range-full" });
  assert.equal(table.get(far[2]!.id)?.host, "192.0.3.1");
  // Nor does a place that was left stay taken.
  assert(table.remove(far[0]!.id));
  assert.equal(table.add({ ...far[3]!, host: "192.0.2.9" }).type, "added");
});

Deno.test("KademliaTable.add() puts no limit on loopback", () => {
  const table = new KademliaTable(OWN);
  for (const [i, node] of nodesAt(256, 16).entries()) {
    assert.equal(table.add({ ...node, host: `127.0.0.${i + 1}` }).type, "added");
  }
});

Deno.test("KademliaTable stays within its bounds whatever is added and removed", () => {
  const step = fc.tuple(fc.nat(300), fc.nat(5), fc.boolean());
  fc.assert(fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
    const table = new KademliaTable(OWN, { bucketSize: 4, maxPerRange: 3, maxPerRangeInBucket: 2 });
    for (const [n, range, isRemoval] of steps) {
      const node = nodeAt(n + 1, `192.0.${range}.${n & 255}`);
      if (isRemoval) table.remove(node.id);
      else table.add(node);
    }
    const buckets = new Map<number, number>();
    const ranges = new Map<string, number>();
    for (const { id, host } of table.nodes()) {
      const bucket = nodeDistance(OWN, id);
      const range = host.split(".")[2]!;
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
      ranges.set(range, (ranges.get(range) ?? 0) + 1);
      assert(buckets.get(bucket)! <= 4 && ranges.get(range)! <= 3);
    }
    assert.equal(table.buckets, buckets.size);
  }));
});

Deno.test("KademliaTable.closest() sorts by distance and leaves out the id itself", () => {
  const table = new KademliaTable(OWN);
  for (let n = 1; n <= 200; n++) table.add(nodeAt(n));
  const to = [...table.nodes()][7]!.id;
  const xor = (id: string) => BigInt(`0x${nodeHash(id).toHex()}`) ^ BigInt(`0x${nodeHash(to).toHex()}`);
  const sorted = table.closest(to, 10);
  const all = [...table.nodes()].filter(({ id }) => id !== to).sort((a, b) => xor(a.id) < xor(b.id) ? -1 : 1);
  assert.deepEqual(sorted, all.slice(0, 10));
});

Deno.test("pickNodes() takes all of few, else the closest and some others", () => {
  const table = new KademliaTable(OWN);
  const limits = { all: 20, closest: 14, others: 5 };
  for (let n = 1; table.size < 20; n++) table.add(nodeAt(n));
  assert.equal(pickNodes(table, OWN, limits, () => 0).length, 20);
  for (let n = 100; table.size < 40; n++) table.add(nodeAt(n));
  for (const random of [() => 0, () => 0.999_999, () => 0.5]) {
    const picked = pickNodes(table, OWN, limits, random);
    assert.equal(new Set(picked).size, 19);
    assert.deepEqual(picked.slice(0, 14), table.closest(OWN, 14));
  }
});
