/**
 * Cairn as a library, for whoever wants parts of the node in a program of their own.
 *
 * | group | what it gives |
 * | --- | --- |
 * | Hiero blocks | the pure core: verify a block or a chain, generate one, read and write the messages, run the publish race |
 * | Talking to a block node | {@link BlockNodeClient} gets, publishes and subscribes; {@link publishBlocks} |
 * | Hashes | {@link blake3}, {@link keccak256}, {@link sha256d}: one-shot, streaming, batch, in place, over Workers |
 * | RLP | {@link RlpIndex} finds the fields of a list, in place or in ordinary bytes; {@link rlpEncode} |
 * | Merged mining | {@link verifyAuxPow}, {@link checkHeaders}: proofs of work and headers of Rootstock, one or many |
 * | Bus and hot memory | typed topics over rings in shared memory, for the main thread and Workers |
 * | Store | {@link openRocksEngine} and {@link openMemoryEngine} behind one {@link Engine} |
 * | gRPC | {@link RpcServer} and {@link createClient} on generated service definitions |
 * | Errors, logs, metrics | {@link CairnError} with its table of codes, and the shapes the rest is given |
 *
 * The Hiero core does no I/O and reads no clock; the rest needs Deno. Programs that use each group are in
 * `examples/`.
 *
 * @example Verify a chain of blocks
 * ```ts
 * import { ChainGenerator, ChainVerifier, nativeSha384, toHex } from "./mod.ts";
 *
 * const blocks = new ChainGenerator({ sha384: nativeSha384, items: 3, itemBytes: 100 });
 * const chain = new ChainVerifier({ sha384: nativeSha384 });
 * for (let i = 0; i < 3; i++) {
 *   const { bytes, rootHash } = blocks.next();
 *   const verdict = chain.verify(bytes);
 *   if (verdict.status === "fault") throw new Error(verdict.fault.message);
 *   if (toHex(verdict.rootHash!) !== toHex(rootHash)) throw new Error("expected the same root");
 * }
 * ```
 *
 * @example Check proofs too, in batches; block 0 tells the keys
 * ```ts
 * import { ChainVerifier, createNativeRsaVerify, nativeSha384, ProofVerifier } from "./mod.ts";
 *
 * const verifier = new ProofVerifier({
 *   sha384: nativeSha384,
 *   rsaVerify: createNativeRsaVerify(),
 *   random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
 * });
 * const chain = new ChainVerifier({
 *   sha384: nativeSha384,
 *   proofs: { verifier, onMissingData: "refuse", onUnknownKind: "refuse" },
 * });
 * const blocks: Uint8Array[] = [];
 * for (const { verdict } of chain.verifyAll(blocks)) {
 *   if (verdict.status === "fault") throw new Error(verdict.fault.message);
 * }
 * ```
 *
 * @example A flipped byte in an item shows when the next block links
 * ```ts
 * import { ChainGenerator, ChainVerifier, nativeSha384 } from "./mod.ts";
 *
 * const blocks = new ChainGenerator({ sha384: nativeSha384, items: 1, itemBytes: 100 });
 * const chain = new ChainVerifier({ sha384: nativeSha384 });
 * const first = blocks.next().bytes;
 * first[100]! ^= 1;
 * chain.verify(first);
 * const verdict = chain.verify(blocks.next().bytes);
 * if (verdict.status !== "fault" || verdict.fault.detail.check !== "previous-hash") {
 *   throw new Error("expected a broken link");
 * }
 * ```
 *
 * @example A failure carries a stable code
 * ```ts
 * import { CairnError } from "./mod.ts";
 *
 * const error = new CairnError("BLOCK_NOT_FOUND", "Cannot get block 7", { hint: "The node holds 0 to 6" });
 * if (error.mapping.http !== 404) throw new Error("expected 404");
 * ```
 *
 * @module
 */

