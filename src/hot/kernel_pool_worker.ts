/**
 * A Worker of a kernel pool: takes parts of the current job until none is left.
 *
 * Layer: hot.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { HotMemory } from "./memory.ts";
import { type PoolWorkerJob, type PoolWorkerReply, type PoolWorkerStart, runPart } from "./pool_jobs.ts";

const reply = (message: PoolWorkerReply) => self.postMessage(message);

self.onmessage = ({ data: start }: MessageEvent<PoolWorkerStart>) => {
  const memory = HotMemory.attach(start.memory, start.scratch);
  self.onmessage = ({ data: { job, parts } }: MessageEvent<PoolWorkerJob>) => {
    try {
      for (let part; (part = Atomics.add(memory.u32, start.next >>> 2, 1)) < parts;) {
        runPart(memory, job, part);
      }
      reply({});
    } catch (error) {
      reply({ trap: String(error) });
    }
  };
  reply({});
};
