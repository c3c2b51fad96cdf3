/**
 * The map of the shared memory, read unchanged by two compilers: TypeScript and AssemblyScript. Therefore this
 * file holds nothing but `export const NAME = <integer literal>;`: no types, no imports, no expressions.
 *
 * Layer: wasm. Source: spec/hot-path.md sections 1 and 2. `layout_test.ts` recomputes every row below.
 * Raise `LAYOUT_VERSION` with any change: a Worker with another map refuses to start (`HOT_LAYOUT_MISMATCH`).
 *
 * Memory, absolute offsets. Everything from `HEAP_OFFSET` on is handed out by `HotMemory.allocate()`.
 *
 * | Region  | Constant         | Offset | Bytes  | Element | Writer -> reader         | Ordering            |
 * | ------- | ---------------- | ------ | ------ | ------- | ------------------------ | ------------------- |
 * | header  | `HEADER_OFFSET`  | 0      | 1024   | u32     | main -> every thread     | before a Worker runs |
 * | statics | `STATICS_OFFSET` | 1024   | 64512  | bytes   | compiler, read-only      | at instantiation    |
 * | heap    | `HEAP_OFFSET`    | 65536  | rest   | regions | see each region          | -                   |
 *
 * One ring, offsets from the ring's own address. A line of 128 bytes has one kind of writer: the adjacent-line
 * prefetcher of x86 pulls cache lines in pairs.
 *
 * | Region    | Constant                | Offset | Bytes   | Element | Writer -> reader      | Ordering                 |
 * | --------- | ----------------------- | ------ | ------- | ------- | --------------------- | ------------------------ |
 * | meta      | `RING_META_OFFSET`      | 0      | 128     | u32/u64 | main -> all           | before the ring is used  |
 * | cursor    | `RING_CURSOR_OFFSET`    | 128    | 128     | u64     | producer -> consumers | atomic, after the slots  |
 * | sleepers  | `RING_SLEEPERS_OFFSET`  | 256    | 128     | u32 set | consumers, producer   | atomic                   |
 * | members   | `RING_MEMBERS_OFFSET`   | 384    | 128     | u32 set | consumers -> producer | atomic                   |
 * | space     | `RING_SPACE_OFFSET`     | 512    | 128     | u32     | producer, consumers   | atomic                   |
 * | announce  | `RING_ANNOUNCE_OFFSET`  | 640    | 128     | u64     | producer -> consumers | atomic, before the slots |
 * | producer  | `RING_PRODUCER_OFFSET`  | 768    | 128     | u64/u32 | producer only         | plain                    |
 * | consumers | `RING_CONSUMERS_OFFSET` | 896    | 16x128  | row     | its consumer          | atomic where shared      |
 * | slots     | `RING_SLOTS_OFFSET`     | 2944   | n x 64  | slot    | producer -> consumers | plain, published by cursor |
 * | arena     | after the slots         | -      | any     | bytes   | producer -> consumers | plain, published by cursor |
 *
 * One scratch area, offsets from its own address: the working memory of the kernels of one thread, never shared.
 * Nothing in it outlives a call, except what the faces of `src/hot` put into window, table and digests themselves.
 *
 * | Region   | Constant                  | Offset | Bytes  | Element | Who                                          |
 * | -------- | ------------------------- | ------ | ------ | ------- | -------------------------------------------- |
 * | lanes    | `SCRATCH_LANES_OFFSET`    | 0      | 1024   | v128    | transposed words of four lanes               |
 * | padded   | `SCRATCH_PADDED_OFFSET`   | 1024   | 1024   | bytes   | last blocks with their padding               |
 * | chaining | `SCRATCH_CHAINING_OFFSET` | 2048   | 4096   | u8[32]  | chaining values of BLAKE3, open lists of RLP |
 * | state    | `SCRATCH_STATE_OFFSET`    | 6144   | 4096   | bytes   | streaming hash of a one-shot call            |
 * | auxpow   | `SCRATCH_AUXPOW_OFFSET`   | 10240  | 8192   | bytes   | AuxPoW and header checks                     |
 * | digests  | `SCRATCH_DIGESTS_OFFSET`  | 18432  | 8192   | u8[32]  | faces: where kernels leave what is copied out |
 * | stream   | `SCRATCH_STREAM_OFFSET`   | 26624  | 4096   | bytes   | faces: state of the streaming hash in use    |
 * | key      | `SCRATCH_KEY_OFFSET`      | 30720  | 2048   | bytes   | faces: key of a call in another mode         |
 * | table    | `SCRATCH_TABLE_OFFSET`    | 32768  | 32768  | rows    | faces: rows of a batch, fields of an index   |
 * | window   | `SCRATCH_WINDOW_OFFSET`   | 65536  | 65536  | bytes   | faces: input that comes from outside         |
 * | headers  | `SCRATCH_HEADERS_OFFSET`  | 131072 | 12288  | bytes   | header checks: rows, fields, preimages       |
 *
 * @module
 */

