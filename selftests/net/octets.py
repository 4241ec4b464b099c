# SPDX-License-Identifier: GPL-2.0-only
"""octets.py - ESP and AH made octet by octet, for forge.py and badinput.py

Those run in the namespace of the sender, as PROGRAM HOST MAC TESTS. HOST is where
our module is; its counters say what became of each packet. The packets are made
with the cryptography library alone: nothing of ours is in them.
"""
import hashlib
import hmac
import os
import struct
import subprocess
import sys
import time

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
# Not scapy.all, which emulated takes seconds to come in.
from scapy.config import conf
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

HOST, MAC, TESTS = sys.argv[1], sys.argv[2], int(sys.argv[3])
KEY = bytes(range(1, 17))
SALT = bytes(range(17, 21))
AUTH = KEY + KEY
IPIP, NONE, UDP_PROTO = 4, 59, 17

wire = conf.L2socket(iface="eth0")


def counters():
    text = subprocess.run(["nsenter", f"--net=/run/netns/{HOST}", "cat", "/proc/net/esplanade"],
                          capture_output=True, text=True, check=True).stdout
    return {name: int(value) for name, value in map(str.split, text.splitlines())}


def trailer(payload, align, next_header):
    pad = -(len(payload) + 2) % align
    return bytes(range(1, pad + 1)) + bytes([pad, next_header])


def gcm(spi, seq, plain, key=KEY):
    """plain: payload and trailer"""
    iv = os.urandom(8)
    head = struct.pack("!II", spi, seq)
    return head + iv + AESGCM(key).encrypt(SALT + iv, plain, head)


def cbc(spi, seq, plain):
    iv = os.urandom(16)
    seal = Cipher(algorithms.AES(KEY), modes.CBC(iv)).encryptor()
    body = struct.pack("!II", spi, seq) + iv + seal.update(plain) + seal.finalize()
    return body + hmac.new(AUTH, body, hashlib.sha256).digest()[:16]


def esp(spi, seq, payload, next_header=UDP_PROTO, tail=None, key=KEY):
    payload = bytes(payload)
    if tail is None:
        tail = trailer(payload, 4, next_header)
    return gcm(spi, seq, payload + tail, key)


def ah(spi, seq, payload, next_header, family):
    """For the header that outer() makes, in transport mode."""
    payload = bytes(payload)
    size = 28 if family == 4 else 32
    head = struct.pack("!BBHII", next_header, size // 4 - 2, 0, spi, seq)
    muted = bytes(outer(head + bytes(size - 12) + payload, 51, family, **MUTED[family]))
    if family == 4:
        muted = muted[:10] + bytes(2) + muted[12:]
    icv = hmac.new(AUTH, muted, hashlib.sha256).digest()[:16]
    return head + icv + bytes(size - 28) + payload


# What of outer()'s header AH takes for zero.
MUTED = {4: {"ttl": 0, "tos": 0}, 6: {"hlim": 0, "tc": 0, "fl": 0}}


def outer(data, proto=50, family=4, **fields):
    if family == 6:
        return IPv6(**({"src": "fd01::2", "dst": "fd01::1", "nh": proto, "hlim": 64} | fields)) / data
    return IP(**({"src": "10.1.0.2", "dst": "10.1.0.1", "ttl": 64, "proto": proto} | fields)) / data


def send(packets):
    for packet in packets:
        wire.send(Ether(dst=MAC) / packet)


tests = TESTS


def expect(name, packets, **wanted):
    """The packets make just these counters grow, by just so much."""
    global tests
    before = counters()
    send(packets)
    deadline = time.monotonic() + 5
    while True:
        after = counters()
        grown = {key: after[key] - before[key] for key in after if after[key] != before[key]}
        if grown == wanted or time.monotonic() > deadline:
            break
    tests += 1
    if grown == wanted:
        print(f"ok {tests} - {name}", flush=True)
    else:
        print(f"not ok {tests} - {name}\n    # wanted: {wanted}\n    # got:    {grown}", flush=True)


def udp(port, size=8):
    return bytes(IP(bytes(IP(src="10.1.0.2", dst="10.1.0.1") / UDP(sport=1, dport=port) / (b"x" * size)))[UDP])


