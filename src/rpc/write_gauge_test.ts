import assert from "node:assert/strict";
import { WriteGauge } from "./write_gauge.ts";

const socket = () => ({ bytesWritten: 500, writableLength: 0, destroyed: false });
const MIB = 1_048_576;

Deno.test("WriteGauge.add() asks to wait while a mebibyte is on its way, and drained() waits for the socket", async () => {
  const counter = socket();
  const gauge = new WriteGauge(counter);
  assert.equal(gauge.add(MIB - 100), true);
  assert.equal(gauge.add(100), false);
  let drained = false;
  const waiting = gauge.drained().then(() => drained = true);
  assert.equal(gauge.drained() instanceof Promise, true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(drained, false);
  counter.bytesWritten += 200;
  counter.writableLength = 200;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(drained, false, "what the socket itself holds is not written");
  counter.writableLength = 0;
  await waiting;
  assert.equal(gauge.hasRoom, true);
});

Deno.test("WriteGauge does not fall behind the socket's frame headers", () => {
  const counter = socket();
  const gauge = new WriteGauge(counter);
  for (let n = 0; n < 1_000; n++) {
    gauge.add(10);
    counter.bytesWritten += 10_000;
  }
  assert.equal(gauge.add(MIB), false);
});

Deno.test("WriteGauge has room again when a call was cut or the connection is gone", async () => {
  const counter = socket();
  const gauge = new WriteGauge(counter);
  assert.equal(gauge.add(2 * MIB), false);
  gauge.forget();
  assert.equal(gauge.hasRoom, true);
  assert.equal(gauge.add(2 * MIB), false);
  const waiting = gauge.drained();
  counter.destroyed = true;
  await waiting;
});
