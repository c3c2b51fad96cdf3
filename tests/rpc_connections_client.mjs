// Client process of rpc_connections_test.ts: opens, streams and closes connections. Runs on Node or Deno.
// Arguments: port, connections, concurrency, bytes of each message, manner of closing (goaway or cut).
import { Buffer } from "node:buffer";
import { connect } from "node:http2";
import process from "node:process";

const [port, connections, concurrency, bytes] = process.argv.slice(2, 6).map(Number);
const manner = process.argv[6];
const message = Buffer.alloc(5 + bytes);
message.writeUInt32BE(bytes, 1);
const headers = {
  ":method": "POST",
  ":path": "/org.hiero.block.api.BlockStreamPublishService/publishBlockStream",
  "content-type": "application/grpc",
  te: "trailers",
};

/** One stream of three messages; resolves with its gRPC status, or with "cut" when it was cut on purpose. */
function stream(session) {
  return new Promise((resolve) => {
    const call = session.request(headers);
    let status = "none";
    let received = 0;
    call.on("trailers", (trailers) => status = String(trailers["grpc-status"]));
    call.on("error", () => {});
    call.on("close", () => resolve(status));
    call.on("data", (chunk) => {
      received += chunk.length;
      if (manner === "cut") session.destroy();
      else if (received >= 3 * 21) call.end();
    });
    for (let n = 0; n < 3; n++) call.write(message);
  });
}

async function connection() {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  const closed = new Promise((resolve) => session.once("close", resolve));
  const statuses = await Promise.all([stream(session), stream(session)]);
  // close() says GOAWAY, as every gRPC client does.
  if (!session.destroyed) session.close();
  await closed;
  return statuses.every((status) => status === "0");
}

let left = connections;
let whole = 0;
await Promise.all(Array.from({ length: concurrency }, async () => {
  while (left-- > 0) if (await connection()) whole++;
}));
process.stdout.write(`${JSON.stringify({ whole })}\n`);
