# SPDX-License-Identifier: GPL-2.0-only
"""forge.py HOST MAC TESTS - ESP packets right and wrong (octets.py)"""
import os
import subprocess

from scapy.layers.inet import ICMP, IP, UDP

from octets import (HOST, IPIP, NONE, UDP_PROTO, cbc, esp, expect, outer, trailer, udp)


def inner(src="10.9.0.5", dst="10.1.0.1", data=b"y" * 20, **fields):
    return IP(src=src, dst=dst, **fields) / UDP(sport=1, dport=2) / data


def window():
    expect("an authentic packet passes", [outer(esp(0x2001, 1, udp(5)))], in_esp=1)
    again = outer(esp(0x2001, 2, udp(5)))
    expect("sent twice, it passes once", [again, again], in_esp=1, in_replay=1)
    expect("sequence number 0 is never right", [outer(esp(0x2001, 0, udp(5)))], in_replay=1)
    expect("another key", [outer(esp(0x2001, 3, udp(5), key=bytes(16)))], in_icv=1)
    expect("and the number it claimed is still free", [outer(esp(0x2001, 3, udp(5)))], in_esp=1)
    expect("the window moves ahead", [outer(esp(0x2001, 200, udp(5)))], in_esp=1)
    expect("the oldest number in the window", [outer(esp(0x2001, 137, udp(5)))], in_esp=1)
    expect("the one before it", [outer(esp(0x2001, 136, udp(5)))], in_replay=1)
    expect("forgeries far ahead", [outer(esp(0x2001, 5000 + i, udp(5), key=bytes(16))) for i in range(17)],
           in_icv=17)
    expect("do not move the window", [outer(esp(0x2001, 201, udp(5)))], in_esp=1)
    burst = outer(esp(0x2001, 300, udp(5)))
    expect("eight copies in a burst", [burst] * 8, in_esp=1, in_replay=7)
    expect("a window of 4096: its edge", [outer(esp(0x2004, seq, udp(5))) for seq in (9000, 4905, 4904)],
           in_esp=2, in_replay=1)
    expect("the highest number there is", [outer(esp(0x2004, 0xFFFFFFFF, udp(5)))], in_esp=1)
    expect("no window: copies pass", [outer(esp(0x2005, 1, udp(5)))] * 3, in_esp=3)


def bits():
    whole = cbc(0x2003, 1, udp(5) + trailer(udp(5), 16, UDP_PROTO))
    expect("CBC: an authentic packet", [outer(whole)], in_esp=1)
    whole = cbc(0x2003, 2, udp(5) + trailer(udp(5), 16, UDP_PROTO))
    expect("CBC: one bit changed, each octet in turn",
           [outer(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1:]) for i in range(8, len(whole))],
           in_icv=len(whole) - 8)


def trailers():
    data = udp(5)
    expect("padding of zeros under a good ICV", [outer(esp(0x2001, 400, data, tail=bytes(6) + bytes([6, 17])))],
           in_padding=1)
    expect("padding longer than the packet", [outer(esp(0x2001, 401, data, tail=b"\x01\x02\xff\x11"))], in_padding=1)
    expect("padding of 255", [outer(esp(0x2001, 402, data + b"z" * 3, tail=bytes(range(1, 256)) + b"\xff\x11"))],
           in_esp=1)
    expect("next header 59 is eaten", [outer(esp(0x2001, 403, data, next_header=NONE))], in_esp=1, in_dummy=1)
    expect("no payload at all, so no ports to judge by", [outer(esp(0x2001, 404, b""))],
           in_esp=1, in_fragment=1)


