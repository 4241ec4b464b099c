# SPDX-License-Identifier: GPL-2.0-only
"""quoted.py - ICMP errors in clear

    quoted.py listen             prints the port of each socket that hears of an error
    quoted.py HOST MAC TESTS     sends, as octets.py says
"""
import select
import socket
import struct
import sys

SOCKETS = (("10.1.0.1", "10.1.0.2", 7776), ("10.1.0.1", "10.1.0.2", 7777),
           ("10.1.0.1", "10.1.0.2", 7778), ("fd01::1", "fd01::2", 7777))

if sys.argv[1] == "listen":
    ports = {}
    for near, far, port in SOCKETS:
        sock = socket.socket(socket.AF_INET6 if ":" in near else socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((near, port))
        sock.connect((far, port))
        if port == 7778:        # for conntrack to know it
            sock.send(b"hello")
        ports[sock] = port
    print("ready", flush=True)
    while True:
        for sock in select.select(list(ports), [], [])[0]:
            try:
                sock.recv(100)
            except OSError:
                print(ports[sock], flush=True)

from octets import expect, outer, send
from scapy.layers.inet import ICMP, IPOption
from scapy.layers.inet6 import ICMPv6DestUnreach

ICMP_PROTO, ROUTING, AH, UDP = 1, 43, 51, 17


def error(to, near, port, family=4, front=b"", proto=UDP, **fields):
    """Port unreachable, to one address about what another sent."""
    udp = struct.pack("!HHHH", port, port, 13, 0) + b"hello"
    fields |= {"src": near, "dst": "fd01::2" if family == 6 else "10.1.0.2"}
    about = bytes(outer(front + udp, proto, family, **fields))
    if family == 6:
        return outer(ICMPv6DestUnreach(code=4) / about, 58, 6, dst=to)
    return outer(ICMP(type=3, code=3) / about, ICMP_PROTO, dst=to)


for family, near, other in (4, "10.1.0.1", "10.1.0.9"), (6, "fd01::1", "fd01::9"):
    expect(f"IPv{family}: an error about what is protected", [error(near, near, 7777, family)], in_clear=1)
    expect(f"IPv{family}: to another of the host's addresses", [error(other, near, 7777, family)], in_clear=1)
    expect(f"IPv{family}: about a packet of IP's version 0", [error(near, near, 7777, family, version=0)], in_clear=1)
away = socket.inet_pton(socket.AF_INET, "10.9.9.9")
expect("IPv4: about one with a source route",
       [error("10.1.0.1", "10.1.0.1", 7777, options=[IPOption(bytes([131, 7, 4]) + away + bytes(1))])], in_clear=1)
away = socket.inet_pton(socket.AF_INET6, "fd09::9")
expect("IPv6: about one with a source route",
       [error("fd01::1", "fd01::1", 7777, 6, bytes([UDP, 2, 0, 1]) + bytes(4) + away, ROUTING)], in_clear=1)
expect("IPv6: about what is behind AH",
       [error("fd01::1", "fd01::1", 7777, 6, bytes([UDP, 4]) + bytes(22), AH)],
       in_icmp=1, in_fragment=1)
expect("IPv4: about what left by another address", [error("10.1.0.9", "10.1.0.9", 7778)], in_clear=1)
send([error("10.1.0.1", "10.1.0.1", 7776)])
print("sent all", flush=True)
