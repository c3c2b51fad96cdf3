/**
 * The skeleton of a chain that is being walked: fetched ahead in windows of 20 chunks, each from several peers, which
 * have to agree.
 *
 * Layer: protocols/rootstock. Source: spec/rootstock-network.md sections 4.4 and 5.2. A skeleton depends on a height
 * alone, so windows are asked for in parallel and of any peer; the last entry of one is the first of the next. What
 * agreement gains is only time: no anchor is believed before the headers up to it are verified.
 *
 * @module
 */

import type { BlockIdentifier } from "./block_identifier.ts";
import { CHUNK_HEADERS, SKELETON_CHUNKS, SKELETON_SPAN, skeletonFault, skeletonStart } from "./skeleton.ts";
import { equalBytes } from "./bytes.ts";
import type { SyncContext, SyncPeer } from "./sync_context.ts";

/** A block of the skeleton, by whose hash the chunk below it is asked for. */
export interface Anchor extends BlockIdentifier {
  /** Peers that said so. */
  readonly vouchers: readonly SyncPeer[];
}

/** Peers asked for the same window. */
const VOTERS = 2;
/** Where they disagree, this many. */
const VOTERS_CONTESTED = 8;
/** A walk along a fork ends when its leader has left so many questions for one window open. */
const LEADER_SILENCES = 3;
/** Windows that a walk goes on for after the first disagreement, before others get their turn; doubled each time. */
const LEASE_WINDOWS = 20;

interface LineWindow {
  readonly start: number;
  /** When each was asked; kept after its answer. */
  readonly asked: Map<SyncPeer, number>;
  readonly answers: Map<SyncPeer, readonly BlockIdentifier[]>;
  readonly waiting: Set<SyncPeer>;
  isContested: boolean;
  /** Questions that the leader of a fork left open. */
  silences: number;
}

/** What a {@link SkeletonLine} is built of. */
export interface SkeletonLineOptions {
  /** The peer whose chain is walked. */
  readonly guide: SyncPeer;
  /** Height of its best block. */
  readonly target: number;
  /** The last block that is shared with the canonical chain. */
  readonly connection: BlockIdentifier;
  /** The guide's chain is wanted whatever the others say: it leaves ours, and theirs may be ours. */
  readonly isFork: boolean;
}

/** See the module's note. */
export class SkeletonLine {
  readonly #context: SyncContext;
  readonly #options: SkeletonLineOptions;
  /** Whose chain it is: the guide's, or that of the most who part from the guide. */
  #leader: SyncPeer;
  readonly #anchors: Anchor[] = [];
  #taken = 0;
  readonly #windows: LineWindow[] = [];
  #nextStart: number;
  #last: BlockIdentifier | undefined;
  #end: "complete" | "disputed" | "unanswered" | undefined;
  #limit: number;
  /** Peers that are on another chain from a height on. */
  readonly #off = new Map<SyncPeer, number>();
  /** When each peer was last asked for a window. */
  readonly #turns = new Map<SyncPeer, number>();
  #turn = 0;
  /** Highest anchor that a peer has vouched for. */
  readonly #reach = new Map<SyncPeer, number>();

  constructor(context: SyncContext, options: SkeletonLineOptions) {
    this.#context = context;
    this.#options = options;
    this.#leader = options.guide;
    this.#nextStart = skeletonStart(options.connection.number);
    this.#limit = options.target;
  }

  /** Why no more anchors will come; undefined while they may. */
  get end(): "complete" | "disputed" | "unanswered" | undefined {
    return this.#end;
  }