export const LAYOUT_VERSION = 5;

export const PAGE_BYTES = 65536;

/** Shared memory of wasm32 ends here: 65,536 pages. The module declares this maximum so that any size links. */
export const MAXIMUM_PAGES = 65536;

export const HEADER_OFFSET = 0;
export const HEADER_BYTES = 1024;
/** u32: `LAYOUT_VERSION` of the thread that created the memory. */
export const HEADER_VERSION_OFFSET = 0;
/** u32: bytes of the memory in pages. */
export const HEADER_PAGES_OFFSET = 4;

/** `--memoryBase` of the compiler: its constant tables lie between here and `HEAP_OFFSET`. */
export const STATICS_OFFSET = 1024;
export const STATICS_BYTES = 64512;

export const HEAP_OFFSET = 65536;
/** Every region starts on a pair of cache lines. */
export const REGION_ALIGN_BYTES = 128;

// ring: meta

export const RING_META_OFFSET = 0;
export const RING_META_BYTES = 128;
/** u32, a power of two. */
export const META_SLOTS = 0;
/** u32: absolute address of slot 0. */
export const META_SLOTS_ADDRESS = 4;
/** u32: absolute address of the arena. */
export const META_ARENA_ADDRESS = 8;
/** u32, a multiple of 8; 0 for a ring without bodies. */
export const META_ARENA_BYTES = 12;
/** u32: `POLICY_GATING` or `POLICY_LOSSY`. */
export const META_POLICY = 16;
/** u64: the sequence the ring started with; a total is cursor minus this. */
export const META_START = 24;

export const POLICY_GATING = 0;
export const POLICY_LOSSY = 1;

// ring: lines with one kind of writer each

export const RING_CURSOR_OFFSET = 128;
export const RING_CURSOR_BYTES = 128;

/** u32 set of consumers in deep sleep; the producer takes it whole and wakes them. */
export const RING_SLEEPERS_OFFSET = 256;
export const RING_SLEEPERS_BYTES = 128;

/** u32 set of consumers that hold back the producer. */
export const RING_MEMBERS_OFFSET = 384;
export const RING_MEMBERS_BYTES = 128;
/** u32 in the same line: 1 once the producer has closed the ring. */
export const RING_CLOSED_OFFSET = 388;

/** u32: 1 while the producer waits for space. */
export const RING_SPACE_OFFSET = 512;
export const RING_SPACE_BYTES = 128;
/** u32 in the same line: the word the waiting producer sleeps on. */
export const RING_SPACE_WAKE_OFFSET = 516;

/** u64: slots below this sequence may be being written; lossy rings only. */
export const RING_ANNOUNCE_OFFSET = 640;
export const RING_ANNOUNCE_BYTES = 128;
/** u64 in the same line: arena positions below this may be being written; lossy rings only. */
export const RING_ANNOUNCE_ARENA_OFFSET = 648;

