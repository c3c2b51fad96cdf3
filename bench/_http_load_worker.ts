/**
 * Sends POST requests at a fixed rate over kept connections, and measures each from when it was due.
 *
 * A late request counts from its due time, so a server that stalls cannot hide the requests it delayed.
 *
 * @module
 */

/// <reference lib="deno.worker" />

/** What the Worker is told. */
export interface LoadOrder {
  readonly port: number;
  readonly bodies: readonly string[];
  readonly perSecond: number;
  readonly seconds: number;
  readonly connections: number;
}

/** What it found. */
export interface LoadResult {
  readonly latenciesMs: readonly number[];
  readonly bytes: number;
  readonly failures: number;
}

self.onmessage = async ({ data }: MessageEvent<LoadOrder>) => self.postMessage(await load(data));

async function load({ port, bodies, perSecond, seconds, connections }: LoadOrder): Promise<LoadResult> {
  const idle = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
  const waiting: { dueMs: number; body: string }[] = [];
  const latenciesMs: number[] = [];
  let [bytes, failures] = [0, 0];
  const total = perSecond * seconds;
  const done = Promise.withResolvers<void>();
  const run = async (connection: Connection) => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const answer = await connection.post(job.body);
      latenciesMs.push(performance.now() - job.dueMs);
      bytes += answer.length;
      if (!answer.includes('"result":{')) failures++;
    }
    idle.push(connection);
    if (latenciesMs.length === total) done.resolve();
  };
  const beganMs = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.min(total, Math.floor((performance.now() - beganMs) / 1_000 * perSecond));
    for (; sent < due; sent++) {
      waiting.push({ dueMs: beganMs + (sent + 1) * 1_000 / perSecond, body: bodies[sent % bodies.length]! });
    }
    while (waiting.length > 0 && idle.length > 0) void run(idle.pop()!);
  }, 1);
  await done.promise;
  clearInterval(timer);
  for (const connection of idle) connection.close();
  return { latenciesMs, bytes, failures };
}

/**
 * One HTTP/1.1 connection, one request at a time. Deno 2.9.3 answers a POST that does not fit into 512 bytes with
 * `connection: close`; then the next request opens a new one, within its own time.
 */
class Connection {
  readonly #port: number;
  readonly #buffer = new Uint8Array(65_536);
  #socket: Deno.TcpConn | undefined;

  private constructor(port: number, socket: Deno.TcpConn) {
    this.#port = port;
    this.#socket = socket;
  }

  static async open(port: number): Promise<Connection> {
    return new Connection(port, await connect(port));
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  async post(body: string): Promise<string> {
    const socket = this.#socket ??= await connect(this.#port);
    const head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    const request = new TextEncoder().encode(`${head}content-length: ${body.length}\r\n\r\n${body}`);
    await socket.write(request);
    let text = "";
    while (true) {
      const count = await socket.read(this.#buffer);
      if (count === null) throw new Error("the server closed the connection");
      text += new TextDecoder().decode(this.#buffer.subarray(0, count));
      const end = text.indexOf("\r\n\r\n");
      const length = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? NaN);
      if (end < 0 || text.length < end + 4 + length) continue;
      if (/^connection: close\r$/im.test(text.slice(0, end + 2))) this.close();
      return text.slice(end + 4);
    }
  }
}

async function connect(port: number): Promise<Deno.TcpConn> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  socket.setNoDelay(true);
  return socket;
}