  /** Whether a peer has said that its chain holds `anchor`, or one above it: others would meet a request with silence. */
  mayServe(peer: SyncPeer, anchor: Anchor): boolean {
    return !peer.distrusted && (this.#reach.get(peer) ?? -1) >= anchor.number;
  }

  /** The next anchor, if it is known; it stays until {@link SkeletonLine.take}. */
  peek(): Anchor | undefined {
    return this.#anchors[this.#taken];
  }

  take(): void {
    this.#taken++;
    if (this.#taken < 1_024) return;
    this.#anchors.splice(0, this.#taken);
    this.#taken = 0;
  }

  /** No more anchors are wanted, and those not taken are dropped. */
  close(): void {
    this.#anchors.length = this.#taken;
    this.#windows.length = 0;
    this.#end ??= "disputed";
  }

  /** Asks for windows ahead, so that about `ahead` anchors are known or asked for. */
  pump(ahead: number): void {
    if (this.#end !== undefined) return;
    const known = this.#anchors.length - this.#taken;
    while (
      this.#nextStart < this.#limit && known + this.#windows.length * SKELETON_CHUNKS < Math.max(1, ahead)
    ) {
      this.#windows.push({
        start: this.#nextStart,
        asked: new Map(),
        answers: new Map(),
        waiting: new Set(),
        isContested: false,
        silences: 0,
      });
      this.#nextStart += SKELETON_SPAN;
    }
    for (const window of this.#windows) this.#ask(window);
    while (this.#windows.length > 0 && this.#accept(this.#windows[0]!)) this.#windows.shift();
    if (this.#windows.length === 0 && this.#nextStart >= this.#limit) this.#end ??= "complete";
  }

  #fits(peer: SyncPeer, window: LineWindow): boolean {
    return !peer.distrusted && !window.asked.has(peer) && (peer.status?.bestNumber ?? 0) > window.start &&
      window.start < (this.#off.get(peer) ?? Infinity);
  }

  /** Peers that may still answer in time. */
  #pending(window: LineWindow): number {
    const since = this.#context.nowMs - this.#context.stealAfterMs;
    return [...window.waiting].filter((peer) => window.asked.get(peer)! > since).length;
  }

  #ask(window: LineWindow): void {
    const leader = this.#leader;
    const isLeaders = this.#isLeaders(window);
    const wanted = window.isContested ? VOTERS_CONTESTED : VOTERS;
    while (
      window.answers.size + this.#pending(window) < wanted || (isLeaders && this.#fits(leader, window))
    ) {
      const isLeaderFirst = (isLeaders || window.isContested) && this.#fits(leader, window);
      const peer = isLeaderFirst
        ? (this.#context.isFree(leader) ? leader : undefined)
        : this.#pickVoter(window);
      if (peer === undefined) return;
      const asked = this.#context.request(
        peer,
        { type: "skeleton-request", startNumber: window.start },
        ({ blocks }) => {
          window.waiting.delete(peer);
          const fault = skeletonFault(blocks, window.start);
          if (fault === undefined) window.answers.set(peer, blocks);
          else this.#context.score(peer, "invalid-message", fault);
        },
        () => window.waiting.delete(peer),
      );
      if (!asked) return;
      window.asked.set(peer, this.#context.nowMs);
      window.waiting.add(peer);
    }
  }

  /** The first window, the last, and all of a fork are not taken without the leader. */
  #isLeaders({ start }: LineWindow): boolean {
    const { isFork, target } = this.#options;
    return isFork || this.#last === undefined || start + SKELETON_SPAN >= target;
  }

  /** Of those that may be asked, the one that was longest not asked: whoever vouches for the line may serve it. */
  #pickVoter(window: LineWindow): SyncPeer | undefined {
    let best: SyncPeer | undefined;
    for (const peer of this.#context.peers.values()) {
      if (!this.#context.isFree(peer) || !this.#fits(peer, window)) continue;
      if (best === undefined || (this.#turns.get(peer) ?? 0) < (this.#turns.get(best) ?? 0)) best = peer;
    }
    if (best !== undefined) this.#turns.set(best, ++this.#turn);
    return best;
  }

  /** Takes the window's anchors into the line once enough peers agree; false while it has to wait. */
  #accept(window: LineWindow): boolean {
    const { isFork, guide } = this.#options;
    for (const peer of window.answers.keys()) if (peer.distrusted) window.answers.delete(peer);
    const isSettled = this.#pending(window) === 0 && !this.#mayAskMore(window);
    const answers = [...window.answers].filter(([, blocks]) => this.#follows(blocks));
    const strays = window.answers.size - answers.length;
    const groups = agreeing(answers);
    if (groups.length > 1 || strays > 0) {
      window.isContested = true;
      this.#ask(window);
      if (!isSettled) return false;
    }
    const ofLeader = groups.find((group) => group.some(([peer]) => peer === this.#leader));
    if (ofLeader === undefined && strays > 0 && (isFork || strays > answers.length)) {
      this.#end = "disputed";
      return false;
    }
    if (answers.length === 0 && !isFork) {
      if (isSettled && window.waiting.size === 0) this.#end = "unanswered";
      return false;
    }
    if (answers.length === 0 && !isSettled) return false;
    if (this.#isLeaders(window) && window.waiting.has(this.#leader)) return false;
    if (isFork && ofLeader === undefined) {
      if (this.#fits(this.#leader, window)) return false;
      // Its chain is not ours to guess: once more, unless it keeps silent.
      if (this.#leader.distrusted || ++window.silences >= LEADER_SILENCES) this.#end = "unanswered";
      else window.asked.delete(this.#leader);
      return false;
    }
    if (groups[0]!.length < VOTERS && !isSettled) return false;
    groups.sort((a, b) => b.length - a.length);
    const isLeadersWay = ofLeader !== undefined && (isFork || ofLeader.length === groups[0]!.length);
    const chosen = isLeadersWay ? ofLeader : groups[0]!;
    if (window.isContested && this.#off.size === 0 && !isFork) {
      const lease = LEASE_WINDOWS * 2 ** Math.min(20, guide.walks);
      this.#limit = Math.min(this.#limit, window.start + SKELETON_SPAN * lease);
    }
    for (const [peer] of window.answers) {
      if (!chosen.some(([member]) => member === peer)) this.#off.set(peer, window.start);
    }
    if (this.#off.has(this.#leader)) this.#leader = chosen[0]![0];
    this.#append(window, chosen);
    return true;
  }

  /** Whether somebody is still to be asked; whoever is busy is waited for as long as an answer would be. */
  #mayAskMore(window: LineWindow): boolean {
    const { nowMs, stealAfterMs } = this.#context;
    const [firstMs = nowMs] = window.asked.values();
    const isPatient = nowMs - firstMs < stealAfterMs;
    for (const peer of this.#context.peers.values()) {
      if (this.#fits(peer, window) && (isPatient || this.#context.isFree(peer))) return true;
    }
    return false;
  }

  /** Whether a window goes on where the line ends. */
  #follows(blocks: readonly BlockIdentifier[]): boolean {
    const { connection } = this.#options;
    const last = this.#last ?? connection;
    const first = blocks[0]!;
    return first.number !== last.number || equalBytes(first.hash, last.hash);
  }

  #append(window: LineWindow, group: readonly Answer[]): void {
    const longest = group.map(([, blocks]) => blocks).reduce((
      a,
      b,
    ) => (b.at(-1)!.number > a.at(-1)!.number ? b : a));
    for (const block of longest) {
      if (block.number <= this.#options.connection.number || block.number <= (this.#last?.number ?? -1)) {
        continue;
      }
      const vouchers = group.filter(([, blocks]) => at(blocks, block.number) !== undefined).map(([peer]) =>
        peer
      );
      for (const peer of vouchers) this.#reach.set(peer, block.number);
      this.#anchors.push({ ...block, vouchers });
    }
    this.#last = longest.at(-1)!;
    if (this.#last.number < window.start + SKELETON_SPAN) {
      this.#windows.length = 1;
      this.#end = "complete";
    }
  }
}

type Answer = readonly [SyncPeer, readonly BlockIdentifier[]];

/** Entry of a skeleton at a height. */
function at(blocks: readonly BlockIdentifier[], number: number): BlockIdentifier | undefined {
  const block = blocks[Math.ceil((number - blocks[0]!.number) / CHUNK_HEADERS)];
  return block?.number === number ? block : undefined;
}

/** Answers in groups that agree on every height they share; each answer is in one. */
function agreeing(answers: readonly Answer[]): Answer[][] {
  const groups: Answer[][] = [];
  for (const answer of answers) {
    const group = groups.find(([first]) => agree(first![1], answer[1]));
    if (group === undefined) groups.push([answer]);
    else group.push(answer);
  }
  return groups;
}

function agree(a: readonly BlockIdentifier[], b: readonly BlockIdentifier[]): boolean {
  return a.every(({ number, hash }) => {
    const other = at(b, number);
    return other === undefined || equalBytes(hash, other.hash);
  });
}
