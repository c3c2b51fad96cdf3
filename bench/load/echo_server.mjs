// deno-lint-ignore-file no-console -- runs on Node, and prints one line for the bench to read
// The peer of the load test: a bare @grpc/grpc-js server on Node that acknowledges every block end and does
// nothing else: no hashing, no storage. What it costs is what the transport costs.
import grpc from "@grpc/grpc-js";

const identity = (bytes) => bytes;
const service = {
  publishBlockStream: {
    path: "/org.hiero.block.api.BlockStreamPublishService/publishBlockStream",
    requestStream: true,
    responseStream: true,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  },
};
const END_OF_BLOCK_TAG = 0x1a; // PublishStreamRequest.end_of_block = 3
const ACKNOWLEDGEMENT_TAG = 0x0a; // PublishStreamResponse.acknowledgement = 1; both hold { 1: block_number }

const limit = 131_072_000;
const server = new grpc.Server({
  "grpc.max_receive_message_length": limit,
  "grpc.max_send_message_length": limit,
});
server.addService(service, {
  publishBlockStream(call) {
    call.on("data", (message) => {
      if (message[0] !== END_OF_BLOCK_TAG) return;
      const answer = Buffer.from(message);
      answer[0] = ACKNOWLEDGEMENT_TAG;
      call.write(answer);
    });
    call.on("end", () => call.end());
    call.on("error", () => {});
  },
});
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(JSON.stringify({ port, pid: process.pid, node: process.version }));
});
process.on("SIGTERM", () => server.forceShutdown());
