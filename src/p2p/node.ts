/**
 * A libp2p node: TCP, Noise, Yamux, identify, ping and signed gossip, with requests over streams.
 *
 * Layer: p2p. Services know this class and types.ts, and no type of the library. Source: spec/kimura.md §3,
 * the libp2p specifications.
 *
 * @module
 */

import type { TopicValidatorResult } from "@libp2p/gossipsub";
import type { Connection, PeerId, Stream } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import type { Clock } from "../kernel/clock.ts";
import { CairnError, toCairnError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/log.ts";
import type { MetricScope } from "../kernel/metrics.ts";
import { Admission } from "./admission.ts";
import { assertMayListen, listenError, parseAddress } from "./addresses.ts";
import type { P2pConfig } from "./config.ts";
import { Deadline } from "./deadline.ts";
import { keepConnected } from "./dialer.ts";
import { ephemeralIdentity, loadIdentity } from "./identity.ts";
import { createLibrary, gossipOf, type Library, silence } from "./library.ts";
import { P2pMetrics, type RequestResult } from "./metrics.ts";
import { Bans, Penalties, TOPIC_PARAMS } from "./scoring.ts";
import { ask, serve } from "./streams.ts";
import type {
  GossipHandler,
  PeerEvent,
  PeerInfo,
  PeerName,
  RequestHandler,
  RequestOptions,
} from "./types.ts";

/** What gossip adds to a message's data: author, sequence number, topic, key, signature, lengths. */
const ENVELOPE_BYTES = 512;
/** Most messages of a topic whose handlers are still thinking; one more is dropped. */
const MAX_PENDING_VALIDATIONS = 4_096;
/** What a node is given. */
export interface P2pDeps {
  readonly log: Logger;
  readonly metrics: MetricScope;
  readonly clock: Clock;
  /** Told to peers by identify. */
  readonly agent: string;
}

/**
 * One node. Constructing does nothing; {@link start} listens; disposal closes every connection.
 *
 * Handlers and protocols may be added before and after the start.
 */
export class P2pNode implements AsyncDisposable {
  readonly #config: P2pConfig;
  readonly #deps: P2pDeps;
  readonly #metrics: P2pMetrics;
  readonly #handlers = new Map<string, GossipHandler>();
  readonly #protocols = new Map<string, RequestHandler>();
  readonly #listeners = new Set<(event: PeerEvent) => void>();
  readonly #waiting = new Map<PeerName, Set<() => void>>();
  readonly #penalties = new Penalties();
  readonly #bans = new Bans();
  readonly #admission: Admission;
  readonly #stopping = new AbortController();
  readonly #tasks = new Set<Promise<void>>();
  #library: Library | undefined;
  #stopped: Promise<void> | undefined;

  constructor(config: P2pConfig, deps: P2pDeps) {
    this.#config = config;
    this.#admission = new Admission(config);
    this.#deps = deps;
    this.#metrics = new P2pMetrics(deps.metrics);
  }

  /**
   * Loads the identity and listens.
   *
   * @throws {CairnError} `P2P_MULTIADDR_INVALID`, `P2P_IDENTITY_INVALID`, `ADDRESS_IN_USE`, `P2P_TRANSPORT_FAILED`.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { listen, announce, identityFile } = this.#config;
    for (const address of announce) parseAddress(address);
    for (const address of listen) assertMayListen(address);
    const privateKey = identityFile === undefined
      ? await ephemeralIdentity()
      : await loadIdentity(identityFile);
    signal.throwIfAborted();
    const library = await createLibrary(this.#config, privateKey, {
      agent: this.#deps.agent,
      isBanned: (peer) => this.#isBanned(peer),
      penalty: (peer) => this.#penalties.of(peer),
      admits: (host) => this.#admits(host),
      closed: () => this.#admission.closed(),
    });
    this.#library = library;
    try {
      await library.start();
    } catch (thrown) {
      this.#library = undefined;
      await silence(library);
      throw listenError(thrown, listen);
    }
    library.addEventListener("peer:connect", ({ detail }) => this.#peerEvent("connected", detail.toString()));
    library.addEventListener(
      "peer:disconnect",
      ({ detail }) => this.#peerEvent("disconnected", detail.toString()),
    );
    for (const topic of this.#handlers.keys()) this.#listenTo(library, topic);
    for (const protocol of this.#protocols.keys()) await this.#serveOn(library, protocol);
    this.#run(this.#watch());
  }

  /** Whether it listens. */
  get isStarted(): boolean {
    return this.#library !== undefined;
  }

  /** This node's identity. @throws {CairnError} `NOT_READY` before the start. */
  get id(): PeerName {
    return this.#node().peerId.toString();
  }

  /** Multiaddrs that peers can dial, with the identity. */
  get addresses(): readonly string[] {
    return this.#node().getMultiaddrs().map(String);
  }

  /**
   * Hands every new message of a topic to `handler`, once, after its signature was checked.
   *
   * @throws {CairnError} `P2P_SUBSCRIBE_FAILED` if the topic has a handler.
   */
  subscribe(topic: string, handler: GossipHandler): void {
    if (this.#handlers.has(topic)) {
      throw new CairnError("P2P_SUBSCRIBE_FAILED", `Cannot subscribe to '${topic}': it has a handler`);
    }
    this.#handlers.set(topic, handler);
    if (this.#library !== undefined) this.#listenTo(this.#library, topic);
  }

  /**
   * Signs a message and sends it to the topic's peers. Resolves when it is on its way to all of them; nobody there is
   * no error.
   *
   * @returns To how many peers it went.
   * @throws {CairnError} `MESSAGE_TOO_LARGE`, `P2P_PUBLISH_FAILED`.
   */
  async publish(topic: string, data: Uint8Array): Promise<number> {
    const most = this.#config.maxMessageBytes - ENVELOPE_BYTES;
    if (data.length > most) {
      throw new CairnError("MESSAGE_TOO_LARGE", `Cannot publish on '${topic}': ${data.length} bytes`, {
        hint: `the limit is ${most} bytes`,
      });
    }
    try {
      const { recipients } = await this.#node().services.pubsub.publish(topic, data);
      this.#metrics.published(topic, data.length);
      return recipients.length;
    } catch (thrown) {
      throw new CairnError(
        "P2P_PUBLISH_FAILED",
        `Cannot publish on '${topic}': ${toCairnError(thrown).message}`,
        {
          cause: thrown,
        },
      );
    }
  }

  /** Answers requests of a protocol, such as `/kimura/sync/1.0.0`. @throws {CairnError} `P2P_SUBSCRIBE_FAILED`. */
  async serve(protocol: string, handler: RequestHandler): Promise<void> {
    if (this.#protocols.has(protocol)) {
      throw new CairnError("P2P_SUBSCRIBE_FAILED", `Cannot serve '${protocol}': it has a handler`);
    }
    this.#protocols.set(protocol, handler);
    if (this.#library !== undefined) await this.#serveOn(this.#library, protocol);
  }

  /**
   * Asks a connected peer.
   *
   * @throws {CairnError} `PEER_UNAVAILABLE` (not connected, does not speak the protocol, reset), `DEADLINE_EXCEEDED`,
   *   `MESSAGE_TOO_LARGE`.
   */
  async request(
    peer: PeerName,
    protocol: string,
    request: Uint8Array,
    { signal, maxAnswerBytes, timeoutMs }: RequestOptions,
  ): Promise<Uint8Array> {
    const startedMs = performance.now();
    const done = (result: RequestResult) =>
      this.#metrics.requested(protocol, "out", result, (performance.now() - startedMs) / 1_000);
    using deadline = new Deadline([signal, this.#stopping.signal], timeoutMs);
    try {
      const [connection] = this.#node().getConnections(peerIdFromString(peer));
      if (connection === undefined) {
        throw new CairnError("PEER_UNAVAILABLE", `Cannot ask ${peer}: it is not connected`);
      }
      const stream = await connection.newStream(protocol, { signal: deadline.signal });
      const answer = await ask(stream, request, maxAnswerBytes, deadline.signal);
      done("ok");
      return answer;
    } catch (thrown) {
      if (deadline.isOver) {
        done("timeout");
        throw new CairnError("DEADLINE_EXCEEDED", `Cannot ask ${peer}: no answer within ${timeoutMs} ms`);
      }
      if (thrown instanceof CairnError) {
        done(thrown.code === "MESSAGE_TOO_LARGE" ? "oversize" : "failed");
        throw thrown;
      }
      done("failed");
      signal.throwIfAborted();
      throw new CairnError("PEER_UNAVAILABLE", `Cannot ask ${peer}: ${toCairnError(thrown).message}`, {
        cause: thrown,
      });
    }
  }

  /**
   * Dials an address, and again whenever the connection is lost, until this node stops.
   *
   * @throws {CairnError} `P2P_MULTIADDR_INVALID`.
   */
  keepConnected(address: string): void {
    parseAddress(address);
    const { redialMinMs, redialMaxMs } = this.#config;
    this.#run(keepConnected(address, { minMs: redialMinMs, maxMs: redialMaxMs }, {
      clock: this.#deps.clock,
      log: this.#deps.log,
      dial: (target, signal) => this.dial(target, signal),
      gone: (peer, signal) => this.#gone(peer, signal),
      count: (result) => this.#metrics.dialled(result),
      random: Math.random,
    }, this.#stopping.signal));
  }

  /** One attempt to connect. @throws {CairnError} `P2P_MULTIADDR_INVALID`, `P2P_DIAL_FAILED`. */
  async dial(address: string, signal: AbortSignal): Promise<PeerName> {
    const target = parseAddress(address);
    const { dialTimeoutMs, maxConnections } = this.#config;
    const { inbound, outbound } = this.#connectionCounts();
    if (inbound + outbound >= maxConnections) {
      throw new CairnError(
        "P2P_DIAL_FAILED",
        `Cannot dial ${address}: ${maxConnections} connections are open`,
      );
    }
    using deadline = new Deadline([signal, this.#stopping.signal], dialTimeoutMs);
    try {
      const connection = await this.#node().dial(target, { signal: deadline.signal });
      return connection.remotePeer.toString();
    } catch (thrown) {
      throw new CairnError("P2P_DIAL_FAILED", `Cannot dial ${address}: ${toCairnError(thrown).message}`, {
        cause: thrown,
      });
    }
  }

  /** Counts points against a peer: they lower its score within a second and fade by a tenth a second. */
  penalise(peer: PeerName, points: number, reason: string): void {
    this.#metrics.penalised(reason);
    this.#penalties.add(peer, points);
  }

  /** What gossip thinks of a peer; 0 of one it does not know. */
  score(peer: PeerName): number {
    return gossipOf(this.#node()).getScore(peer);
  }

  /** Connected peers, one entry each. */
  peers(): PeerInfo[] {
    const node = this.#node();
    const { pubsub } = node.services;
    const topics = [...this.#handlers.keys()].map((topic) =>
      [topic, new Set(pubsub.getSubscribers(topic).map(String))] as const
    );
    return node.getPeers().map((id) => {
      const peer = id.toString();
      const [connection] = node.getConnections(id);
      return {
        peer,
        address: connection?.remoteAddr.toString() ?? "",
        direction: connection?.direction ?? "inbound",
        score: this.score(peer),
        topics: topics.filter(([, subscribers]) => subscribers.has(peer)).map(([topic]) => topic),
      };
    });
  }

  /** Tells `listener` of peers that come and go. @returns Stops telling. */
  onPeer(listener: (event: PeerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Closes the connections with a peer. */
  async disconnect(peer: PeerName): Promise<void> {
    await this.#node().hangUp(peerIdFromString(peer));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort(new CairnError("SHUTTING_DOWN", "Cannot go on: the node stops"));
    await Promise.all(this.#tasks);
    const library = this.#library;
    if (library === undefined) return;
    await library.stop();
    await silence(library);
    this.#metrics.connections(0, 0);
  }

  #listenTo(library: Library, topic: string): void {
    const { pubsub } = library.services;
    gossipOf(library).score.params.topics[topic] = TOPIC_PARAMS;
    let pending = 0;
    pubsub.topicValidators.set(topic, async (from, message) => {
      const startedMs = performance.now();
      const { data } = message;
      let verdict: "accept" | "ignore" | "reject" = "ignore";
      if (data.length > this.#config.maxMessageBytes - ENVELOPE_BYTES) verdict = "reject";
      else if (message.type === "signed" && pending < MAX_PENDING_VALIDATIONS) {
        pending++;
        try {
          verdict = await this.#handlers.get(topic)!({
            topic,
            data,
            from: from.toString(),
            get author() {
              return message.from.toString();
            },
          });
        } catch (error) {
          this.#deps.log.error("Gossip handler failed", { topic, error });
        } finally {
          pending--;
        }
      }
      this.#metrics.received(topic, verdict, data.length, (performance.now() - startedMs) / 1_000);
      return verdict as TopicValidatorResult;
    });
    pubsub.subscribe(topic);
  }

  async #serveOn(library: Library, protocol: string): Promise<void> {
    const handler = this.#protocols.get(protocol)!;
    await library.handle(
      protocol,
      (stream, connection) => this.#answer(protocol, handler, stream, connection),
      {
        maxInboundStreams: handler.maxConcurrent,
      },
    );
  }

  async #answer(
    protocol: string,
    handler: RequestHandler,
    stream: Stream,
    { remotePeer }: Connection,
  ): Promise<void> {
    const startedMs = performance.now();
    const done = (result: RequestResult) =>
      this.#metrics.requested(protocol, "in", result, (performance.now() - startedMs) / 1_000);
    const from = remotePeer.toString();
    using deadline = new Deadline([this.#stopping.signal], handler.timeoutMs);
    try {
      await serve(
        stream,
        handler.maxRequestBytes,
        deadline.signal,
        (request) => handler.handle(request, from, deadline.signal),
      );
      done("ok");
    } catch (error) {
      const isOversize = error instanceof CairnError && error.code === "MESSAGE_TOO_LARGE";
      done(deadline.isOver ? "timeout" : isOversize ? "oversize" : "failed");
      this.#deps.log.debug("Request not answered", { protocol, peer: from, error });
    }
  }

  /** Looks after scores, bans and gauges. */
  async #watch(): Promise<void> {
    const { heartbeatMs, disconnectBelow, banMs } = this.#config;
    const { clock, log } = this.#deps;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(heartbeatMs, signal);
      if (signal.aborted) return;
      this.#penalties.fade(heartbeatMs / 1_000);
      const node = this.#node();
      const { inbound, outbound } = this.#connectionCounts();
      this.#metrics.connections(inbound, outbound);
      for (const id of node.getPeers()) {
        const peer = id.toString();
        const score = this.score(peer);
        if (score >= disconnectBelow) continue;
        this.#bans.add(peer, clock.nowMs() + banMs);
        this.#metrics.banned();
        log.warn("Peer kept away for its score", { peer, score, banMs });
        await node.hangUp(id).catch((error) => log.debug("Peer not disconnected", { peer, error }));
      }
    }
  }

  #connectionCounts(): { inbound: number; outbound: number } {
    const connections = this.#library?.getConnections() ?? [];
    const inbound = connections.filter(({ direction }) => direction === "inbound").length;
    return { inbound, outbound: connections.length - inbound };
  }

  #admits(host: string): boolean {
    const refusal = this.#admission.admit(host, this.#connectionCounts(), this.#deps.clock.nowMs());
    if (refusal !== undefined) this.#metrics.refused(refusal);
    return refusal === undefined;
  }

  #isBanned(peer: PeerId): boolean {
    return this.#bans.has(peer.toString(), this.#deps.clock.nowMs());
  }

  #peerEvent(kind: PeerEvent["kind"], peer: PeerName): void {
    if (kind === "disconnected") {
      for (const wake of this.#waiting.get(peer) ?? []) wake();
      this.#waiting.delete(peer);
    }
    for (const listener of this.#listeners) listener({ kind, peer });
  }

  #gone(peer: PeerName, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || this.#node().getConnections(peerIdFromString(peer)).length === 0) {
        return resolve();
      }
      const waiters = this.#waiting.get(peer) ?? new Set();
      this.#waiting.set(peer, waiters);
      const finish = () => {
        signal.removeEventListener("abort", finish);
        waiters.delete(finish);
        resolve();
      };
      waiters.add(finish);
      signal.addEventListener("abort", finish);
    });
  }

  #run(task: Promise<void>): void {
    this.#tasks.add(task);
    task.finally(() => this.#tasks.delete(task));
  }

  #node(): Library {
    if (this.#library === undefined) {
      throw new CairnError("NOT_READY", "Cannot use the network: it has not started");
    }
    return this.#library;
  }
}
