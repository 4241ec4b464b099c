# SPDX-License-Identifier: GPL-2.0-only
"""windows.py esp|ah short|esn HOST NUMBER:VERDICT... - numbers in an order of our choice

Sends one packet by SPI 0x2001 for each number, with a good ICV over all 64 bits
of it, and prints what the counters of HOST say became of it: NUMBER:yes, or the
name of the counter that dropped it without in_.
"""
import hashlib
import hmac
import socket
import struct
import subprocess
import sys
import time

KIND, SIZE, HOST, NUMBERS = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
KEY = bytes(range(1, 33))
SRC, DST = map(socket.inet_aton, ("10.2.0.2", "10.2.0.1"))
NONE = 59

wire = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)


def counters():
    text = subprocess.run(["nsenter", f"--net=/run/netns/{HOST}", "cat", "/proc/net/esplanade"],
                          capture_output=True, text=True, check=True).stdout
    return {name: int(value) for name, value in map(str.split, text.splitlines())}


def mac(data, seq):
    if SIZE == "esn":
        data += struct.pack("!I", seq >> 32)
    return hmac.new(KEY, data, hashlib.sha256).digest()[:16]


def ip(proto, length, tos=0, ttl=64):
    return struct.pack("!BBHHHBBH", 0x45, tos, 20 + length, 4711, 0, ttl, proto, 0) + SRC + DST


def esp(seq):
    body = struct.pack("!II", 0x2001, seq & 0xffffffff) + b"dummy!" + bytes([0, NONE])
    return ip(50, len(body) + 16) + body + mac(body, seq)


def ah(seq):
    head = struct.pack("!BBHII", NONE, 5, 0, 0x2001, seq & 0xffffffff)
    body = b"dummy!"
    length = len(head) + 16 + len(body)
    icv = mac(ip(51, length, ttl=0) + head + bytes(16) + body, seq)
    return ip(51, length) + head + icv + body


def send(seq):
    before = counters()
    wire.sendto((esp if KIND == "esp" else ah)(seq), ("10.2.0.1", 0))
    for _ in range(100):
        after = counters()
        grown = [name for name in after if after[name] != before[name]]
        if grown:
            break
        time.sleep(0.02)
    if f"in_{KIND}" in grown:
        return "yes"
    return "+".join(name.removeprefix("in_") for name in grown) or "nothing"


print(*(f"{n.split(':')[0]}:{send(int(n.split(':')[0], 0))}" for n in NUMBERS))
