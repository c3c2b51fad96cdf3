import assert from "node:assert/strict";
import { RecordingLog } from "../../kernel/_testing.ts";
import { CairnError } from "../../kernel/errors.ts";
import { MetricScope } from "../../kernel/metrics.ts";
import {
  concat,
  fillRecord,
  headerRecord,
  PROOF_RECORD,
  responseText,
} from "../../protocols/hiero/_subscribe_script.ts";
import { parseItemSet } from "../../protocols/hiero/publish_messages.ts";
import type { SubscribeConfig } from "../../protocols/hiero/subscribe_events.ts";
import { SubscribeMachine } from "../../protocols/hiero/subscribe_machine.ts";
import { encodeSubscribeRequest, subscribeRequest } from "../../protocols/hiero/subscribe_messages.ts";
import { eventually, metricValue } from "../../rpc/_testing.ts";
import type { Sender } from "../../rpc/types.ts";
import { SubscribeService } from "./subscribe.ts";
import { createSubscribeMetrics } from "./subscribe_metrics.ts";
import type { SubscribeRange } from "./subscription.ts";

const makeBlock = (number: bigint) => concat(headerRecord(number), fillRecord(20), PROOF_RECORD);

/** A transport in the hands of a test. */
class FakeSender implements Sender<Uint8Array> {
  readonly sent: string[] = [];
  full = false;
  beforeSend: () => void = () => {};
  #room = Promise.withResolvers<void>();

  send(message: Uint8Array): boolean {
    this.beforeSend();
    this.sent.push(responseText(message));
    return !this.full;
  }

  drained(): Promise<void> {
    return this.full ? this.#room.promise : Promise.resolve();
  }

  drain(): void {
    this.full = false;
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }

  end(): void {}
}

function openService(
  { last = 9n, config = {}, read }: {
    last?: bigint;
    config?: Partial<SubscribeConfig>;
    read?: (number: bigint) => Promise<Uint8Array | undefined>;
  } = {},
) {
  const machine = new SubscribeMachine({ lastPersisted: last, config });
  const scope = new MetricScope();
  const log = new RecordingLog();
  let nowMs = 0;
  let reads = 0;
  const service = new SubscribeService({
    machine,
    store: {
      first: last < 0n ? undefined : 0n,
      block: (number) => {
        reads++;
        return read?.(number) ?? Promise.resolve(makeBlock(number));
      },
    },
    metrics: createSubscribeMetrics(scope, () => machine.snapshot()),
    log,
    maxSubscribers: 2,
    historyBytes: 1_000,
    now: () => nowMs,
  });
  return {
    service,
    machine,
    log,
    reads: () => reads,
    wait: (milliseconds: number) => void (nowMs += milliseconds),
    ended: (outcome: string) => metricValue(scope, "subscriber_sessions_total", { outcome }),
    /** Publishes a block whole, and stores it. */
    block(number: bigint) {
      for (const part of [headerRecord(number), PROOF_RECORD]) service.accepted(number, parseItemSet(part));
      service.complete(number);
      service.persisted(number);
    },
    subscribe(range: SubscribeRange, sender = new FakeSender()) {
      const controller = new AbortController();
      const context = {
        signal: controller.signal,
        peer: "test",
        requestId: "test",
        metadata: new Map(),
        log,
      };
      const request = encodeSubscribeRequest(subscribeRequest(range));
      const done = service.subscribe(request, sender, context);
      // Observed by the test later.
      done.catch(() => {});
      return { sender, done, leave: () => controller.abort(new Error("gone")) };
    },
  };
}

Deno.test("SubscribeService sends history, then live blocks, then SUCCESS, one read for each stored block", async () => {
  const { service, subscribe, block, reads, ended } = openService();
  using _ = service;
  const { sender, done } = subscribe({ first: 8n, last: 10n });
  await eventually(() => sender.sent.length === 4, "both stored blocks");
  block(10n);
  await done;
  assert.deepEqual(sender.sent, [
    "items h8tp",
    "end 8",
    "items h9tp",
    "end 9",
    "items h10",
    "items p",
    "end 10",
    "SUCCESS",
  ]);
  assert.equal(reads(), 2);
  assert.equal(await ended("SUCCESS"), 1);
});

