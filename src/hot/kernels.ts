/**
 * The exports of `hot.wasm` as TypeScript sees them.
 *
 * Layer: hot. Source: wasm/assembly/index.ts. Addresses and counts are u32; the boundary hands them out as
 * signed numbers, so an address that is shown or compared needs `>>> 0` (`>>> 2` as an index is enough).
 *
 * @module
 */

/** Functions of the ring: `base` is the ring's address, `consumer` its row. Sequences are modulo 2^53. */
export interface RingKernels {
  ringInit(
    base: number,
    slots: number,
    slotsAt: number,
    arenaAt: number,
    arenaBytes: number,
    policy: number,
    startLow: number,
    startHigh: number,
    arenaStartLow: number,
    arenaStartHigh: number,
  ): void;
  /** Slot address; 0 when full; 1 when the body is larger than the arena. */
  ringClaim(base: number, bytes: number): number;
  /** Slots granted, up to `count`, without bodies. */
  ringReserve(base: number, count: number): number;
  ringCommit(base: number): void;
  ringCancel(base: number): void;
  /** 1 if published, 0 if full. */
  ringPublish(base: number, kind: number, first: number, second: number, value: number): number;
  /** Records of 48 bytes published, up to `count`, from the address `from`. */
  ringPublishBatch(base: number, from: number, count: number): number;
  ringHasSpace(base: number, count: number, bytes: number): number;
  ringNoteFull(base: number): void;
  /** Blocks the thread. 1 if there is space now. */
  ringWaitForSpace(base: number, count: number, bytes: number, timeoutMicros: number): number;
  ringClose(base: number): void;

  /** Row of the new consumer, or -1. */
  ringJoin(base: number): number;
  ringLeave(base: number, consumer: number): void;
  ringStop(base: number, consumer: number): void;
  ringAvailable(base: number, consumer: number): number;
  ringAdvance(base: number, consumer: number, count: number): void;
  ringRelease(base: number, consumer: number, count: number): void;
  ringIntact(
    base: number,
    consumer: number,
    index: number,
    endLow: number,
    endHigh: number,
    bytes: number,
  ): number;
  ringSkipLost(base: number, consumer: number): void;
  /** Value of the wake word. */
  ringArm(base: number, consumer: number): number;
  ringDisarm(base: number, consumer: number): void;
  /** Blocks the thread. Events that can be read now. */
  ringWait(
    base: number,
    consumer: number,
    spins: number,
    parks: number,
    parkMicros: number,
    sleepMicros: number,
  ): number;

  ringCursor(base: number): number;
  ringPublished(base: number): number;
  ringReadAt(base: number, consumer: number): number;
  ringReleasedAt(base: number, consumer: number): number;
  ringBehind(base: number, consumer: number): number;
  ringLost(base: number, consumer: number): number;
  ringFullCount(base: number): number;
  ringArenaUsed(base: number): number;
  ringExpel(base: number, consumer: number): void;
}

/** Hashes in place: addresses of bytes, digests of 32 bytes to `out`, rows as `HASH_ROW_*` of wasm/layout.ts. */
export interface KeccakKernels {
  keccak256(address: number, bytes: number, out: number): void;
  keccak256Batch(rows: number, count: number): void;
  /** Sponge of rate 136 with 32 bytes of output; `padding` 0x01 is Keccak-256, 0x06 SHA3-256. */
  sponge256(address: number, bytes: number, out: number, padding: number): void;
  /** A streaming hash has `KECCAK_STATE_BYTES` at `state`. */
  keccak256Start(state: number): void;
  keccak256Update(state: number, address: number, bytes: number): void;
  keccak256Finish(state: number, out: number): void;
}

/**
 * BLAKE3 in place. `key` is the address of 32 bytes (`blake3UnkeyedKey()` for the plain mode), `flags` the mode's
 * `BLAKE3_*` flag of wasm/layout.ts, 0 for the plain mode.
 */