// Hiero blocks: verification and chains
export { nativeSha384 } from "./src/protocols/hiero/native_sha384.ts";
export {
  emptyTreeHash,
  HASH_BYTES,
  type Sha384,
  StreamingTree,
  type TreeSnapshot,
} from "./src/protocols/hiero/merkle.ts";
export { BlockVerifier } from "./src/protocols/hiero/verify.ts";
export type {
  BlockVerdict,
  LinkVerdict,
  MismatchPolicy,
  PreviousBlock,
  RefusedBlock,
  VerifiedBlock,
  VerifyOptions,
} from "./src/protocols/hiero/verdict.ts";
export {
  type ChainHead,
  type ChainOptions,
  ChainVerifier,
  decodeChainHead,
  encodeChainHead,
} from "./src/protocols/hiero/chain.ts";
export type { HashRule, RootCandidate } from "./src/protocols/hiero/root_hash.ts";
export {
  equalBytes,
  FAILURE_TYPES,
  type FailureType,
  type Fault,
  type FaultCheck,
  type FaultDetail,
  HieroFault,
  toHex,
} from "./src/protocols/hiero/fault.ts";

// Hiero blocks: proofs
export type { ChainStep } from "./src/protocols/hiero/chain.ts";
export type { ProofCheck, ProofStatus } from "./src/protocols/hiero/verdict.ts";
export {
  type ProofVerdict,
  ProofVerifier,
  type ProofVerifierOptions,
  type ProvableBlock,
  type UnverifiedReason,
  type VerifiedProofKind,
} from "./src/protocols/hiero/proofs/proof_verifier.ts";
export { type ProofParts, type RawProof, readProofParts } from "./src/protocols/hiero/proofs/proof_parts.ts";
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
} from "./src/protocols/hiero/proofs/verification_data.ts";
export { ledgerIdOf, type RosterEntry } from "./src/protocols/hiero/proofs/roster.ts";
export {
  type AddressBook,
  openEndedBook,
  parseAddressBook,
  type RangedAddressBook,
} from "./src/protocols/hiero/proofs/address_book.ts";
export type { RecordBlockHeader, RsaVerify } from "./src/protocols/hiero/proofs/record_file.ts";
export type { RandomBytes } from "./src/protocols/hiero/proofs/hints_verify.ts";
export { createNativeRsaVerify } from "./src/protocols/hiero/proofs/native_rsa.ts";

// Hiero blocks: parts, files, generator
export { ITEM, itemKindName, type ItemRange, itemRanges } from "./src/protocols/hiero/items.ts";
export {
  type BlockFooter,
  type BlockHeader,
  parseBlockFooter,
  parseBlockHeader,
  type SemanticVersion,
  type Timestamp,
} from "./src/protocols/hiero/block_parts.ts";
export { type BlockProof, parseBlockProof, type ProofKind } from "./src/protocols/hiero/proof.ts";
export {
  type Compression,
  detectCompression,
  MAX_BLOCK_FILE_BYTES,
  unpackBlockFile,
} from "./src/protocols/hiero/block_file.ts";
export { SOFT_REQUEST_BYTES, splitBlock } from "./src/protocols/hiero/block_split.ts";
export {
  ChainGenerator,
  type ChainGeneratorOptions,
  type ChainState,
  type GeneratedBlock,
} from "./src/protocols/hiero/generate.ts";

// Hiero blocks: proofs that an item is part of a block
export {
  type ContentsProof,
  type ContentsVerdict,
  encodeContentsProof,
  MAX_PATH_STEPS,
  parseContentsProof,
  type VerifiedContents,
  verifyContentsProof,
} from "./src/protocols/hiero/contents_proof.ts";
export { BlockContents } from "./src/protocols/hiero/contents_tree.ts";
export { type MerkleSibling, PathTree } from "./src/protocols/hiero/merkle_path.ts";
export {
  type ContentsClaims,
  type ContentsProofFile,
  contentsProofToJson,
  isContentsProof,
  readContentsProof,
  verifyContentsFile,
} from "./src/protocols/hiero/contents_file.ts";

// Hiero blocks: the publish race as a machine, events in and effects out
export { PublishMachine, type PublishMachineOptions } from "./src/protocols/hiero/publish_machine.ts";
export {
  type CloseReason,
  DEFAULT_PUBLISH_CONFIG,
  type HandlerId,
  type PublishConfig,
  type PublishEffect,
  type PublishEvent,
  type PublishNote,
  type PublishSnapshot,
} from "./src/protocols/hiero/publish_events.ts";

