/**
 * A TCP proxy that can be blocked: bytes stay where they are, as on a network that is cut, or connections end.
 *
 * @module
 */

/** One way to one address. */
export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Nothing gets through any more, in either direction; connections stay open. */
  block(): void;
  /** What was held goes on. */
  heal(): void;
  /** Ends every connection; new ones end too until {@link heal}. */
  sever(): void;
}

/** Listens on a free port of loopback and passes connections on to `port`. */
export function openProxy(port: number): Proxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  let gate = Promise.resolve();
  let release = () => {};
  let isSevered = false;
  const block = () => {
    release();
    const { promise, resolve } = Promise.withResolvers<void>();
    [gate, release] = [promise, resolve];
  };
  const close = (connection: Deno.TcpConn) => {
    if (open.delete(connection)) connection.close();
  };
  async function pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        await gate;
        for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
      }
    } catch {
      // Either side is gone; both ends are closed below.
    }
    close(from);
    close(to);
  }
  async function pass(incoming: Deno.TcpConn): Promise<void> {
    open.add(incoming);
    await gate;
    if (isSevered) return close(incoming);
    const outgoing = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
    if (outgoing === undefined) return close(incoming);
    open.add(outgoing);
    await Promise.all([pump(incoming, outgoing), pump(outgoing, incoming)]);
  }
  const passing = new Set<Promise<void>>();
  const accepting = (async () => {
    for await (const incoming of listener) {
      const work = pass(incoming);
      passing.add(work);
      work.finally(() => passing.delete(work));
    }
  })();
  return {
    port: listener.addr.port,
    block,
    heal() {
      isSevered = false;
      release();
    },
    sever() {
      isSevered = true;
      for (const connection of [...open]) close(connection);
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      release();
      for (const connection of [...open]) close(connection);
      await accepting;
      await Promise.all(passing);
    },
  };
}
