/**
 * BLAKE3: short, long, in batches, and over two Workers.
 *
 * @module
 */

import { hashInto, warmupSimd } from "blake3-jit";
import { hash as blake3Wasm } from "blake3-wasm";
import { createBLAKE3 } from "hash-wasm";
import { blake3 } from "../../src/hot/blake3.ts";
import { KernelPool } from "../../src/hot/kernel_pool.ts";
import { BATCH, openRig, type Rig } from "./_batch.ts";
import { b3sum } from "./_programs.ts";
import {
  assertSame,
  type Contender,
  type Family,
  inProcess,
  repeat,
  type Row,
  times,
  value,
} from "./_rows.ts";

const KIB = 1 << 10;
const MIB = 1 << 20;
/** Large enough that starting `b3sum` is a small part of its run. */
const FILE_BYTES = 256 * MIB;

/** The kernel, its face and the peers, on one input. */
async function single({ memory, input, out, ordinary, digest }: Rig): Promise<Contender[]> {
  const { kernels } = memory;
  const { length } = ordinary;
  const into = new Uint8Array(32);
  const hasher = await createBLAKE3();
  const hashWasm = () => hasher.init().update(ordinary).digest("binary");
  kernels.blake3(input, length, out);
  assertSame("blake3-wasm", blake3Wasm(ordinary) as Uint8Array, digest());
  assertSame("hash-wasm", hashWasm(), digest());
  hashInto(ordinary, into);
  assertSame("blake3-jit", into, digest());
  return [
    inProcess("in place", "cairn", (iterations) => {
      for (let i = 0; i < iterations; i++) kernels.blake3(input, length, out);
    }),
    repeat("blake3.into(), ordinary bytes", "cairn", () => blake3.into(ordinary, into)),
    repeat("blake3-jit", "npm", () => hashInto(ordinary, into)),
    repeat("blake3-wasm", "npm", () => blake3Wasm(ordinary)),
    repeat("hash-wasm", "npm", hashWasm),
  ];
}

/** A batch of equal lengths; peers have no batch, so they hash the first input as often. */
async function batch(bytes: number, unit: Row["unit"], work: number, asks: Row["asks"]): Promise<Row> {
  const rig = await openRig(bytes);
  const { kernels } = rig.memory;
  const key = kernels.blake3UnkeyedKey();
  const peers = (await single(rig)).filter(({ kind }) => kind === "npm");
  return {
    name: `BLAKE3 of ${bytes} bytes, batches of ${BATCH}`,
    unit,
    work,
    asks,
    contenders: [
      inProcess("batch in place", "cairn", (iterations) => {
        for (let i = 0; i < iterations; i++) kernels.blake3Batch(rig.rows, BATCH, key, 0);
      }),
      ...peers.map((peer): Contender => ({
        ...peer,
        measure: async () => {
          const nanos = await peer.measure();
          return nanos === undefined ? undefined : nanos * BATCH;
        },
      })),
    ],
  };
}

/**
 * Workers on one input of 16 MiB, and one of them. How much two can be faster depends on whether the machine's two
 * cores are two: two Workers with an input each, which share nothing, say how much that is.
 */
async function pooled(pools: KernelPool[]): Promise<Row> {
  const bytes = 16 * MIB;
  const open = async (workers: number) => {
    const { memory, input, out } = await openRig(bytes, 1);
    const pool = await KernelPool.start(memory, { workers });
    pools.push(pool);
    return () => pool.blake3(input, bytes, out);
  };
  const [two, one, other] = [await open(2), await open(1), await open(1)];
  const contender = (name: string, job: () => Promise<unknown>, jobs = 1) =>
    inProcess(name, "cairn", async (iterations) => {
      for (let i = 0; i < iterations; i += jobs) await job();
    });
  return {
    name: "BLAKE3 of 16 MiB over two Workers",
    unit: "GB/s",
    work: bytes,
    asks: [times(1.8, "one Worker")],
    contenders: [
      contender("two Workers", two),
      contender("one Worker", one),
      contender("two Workers, an input each", () => Promise.all([one(), other()]), 2),
    ],
  };
}

/** Rows of BLAKE3. */
export async function blake3Rows(): Promise<Family> {
  warmupSimd();
  const pools: KernelPool[] = [];
  const file = b3sum(MIB, FILE_BYTES);
  const [short, medium, long] = [await openRig(64), await openRig(16 * KIB, 1), await openRig(MIB, 1)];
  return {
    name: "BLAKE3",
    rows: [
      {
        name: "BLAKE3 of 64 bytes",
        unit: "ns",
        work: 1,
        asks: [value(100, "ns"), times(4)],
        contenders: await single(short),
      },
      await batch(64, "ns", BATCH, []),
      await batch(KIB, "GB/s", BATCH * KIB, [value(1.6, "GB/s")]),
      {
        name: "BLAKE3 of 16 KiB",
        unit: "GB/s",
        work: 16 * KIB,
        asks: [value(1.5, "GB/s"), times(1.1)],
        contenders: await single(medium),
      },
      {
        name: "BLAKE3 of 1 MiB",
        unit: "GB/s",
        work: MIB,
        asks: [value(1.5, "GB/s"), times(1.1), times(0.48, file.name)],
        contenders: [...await single(long), file],
      },
      await pooled(pools),
    ],
    async close() {
      file.close();
      for (const pool of pools) await pool[Symbol.asyncDispose]();
    },
  };
}
