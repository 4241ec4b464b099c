# SPDX-License-Identifier: GPL-2.0-only
"""copies.py HOST MAC TESTS OTHER HOW - two hosts get the very same octets, and taps have them

HOST and OTHER have the same SAs; the namespace copies to OTHER what it sends to HOST, HOW
is the copies' name. What is sent, authentic or not, is opened or refused by both, and
the packet sockets, which hold clones and read them only afterwards, show it as it was.
"""
import ctypes
import socket
import struct
import subprocess
import sys
import time

import borrowed
from octets import HOST, TESTS, cbc, gcm, trailer, wire

OTHER, HOW = sys.argv[4:]
GCM, CBC = 0x2001, 0x2003
FIRST = 1 if HOW == "mirred" else 1000
tests, numbers = TESTS, {GCM: FIRST, CBC: FIRST}
libc = ctypes.CDLL(None, use_errno=True)


def counters(host):
    text = subprocess.run(["ip", "netns", "exec", host, "cat", "/proc/net/esplanade"],
                          capture_output=True, text=True, check=True).stdout
    return {name: int(value) for name, value in map(str.split, text.splitlines())}


def tap(host):
    """A packet socket at a host's eth0, without a ring: what it queues are clones."""
    with open("/proc/self/ns/net", encoding="ascii") as here, open(f"/run/netns/{host}", encoding="ascii") as there:
        libc.setns(there.fileno(), 0)
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        sock.bind(("eth0", 3))
        libc.setns(here.fileno(), 0)
    sock.setblocking(False)
    return sock


def here():
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.bind(("eth0", 3))
    sock.setblocking(False)
    return sock


def heard(sock):
    """All that a tap holds of ESP in UDP; what is answered may quote what was inside."""
    frames = []
    while True:
        try:
            frame = sock.recv(65536)
        except BlockingIOError:
            return frames
        if frame[36:38] == struct.pack("!H", 4500):
            frames.append(frame)


def packet(spi, size, forged):
    numbers[spi] += 1
    payload = borrowed.udp(9, (b"PLAINTEXT-MARKER" * 300)[:size])
    plain = payload + trailer(payload, 16 if spi == CBC else 4, socket.IPPROTO_UDP)
    octets = (cbc if spi == CBC else gcm)(spi, numbers[spi], plain)
    return octets[:-1] + bytes([octets[-1] ^ 1]) if forged else octets


def grown():
    return tuple({key: value - before[host][key] for key, value in counters(host).items()
                  if value != before[host][key]} for host in (HOST, OTHER))


def settle():
    deadline = time.monotonic() + 5
    while grown() != wanted and time.monotonic() < deadline:
        pass


def whole(frames, octets):
    """Is it there, and no fragment or datagram with anything of it in clear."""
    return any(octets in frame for frame in frames) and not any(b"PLAINTEXT" in frame for frame in frames)


def each(taps):
    global before, wanted, tests
    for how in borrowed.by_send, borrowed.by_sendfile, borrowed.by_vmsplice:
        for spi, cipher in (GCM, "GCM"), (CBC, "CBC and HMAC"):
            for forged in False, True:
                octets = packet(spi, 700, forged)
                before = {host: counters(host) for host in (HOST, OTHER)}
                wanted = ({"in_icv": 1} if forged else {"in_esp": 1},) * 2
                same = how(sender, octets, settle)
                shown = {name: whole(heard(sock), octets) for name, sock in taps.items()}
                good = same and grown() == wanted and all(shown.values())
                tests += 1
                print(f"{'ok' if good else 'not ok'} {tests} - copied by {HOW}, {how.__name__[3:]}, {cipher}, "
                      f"{'forged' if forged else 'good'}: both have it{', and taps as it was' if taps else ''}",
                      flush=True)
                if not good:
                    print(f"    # unchanged: {same}; {grown()}, wanted {wanted}; taps: {shown}", flush=True)


sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.bind(("10.1.0.2", 4500))
sender.connect(("10.1.0.1", 4500))
# Without packet sockets: what they have is a clone, and clones are always copied.
wire.close()
each({})
each({"the sender's": here(), "the receiver's": tap(HOST), "the copy's": tap(OTHER)})
print("copies all")
