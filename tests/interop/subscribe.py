"""Subscribes with grpcio.

Usage: subscribe.py HOST:PORT FIRST LAST ; prints the status and every response as JSON, in hexadecimal.
"""

import json
import sys

import grpc


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def main(address, first, last):
    channel = grpc.insecure_channel(address, [("grpc.max_receive_message_length", -1)])
    subscribe = channel.unary_stream("/org.hiero.block.api.BlockStreamSubscribeService/subscribeBlockStream")
    call = subscribe(b"\x08" + varint(int(first)) + b"\x10" + varint(int(last)), timeout=60)
    responses = [response.hex() for response in call]
    json.dump({"code": call.code().name, "responses": responses}, sys.stdout)


main(*sys.argv[1:])
