"""Publishes block files with grpcio and gets each back.

Usage: publish.py HOST:PORT FILE... ; prints the answers of the publish stream as JSON, in hexadecimal, then those of
getBlock. Messages are assembled here, so that neither side's protobuf library is in between.
"""

import json
import sys

import grpc

WINDOW_BYTES = 200_000  # a large block goes in many messages, as real publishers do


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def records(block):
    """The length-delimited records of a serialized Block: its items."""
    at = 0
    while at < len(block):
        start = at
        _, at = read_varint(block, at)
        length, at = read_varint(block, at)
        at += length
        yield block[start:at]


def requests(number, block):
    items = b""
    for record in records(block):
        if items and len(items) + len(record) > WINDOW_BYTES:
            yield field(1, items)
            items = b""
        items += record
    yield field(1, items)
    yield field(3, b"\x08" + varint(number))


def main(address, files):
    blocks = [open(file, "rb").read() for file in files]
    channel = grpc.insecure_channel(address, [("grpc.max_receive_message_length", -1)])
    publish = channel.stream_stream("/org.hiero.block.api.BlockStreamPublishService/publishBlockStream")
    outgoing = (request for number, block in enumerate(blocks) for request in requests(number, block))
    # Half-closes behind the last request, as generated clients do; the answers still come.
    call = publish(outgoing, timeout=60)
    answers = [answer.hex() for answer in call]
    get = channel.unary_unary("/org.hiero.block.api.BlockAccessService/getBlock")
    got = [get(b"\x08" + varint(number), timeout=30).hex() for number in range(len(blocks))]
    json.dump({"code": call.code().name, "answers": answers, "blocks": got}, sys.stdout)


main(sys.argv[1], sys.argv[2:])
