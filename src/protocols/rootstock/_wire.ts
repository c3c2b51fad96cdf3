/**
 * What tests of the wire share: chance that repeats itself, and two ends of a connection.
 *
 * Layer: protocols/rootstock. Not imported by the node.
 *
 * @module
 */

import { type Cipheriv, createCipheriv } from "node:crypto";
import type { StreamingHash } from "../../hot/hash_function.ts";
import { keccak256 } from "../../hot/keccak256.ts";
import { joinBytes } from "./growing_bytes.ts";
import type { HandshakeForm, RandomBytes } from "./handshake_packets.ts";
import { type FrameSecrets, InitiatorHandshake, ReplayGuard, ResponderHandshake } from "./rlpx_handshake.ts";
import { type Frame, FrameReader } from "./rlpx_frames.ts";
import { RskSession } from "./rsk_session.ts";
import { NodeKey } from "./secp256k1.ts";
import { genesisStatus, type RskSessionOptions, type SessionEvent } from "./session_events.ts";

/** The same bytes for the same seed. */
export function seededBytes(seed: number): RandomBytes {
  let block = new Uint8Array(32).fill(seed);
  return (bytes) => {
    const blocks: Uint8Array[] = [];
    for (let made = 0; made < bytes; made += block.length) blocks.push(block = keccak256(block));
    return joinBytes(blocks).slice(0, bytes);
  };
}

/** Secrets of both ends after a handshake between them. */
export function shakeHands(
  form: HandshakeForm = "eip8",
  seed = 1,
): Record<"initiator" | "responder", FrameSecrets> {
  const randomBytes = seededBytes(seed);
  const [a, b] = [NodeKey.generate(randomBytes), NodeKey.generate(randomBytes)];
  const initiator = new InitiatorHandshake({ key: a, remoteId: b.id, randomBytes, form });
  const responder = new ResponderHandshake({ key: b, randomBytes, replays: new ReplayGuard() });
  const answer = responder.receive(initiator.packet)!;
  return { initiator: initiator.receive(answer.packet)!.secrets, responder: answer.secrets };
}

/** Frames as section 3.4 words it, with header data and sizes of our choice: what a peer may send. */
export class SectionWriter implements Disposable {
  readonly #cipher: Cipheriv;
  readonly #block: Cipheriv;
  readonly #hash: StreamingHash;

  constructor({ aes, mac, egressMac }: FrameSecrets) {
    this.#cipher = createCipheriv("aes-256-ctr", aes, new Uint8Array(16));
    this.#block = createCipheriv("aes-256-ecb", mac, null);
    this.#block.setAutoPadding(false);
    this.#hash = egressMac;
  }

  #digest = () => this.#hash.peek(new Uint8Array(32)).slice(0, 16);