// Hiero blocks: which missing blocks to fetch from whom, and reading what comes
export { BackfillPlan } from "./src/protocols/hiero/backfill_plan.ts";
export {
  type BackfillEffect,
  type BackfillEvent,
  type BackfillLane,
  type BackfillPlanConfig,
  type BackfillSnapshot,
  type OwnBlocks,
  type PeerId,
} from "./src/protocols/hiero/backfill_events.ts";
export {
  BlockRangeError,
  type BlockRangeOptions,
  type BlockRangePart,
  type BlockRangeProblem,
  BlockRangeReader,
} from "./src/protocols/hiero/block_range.ts";

// Hiero blocks: messages
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
} from "./src/protocols/hiero/publish_messages.ts";
export {
  encodePublishResponse,
  END_OF_STREAM_CODE,
  type EndOfStreamStatus,
  parsePublishResponse,
  type PublishResponse,
} from "./src/protocols/hiero/publish_responses.ts";
export {
  BLOCK_RESPONSE_CODE,
  type BlockResponseStatus,
  type BlockSpecifier,
  encodeBlockRequest,
  encodeBlockResponse,
  parseBlockRequest,
  parseBlockResponse,
} from "./src/protocols/hiero/access_messages.ts";
export {
  CONTENTS_PROOF_CODE,
  type ContentsProofRequest,
  type ContentsProofStatus,
  encodeContentsProofRequest,
  encodeContentsProofResponse,
  type ItemSpecifier,
  parseContentsProofRequest,
  parseContentsProofResponse,
} from "./src/protocols/hiero/proof_messages.ts";

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
} from "./src/protocols/hiero/subscribe_messages.ts";

// Hiero blocks: the subscribe protocol as a machine
export { SubscribeMachine, type SubscribeMachineOptions } from "./src/protocols/hiero/subscribe_machine.ts";
export {
  type BlockOrigin,
  DEFAULT_SUBSCRIBE_CONFIG,
  type SubscribeConfig,
  type SubscribeEffect,
  type SubscribeEvent,
  type SubscribeOutcome,
  type SubscriberId,
  type SubscribeSnapshot,
} from "./src/protocols/hiero/subscribe_events.ts";

// Talking to a block node
export { BlockNodeClient, type NodeStatus } from "./src/services/blocks/node_client.ts";
export {
  type BlockSource,
  publishBlocks,
  type PublishChannel,
  type PublishOptions,
  type PublishProgress,
  type PublishResult,
} from "./src/services/blocks/publisher.ts";
export type { SubscribedBlock, SubscribeRange } from "./src/services/blocks/subscription.ts";
export { blockNumber, listBlockFiles, readBlockFile } from "./src/services/blocks/block_files.ts";
export { toVerdictReport, type VerdictReport } from "./src/services/blocks/report.ts";
export { BlockAccessService } from "./proto/gen/org/hiero/block/api/block_access_service_pb.ts";
export { BlockNodeService } from "./proto/gen/org/hiero/block/api/node_service_pb.ts";
export { BlockStreamPublishService } from "./proto/gen/org/hiero/block/api/block_stream_publish_service_pb.ts";
export { BlockStreamSubscribeService } from "./proto/gen/org/hiero/block/api/block_stream_subscribe_service_pb.ts";
export { ProofService } from "./proto/gen/org/hiero/block/api/proof_service_pb.ts";

// Bus
export {
  attachConsumer,
  attachProducer,
  type AttachProducerOptions,
  attachSubscription,
  Bus,
  type BusDeps,
  type Codec,
  type ConsumeOptions,
  type ConsumerHandle,
  defineTopic,
  jsonCodec,
  type ProducerHandle,
  type ReleaseMode,
  SlotReader,
  SlotWriter,
  type SubscribeOptions,
  type SubscriberState,
  Subscription,
  Topic,
  type TopicDefinition,
  type TopicDeps,
  type TopicSpec,
  WorkerConsumer,
  WorkerProducer,
} from "./src/kernel/bus/mod.ts";

