# SPDX-License-Identifier: GPL-2.0-only
"""badinput.py HOST MAC TESTS - what is broken is dropped, by its named reason

Tables of lengths and numbers, each tried whole: what becomes of each value is
worked out here, from the RFCs. Conformance cases 9, 11, 12 and 17.
"""
import os
import struct
import subprocess
from collections import Counter

from scapy.compat import raw
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import IPv6

from octets import (HOST, IPIP, NONE, UDP_PROTO, ah, cbc, esp, expect, gcm, outer, trailer)

IPV6, FRAGMENT, AH = 41, 44, 51
CHAINS = {6: (0, 43, FRAGMENT, 60)}
GCM, TUNNEL, CBC, AH_SPI, IN_UDP = 0x2001, 0x2002, 0x2003, 0x2006, 0x2007
NOISE = os.urandom(2000)

# By outer and inner family: inner source and destination.
INNER = {(4, 4): ("10.9.4.5", "10.1.0.1"), (6, 4): ("10.9.6.5", "10.1.0.1"),
         (4, 6): ("fd09:4::5", "fd01::1"), (6, 6): ("fd09:6::5", "fd01::1")}


class Numbers:
    """The next sequence number of each SA."""
    def __init__(self):
        self.used = Counter()

    def __call__(self, family, spi):
        self.used[family, spi] += 1
        return self.used[family, spi]


number = Numbers()


def noise(spi, length, before=b""):
    """So many octets, that have an SPI where one is, and a fresh number."""
    return (before + struct.pack("!II", spi, 1 << 20) + NOISE)[:length]


def udp_head(length, dport=4500):
    return struct.pack("!HHHH", 4500, dport, length, 0)


def wanted_of(results):
    return dict(Counter(name for name in results if name))


def esp_result(length, fixed, align):
    """fixed: header, IV and ICV; what is between is whole units, one at least."""
    if length < 8:
        return "in_no_sa"
    return "in_length" if length < fixed + align or (length - fixed) % align else "in_icv"


def lengths(family):
    """Every length from 0 to 80 octets: noise under a known SPI."""
    every = range(81)
    for name, spi, fixed, align in (("GCM", GCM, 32, 4), ("CBC", CBC, 40, 16)):
        expect(f"IPv{family}: ESP of each length from 0 to 80, {name}",
               [outer(noise(spi, length), family=family) for length in every],
               **wanted_of(esp_result(length, fixed, align) for length in every))
    expect(f"IPv{family}: AH of each length from 0 to 80",
           [outer(noise(AH_SPI, length, bytes([UDP_PROTO, 5, 0, 0])), AH, family) for length in every],
           **wanted_of("in_no_sa" if length < 12 else "in_length" if length < 28 else "in_icv"
                       for length in every))
    expect(f"IPv{family}: ESP in UDP of each length from 0 to 80",
           [outer(udp_head(length + 8) + noise(IN_UDP, length), UDP_PROTO, family) for length in every],
           **wanted_of(length > 8 and esp_result(length, 32, 4) for length in every))
    expect(f"IPv{family}: a UDP length of 0 to 100, with 68 octets there",
           [outer(udp_head(length) + noise(IN_UDP, 60), UDP_PROTO, family) for length in range(101)],
           in_icv=1)


def ah_lengths(family):
    """The length field: 28 octets, or 32, are right for an ICV of 16."""
    for size in 28, 32, 1100:
        expect(f"IPv{family}: AH whose length field is 0 to 255, {size} octets there",
               [outer(noise(AH_SPI, size, bytes([UDP_PROTO, field, 0, 0])), AH, family)
                for field in range(256)],
               in_icv=1 if size == 28 else 2, in_length=255 if size == 28 else 254)
    good = [outer(ah(AH_SPI, number(family, AH_SPI), NOISE[:64], NONE, family), AH, family)]
    expect(f"IPv{family}: and AH that is right passes", good, in_ah=1, in_dummy=1)