export const RING_PRODUCER_OFFSET = 768;
export const RING_PRODUCER_BYTES = 128;
/** u64: the sequence of the next claim. */
export const PRODUCER_NEXT = 0;
/** u64: least sequence of all consumers when last looked at. */
export const PRODUCER_MINIMUM = 8;
/** u64: arena position up to which bodies are free again. */
export const PRODUCER_TAIL = 16;
/** u64: arena position at which the current lap began. */
export const PRODUCER_LAP = 24;
/** u32: next free byte of the arena, counted from its start. */
export const PRODUCER_HEAD = 32;
/** u32: arena bytes handed out since the consumers were last looked at. */
export const PRODUCER_UNCHECKED_BYTES = 36;
/** u64, u32, u64: lap, head and next as they were before the last claim, so that it can be given back. */
export const PRODUCER_SAVED_LAP = 40;
export const PRODUCER_SAVED_HEAD = 48;
export const PRODUCER_SAVED_NEXT = 64;
/** u64: how often a publish found the ring full. */
export const PRODUCER_FULL_COUNT = 56;

export const RING_CONSUMERS_OFFSET = 896;
export const RING_CONSUMERS_MAX = 16;
export const CONSUMER_BYTES = 128;
/** u64: everything below is released; this is what holds the producer back. */
export const CONSUMER_RELEASED = 0;
/** u64: everything below has been handed to the consumer. */
export const CONSUMER_READ = 8;
/** u32: one of `CONSUMER_FREE`, `CONSUMER_ACTIVE`, `CONSUMER_EXPELLED`. */
export const CONSUMER_STATE = 16;
/** u32: 1 when the consumer was asked to stop. */
export const CONSUMER_STOP = 20;
/** u32: the word this consumer sleeps on. */
export const CONSUMER_WAKE = 24;
/** u32: how often this consumer was woken from deep sleep by the producer. */
export const CONSUMER_WAKE_COUNT = 28;
/** u64: events this consumer lost; lossy rings only. */
export const CONSUMER_LOST = 32;
/** u32: written only to order loads around it; lossy rings only. */
export const CONSUMER_ORDER = 40;
/** u32: milliseconds without progress on a full ring after which this consumer counts as dead; 0 for never. */
export const CONSUMER_DEAD_AFTER_MS = 44;

export const CONSUMER_FREE = 0;
export const CONSUMER_ACTIVE = 1;
export const CONSUMER_EXPELLED = 2;

// ring: slots

export const RING_SLOTS_OFFSET = 2944;
/** One cache line. */
export const SLOT_BYTES = 64;
/** u64: arena position behind this slot's body. */
export const SLOT_ARENA_END = 0;
/** u32: absolute address of the body. */
export const SLOT_BODY_ADDRESS = 8;
/** u32: bytes of the body. */
export const SLOT_BODY_BYTES = 12;
/** u32: kind of the event, meaning by topic. */
export const SLOT_KIND = 16;
/** 40 bytes of scalars: ten u32 or five f64; a 32-byte hash fits. 20 is kept free so that f64 are aligned. */
export const SLOT_SCALARS = 24;
export const SLOT_SCALARS_BYTES = 40;
/** What `ringPublishBatch` copies for each event: kind, pad, scalars. */
export const RECORD_BYTES = 48;

/** Bodies start on multiples of this, so that u64 and f64 views can be laid over them. */
export const BODY_ALIGN_BYTES = 8;
/**
 * The producer looks at its consumers at least once in so many arena bytes, so that a drained arena starts again
 * at its first page; smaller keeps fewer pages resident and costs two cache misses more often.
 */
export const ARENA_CHECK_BYTES = 65536;

// scratch

/** 140 KiB for each thread that hashes. */
export const SCRATCH_BYTES = 143360;

/**
 * What an instance takes for its scratch area until it is told one: the last 256 KiB of a 32-bit address space, which
 * no memory hands out and hardly one reaches. A kernel that is called too early traps there, and disturbs nothing.
 */