// Hot memory, and the rings below the bus
export { HotMemory, type HotMemoryHandle, type HotMemoryOptions } from "./src/hot/memory.ts";
export type { HotBuild } from "./src/hot/module.ts";
export { HotError, type HotErrorCode } from "./src/hot/error.ts";
export type {
  AuxPowKernels,
  Blake3Kernels,
  HeaderKernels,
  HotKernels,
  KeccakKernels,
  RingKernels,
  RlpKernels,
  Sha256Kernels,
} from "./src/hot/kernels.ts";
export {
  type ConsumerState,
  Ring,
  type RingPolicy,
  type RingSpec,
  SEQUENCE_MODULUS,
  sequenceDifference,
} from "./src/hot/ring.ts";
export { RingConsumer, type WaitOptions } from "./src/hot/ring_consumer.ts";
export { RingProducer, type RingProducerOptions } from "./src/hot/ring_producer.ts";

// Hashes
export { blake3, type Blake3Options } from "./src/hot/blake3.ts";
export { keccak256 } from "./src/hot/keccak256.ts";
export { sha256d } from "./src/hot/sha256d.ts";
export type { HashFunction, StreamingHash } from "./src/hot/hash_function.ts";
export { KernelPool, type KernelPoolOptions } from "./src/hot/kernel_pool.ts";
export type { BatchKernel } from "./src/hot/pool_jobs.ts";

// RLP
export { assertRlp, assertRlpAt, RlpIndex, type RlpIndexOptions } from "./src/hot/rlp.ts";
export { rlpEncode, type RlpInput } from "./src/hot/rlp_encode.ts";
export { RlpFields } from "./src/hot/rlp_fields.ts";
export { RlpTable } from "./src/hot/rlp_table.ts";

// Merged mining
export {
  type AuxPow,
  type AuxPowFailure,
  auxPowFailure,
  auxPowFlags,
  type AuxPowRules,
  auxPowTarget,
  type AuxPowVerdict,
  readAuxPowVerdict,
  verifyAuxPow,
  verifyAuxPowBatch,
  verifyAuxPowRows,
} from "./src/hot/auxpow.ts";
export {
  checkHeader,
  checkHeaderRows,
  checkHeaders,
  type DifficultyRules,
  type HeaderFacts,
  type HeaderFailure,
  headerFlags,
  type HeaderInput,
  type HeaderRules,
  type HeaderVerdict,
  nextDifficulty,
  readHeaderVerdict,
  writeDifficultyRules,
} from "./src/hot/header.ts";

// Store
export type { Engine, Entry, Family, Operation, ScanOptions, WriteOptions } from "./src/store/engine.ts";
export type { FamilySpec } from "./src/store/family.ts";
export { type MemoryEngineOptions, openMemoryEngine } from "./src/store/memory_engine.ts";
export { openRocksEngine, type RocksEngineOptions } from "./src/store/rocks_engine.ts";

// gRPC
export { RpcServer, type RpcServerDeps, type StopOptions } from "./src/rpc/server.ts";
export { type RpcConfig, rpcConfig } from "./src/rpc/config.ts";
export type { HealthStatus } from "./src/rpc/health.ts";
export type {
  BidiCall,
  BidiHandler,
  CallContext,
  DescMessage,
  DescMethod,
  DescService,
  MessageShape,
  MethodHandler,
  Sender,
  ServerStreamHandler,
  ServiceHandlers,
  StreamHandler,
  UnaryHandler,
} from "./src/rpc/types.ts";
export {
  type CallOptions,
  type ClientOptions,
  type ClientStream,
  type ClientTls,
  createClient,
  type MethodsOfKind,
  type RawCalls,
  type RpcClient,
} from "./src/rpc/client.ts";
export { checkRuntime, PINNED_DENO_VERSION } from "./src/rpc/runtime.ts";

// Errors, logs, metrics, services
export {
  CairnError,
  type CairnErrorOptions,
  type CodeMapping,
  CODES,
  type ErrorCode,
  GRPC_STATUS,
  toCairnError,
} from "./src/kernel/errors.ts";
export type { LogFields, Logger, LogLevel } from "./src/kernel/log.ts";
export {
  type ComputedGaugeSpec,
  type HistogramSpec,
  LATENCY_BUCKETS_SECONDS,
  MetricScope,
  type MetricSpec,
} from "./src/kernel/metrics.ts";
export { type FinishedWork, type ServedRequest, Tracer, type TracerOptions } from "./src/kernel/telemetry.ts";
export type { Context, Readiness, Service } from "./src/kernel/service.ts";
