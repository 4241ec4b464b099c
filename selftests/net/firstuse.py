# SPDX-License-Identifier: GPL-2.0-only
"""firstuse.py SAS - SAs that live for a second from their first use, one after the other

Each is the newest, so packets that pass meanwhile use it at once. Prints how many were
used, and how many of these are there when three seconds more are over.
"""
import os
import socket
import struct
import sys
import time

from keyer import CURRENT, DST, HARD, KEY_AUTH, SA, SRC, address, ext

ADD, DUMP, ESP = 3, 10, 3
pfkey = socket.socket(15, socket.SOCK_RAW, 2)


def send(kind, exts=b""):
    pfkey.send(struct.pack("=BBBBHHII", 2, kind, 0, ESP, 2 + len(exts) // 8, 0, 1, os.getpid()) + exts)


def used():
    """The second of its first use of each SA that has been used."""
    times = []
    send(DUMP)
    while True:
        data, at = pfkey.recv(65536), 16
        if data[2]:
            return times
        while at < len(data):
            length, kind = struct.unpack_from("=HH", data, at)
            if kind == CURRENT:
                times += filter(None, struct.unpack_from("=Q", data, at + 24))
            at += length * 8
        if not struct.unpack_from("=I", data, 8)[0]:
            return times


about = address(SRC, "10.1.0.1") + address(DST, "10.1.0.2") + \
    ext(KEY_AUTH, struct.pack("=HH", 160, 0) + bytes(20)) + ext(HARD, struct.pack("=IQQQ", 0, 0, 3600, 1))
for spi in range(0x1000, 0x1000 + int(sys.argv[1])):
    send(ADD, ext(SA, struct.pack("!I", spi) + struct.pack("=BBBBI", 0, 1, 3, 11, 0)) + about)
    assert not pfkey.recv(4096)[2]
time.sleep(4)
print(sum(time.time() - first > 3 for first in used()))