  #mac(seed: Uint8Array): Uint8Array {
    const encrypted = this.#block.update(this.#digest());
    this.#hash.update(Uint8Array.from(encrypted, (byte, i) => byte ^ seed[i]!));
    return this.#digest();
  }

  frame(body: Uint8Array, headerData: Uint8Array, size = body.length): Uint8Array {
    const plain = new Uint8Array(16);
    plain.set([size >> 16, size >> 8, size]);
    plain.set(headerData, 3);
    const header = new Uint8Array(this.#cipher.update(plain));
    const headerMac = this.#mac(header);
    const padded = new Uint8Array((body.length + 15) & ~15);
    padded.set(body);
    const sealed = new Uint8Array(this.#cipher.update(padded));
    this.#hash.update(sealed);
    return joinBytes([header, headerMac, sealed, this.#mac(this.#digest())]);
  }

  [Symbol.dispose](): void {
    this.#cipher.final();
    this.#block.final();
  }
}

const GENESIS_HASH = new Uint8Array(32).fill(0x6e);

/** Options of both ends of a session on one network. */
export function sessionOptions(seed: number, overrides: Partial<RskSessionOptions> = {}) {
  const randomBytes = seededBytes(seed);
  return {
    key: NodeKey.generate(randomBytes),
    randomBytes,
    clientId: `test-${seed}`,
    listenPort: 50_501,
    networkId: 7771,
    genesisHash: GENESIS_HASH,
    status: genesisStatus(GENESIS_HASH, 1n),
    ...overrides,
  };
}

/** Moves bytes between two sessions until neither has any left; returns what they said. */
export function pump(
  a: RskSession,
  b: RskSession,
  nowMs = 0,
): { readonly a: SessionEvent[]; readonly b: SessionEvent[] } {
  const said = { a: [] as SessionEvent[], b: [] as SessionEvent[] };
  while (a.outputBytes + b.outputBytes > 0) {
    said.b.push(...b.receive(a.takeOutput(), nowMs));
    said.a.push(...a.receive(b.takeOutput(), nowMs));
  }
  return said;
}

/** Two sessions that are open, or as far as they come. */
export function connect(
  { form, a = {}, b = {} }: {
    readonly form?: HandshakeForm;
    readonly a?: Partial<RskSessionOptions>;
    readonly b?: Partial<RskSessionOptions>;
  } = {},
) {
  const responderOptions = sessionOptions(2, b);
  const initiator = new RskSession(
    {
      ...sessionOptions(1, a),
      role: "initiator",
      remoteId: responderOptions.key.id,
      ...(form === undefined ? {} : { form }),
    } as RskSessionOptions,
    0,
  );
  const responder = new RskSession({ replays: new ReplayGuard(), ...responderOptions, role: "responder" }, 0);
  const said = pump(initiator, responder);
  return {
    initiator,
    responder,
    said,
    [Symbol.dispose]() {
      initiator.close();
      responder.close();
    },
  };
}

/** A peer with the right keys that sends whatever a test wants. */
export class RawPeer implements Disposable {
  readonly session: RskSession;
  readonly #writer: SectionWriter;
  readonly #reader: FrameReader;

  /** Has shaken hands with a responder; nothing else was sent. */
  constructor(overrides: Partial<RskSessionOptions> = {}) {
    const options = sessionOptions(4, overrides);
    this.session = new RskSession(
      { replays: new ReplayGuard(), ...options, role: "responder" } as RskSessionOptions,
      0,
    );
    const randomBytes = seededBytes(5);
    const handshake = new InitiatorHandshake({
      key: NodeKey.generate(randomBytes),
      remoteId: options.key.id,
      randomBytes,
    });
    this.session.receive(handshake.packet, 0);
    const answer = this.session.takeOutput();
    const { secrets, bytesRead } = handshake.receive(answer)!;
    this.#writer = new SectionWriter(secrets);
    this.#reader = new FrameReader(secrets);
    this.received = [...this.#reader.receive(answer.slice(bytesRead))];
  }

  /** Frames of the session, from its Hello on. */
  readonly received: Frame[];

  seal(code: number, payload: Uint8Array, headerData: Uint8Array = Uint8Array.of(0xc1, 0x80)): Uint8Array {
    return this.#writer.frame(joinBytes([Uint8Array.of(code === 0 ? 0x80 : code), payload]), headerData);
  }

  /** Sends a frame and returns what the session says to it. */
  send(code: number, payload: Uint8Array, nowMs = 0): SessionEvent[] {
    return this.sendBytes(this.seal(code, payload), nowMs);
  }

  sendBytes(bytes: Uint8Array, nowMs = 0): SessionEvent[] {
    const events = this.session.receive(bytes, nowMs);
    this.take();
    return events;
  }

  /** Reads what the session has to send. */
  take(): Frame[] {
    const frames = [...this.#reader.receive(this.session.takeOutput())];
    this.received.push(...frames);
    return frames;
  }

  [Symbol.dispose](): void {
    this.session.close();
    this.#writer[Symbol.dispose]();
    this.#reader[Symbol.dispose]();
  }
}
