# SPDX-License-Identifier: GPL-2.0-only
"""fragments.py COMMAND ... - datagrams of 4000 octets, in fragments

    fragments.py send MAC ADDRESS PORT HOW [SOURCE PORT]
    fragments.py listen ADDRESS PORT     until one has come whole, for 20 seconds

HOW: order, backwards, twice; hidden: the first fragment ends before the ports;
nofirst, nolast: one is missing
"""
import os
import socket
import sys
import time

PAYLOAD = (b"PLAINTEXT-MARKER" * 250)[:4000]


def listen(address, port):
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, int(port)))
    sock.settimeout(20)
    sys.exit(sock.recv(10000) != PAYLOAD)


def send(mac, address, port, how, sport="1000"):
    from scapy.compat import raw
    from scapy.config import conf
    from scapy.layers.inet import IP, UDP
    from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, PadN
    from scapy.layers.l2 import Ether
    from scapy.packet import Raw

    sides = {"10.2.0.2": "10.1.0.2", "fd02::2": "fd01::2", "10.1.0.2": "10.2.0.2", "fd01::2": "fd02::2"}
    ident = int.from_bytes(os.urandom(2), "big")
    udp = UDP(sport=int(sport), dport=int(port)) / PAYLOAD
    step = 1040
    if ":" in address:
        header = IPv6(src=sides[address], dst=address)
        options = IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(60))] * 4)
        whole = IPv6(raw(header / options / udp if how == "hidden" else header / udp))
        kind, data = whole.nh, raw(whole)[40:]
        cuts = [0, 128] + list(range(1040, len(data), step)) if how == "hidden" else list(range(0, len(data), step))
        pieces = [header / IPv6ExtHdrFragment(nh=kind, id=ident, offset=start // 8, m=int(end < len(data))) /
                  Raw(data[start:end]) for start, end in zip(cuts, cuts[1:] + [len(data)])]
    else:
        header = IP(src=sides[address], dst=address, id=ident, proto=17)
        data = raw(IP(raw(header / udp)).payload)
        pieces = [header.__class__(src=header.src, dst=header.dst, id=ident, proto=17, frag=start // 8,
                                   flags="MF" if start + step < len(data) else 0) / Raw(data[start:start + step])
                  for start in range(0, len(data), step)]
    if how == "backwards":
        pieces.reverse()
    elif how == "twice":
        pieces = [pieces[0]] + pieces
    elif how == "nofirst":
        pieces = pieces[1:]
    elif how == "nolast":
        pieces = pieces[:-1]
    wire = conf.L2socket(iface="eth0")
    for piece in pieces:
        wire.send(Ether(dst=mac) / piece)
    time.sleep(0.1)


globals()[sys.argv[1]](*sys.argv[2:])
