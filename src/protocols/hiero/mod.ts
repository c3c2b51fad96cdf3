/**
 * What the Hiero core offers to other programs: `mod.ts` of the package hands it on.
 *
 * Layer: protocols/hiero.
 *
 * @module
 */

// Verification and chains
export { nativeSha384 } from "./native_sha384.ts";
export { emptyTreeHash, HASH_BYTES, type Sha384, StreamingTree, type TreeSnapshot } from "./merkle.ts";
export { BlockVerifier } from "./verify.ts";
export type {
  BlockVerdict,
  LinkVerdict,
  MismatchPolicy,
  PreviousBlock,
  RefusedBlock,
  VerifiedBlock,
  VerifyOptions,
} from "./verdict.ts";
export {
  type ChainHead,
  type ChainOptions,
  ChainVerifier,
  decodeChainHead,
  encodeChainHead,
} from "./chain.ts";
export type { HashRule, RootCandidate } from "./root_hash.ts";
export {
  equalBytes,
  FAILURE_TYPES,
  type FailureType,
  type Fault,
  type FaultCheck,
  type FaultDetail,
  HieroFault,
  toHex,
} from "./fault.ts";

// Proofs
export type { ChainStep } from "./chain.ts";
export type { ProofCheck, ProofStatus } from "./verdict.ts";
export {
  type ProofVerdict,
  ProofVerifier,
  type ProofVerifierOptions,
  type ProvableBlock,
  type UnverifiedReason,
  type VerifiedProofKind,
} from "./proofs/proof_verifier.ts";
export { type ProofParts, type RawProof, readProofParts } from "./proofs/proof_parts.ts";
export {
  checkPublication,
  decodeTssData,
  decodeVerificationData,
  encodeTssData,
  encodeVerificationData,
  findPublication,
  NO_VERIFICATION_DATA,
  type TssData,
  type VerificationData,
} from "./proofs/verification_data.ts";
export { ledgerIdOf, type RosterEntry } from "./proofs/roster.ts";
export {
  type AddressBook,
  openEndedBook,
  parseAddressBook,
  type RangedAddressBook,
} from "./proofs/address_book.ts";
export type { RecordBlockHeader, RsaVerify } from "./proofs/record_file.ts";
export type { RandomBytes } from "./proofs/hints_verify.ts";
export { createNativeRsaVerify } from "./proofs/native_rsa.ts";

// Parts, files, generator
export { ITEM, itemKindName, type ItemRange, itemRanges } from "./items.ts";
export {
  type BlockFooter,
  type BlockHeader,
  parseBlockFooter,
  parseBlockHeader,
  type SemanticVersion,
  type Timestamp,
} from "./block_parts.ts";
export { type BlockProof, parseBlockProof, type ProofKind } from "./proof.ts";
export {
  type Compression,
  detectCompression,
  MAX_BLOCK_FILE_BYTES,
  packBlockFile,
  unpackBlockFile,
} from "./block_file.ts";
export { SOFT_REQUEST_BYTES, splitBlock } from "./block_split.ts";
export {
  ChainGenerator,
  type ChainGeneratorOptions,
  type ChainState,
  type GeneratedBlock,
} from "./generate.ts";

// Proofs that an item is part of a block
export {
  type ContentsProof,
  type ContentsVerdict,
  encodeContentsProof,
  MAX_PATH_STEPS,
  parseContentsProof,
  type VerifiedContents,
  verifyContentsProof,
} from "./contents_proof.ts";
export { type SignatureStatus, verifyContentsSignature } from "./contents_signature.ts";
export { BlockContents } from "./contents_tree.ts";
export { type MerkleSibling, PathTree } from "./merkle_path.ts";
export {
  type ContentsClaims,
  type ContentsProofFile,
  contentsProofToJson,
  isContentsProof,
  readContentsProof,
  verifyContentsFile,
} from "./contents_file.ts";

// Archives, their names and their zip format
export {
  archivePath,
  type Batch,
  batchAt,
  batchOf,
  entryName,
  MAX_POWER,
  MIN_POWER,
  paddedNumber,
} from "./archive_layout.ts";
export {
  encodeLocalHeader,
  encodeZipEnd,
  LOCAL_HEADER_BYTES,
  localHeaderBytes,
  readZipEnd,
  ZIP_TAIL_BYTES,
  type ZipEnd,
  type ZipEntry,
  ZipTable,
} from "./archive_zip.ts";

// The publish race as a machine, events in and effects out
export { PublishMachine, type PublishMachineOptions } from "./publish_machine.ts";
export {
  type CloseReason,
  DEFAULT_PUBLISH_CONFIG,
  type HandlerId,
  type PublishConfig,
  type PublishEffect,
  type PublishEvent,
  type PublishNote,
  type PublishSnapshot,
} from "./publish_events.ts";

// Which missing blocks to fetch from whom, and reading what comes
export { BackfillPlan } from "./backfill_plan.ts";
export {
  type BackfillEffect,
  type BackfillEvent,
  type BackfillLane,
  type BackfillPlanConfig,
  type BackfillSnapshot,
  type OwnBlocks,
  type PeerId,
} from "./backfill_events.ts";
export {
  BlockRangeError,
  type BlockRangeOptions,
  type BlockRangePart,
  type BlockRangeProblem,
  BlockRangeReader,
} from "./block_range.ts";

// Messages
export {
  encodeEndOfBlock,
  encodeEndStream,
  encodeItemsRequest,
  END_STREAM_CODE,
  type ItemSet,
  MAX_SET_ITEMS,
  parseItemSet,
  parsePublishRequest,
  type PublishRequest,
  type SetOpening,
} from "./publish_messages.ts";
export {
  encodePublishResponse,
  END_OF_STREAM_CODE,
  type EndOfStreamStatus,
  parsePublishResponse,
  type PublishResponse,
} from "./publish_responses.ts";
export {
  BLOCK_RESPONSE_CODE,
  type BlockResponseStatus,
  type BlockSpecifier,
  encodeBlockRequest,
  encodeBlockResponse,
  parseBlockRequest,
  parseBlockResponse,
} from "./access_messages.ts";
export {
  CONTENTS_PROOF_CODE,
  type ContentsProofRequest,
  type ContentsProofStatus,
  encodeContentsProofRequest,
  encodeContentsProofResponse,
  type ItemSpecifier,
  parseContentsProofRequest,
  parseContentsProofResponse,
} from "./proof_messages.ts";
export {
  type BlockChunk,
  encodeSubscribeRequest,
  encodeSubscribeResponse,
  nextChunk,
  parseSubscribeRequest,
  parseSubscribeResponse,
  SUBSCRIBE_CODE,
  type SubscribeRequest,
  type SubscribeResponse,
  type SubscribeStatus,
} from "./subscribe_messages.ts";

// The subscribe protocol as a machine
export { SubscribeMachine, type SubscribeMachineOptions } from "./subscribe_machine.ts";
export {
  type BlockOrigin,
  DEFAULT_SUBSCRIBE_CONFIG,
  type SubscribeConfig,
  type SubscribeEffect,
  type SubscribeEvent,
  type SubscribeOutcome,
  type SubscriberId,
  type SubscribeSnapshot,
} from "./subscribe_events.ts";