def pads(family):
    """64 octets under a good ICV: 62 before the length of the padding."""
    packets = []
    for pad in range(256):
        octets = bytes(range(1, 256))[:pad][:62]
        packets.append(outer(gcm(GCM, number(family, GCM),
                                 (bytes(62) + octets)[-62:] + bytes([pad, NONE])), family=family))
    expect(f"IPv{family}: padding of 0 to 255 in 62 octets", packets, in_esp=63, in_dummy=63, in_padding=193)
    for length in 62, 30, 2, 1:
        wrong = [outer(gcm(GCM, number(family, GCM),
                           (bytes(62) + bytes(range(1, at)) + bytes([at ^ 0x40]) + bytes(range(at + 1, length + 1)))[-62:] +
                           bytes([length, NONE])), family=family) for at in range(1, length + 1)]
        expect(f"IPv{family}: {length} octets of padding, each wrong in turn", wrong, in_padding=length)


def next_headers(family):
    """Any next header, in transport mode: only 59 means nothing."""
    expect(f"IPv{family}: next headers 0 to 255, zeros inside",
           [outer(esp(GCM, number(family, GCM), bytes(40), proto), family=family) for proto in range(256)
            if proto not in CHAINS.get(family, ())],
           in_esp=256 - len(CHAINS.get(family, ())), in_dummy=1)
    expect(f"IPv{family}: next headers 0 to 255, and nothing inside",
           [outer(esp(GCM, number(family, GCM), b"", proto), family=family) for proto in range(256)
            if proto not in CHAINS.get(family, ())],
           in_esp=256 - len(CHAINS.get(family, ())), in_dummy=1)
    expect(f"IPv{family}: and what is no tunnel's, by a tunnel's SA",
           [outer(esp(TUNNEL, number(family, TUNNEL), bytes(60), proto), family=family) for proto in range(256)
            if proto not in (IPIP, IPV6, NONE)], in_esp=253, in_header=253)


def header(kind, follows, words):
    """An extension header; each fragment is of a datagram of its own, and whole."""
    if kind == FRAGMENT:
        return bytes([follows, 0, 0, 0]) + os.urandom(4)
    return bytes([follows, words]) + bytes(words * 8 + 6)


def broken(first, second, length):
    """What becomes of such headers, cut to so many octets."""
    size = 8 if first == FRAGMENT else 16
    if first == FRAGMENT and length == size:
        return "in_fragment"    # a fragment of nothing
    if first == second == FRAGMENT:
        return "in_header"      # a fragment's fragment
    # A fragment's header is of 8 octets, and UDP's must be there whole (RFC 8200 section 4.5).
    return "in_header" if length < (size + 16 if second == FRAGMENT else size + 32) else None


def chains(name, inside):
    """Two IPv6 extension headers behind ESP, that end early, at each octet."""
    for first in CHAINS[6]:
        for second in CHAINS[6]:
            lengths_ = range(40 if first == FRAGMENT else 48)
            packets = [inside(first, (header(first, second, 1) + header(second, UDP_PROTO, 3) + bytes(24))[:length])
                       for length in lengths_]
            expect(f"IPv6: headers {first}, {second} {name}, that end early", packets, in_esp=len(packets),
                   **wanted_of(broken(first, second, length) for length in lengths_))


def in_transport(first, data):
    return outer(esp(GCM, number(6, GCM), data, first), family=6)


def in_tunnel(first, data):
    src, dst = INNER[6, 6]
    inner = raw(IPv6(src=src, dst=dst, nh=first, plen=len(data))) + data
    return outer(esp(TUNNEL, number(6, TUNNEL), inner, IPV6), family=6)


