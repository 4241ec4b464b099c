# SPDX-License-Identifier: GPL-2.0-only
"""iplayer.py HOST MAC TESTS - what comes out of a tunnel, header by header

Runs in the namespace of the sender. HOST is where our module is; a socket of
this program listens there. The packets are sealed by scapy.
"""
import ctypes
import os
import random
import socket
import struct
import subprocess
import sys
import time

from scapy.compat import raw
from scapy.config import conf
from scapy.layers.inet import ICMP, IP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.layers.l2 import Ether
from scapy.packet import Raw

HOST, MAC, TESTS = sys.argv[1], sys.argv[2], int(sys.argv[3])
KEY = bytes(range(1, 21))
NOT_ECT, ECT1, ECT0, CE = range(4)
NAMES = ("Not-ECT", "ECT(1)", "ECT(0)", "CE")
# By inner and outer family: (inner source, inner destination, outer header)
OUTER = {4: IP(src="10.1.0.2", dst="10.1.0.1"), 6: IPv6(src="fd01::2", dst="fd01::1")}
INNER = {(4, 4): IP(src="10.10.4.1", dst="10.10.1.1"), (4, 6): IP(src="10.10.6.1", dst="10.10.1.1"),
         (6, 4): IPv6(src="fd10:4::1", dst="fd10:1::1"), (6, 6): IPv6(src="fd10:6::1", dst="fd10:1::1")}
PORT = 4000

wire = conf.L2socket(iface="eth0")
associations = {outer: SecurityAssociation(ESP, spi=0x3000 + outer, crypt_algo="AES-GCM", crypt_key=KEY,
                                           tunnel_header=header) for outer, header in OUTER.items()}
sequence = {4: 0, 6: 0}
tests = TESTS


def listener():
    """A UDP socket in HOST that tells the traffic class of what it hears."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net", encoding="ascii") as here, \
            open(f"/run/netns/{HOST}", encoding="ascii") as there:
        libc.setns(there.fileno(), 0)
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        libc.setns(here.fileno(), 0)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind(("::", PORT))
    sock.settimeout(5)
    return sock


heard = listener()


def counters():
    text = subprocess.run(["nsenter", f"--net=/run/netns/{HOST}", "cat", "/proc/net/esplanade"],
                          capture_output=True, text=True, check=True).stdout
    return {name: int(value) for name, value in map(str.split, text.splitlines())}


def check(name, wanted, got):
    global tests
    tests += 1
    if wanted == got:
        print(f"ok {tests} - {name}", flush=True)
    else:
        print(f"not ok {tests} - {name}\n    # wanted: {wanted}\n    # got:    {got}", flush=True)


def traffic_class(packet, value):
    if isinstance(packet, IP):
        packet.tos = value
    else:
        packet.tc = value
    return packet


def inner(pair, payload, tclass=0):
    return traffic_class(INNER[pair].copy(), tclass) / UDP(sport=1, dport=PORT) / payload


def seal(outer, packet, tclass=0):
    """Through the tunnel of that outer family, with that outer traffic class."""
    sequence[outer] += 1
    sealed = associations[outer].encrypt(packet.__class__(raw(packet)), seq_num=sequence[outer])
    if outer == 4:
        del sealed.chksum
    return traffic_class(sealed, tclass)


def send(packets):
    for packet in packets:
        wire.send(Ether(dst=MAC) / packet)


def receive(payload):
    """The traffic class that a payload came with, None where it did not come"""
    while True:
        try:
            data, ancillary, _, _ = heard.recvmsg(70000, 200)
        except TimeoutError:
            return None
        if data != payload:
            continue
        for level, kind, value in ancillary:
            if (level, kind) in ((socket.IPPROTO_IP, socket.IP_TOS), (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)):
                return value[0]
        return 0


def rfc6040(outside, inside):
    """Section 4.2: what is inside afterwards; None: dropped"""
    if inside == NOT_ECT:
        return None if outside == CE else NOT_ECT
    if outside == CE or inside == CE:
        return CE
    return ECT1 if outside == ECT1 else inside


def ecn():
    """Every combination; DSCP 46 inside stays, whatever is outside."""
    for pair in INNER:
        before = counters()
        wanted, got = {}, {}
        for outside in range(4):
            for inside in range(4):
                key = f"{NAMES[outside]} outside, {NAMES[inside]} inside"
                ends = rfc6040(outside, inside)
                wanted[key] = None if ends is None else 46 << 2 | ends
                payload = os.urandom(20)
                send([seal(pair[1], inner(pair, payload, 46 << 2 | inside), 10 << 2 | outside)])
                if ends is None:    # its successor shows that it has been dealt with
                    send([seal(pair[1], inner(pair, b"next"))])
                    receive(b"next")
                    got[key] = None
                else:
                    got[key] = receive(payload)
        name = f"IPv{pair[0]} in IPv{pair[1]}"
        check(f"{name}: ECN by the table of RFC 6040, DSCP as it was", wanted, got)
        after = counters()
        grown = {key: after[key] - before[key] for key in after if after[key] != before[key]}
        check(f"{name}: the one that must not pass is counted", {"in_esp": 17, "in_ecn": 1}, grown)


def cut(packet, size, ident):
    """Fragments of at most size octets of payload"""
    if isinstance(packet, IP):
        packet = IP(raw(packet))
        packet.id = ident
        return [IP(raw(f)) for f in fragment(packet, size)]
    header = raw(packet)[:40]
    data, kind = raw(packet)[40:], packet.nh
    pieces = []
    for offset in range(0, len(data), size):
        piece = IPv6(header)
        piece.plen, piece.nh = None, 44
        more = int(offset + size < len(data))
        pieces.append(piece / IPv6ExtHdrFragment(nh=kind, offset=offset // 8, m=more, id=ident) /
                      Raw(data[offset:offset + size]))
    return pieces


def orders(pieces):
    yield "in order", pieces
    yield "backwards", pieces[::-1]
    shuffled = pieces[:]
    random.Random(1).shuffle(shuffled)
    yield "in disorder", shuffled
    yield "the last one first", pieces[-1:] + pieces[:-1]


def fragments():
    """In any order, outside or inside, they are put together."""
    for ident, pair in enumerate(INNER):
        name = f"IPv{pair[0]} in IPv{pair[1]}"
        payload = os.urandom(3000)
        how, pieces = list(orders(cut(seal(pair[1], inner(pair, payload)), 512, 100 + ident)))[ident]
        before = counters()
        send(pieces)
        came = receive(payload) is not None
        check(f"{name}: {len(pieces)} outer fragments {how}", (True, 1),
              (came, counters()["in_esp"] - before["in_esp"]))
        how, pieces = list(orders(cut(inner(pair, payload), 512, 200 + ident)))[3 - ident]
        send([seal(pair[1], piece) for piece in pieces])
        came = receive(payload) is not None
        check(f"{name}: {len(pieces)} inner fragments {how}", (True, len(pieces) + 1),
              (came, counters()["in_esp"] - before["in_esp"]))


ecn()
fragments()
print("sent all")