export interface Blake3Kernels {
  blake3UnkeyedKey(): number;
  /** Plain mode. */
  blake3(address: number, bytes: number, out: number): void;
  blake3Keyed(address: number, bytes: number, key: number, flags: number, out: number): void;
  blake3Batch(rows: number, count: number, key: number, flags: number): void;
  /** A streaming hash has `BLAKE3_STATE_BYTES` at `state`. */
  blake3Start(state: number, key: number, flags: number): void;
  blake3Update(state: number, address: number, bytes: number): void;
  /** `bytes` bytes of output; the state stays as it was. */
  blake3Finish(state: number, out: number, bytes: number): void;
  /** Starts the hash of a subtree whose first chunk is number `low + 2^32 high`. */
  blake3StartSubtree(state: number, key: number, flags: number, low: number, high: number): void;
  /** The subtree's chaining value, 32 bytes. */
  blake3FinishSubtree(state: number, out: number): void;
  /** Adds chaining values of `count` subtrees of `chunks` chunks each, a power of two; at least two in all. */
  blake3PushSubtrees(state: number, values: number, count: number, chunks: number): void;
}

/** SHA-256: digests are 32 bytes at `out`; rows are `HASH_ROW_*` of the layout. */
export interface Sha256Kernels {
  sha256(address: number, bytes: number, out: number): void;
  /** SHA-256 twice. */
  sha256d(address: number, bytes: number, out: number): void;
  /** Continues from eight big-endian chaining words after so many bytes, a u64 in two halves. */
  sha256Resume(
    midstate: number,
    countHigh: number,
    countLow: number,
    tail: number,
    tailBytes: number,
    out: number,
  ): void;
  /** SHA-256 twice of each row. No digest may lie where the input of another row is. */
  sha256dBatch(rows: number, count: number): void;
}

/** Merged-mining proof of work: rows and results are `AUXPOW_*` of the layout, codes too. */
export interface AuxPowKernels {
  /** Code of the one row; its result is written. */
  auxpowVerify(row: number): number;
  /** How many are valid; every row's result is written. No result may lie where the input of another row is. */
  auxpowBatch(rows: number, count: number): number;
  /** 32 bytes, big-endian, to `out`. */
  auxpowTarget(difficulty: number, bytes: number, out: number): void;
  /** Parent difficulty and result of 32 bytes, big-endian; `DIFFICULTY_RULES_*` at `rules`. 1 if the result fits. */
  difficultyExpected(
    parent: number,
    secondsHigh: number,
    secondsLow: number,
    uncles: number,
    rules: number,
    out: number,
  ): number;
}

/**
 * Functions of RLP. A table has a row of `RLP_ROW_BYTES` a field (`wasm/layout.ts`), at a multiple of 4; what is
 * negative is a negated `RLP_` code of the layout.
 */
export interface RlpKernels {
  /** Fields of the list that is exactly the input. */
  rlpIndex(address: number, bytes: number, table: number, capacity: number): number;
  /** Fields in `bytes` of payload at `address + from`; offsets count from `address`. */
  rlpIndexPayload(address: number, from: number, bytes: number, table: number, capacity: number): number;
  /** 0 if the input is exactly one item or list, canonical throughout. Uses the scratch area. */
  rlpValidate(address: number, bytes: number): number;
  /** Offset at which the last call met what its negative code says. */
  rlpFaultOffset(): number;
  /** Offset of the encoding of one row's field, prefix included. */
  rlpEncodedStart(row: number, base: number): number;
  /** Bytes that `rlpEncodeList` writes; 0 if more than `RLP_BYTES_MAX`. */
  rlpEncodedLength(table: number, count: number, base: number): number;
  /** Bytes written at `out`; 0 if more than `RLP_BYTES_MAX`. */
  rlpEncodeList(table: number, count: number, base: number, out: number): number;
}

/** Rootstock headers: rows and results are `HEADER_*` of the layout. */
export interface HeaderKernels {
  /** How many are valid; every row's result is written. No result may lie where the input of another row is. */
  headerBatch(rows: number, count: number): number;
  /** 1 if the difficulty of a result follows from that of its parent; `DIFFICULTY_RULES_*` at `rules`. */
  headerDifficulty(parent: number, child: number, rules: number): number;
}

/** Everything one instance of `hot.wasm` offers. */
export interface HotKernels
  extends RingKernels, KeccakKernels, Blake3Kernels, Sha256Kernels, AuxPowKernels, HeaderKernels, RlpKernels {
  /** Tells the instance its scratch area; `HotMemory` does. */
  scratchInit(address: number): void;
  layoutVersion(): number;
  staticsEnd(): number;
}