export const SCRATCH_UNSET = 4294705152;

export const SCRATCH_LANES_OFFSET = 0;
export const SCRATCH_LANES_BYTES = 1024;
export const SCRATCH_PADDED_OFFSET = 1024;
export const SCRATCH_PADDED_BYTES = 1024;
export const SCRATCH_CHAINING_OFFSET = 2048;
export const SCRATCH_CHAINING_BYTES = 4096;
export const SCRATCH_STATE_OFFSET = 6144;
export const SCRATCH_STATE_BYTES = 4096;
export const SCRATCH_AUXPOW_OFFSET = 10240;
export const SCRATCH_AUXPOW_BYTES = 8192;
export const SCRATCH_DIGESTS_OFFSET = 18432;
export const SCRATCH_DIGESTS_BYTES = 8192;
export const SCRATCH_STREAM_OFFSET = 26624;
export const SCRATCH_STREAM_BYTES = 4096;
export const SCRATCH_KEY_OFFSET = 30720;
export const SCRATCH_KEY_BYTES = 2048;
export const SCRATCH_TABLE_OFFSET = 32768;
export const SCRATCH_TABLE_BYTES = 32768;
/** As large as the largest subtree that BLAKE3 hashes level by level, so that a full window is one. */
export const SCRATCH_WINDOW_OFFSET = 65536;
export const SCRATCH_WINDOW_BYTES = 65536;
export const SCRATCH_HEADERS_OFFSET = 131072;
export const SCRATCH_HEADERS_BYTES = 12288;

/** Every digest of this module. */
export const DIGEST_BYTES = 32;

// batch of hashes: one row an input

export const HASH_ROW_BYTES = 16;
/** u32: address of the input. */
export const HASH_ROW_ADDRESS = 0;
/** u32: bytes of the input. */
export const HASH_ROW_LENGTH = 4;
/** u32: address of the 32-byte digest. */
export const HASH_ROW_OUT = 8;

// streaming Keccak-256

export const KECCAK_RATE_BYTES = 136;
/** 25 lanes, then the block that is being filled, then how far it is. */
export const KECCAK_STATE_BYTES = 344;
export const KECCAK_BUFFER_OFFSET = 200;
/** u32: bytes in the buffer, below the rate. */
export const KECCAK_BUFFERED = 336;

// BLAKE3

export const BLAKE3_BLOCK_BYTES = 64;
export const BLAKE3_CHUNK_BYTES = 1024;
/** Largest subtree that is hashed level by level: 64 chunks, whose chaining values fill half of their region. */
export const BLAKE3_SUBTREE_BYTES = 65536;

export const BLAKE3_CHUNK_START = 1;
export const BLAKE3_CHUNK_END = 2;
export const BLAKE3_PARENT = 4;
export const BLAKE3_ROOT = 8;
export const BLAKE3_KEYED_HASH = 16;
export const BLAKE3_DERIVE_KEY_CONTEXT = 32;
export const BLAKE3_DERIVE_KEY_MATERIAL = 64;

/** Streaming BLAKE3: key, counters, the chunk that is being filled, and a stack for 2^54 chunks. */
export const BLAKE3_STATE_BYTES = 2848;
export const BLAKE3_KEY_OFFSET = 0;
/** u64: number of the first chunk; other than 0 for a subtree. */
export const BLAKE3_BASE = 32;
/** u64: chunks whose chaining values are on the stack or merged. */
export const BLAKE3_CHUNKS = 40;
/** u32: mode. */
export const BLAKE3_FLAGS = 48;
/** u32: bytes of the chunk that is being filled. */
export const BLAKE3_BUFFERED = 52;
/** u32: chaining values on the stack, at most 55: one more than the bits of a chunk's number. */
export const BLAKE3_STACK_LENGTH = 56;
export const BLAKE3_BUFFER_OFFSET = 64;
export const BLAKE3_STACK_OFFSET = 1088;

