# SPDX-License-Identifier: GPL-2.0-only
"""behind.py - what is behind IPv6 extension headers

    behind.py listen PORT              prints what comes there
    behind.py HOST MAC TESTS TEXT      sends, as octets.py says
"""
import os
import re
import socket
import struct
import sys

if sys.argv[1] == "listen":
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.bind(("::", int(sys.argv[2])))
    print("ready", flush=True)
    while True:
        print(*re.findall(rb"[a-z]+ [a-z]+", sock.recv(70000)), flush=True)

from octets import UDP_PROTO, expect, outer, send

TEXT = sys.argv[4]
FRAGMENT, OPTIONS, ESP, AH = 44, 60, 50, 51
SRC, DST = (socket.inet_pton(socket.AF_INET6, addr) for addr in ("fd01::2", "fd01::1"))


def udp(sport, dport, data):
    """With its checksum."""
    size = len(data) + 8
    octets = SRC + DST + struct.pack("!IIHHHH", size, UDP_PROTO, sport, dport, size, 0) + data
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack("!HHHH", sport, dport, size, total ^ 0xffff or 0xffff) + data


def pieces(announce, front, kind, data, step=1024):
    """A datagram in fragments, each of them behind these octets in front."""
    ident = struct.unpack("!I", os.urandom(4))[0]
    for at in range(0, len(data), step):
        more = at + step < len(data)
        yield outer(front + struct.pack("!BBHI", kind, 0, at | more, ident) + data[at:at + step], announce, 6)


def options(follows, size=8):
    """Destination options of so many octets that mean nothing."""
    return bytes([follows, size // 8 - 1]) + (bytes([0x1e, size - 4]) + bytes(size - 4) if size > 8 else
                                              bytes([1, 4, 0, 0, 0, 0]))


def two_ways(text):
    """
    UDP to port 7692. Whoever takes its header for options finds the one option
    0x1e, of 12 octets, and UDP to port 7777 behind.
    """
    inside = udp(1, 7777, text + bytes(-len(text) % 8))
    return udp(UDP_PROTO << 8 | 1, 0x1e0c, text.ljust(8, b"\0")[:8] + inside)


def far(proto, octets, at):
    """A transform's header so far behind the IPv6 header, in fragments."""
    left, front = at - 40, b""
    while left:
        size = min(left, 256)
        left -= size
        front += options(OPTIONS if left else proto, size)
    return list(pieces(FRAGMENT, b"", OPTIONS, front + octets))


def plain(text):
    return outer(udp(1, 0x1e0c, text + bytes(len(text) % 2)), UDP_PROTO, 6)


send([plain(f"{TEXT} first".encode())])
send(pieces(OPTIONS, options(FRAGMENT), UDP_PROTO, two_ways(f"{TEXT} hidden".encode()), 24))
if TEXT == "alone":
    for proto, spi, at, wanted in ((AH, 0x2006, 16000, "in_icv"), (AH, 0x2006, 65480, "in_no_sa"),
                                   (AH, 0x2006, 65528, "in_no_sa"), (ESP, 0x2008, 16000, "in_icv"),
                                   (ESP, 0x2008, 65480, "in_no_sa"), (ESP, 0x2008, 65512, "in_no_sa")):
        octets = struct.pack("!II", spi, 1 << 20) + os.urandom(16 if proto == AH else 28)
        if proto == AH:
            octets = bytes([59, 5, 0, 0]) + octets
        expect(f"{'AH' if proto == AH else 'ESP'}, {at} octets behind the IPv6 header: {wanted}",
               far(proto, octets, at), **{wanted: 1})
send([plain(f"{TEXT} last".encode())])
print("behind all", flush=True)