def tunnels():
    seq = iter(range(1, 1000))

    def through(packet, next_header=IPIP, **fields):
        return outer(esp(0x2002, next(seq), bytes(packet), next_header), **fields)

    expect("what the policy asks for", [through(inner())], in_esp=1)
    expect("an inner source outside the policy", [through(inner(src="10.8.0.1"))], in_esp=1, in_policy=1)
    expect("and that of the peer itself", [through(inner(src="10.1.0.2"))], in_esp=1, in_policy=1)
    expect("padding behind the inner packet", [through(bytes(inner()) + bytes(100))], in_esp=1)
    expect("an inner packet that is not IP", [through(os.urandom(40), 17)], in_esp=1, in_header=1)
    expect("an inner version of 5", [through(b"\x55" + bytes(inner())[1:])], in_esp=1, in_header=1)
    expect("an inner header length of 4", [through(b"\x44" + bytes(inner())[1:])], in_esp=1, in_header=1)
    expect("an inner packet longer than it is", [through(inner(len=500))], in_esp=1, in_header=1)
    expect("an inner packet shorter than its header", [through(inner(len=10))], in_esp=1, in_header=1)
    expect("an inner header checksum that is wrong", [through(inner(chksum=1))], in_esp=1, in_header=1)
    expect("an inner packet of 1 octet", [through(b"\x45")], in_esp=1, in_header=1)
    expect("an inner packet of 19 octets", [through(bytes(inner())[:19])], in_esp=1, in_header=1)
    expect("IPv6 announced, IPv4 inside", [through(inner(), 41)], in_esp=1, in_header=1)
    expect("an outer source that is not the SA's", [through(inner(), src="10.1.0.3")], in_peer=1)
    expect("congestion outside, Not-ECT inside", [through(inner(tos=0), tos=3)], in_esp=1, in_ecn=1)
    expect("congestion outside, ECT inside", [through(inner(tos=2), tos=3)], in_esp=1)
    half = bytes(inner(data=b"w" * 64))
    first = IP(half[:20])
    body = half[20:]
    fragments = [IP(src=first.src, dst=first.dst, id=7, proto=17, flags="MF", frag=0) / body[:40],
                 IP(src=first.src, dst=first.dst, id=7, proto=17, frag=5) / body[40:]]
    expect("inner fragments are put together", [through(f) for f in fragments], in_esp=2)
    expect("a transport packet by the tunnel's SA", [through(udp(5), UDP_PROTO)], in_esp=1, in_header=1)


def policies():
    expect("clear, where a policy requires IPsec", [outer(udp(7777), 17)], in_clear=1)
    expect("the same by ESP", [outer(esp(0x2001, 500, udp(7777)))], in_esp=1)
    expect("clear, where a policy has level use", [outer(udp(8888), 17)])
    expect("the same by ESP", [outer(esp(0x2001, 501, udp(8888)))], in_esp=1)
    expect("a policy that says discard", [outer(udp(9999), 17)], in_discard=1)
    expect("and it says so of ESP, too", [outer(esp(0x2001, 502, udp(9999)))], in_esp=1, in_discard=1)
    expect("a port that no policy names", [outer(udp(6666), 17)])
    clear = bytes(udp(7777, 64))
    expect("clear fragments to a protected port",
           [IP(src="10.1.0.2", dst="10.1.0.1", id=9, proto=17, flags="MF") / clear[:40],
            IP(src="10.1.0.2", dst="10.1.0.1", id=9, proto=17, frag=5) / clear[40:]], in_clear=1)
    expect("an SPI that nobody knows", [outer(esp(0x7777, 1, udp(5)))], in_no_sa=1)
    # It lives for 30 seconds only, so it is made just now.
    subprocess.run(["ip", "netns", "exec", HOST, "setkey", "-c"], check=True, stdout=subprocess.DEVNULL,
                   input="getspi 10.1.0.2 10.1.0.1 esp 0x2009;", text=True)
    expect("a larval SA", [outer(esp(0x2009, 1, udp(5)))], in_sa_state=1)


def layers():
    packet = udp(5)
    proto = UDP_PROTO
    for layer in range(5):
        packet = esp(0x2001, 600 + layer, packet, proto)
        proto = 50
    expect("five layers of ESP are one too many", [outer(packet)], in_esp=4, in_depth=1)
    twice = esp(0x2001, 701, esp(0x2001, 700, udp(5)), 50)
    expect("two layers are taken off", [outer(twice)], in_esp=2)


window()
bits()
trailers()
tunnels()
policies()
layers()
expect("a ping in clear still comes through", [outer(bytes(ICMP() / b"ping"), 1)])
print("forged all")
