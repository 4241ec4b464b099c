# SPDX-License-Identifier: GPL-2.0-only
"""padding.py HOST MAC TESTS - what HOST sends, octet by octet

Runs in the namespace of the receiver, which opens what comes by itself. The kernel
fills memory that nobody wrote to with 5a and 6b: no frame may have any of it.
"""
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import time

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from scapy.all import ICMP, IP, UDP, raw

from octets import HOST, KEY, NONE, SALT, TESTS, UDP_PROTO, send

ESP, AH, IPIP = 50, 51, 4
TUNSETIFF = 0x400454ca
# Of the sizes of memory that malloc() has, some of these and all that is around them fill
# one to its last octet. Too little room behind ends in skb_over_panic().
SIZES = range(720)
# Behind 1,024 and 2,048 octets of memory the kernel has 320 of its own.
MTUS = [*range(640, 712), *range(1664, 1736)]
# What a tap device is given has the rest of 64 octets behind it; twice each.
TAP_SIZES = range(128)
POISON = (b"\x5a" * 4, b"\x6b" * 4, b"\xaa" * 4)
tests = TESTS
dirty = []


def report(name, *wrong):
    global tests
    tests += 1
    print(f"{'not ok' if wrong else 'ok'} {tests} - {name}")
    for line in wrong[:5]:
        print(f"    # {line}")


def in_host(what):
    """What is done in HOST: to make a socket, or so."""
    libc = ctypes.CDLL(None)
    with open("/proc/self/ns/net", encoding="ascii") as here, open(f"/run/netns/{HOST}", encoding="ascii") as there:
        libc.setns(there.fileno(), 0)
        got = what()
        libc.setns(here.fileno(), 0)
    return got


def udp_of_host(family):
    return in_host(lambda: socket.socket(family, socket.SOCK_DGRAM))


def mtu_of_host(mtu):
    subprocess.run(["ip", "-n", HOST, "link", "set", "eth0", "mtu", str(mtu)], check=True)


tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
tap.bind(("eth0", 3))
tap.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)     # SO_RCVBUFFORCE


def frames(proto, spi, n, seconds=10):
    """So many packets by an SA, each from its ESP or AH header on."""
    found, deadline = [], time.monotonic() + seconds
    while len(found) < n:
        tap.settimeout(max(deadline - time.monotonic(), 0.01))
        try:
            frame = tap.recv(65536)
        except TimeoutError:
            break
        look(frame)
        packet = frame[14:]
        if frame[12:14] == b"\x08\0" and packet[9] == proto:
            # Without what a device pads short frames with.
            packet = packet[20:int.from_bytes(packet[2:4], "big")]
        elif frame[12:14] == b"\x86\xdd" and packet[6] == proto:
            packet = packet[40:]
        else:
            continue
        at = 4 if proto == AH else 0
        if int.from_bytes(packet[at:at + 4], "big") == spi:
            found.append(packet)
    return found


def look(octets):
    """What was sent has none of the pattern, so all of it is the kernel's."""
    dirty.extend(octets.hex() for pattern in POISON if pattern in octets)
    return octets


def opened(esp, cipher):
    if cipher == "CBC":
        cut = Cipher(algorithms.AES(KEY), modes.CBC(esp[8:24])).decryptor()
        return look(cut.update(esp[24:-16]) + cut.finalize())
    return look(AESGCM(KEY).decrypt(SALT + esp[8:16], esp[16:], esp[:8]))


def trailer_wrong(plain, align, next_header):
    """What is wrong with it, and what is in front of it."""
    pad = plain[-2]
    octets = plain[len(plain) - 2 - pad:-2]
    if pad >= align or octets != bytes(range(1, pad + 1)) or plain[-1] != next_header:
        return f"{pad} octets of padding: {octets.hex()}, next header {plain[-1]}", b""
    return None, plain[:-2 - pad]


def ivs_wrong(packets, cipher):
    """Of CBC they cannot be foreseen: all octets are as chance has them. Others count."""
    if cipher != "CBC":
        numbers = [int.from_bytes(esp[8:16], "big") for esp in packets]
        return [f"{a:x}, then {b:x}" for a, b in zip(numbers, numbers[1:]) if b != (a + 1) % 2**64]
    halves = [esp[at:at + 8] for esp in packets for at in (8, 16)]
    ones = sum(int.from_bytes(half, "big").bit_count() for half in halves)
    return ([f"{len(set(halves))} of {len(halves)} halves"] if len(set(halves)) != len(halves) else []) + \
           ([f"{ones} of {len(halves) * 64} bits are 1"] if abs(ones / len(halves) / 64 - 0.5) > 0.01 else [])


