/**
 * Cairn as a library, for whoever wants parts of the node in a program of their own.
 *
 * | group | what it gives |
 * | --- | --- |
 * | Hiero blocks | the pure core: verify a block or a chain, generate one, read and write the messages, run the publish race |
 * | Rootstock header sync | {@link SyncMachine} finds the heaviest chain that peers have; {@link HeaderServer} answers them |
 * | Rootstock wire | {@link RskSession}: a connection with a peer as a machine, from the RLPx handshake to messages |
 * | Message chain | {@link kimura}, the pure core: blocks, messages, wire forms, proofs, the leader and the follower as machines |
 * | Talking to a block node | {@link BlockNodeClient} gets, publishes and subscribes; {@link publishBlocks} |
 * | Hashes | {@link blake3}, {@link keccak256}, {@link sha256d}: one-shot, streaming, batch, in place, over Workers |
 * | RLP | {@link RlpIndex} finds the fields of a list, in place or in ordinary bytes; {@link rlpEncode} |
 * | Merged mining | {@link verifyAuxPow}, {@link checkHeaders}: proofs of work and headers of Rootstock, one or many |
 * | Rootstock headers | the pure core: networks as data, decode and encode, hashes, every rule, {@link verifySegment}, uncles, fork choice, {@link RootstockChainGenerator} |
 * | Bus and hot memory | typed topics over rings in shared memory, for the main thread and Workers |
 * | Store | {@link openRocksEngine} and {@link openMemoryEngine} behind one {@link Engine} |
 * | gRPC | {@link RpcServer} and {@link createClient} on generated service definitions |
 * | Errors, logs, metrics | {@link CairnError} with its table of codes, and the shapes the rest is given |
 *
 * The cores of the protocols do no I/O and read no clock; the rest needs Deno. Programs that use each group are in
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
 * @example A message of the chain is proved to be in a block, offline
 * ```ts
 * import { kimura } from "./mod.ts";
 *
 * const { createBlockSigner, LeaderMachine, makeProof, signMessage, tipOf, verifyProof, VerifyingKey } = kimura;
 * const secret = new Uint8Array(32).fill(1);
 * const signer = createBlockSigner(secret);
 * const leader = new VerifyingKey(signer.publicKey);
 * const rules = { leader, maxDriftSeconds: 15n, maxBlockMessages: 1_000, maxContentBytes: 1_024 };
 * const message = signMessage(secret, { content: "hello", nonce: 0n, timestamp: 1n });
 * const machine = new LeaderMachine({
 *   rules,
 *   tip: tipOf(kimura.GENESIS),
 *   pending: [{ message, order: 0 }],
 *   seal: signer.sign,
 *   nowMs: 0,
 * });
 * const [effect] = machine.step({ kind: "tick" }, 5_000);
 * if (effect?.kind !== "persist") throw new Error("expected a block");
 * const { block, messages } = effect.full;
 * const verdict = verifyProof(makeProof(block, messages, 0), { leader });
 * if (verdict.status !== "ok" || !verdict.isSigned) throw new Error("expected a valid proof");
 * ```
 *
 * @example Make a chain of Rootstock headers and verify it by every rule
 * ```ts
 * import { Ancestors, generateRootstockChain, NETWORKS, verifySegment } from "./mod.ts";
 *
 * const network = NETWORKS.regtest;
 * const headers = generateRootstockChain({ network, count: 5 }).map(({ header }) => header);
 * const verdict = verifySegment(Ancestors.genesis(network), headers, { network, nowSeconds: Date.now() / 1000 });
 * if (!verdict.valid || verdict.headers.length !== 5) throw new Error("expected five valid headers");
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

// Hiero blocks: the pure core
export * from "./src/protocols/hiero/mod.ts";

// Message chain
export * as kimura from "./src/protocols/kimura/mod.ts";

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
export { HeaderBatch } from "./src/hot/header_batch.ts";

// Rootstock: headers and their rules, sync, discovery, peers
export * from "./src/protocols/rootstock/mod.ts";

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
