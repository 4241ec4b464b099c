# SPDX-License-Identifier: GPL-2.0-only
"""pages.py HOST MAC TESTS - memory that is somebody else's comes in, and stays as it is

ESP in UDP is sent out of a file's pages (sendfile) and out of a program's own memory
(MSG_ZEROCOPY): on a veth those very pages arrive at the other end. What opens them must
not write to them, whether they are authentic or not, whole or in fragments.
"""
import mmap
import os
import socket
import struct
import time

from octets import TESTS, cbc, counters, gcm, trailer

SO_ZEROCOPY, MSG_ZEROCOPY = 60, 0x4000000
GCM, CBC = 0x2001, 0x2003
PATH = "/tmp/packet"
tests, numbers = TESTS, {GCM: 0, CBC: 0}


def report(good, name, *detail):
    global tests
    tests += 1
    print(f"{'ok' if good else 'not ok'} {tests} - {name}", flush=True)
    for line in detail if not good else ():
        print(f"    # {line}", flush=True)


def packet(spi, size, forged):
    """A datagram to port 9, in transport mode, sealed."""
    numbers[spi] += 1
    data = (b"PLAINTEXT-MARKER" * 300)[:size]
    payload = struct.pack("!HHHH", 9, 9, 8 + len(data), 0) + data
    plain = payload + trailer(payload, 16 if spi == CBC else 4, socket.IPPROTO_UDP)
    octets = (cbc if spi == CBC else gcm)(spi, numbers[spi], plain)
    return octets[:-1] + bytes([octets[-1] ^ 1]) if forged else octets


def in_udp():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("10.1.0.2", 4500))
    sock.connect(("10.1.0.1", 4500))
    return sock


def by_sendfile(octets):
    """Whether the file, read from the page cache, is what it was."""
    with open(PATH, "wb") as file:
        file.write(octets)
    with open(PATH, "rb") as file, in_udp() as sock:
        os.sendfile(sock.fileno(), file.fileno(), 0, len(octets))
        settle()
        return file.read() == octets


def by_zerocopy(octets):
    memory = mmap.mmap(-1, (len(octets) + 4095) & ~4095)
    memory[:len(octets)] = octets
    with in_udp() as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
        sock.send(memoryview(memory)[:len(octets)], MSG_ZEROCOPY)
        settle()
        return memory[:len(octets)] == octets


def settle():
    """Until the packet has been counted."""
    deadline = time.monotonic() + 5
    while counters() == before and time.monotonic() < deadline:
        pass


for how in by_sendfile, by_zerocopy:
    for spi, cipher in (GCM, "GCM"), (CBC, "CBC and HMAC"):
        for size in 100, 3000:
            for forged in False, True:
                before = counters()
                same = how(packet(spi, size, forged))
                after = counters()
                grown = {key: after[key] - before[key] for key in after if after[key] != before[key]}
                wanted = {"in_icv": 1} if forged else {"in_esp": 1}
                name = f"{how.__name__[3:]}, {cipher}, {size} octets, {'forged' if forged else 'good'}"
                report(same and grown == wanted, name, f"unchanged: {same}", f"counters: {grown}, wanted: {wanted}")
print("pages all")