def transport():
    for family, net in (socket.AF_INET, "10.1.0."), (socket.AF_INET6, "fd01::"):
        ip = "IPv4" if family == socket.AF_INET else "IPv6"
        with udp_of_host(family) as sock:
            for last, cipher, align in (2, "GCM", 4), (3, "CBC", 16):
                for size in SIZES:
                    sock.sendto(b"P" * size, (f"{net}{last}", 9))
                packets, wrong = frames(ESP, 0x2000 + last, len(SIZES)), []
                for size, esp in zip(SIZES, packets):
                    fault, inner = trailer_wrong(opened(esp, cipher), align, UDP_PROTO)
                    if fault or inner[8:] != b"P" * size:
                        wrong.append(f"{size} octets: {fault or inner.hex()}")
                if len(packets) != len(SIZES):
                    wrong.append(f"{len(packets)} packets of {len(SIZES)}")
                report(f"{ip}, {cipher}: padding is 1, 2, 3, ..., and as short as can be, for each size", *wrong)
                report(f"{ip}, {cipher}: IVs are as they must be", *ivs_wrong(packets, cipher))
            sock.sendto(b"P" * 20, (f"{net}5", 9))
            size = 28 if family == socket.AF_INET else 32
            packets = frames(AH, 0x2005, 1)
            report(f"{ip}, AH: what is reserved is zero, and the padding",
                   *(ah.hex() for ah in packets or [b""] if ah[:4] != bytes([UDP_PROTO, size // 4 - 2, 0, 0]) or
                     any(ah[28:size]) or ah[size + 8:] != b"P" * 20))


def tap_of_host():
    """A device of HOST's that packets can be forwarded from."""
    fd = in_host(lambda: os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK))
    in_host(lambda: fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"tap0", 0x1002)))
    for words in "addr add 10.7.0.1/24 dev tap0", "link set tap0 address 02:00:00:00:00:07 up":
        subprocess.run(["ip", "-n", HOST, *words.split()], check=True)
    return fd


def forwarded():
    """An IP header is where a network card puts it, two octets off what is a multiple of
    four: only so can a trailer end two octets behind such a multiple, and so can memory."""
    with os.fdopen(tap_of_host(), "wb", buffering=0) as device:
        for last, cipher, align in (7, "GCM", 4), (8, "CBC", 16):
            sent = [raw(IP(src="10.7.0.2", dst=f"10.8.{last}.1", ttl=64) / UDP(sport=1, dport=2) / (b"P" * size))
                    for size in TAP_SIZES]
            for packet in sent:
                device.write(bytes.fromhex("020000000007" "020000000002" "0800") + packet)
            packets, wrong = frames(ESP, 0x2000 + last, len(sent)), []
            for packet, esp in zip(sent, packets):
                fault, inner = trailer_wrong(opened(esp, cipher), align, IPIP)
                # The TTL has been counted down, and the checksum with it.
                if fault or inner[:8] + inner[12:] != packet[:8] + packet[12:]:
                    wrong.append(f"{len(packet)} octets: {fault or inner.hex()}")
            if len(packets) != len(sent):
                wrong.append(f"{len(packets)} packets of {len(sent)}")
            report(f"forwarded, {cipher}: padding is 1, 2, 3, ..., and as short as can be, for each size", *wrong)


def tfc():
    """As long as fits, by zeros behind the inner packet (RFC 4303 section 2.7)."""
    with udp_of_host(socket.AF_INET) as sock:
        for size in 1, 2, 3, 100, 1000:
            sock.sendto(b"P" * size, ("10.1.0.4", 9))
    wrong = []
    packets = frames(ESP, 0x2004, 5)
    for esp in packets:
        fault, inner = trailer_wrong(opened(esp, "GCM"), 4, IPIP)
        length = int.from_bytes(inner[2:4], "big")
        if fault or len(inner) < 1400 or any(inner[length:]):
            wrong.append(fault or inner.hex())
    report("padding that hides lengths is zero", *wrong, *(["none came"] if len(packets) != 5 else []))
    # As above: what is asked for is as long as the MTU, whatever is sent.
    wrong = []
    with udp_of_host(socket.AF_INET) as sock:
        for mtu in MTUS:
            mtu_of_host(mtu)
            sock.sendto(b"P" * 20, ("10.1.0.4", 9))
            for esp in frames(ESP, 0x2004, 1) or [b""]:
                if not mtu - 4 < 20 + len(esp) <= mtu:
                    wrong.append(f"MTU {mtu}: {20 + len(esp)} octets")
    mtu_of_host(1500)
    report("padding that hides lengths is as long as fits, for each MTU", *wrong)


def dummies():
    """Packets that mean nothing have nothing in them."""
    with udp_of_host(socket.AF_INET) as sock:
        sock.sendto(b"P" * 20, ("10.9.0.1", 9))
    wrong, n = [], 0
    for esp in frames(ESP, 0x2006, 4, 30):
        plain = opened(esp, "GCM")
        if plain[-1] == NONE:
            n += 1
            fault, inner = trailer_wrong(plain, 4, NONE)
            if fault or any(inner):
                wrong.append(fault or inner.hex())
    report("dummy packets are zero inside", *wrong, *(["too few came"] if n < 3 else []))


def too_big():
    """The error that we cause quotes what was sent, and has nothing else."""
    packet = raw(IP(src="10.1.0.2", dst="10.9.0.1", flags="DF", ttl=64) / UDP(sport=1, dport=2) / (b"P" * 1472))
    send([IP(packet)])
    tap.settimeout(10)
    while True:
        try:
            frame = tap.recv(65536)
        except TimeoutError:
            report("fragmentation needed: it quotes what was sent, and nothing else", "no error came")
            return
        look(frame)
        # Of type 3, code 4, from HOST.
        if (frame[12:14], frame[23], frame[34:36]) == (b"\x08\0", 1, b"\3\4") and frame[26:30] == b"\x0a\1\0\1":
            error = IP(frame[14:])[ICMP]
            quoted = raw(error.payload)
            # The TTL has been counted down, and the checksum with it.
            same = quoted[:8] == packet[:8] and quoted[12:] == packet[12:len(quoted)]
            report("fragmentation needed: it quotes what was sent, and nothing else",
                   *([] if same and 1400 < error.nexthopmtu < 1500 else [frame.hex()]))
            return


transport()
forwarded()
tfc()
too_big()
dummies()
report("no octet that nobody wrote is in any frame, or in what is inside", *dirty)
print("padding all")
