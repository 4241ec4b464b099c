# SPDX-License-Identifier: GPL-2.0-only
"""icmp.py COMMAND ... - ICMP errors as a router or a liar would send them

    icmp.py forge HOST MAC TESTS FAMILY SPI SEQ   about ESP that HOST may have sent
    icmp.py inside DEVICE MAC                      in clear, about what is in a tunnel
"""
import struct
import subprocess
import sys
import time

from scapy.compat import raw
from scapy.config import conf
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6
from scapy.layers.l2 import Ether


def counters(host):
    text = subprocess.run(["nsenter", f"--net=/run/netns/{host}", "cat", "/proc/net/esplanade"],
                          capture_output=True, text=True, check=True).stdout
    return {name: int(value) for name, value in map(str.split, text.splitlines())}


def mtu_of(host, address):
    """The MTU of a host's route, None where it has learned none"""
    text = subprocess.run(["ip", "-n", host, "route", "get", address], capture_output=True, text=True,
                          check=True).stdout.split()
    return int(text[text.index("mtu") + 1]) if "mtu" in text else None


class Forger:
    def __init__(self, host, mac, tests, family, spi, seq):
        self.host, self.mac, self.tests = host, mac, int(tests)
        self.spi, self.seq = int(spi, 0), int(seq)
        self.v4 = family == "4"
        self.near, self.far, self.router = (("192.0.2.1", "198.51.100.2", "192.0.2.9") if self.v4 else
                                            ("fd00:a::1", "fd00:b::2", "fd00:a::9"))
        self.wire = conf.L2socket(iface="west")

    def quoted(self, seq=None, spi=None, src=None, dst=None, octets=8, proto=50):
        body = struct.pack("!II", self.spi if spi is None else spi, self.seq if seq is None else seq) + bytes(1400)
        src, dst = src or self.near, dst or self.far
        if self.v4:
            return raw(IP(src=src, dst=dst, proto=proto, flags="DF", len=1428) / body)[:20 + octets]
        return raw(IPv6(src=src, dst=dst, nh=proto, plen=1408) / body)[:40 + octets]

    def error(self, quoted, mtu=1280, damage=0, **fields):
        if self.v4:
            kind = {"type": 3, "code": 4, "nexthopmtu": mtu, **fields}
            packet = IP(src=self.router, dst=self.near) / ICMP(**kind) / quoted
            offset = 22
        else:
            packet = IPv6(src=self.router, dst=self.near) / fields.get("kind", ICMPv6PacketTooBig(mtu=mtu)) / quoted
            offset = 42
        octets = bytearray(raw(packet))
        octets[offset] ^= damage
        return Ether(dst=self.mac, type=0x800 if self.v4 else 0x86dd) / bytes(octets)

    def expect(self, name, packet, mtu, **wanted):
        before = counters(self.host)
        self.wire.send(packet)
        deadline = time.monotonic() + (5 if wanted else 0.3)
        while True:
            after = counters(self.host)
            grown = {key: after[key] - before[key] for key in after if after[key] != before[key]}
            if (wanted and grown == wanted) or time.monotonic() > deadline:
                break
        self.tests += 1
        wanted, got = (wanted, mtu), (grown, mtu_of(self.host, self.far))
        good = wanted == got
        print(f"{'ok' if good else 'not ok'} {self.tests} - {'IPv4' if self.v4 else 'IPv6'}: {name}", flush=True)
        if not good:
            print(f"    # wanted: {wanted}\n    # got:    {got}", flush=True)

    def all(self):
        lie = {"in_icmp": 1}
        self.expect("a sequence number not sent yet", self.error(self.quoted(self.seq + 1)), None, **lie)
        self.expect("one sent too long ago", self.error(self.quoted((self.seq - 0x10000) & 0xffffffff)), None, **lie)
        self.expect("sequence number 0", self.error(self.quoted(0)), None, **lie)
        self.expect("another SPI", self.error(self.quoted(spi=0x7777)), None, **lie)
        self.expect("the SPI of the other direction", self.error(self.quoted(spi=0x1002)), None, **lie)
        self.expect("another source", self.error(self.quoted(src="192.0.2.77" if self.v4 else "fd00:a::77")), None,
                    **lie)
        self.expect("another destination", self.error(self.quoted(dst="192.0.2.9" if self.v4 else "fd00:a::9")), None,
                    **lie)
        self.expect("the sequence number is cut off", self.error(self.quoted(octets=7)), None, **lie)
        self.expect("AH where we send ESP", self.error(self.quoted(proto=51, octets=12)), None, **lie)
        self.expect("a wrong checksum", self.error(self.quoted(), damage=1), None)
        self.expect("the IP header is cut off", self.error(self.quoted()[:15]), None)
        if self.v4:
            self.expect("host unreachable", self.error(self.quoted(), code=1), None, **lie)
            self.expect("time exceeded", self.error(self.quoted(), type=11, code=0), None, **lie)
            self.expect("an MTU of 0", self.error(self.quoted(), mtu=0), None, **lie)
            self.expect("an MTU of 68, from who knows a number: 576", self.error(self.quoted(), mtu=68), 576,
                        in_pmtu=1)
        else:
            self.expect("no route", self.error(self.quoted(), kind=ICMPv6DestUnreach()), None, **lie)
            self.expect("time exceeded", self.error(self.quoted(), kind=ICMPv6TimeExceeded()), None, **lie)
            self.expect("an MTU of 68, from who knows a number: 1280", self.error(self.quoted(), mtu=68), 1280,
                        in_pmtu=1)


def inside(device, mac):
    """Port unreachable, as if it came from the other side, about what only the tunnel has seen"""
    wire = conf.L2socket(iface=device)
    quoted = raw(IP(src="10.1.0.2", dst="10.2.0.2") / UDP(sport=1000, dport=9))
    wire.send(Ether(dst=mac) / IP(src="10.2.0.2", dst="10.1.0.2") / ICMP(type=3, code=3) / quoted)
    quoted = raw(IPv6(src="fd01::2", dst="fd02::2") / UDP(sport=1000, dport=9))
    wire.send(Ether(dst=mac) / IPv6(src="fd02::2", dst="fd01::2") / ICMPv6DestUnreach(code=4) / quoted)


if sys.argv[1] == "forge":
    Forger(*sys.argv[2:]).all()
else:
    inside(*sys.argv[2:])
print("sent all")