// AuxPoW: one row a proof, spec/rootstock-consensus.md section 4

export const AUXPOW_ROW_BYTES = 48;
/** u32: `AUXPOW_FLAG_*`. */
export const AUXPOW_ROW_FLAGS = 0;
/** u32: address of the 32 bytes of the base merged-mining hash, B. */
export const AUXPOW_ROW_HASH = 4;
/** u32: address and bytes of the difficulty, big-endian and unsigned, of any length. */
export const AUXPOW_ROW_DIFFICULTY = 8;
export const AUXPOW_ROW_DIFFICULTY_BYTES = 12;
/** u32: address and bytes of the bitcoin header. */
export const AUXPOW_ROW_BTC_HEADER = 16;
export const AUXPOW_ROW_BTC_HEADER_BYTES = 20;
/** u32: address and bytes of the Merkle proof; address 0 is a proof that is missing, not an empty one. */
export const AUXPOW_ROW_PROOF = 24;
export const AUXPOW_ROW_PROOF_BYTES = 28;
/** u32: address and bytes of the compressed coinbase. */
export const AUXPOW_ROW_COINBASE = 32;
export const AUXPOW_ROW_COINBASE_BYTES = 36;
/** u32: address of `AUXPOW_OUT_BYTES` for the result. */
export const AUXPOW_ROW_OUT = 40;

/** Sibling-list Merkle proof; without it a partial Merkle tree. */
export const AUXPOW_FLAG_RSKIP92 = 1;
/** The commitment ends with 12 bytes of fork-detection data (RSKIP110 and block 449 or later). */
export const AUXPOW_FLAG_FORK_DATA = 2;
/** A Merkle proof has at most 960 bytes. */
export const AUXPOW_FLAG_RSKIP180 = 4;

export const AUXPOW_OUT_BYTES = 48;
/** u32: `AUXPOW_VALID` or what failed. */
export const AUXPOW_OUT_CODE = 0;
/** 12 bytes: fork-detection data, as soon as they were found; zeros before. */
export const AUXPOW_OUT_FORK_DATA = 4;
/** 32 bytes: hash of the bitcoin header in wire order, as soon as there is one; zeros before. */
export const AUXPOW_OUT_POW_HASH = 16;

/** Codes, in the order of the steps of section 4.2. */
export const AUXPOW_VALID = 0;
export const AUXPOW_MERKLE_PROOF_FORMAT = 1;
export const AUXPOW_COINBASE_MISSING = 2;
export const AUXPOW_BTC_HEADER_MISSING = 3;
export const AUXPOW_BTC_HEADER_SIZE = 4;
export const AUXPOW_ABOVE_TARGET = 5;
export const AUXPOW_COINBASE_TOO_SHORT = 6;
export const AUXPOW_FORK_DATA_MISSING = 7;
export const AUXPOW_TAG_NOT_FOUND = 8;
export const AUXPOW_TAG_TOO_FAR = 9;
export const AUXPOW_NOT_LAST_TAG = 10;
export const AUXPOW_TOO_MANY_BYTES_AFTER = 11;
export const AUXPOW_COINBASE_TOO_SMALL = 12;
export const AUXPOW_MERKLE_ROOT_MISMATCH = 13;
export const AUXPOW_INNER_NODE_IS_TRANSACTION = 14;

// difficulty of the next block, spec/rootstock-consensus.md section 3.3

export const DIFFICULTY_RULES_BYTES = 48;
/** u32: seconds a block should take, T. */
export const DIFFICULTY_RULES_BLOCK_SECONDS = 0;
/** u32, not 0. */
export const DIFFICULTY_RULES_DIVISOR = 4;
/** u32: 1 if a gap of 600 seconds no longer resets the difficulty. */
export const DIFFICULTY_RULES_RSKIP97 = 8;
/** 32 bytes, big-endian. */
export const DIFFICULTY_RULES_MINIMUM = 16;

