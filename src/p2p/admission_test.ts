import assert from "node:assert/strict";
import { Admission } from "./admission.ts";

const NONE = { inbound: 0, outbound: 0 };

Deno.test("Admission.admit() counts sockets from their arrival, handshake or not", () => {
  const admission = new Admission({ maxConnections: 3, maxPendingInbound: 10, inboundPerSecond: 100 });
  assert.equal(admission.admit("a", NONE, 0), undefined);
  assert.equal(admission.admit("b", { inbound: 0, outbound: 1 }, 0), undefined);
  assert.equal(admission.admit("c", { inbound: 0, outbound: 1 }, 0), "limit");
  admission.closed();
  assert.equal(admission.admit("c", { inbound: 0, outbound: 1 }, 0), undefined);
});

Deno.test("Admission.admit() bounds handshakes under way", () => {
  const admission = new Admission({ maxConnections: 10, maxPendingInbound: 2, inboundPerSecond: 100 });
  assert.equal(admission.admit("a", NONE, 0), undefined);
  assert.equal(admission.admit("a", NONE, 0), undefined);
  assert.equal(admission.admit("a", NONE, 0), "handshakes");
  assert.equal(admission.admit("a", { inbound: 1, outbound: 0 }, 0), undefined);
});

Deno.test("Admission.admit() bounds what one host opens in a second, and forgets it after", () => {
  const admission = new Admission({ maxConnections: 10, maxPendingInbound: 10, inboundPerSecond: 1 });
  assert.equal(admission.admit("a", NONE, 999), undefined);
  assert.equal(admission.admit("a", NONE, 999), "rate");
  assert.equal(admission.admit("b", NONE, 999), undefined);
  assert.equal(admission.admit("a", NONE, 1_000), undefined);
});
