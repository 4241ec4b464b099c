# SPDX-License-Identifier: GPL-2.0-only
"""noipv6.py HOST MAC TESTS NAME COUNTER=N... NUMBER - two packets of IPv6 in ESP

The second has a routing header, which IP holds against what the device allows.
"""
import struct
import sys

from octets import UDP_PROTO, esp, expect, outer

NAME, WANTED, NUMBER = sys.argv[4], sys.argv[5:-1], int(sys.argv[-1])
ROUTING, IPV6 = 43, 41

udp = struct.pack("!HHHH", 1, 9, 8, 0)
route = bytes([UDP_PROTO, 2, 4, 0]) + bytes(20)
inside = [outer(udp, UDP_PROTO, 6), outer(route + udp, ROUTING, 6)]
expect(NAME, [outer(esp(0x2002, NUMBER + at + 1, bytes(packet), IPV6)) for at, packet in enumerate(inside)],
       **{name: int(n) for name, n in (one.split("=") for one in WANTED)})
print("sent all", flush=True)
