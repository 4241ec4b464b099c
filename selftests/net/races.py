# SPDX-License-Identifier: GPL-2.0-only
"""races.py - what packets on one processor meet that a keyer on another is doing

    races.py flood ADDRESS    datagrams there, as fast as may be
    races.py full ROUNDS      takes all of a range of SPIs, then asks for one of it so often, of
                              another source: prints how often it was told that none is free
    races.py brief SAS        adds so many SAs that live for a second from their first use.
                              Each is the newest, so packets use it at once. Prints how many
                              are there when three seconds more are over: used, not used
"""
import os
import socket
import struct
import sys
import time

from keyer import CURRENT, DST, HARD, KEY_AUTH, SA, SPIRANGE, SRC, address, ext

GETSPI, ADD, DUMP, ESP = 1, 3, 10, 3
FIRST, LAST = 0x100, 0x2ff
EEXIST = 17


def flood(to):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect((to, 9))
    while True:
        try:
            sender.send(b"x")
        except OSError:    # no SA
            pass


def request(pfkey, kind, exts=b""):
    """What comes back first."""
    pfkey.send(struct.pack("=BBBBHHII", 2, kind, 0, ESP, 2 + len(exts) // 8, 0, 1, os.getpid()) + exts)
    return pfkey.recv(65536)


def errno(*question):
    return request(*question)[2]


def pair(source):
    return address(SRC, source) + address(DST, "10.1.0.2")


def null(spi):
    """An SA that encrypts nothing, and its key."""
    return ext(SA, struct.pack("!I", spi) + struct.pack("=BBBBI", 0, 1, 3, 11, 0)) + \
        ext(KEY_AUTH, struct.pack("=HH", 160, 0) + bytes(20))


def full(pfkey, rounds):
    for spi in range(FIRST, LAST + 1):
        assert not errno(pfkey, ADD, null(spi) + pair("10.1.0.9"))
    question = pair("10.1.0.1") + ext(SPIRANGE, struct.pack("=III", FIRST, LAST, 0))
    print(sum(errno(pfkey, GETSPI, question) == EEXIST for _ in range(rounds)))


def first_uses(pfkey):
    """Of each SA the second of its first use, or 0."""
    data = request(pfkey, DUMP)
    while not data[2]:
        at = 16
        while at < len(data):
            length, kind = struct.unpack_from("=HH", data, at)
            if kind == CURRENT:
                yield struct.unpack_from("=Q", data, at + 24)[0]
            at += length * 8
        if not struct.unpack_from("=I", data, 8)[0]:
            return
        data = pfkey.recv(65536)


def brief(pfkey, count):
    limit = ext(HARD, struct.pack("=IQQQ", 0, 0, 3600, 1))
    for spi in range(0x1000, 0x1000 + count):
        assert not errno(pfkey, ADD, null(spi) + pair("10.1.0.1") + limit)
    time.sleep(4)
    late = [bool(first) for first in first_uses(pfkey) if not first or time.time() - first > 3]
    print(late.count(True), late.count(False))


if sys.argv[1] == "flood":
    flood(sys.argv[2])
else:
    {"full": full, "brief": brief}[sys.argv[1]](socket.socket(15, socket.SOCK_RAW, 2), int(sys.argv[2]))
