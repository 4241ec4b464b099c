# SPDX-License-Identifier: GPL-2.0-only
"""talk.py answer|ask|ping HOST PORT HEADERS... - with options and extension headers

HEADERS: ip=HEX for IPv4 options; hop=HEX, dst=HEX, route=HEX, before=HEX for the
IPv6 headers of that name, without their first octet. answer: send all that comes
back with these headers, until killed. ask: send datagrams of several sizes, and
succeed if each comes back as it was. ping: send as many pings as PORT says.
"""
import socket
import struct
import sys

NAMES = {"ip": (socket.IPPROTO_IP, 4), "hop": (socket.IPPROTO_IPV6, 54),
         "dst": (socket.IPPROTO_IPV6, 59), "route": (socket.IPPROTO_IPV6, 57),
         "before": (socket.IPPROTO_IPV6, 55)}

mode, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
kind = (socket.SOCK_RAW, socket.IPPROTO_ICMP) if mode == "ping" else (socket.SOCK_DGRAM, 0)
sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, *kind)
# The routing header first: what goes before it needs it.
for header in sorted(sys.argv[4:], key=lambda h: not h.startswith("route")):
    name, octets = header.split("=")
    octets = bytes.fromhex(octets)
    sock.setsockopt(*NAMES[name], octets if name == "ip" else b"\0" + octets)

if mode == "ping":
    for seq in range(port):
        echo, ident = 0x0800, 0x4711
        check = 0xffff - (echo + ident + seq) % 0xffff
        sock.sendto(struct.pack("!HHHH", echo, check, ident, seq), (host, 0))
    sys.exit()

if mode == "answer":
    sock.bind((host, port))
    print("ready", flush=True)
    while True:
        data, who = sock.recvfrom(65535)
        sock.sendto(data, who)

sock.settimeout(10)
for size in (16, 1000, 3000):
    data = (b"PLAINTEXT-MARKER" * 200)[:size]
    sock.sendto(data, (host, port))
    if sock.recv(65535) != data:
        sys.exit(f"another answer to {size} octets")
