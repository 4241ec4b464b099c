# SPDX-License-Identifier: GPL-2.0-only
"""getspi.py flood ADDRESS | getspi.py full ROUNDS

flood: datagrams there, as fast as may be. full: takes all of a range of SPIs, then asks for
one of it so often, of another source; prints how often it was told that none is free.
"""
import os
import socket
import struct
import sys

from keyer import DST, KEY_AUTH, SA, SPIRANGE, SRC, address, ext

GETSPI, ADD, ESP = 1, 3, 3
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


def errno(pfkey, kind, exts):
    pfkey.send(struct.pack("=BBBBHHII", 2, kind, 0, ESP, 2 + len(exts) // 8, 0, 1, os.getpid()) + exts)
    return pfkey.recv(4096)[2]


def full(rounds):
    pfkey = socket.socket(15, socket.SOCK_RAW, 2)
    key = ext(KEY_AUTH, struct.pack("=HH", 160, 0) + bytes(20))
    for spi in range(FIRST, LAST + 1):
        sa = ext(SA, struct.pack("!I", spi) + struct.pack("=BBBBI", 0, 1, 3, 11, 0))
        assert not errno(pfkey, ADD, sa + address(SRC, "10.1.0.9") + address(DST, "10.1.0.2") + key)
    question = address(SRC, "10.1.0.1") + address(DST, "10.1.0.2") + ext(SPIRANGE, struct.pack("=III", FIRST, LAST, 0))
    print(sum(errno(pfkey, GETSPI, question) == EEXIST for _ in range(rounds)))


if sys.argv[1] == "flood":
    flood(sys.argv[2])
else:
    full(int(sys.argv[2]))