// RLP: one row a field of a list

export const RLP_ROW_BYTES = 8;
/** u32: where the payload begins, behind the prefix, counted from the address of the input. */
export const RLP_ROW_OFFSET = 0;
/** u32: bytes of the payload, and `RLP_LIST_BIT` if the field is itself a list. */
export const RLP_ROW_LENGTH = 4;
/** The top bit of a u32. */
export const RLP_LIST_BIT = 2147483648;
/** Inputs and lists stay below the list bit. */
export const RLP_BYTES_MAX = 2147483647;
/** Lists within lists that `rlpValidate` follows, the outermost included: what the chaining region holds. */
export const RLP_DEPTH_MAX = 1024;

/** What is wrong with an input; kernels return these negated. */
export const RLP_TRUNCATED = 1;
export const RLP_TRAILING_BYTES = 2;
export const RLP_NOT_A_LIST = 3;
/** A single byte below 0x80 with a prefix. */
export const RLP_SINGLE_BYTE = 4;
/** The long form for fewer than 56 bytes. */
export const RLP_LONG_FORM = 5;
/** A length that begins with a zero byte. */
export const RLP_LEADING_ZERO = 6;
export const RLP_TOO_MANY_FIELDS = 7;
export const RLP_TOO_DEEP = 8;
export const RLP_TOO_LARGE = 9;

// Rootstock headers: one row a header, spec/rootstock-consensus.md sections 1, 2 and 4

export const HEADER_ROW_BYTES = 16;
/** u32: address and bytes of the header as received, one RLP list. */
export const HEADER_ROW_ADDRESS = 0;
export const HEADER_ROW_LENGTH = 4;
/** u32: `AUXPOW_FLAG_*` and `HEADER_FLAG_*`. */
export const HEADER_ROW_FLAGS = 8;
/** u32: address of `HEADER_OUT_BYTES` for the result, a multiple of 8. */
export const HEADER_ROW_OUT = 12;

/** There is a slot for ummRoot. */
export const HEADER_FLAG_UMM = 8;
/** Compressed encoding: the slot of the bloom holds the extension of version 1, or 2. */
export const HEADER_FLAG_V1 = 16;
export const HEADER_FLAG_V2 = 32;

/** Longer headers are refused unread. */
export const HEADER_BYTES_MAX = 4096;

/** A result begins with that of the proof of work, `AUXPOW_OUT_*`, whose code is the whole header's. */
export const HEADER_OUT_BYTES = 176;
/** u32: slots of the header. */
export const HEADER_OUT_FIELDS = 48;
/** u32: uncleCount. */
export const HEADER_OUT_UNCLES = 52;
/** u64. */
export const HEADER_OUT_NUMBER = 56;
/** u64: seconds. */
export const HEADER_OUT_TIMESTAMP = 64;
/** u32: seconds, from the bitcoin header; 0 if that has not 80 bytes. */
export const HEADER_OUT_BTC_TIME = 72;
/** u32: slot that is meant by `HEADER_FIELD_MALFORMED`. */
export const HEADER_OUT_FIELD = 76;
/** 32 bytes: block hash. */
export const HEADER_OUT_HASH = 80;
/** 32 bytes: base hash for merged mining, B. */
export const HEADER_OUT_MINING_HASH = 112;
/** 32 bytes, big-endian. */
export const HEADER_OUT_DIFFICULTY = 144;

/** Codes beside those of `AUXPOW_*`; with these there are no hashes. */
export const HEADER_TOO_LARGE = 32;
/** Not one canonical RLP list. */
export const HEADER_NOT_CANONICAL = 33;
export const HEADER_FIELD_COUNT = 34;
/** `HEADER_OUT_FIELD` says which slot is not of its form. */
export const HEADER_FIELD_MALFORMED = 35;
/** All three mining slots are there and empty: encoded again they would be left out. */
export const HEADER_MINING_EMPTY = 36;