def inner_lengths(family):
    """Lengths that an inner header tells, with 48 octets there, or 60."""
    src, dst = INNER[family, 4]
    whole = raw(IP(src=src, dst=dst) / UDP(sport=1, dport=2) / bytes(20))

    def told(length):
        return outer(esp(TUNNEL, number(family, TUNNEL), raw(IP(src=src, dst=dst, len=length) /
                                                             raw(IP(whole).payload)), IPIP), family=family)

    short = list(range(20)) + [len(whole) + 1, 1500, 0x7fff, 0x8000, 0xffff]
    expect(f"IPv4 in IPv{family}: shorter than a header, or longer than it is", [told(n) for n in short],
           in_esp=len(short), in_header=len(short))
    expect(f"IPv4 in IPv{family}: the header alone, and all", [told(n) for n in (28, len(whole))], in_esp=2)
    for length in range(20):
        expect(f"IPv4 in IPv{family}: cut to {length} octets",
               [outer(esp(TUNNEL, number(family, TUNNEL), whole[:length], IPIP), family=family)],
               in_esp=1, in_header=1)
    src, dst = INNER[family, 6]
    whole6 = raw(IPv6(src=src, dst=dst) / UDP(sport=1, dport=2) / bytes(20))

    def told6(length):
        return outer(esp(TUNNEL, number(family, TUNNEL), raw(IPv6(src=src, dst=dst, plen=length, nh=UDP_PROTO) /
                                                             whole6[40:]), IPV6), family=family)

    long = [len(whole6) - 40 + 1, 1500, 0x7fff, 0x8000, 0xffff]
    expect(f"IPv6 in IPv{family}: longer than it is", [told6(n) for n in long],
           in_esp=len(long), in_header=len(long))
    expect(f"IPv6 in IPv{family}: all of it", [told6(len(whole6) - 40)], in_esp=1)
    expect(f"IPv6 in IPv{family}: cut to 0 to 39 octets",
           [outer(esp(TUNNEL, number(family, TUNNEL), whole6[:n], IPV6), family=family) for n in range(40)],
           in_esp=40, in_header=40)


def keepalives(family):
    expect(f"IPv{family}: one octet of ones is a keepalive", [outer(udp_head(9) + b"\xff", UDP_PROTO, family)],
           in_keepalive=1)
    expect(f"IPv{family}: another octet is none", [outer(udp_head(9) + b"\xfe", UDP_PROTO, family)])


# What ip6_rcv_core() refuses from a cable (RFC 4291 sections 2.5.3 and 2.7, erratum 3480).
NO_ADDRESSES = (("::1", "fd01::1"), ("ff02::1", "fd01::1"), ("fd09::5", "::1"),
                ("fd09::5", "ff00::1"), ("fd09::5", "ff01::1"))
HEARD = 4600    # where badinput.sh listens


def addresses(family):
    """The policy is for all there are: an address must not be refused by that."""
    ends = {4: "10.1.0.2-10.1.0.1", 6: "fd01::2-fd01::1"}[family]
    subprocess.run(["nsenter", f"--net=/run/netns/{HOST}", "setkey", "-c"], check=True, text=True,
                   input=f"spdflush; spdadd ::/0 ::/0 any -P in ipsec esp/tunnel/{ends}/require;")

    def through(src, dst, data):
        return outer(esp(TUNNEL, number(family, TUNNEL),
                         raw(IPv6(src=src, dst=dst) / UDP(sport=1, dport=HEARD) / data), IPV6), family=family)

    for src, dst in NO_ADDRESSES:
        expect(f"IPv6 in IPv{family}: from {src} to {dst}", [through(src, dst, f"{src} {dst}")], in_esp=1, in_header=1)
    expect(f"IPv6 in IPv{family}: from an address that may be", [through("fd09::5", "fd01::1", "good")], in_esp=1)


for version in 4, 6:
    lengths(version)
    ah_lengths(version)
    pads(version)
    next_headers(version)
    inner_lengths(version)
    keepalives(version)
chains("behind ESP", in_transport)
chains("in a tunnel", in_tunnel)
expect("a good packet passes still", [outer(esp(GCM, number(4, GCM), ICMP() / b"ping", 1))], in_esp=1)
for version in 4, 6:
    addresses(version)
print("badinput all")