Deno.test("SubscribeService waits for room and goes on where it was", async () => {
  const { service, subscribe } = openService();
  using _ = service;
  const sender = new FakeSender();
  sender.full = true;
  const { done } = subscribe({ first: 9n, last: 9n }, sender);
  await eventually(() => sender.sent.length === 1, "one message");
  sender.drain();
  await done;
  assert.deepEqual(sender.sent, ["items h9tp", "end 9", "SUCCESS"]);
});

Deno.test("SubscribeService drops who leaves no room with ERROR and goes on with the others", async () => {
  const { service, subscribe, block, wait, ended, log } = openService({ config: { stallTimeoutMs: 1_000 } });
  using _ = service;
  const stuck = new FakeSender();
  stuck.full = true;
  const slow = subscribe({}, stuck);
  const fast = subscribe({});
  block(10n);
  wait(1_001);
  await assert.rejects(slow.done, { code: "DEADLINE_EXCEEDED" });
  assert.deepEqual(stuck.sent, ["items h10", "ERROR"]);
  block(11n);
  assert.equal(fast.sender.sent.at(-1), "end 11");
  assert.equal(await ended("SLOW"), 1);
  assert.ok(log.lines.some(({ message, level }) => message === "Subscription ended" && level === "warn"));
  fast.leave();
  await fast.done;
});

Deno.test("SubscribeService ends with ERROR when the store or the transport fails (S12)", async () => {
  const { service, subscribe, ended, log } = openService({
    read: (number) =>
      number === 1n ? Promise.reject(new Error("checksum")) : Promise.resolve(makeBlock(number)),
  });
  using _ = service;
  const unreadable = subscribe({ first: 0n });
  await unreadable.done;
  assert.deepEqual(unreadable.sender.sent, ["items h0tp", "end 0", "ERROR"]);
  assert.ok(log.lines.some(({ message }) => message === "Block unreadable"));

  const sender = new FakeSender();
  let sends = 0;
  sender.beforeSend = () => {
    if (++sends === 2) throw new CairnError("MESSAGE_TOO_LARGE", "Cannot send message");
  };
  await subscribe({ first: 2n }, sender).done;
  assert.deepEqual(sender.sent, ["items h2tp", "ERROR"]);
  assert.equal(await ended("ERROR"), 2);
});

Deno.test("SubscribeService ends with NOT_AVAILABLE where a stored block is gone", async () => {
  const { service, subscribe } = openService({ read: () => Promise.resolve(undefined) });
  using _ = service;
  const { sender, done } = subscribe({ first: 0n });
  await done;
  assert.deepEqual(sender.sent, ["NOT_AVAILABLE"]);
});

Deno.test("SubscribeService forgets who leaves, also while a block is being read for it (S13)", async () => {
  const reading = Promise.withResolvers<Uint8Array>();
  const { service, subscribe, ended, machine } = openService({ read: () => reading.promise });
  using _ = service;
  const { sender, done, leave } = subscribe({ first: 0n });
  leave();
  await done;
  reading.resolve(makeBlock(0n));
  await reading.promise;
  assert.deepEqual(sender.sent, []);
  assert.equal(await ended("GONE"), 1);
  assert.equal(service.subscribers, 0);
  assert.equal(machine.snapshot().subscribers, 0);
});

Deno.test("SubscribeService refuses bytes that are no request, and more subscribers than stated", async () => {
  const { service, subscribe } = openService();
  using _ = service;
  const context = { signal: new AbortController().signal } as never;
  await assert.rejects(service.subscribe(Uint8Array.of(0x08), new FakeSender(), context), {
    code: "MALFORMED_MESSAGE",
  });
  const open = [subscribe({}), subscribe({})];
  await assert.rejects(subscribe({}).done, { code: "TOO_MANY_STREAMS" });
  service.shutdown();
  for (const { sender, done } of open) {
    await done;
    assert.deepEqual(sender.sent, ["SUCCESS"]);
  }
  const late = subscribe({ first: 0n });
  await late.done;
  assert.deepEqual(late.sender.sent, ["NOT_AVAILABLE"]);
});
