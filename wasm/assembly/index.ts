/**
 * Everything `hot.wasm` exports, kernel by kernel.
 *
 * Layer: wasm. One module for all kernels, because they work on the same bytes in the same memory.
 */

import { LAYOUT_VERSION } from "../layout";

export {
  ringCancel,
  ringClaim,
  ringClose,
  ringCommit,
  ringHasSpace,
  ringInit,
  ringNoteFull,
  ringPublish,
  ringPublishBatch,
  ringReserve,
  ringWaitForSpace,
} from "./ring_producer";
export {
  ringAdvance,
  ringArm,
  ringAvailable,
  ringDisarm,
  ringIntact,
  ringJoin,
  ringLeave,
  ringRelease,
  ringSkipLost,
  ringStop,
  ringWait,
} from "./ring_consumer";
export {
  ringArenaUsed,
  ringBehind,
  ringCursor,
  ringExpel,
  ringFullCount,
  ringLost,
  ringPublished,
  ringReadAt,
  ringReleasedAt,
} from "./ring_state";

export { blake3, blake3Batch, blake3Keyed, blake3UnkeyedKey } from "./blake3";
export {
  blake3Finish,
  blake3FinishSubtree,
  blake3PushSubtrees,
  blake3Start,
  blake3StartSubtree,
  blake3Update,
} from "./blake3_stream";
export {
  keccak256,
  keccak256Batch,
  keccak256Finish,
  keccak256Start,
  keccak256Update,
  sponge256,
} from "./keccak";

export {
  rlpEncodedLength,
  rlpEncodedStart,
  rlpEncodeList,
  rlpFaultOffset,
  rlpIndex,
  rlpIndexPayload,
  rlpValidate,
} from "./rlp";

export { scratchInit } from "./scratch";

export { auxpowBatch, auxpowVerify } from "./auxpow";
export { auxpowTarget, difficultyExpected } from "./difficulty";
export { headerBatch, headerDifficulty } from "./header";
export { sha256, sha256d, sha256Resume } from "./sha256";
export { sha256dBatch } from "./sha256_batch";

/** Version of the map this module was compiled with. */
export function layoutVersion(): u32 {
  return LAYOUT_VERSION;
}

/** First address behind the compiler's constant tables; must not reach into the heap. */
export function staticsEnd(): usize {
  return __heap_base;
}
