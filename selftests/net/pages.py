# SPDX-License-Identifier: GPL-2.0-only
"""pages.py HOST MAC TESTS - memory that is somebody else's comes in, and stays as it is

ESP in UDP is sent out of memory that others have (borrowed.py). What opens it must not
write there, whether it is authentic or not, whole, in fragments, or several datagrams
in one, as they were sent or as HOST's device has put them together (GRO).
"""
import os
import socket
import subprocess
import time

import borrowed
from octets import HOST, TESTS, cbc, counters, gcm, trailer, wire

GCM, CBC = 0x2001, 0x2003
tests, numbers = TESTS, {}
# A packet socket would have clones of all that leaves, and those are always copied.
wire.close()


def report(good, name, *detail):
    global tests
    tests += 1
    print(f"{'ok' if good else 'not ok'} {tests} - {name}", flush=True)
    for line in detail if not good else ():
        print(f"    # {line}", flush=True)


def packet(family, spi, size, forged):
    """A datagram to port 9, in transport mode, sealed."""
    numbers[family, spi] = numbers.get((family, spi), 0) + 1
    payload = borrowed.udp(9, (b"PLAINTEXT-MARKER" * 300)[:size])
    plain = payload + trailer(payload, 16 if spi == CBC else 4, socket.IPPROTO_UDP)
    octets = (cbc if spi == CBC else gcm)(spi, numbers[family, spi], plain)
    return octets[:-1] + bytes([octets[-1] ^ 1]) if forged else octets


def in_udp(family):
    sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("fd01::2" if family == 6 else "10.1.0.2", 4500))
    sock.connect(("fd01::1" if family == 6 else "10.1.0.1", 4500))
    return sock


def grown():
    after = counters()
    return {key: after[key] - before[key] for key in after if after[key] != before[key]}


def settle():
    """Until all has been counted."""
    deadline = time.monotonic() + 5
    while grown() != wanted and time.monotonic() < deadline:
        pass


def ways():
    for family in 4, 6:
        for how in borrowed.by_sendfile, borrowed.by_vmsplice, borrowed.by_zerocopy:
            yield family, how, (100, 3000)
    yield 4, borrowed.by_tcp, (100, 3000)
    yield 4, borrowed.by_sendfile_in_segments, (100, 1000)


def in_host(*words):
    subprocess.run(["ip", "netns", "exec", HOST, *words], check=True)


def longest(sock):
    """Of the frames that came, as the device has put them together."""
    length = 0
    while True:
        try:
            length = max(length, len(sock.recv(65536)))
        except BlockingIOError:
            return length


def tap():
    """A packet socket at HOST's device."""
    with open(f"/run/netns/{HOST}", encoding="ascii") as there, open("/proc/self/ns/net", encoding="ascii") as here:
        borrowed.libc.setns(there.fileno(), 0)
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x800))
        sock.bind(("eth0", 0x800))
        borrowed.libc.setns(here.fileno(), 0)
    sock.setblocking(False)
    return sock


def burst(octets):
    """Out of one file; whether it is what it was."""
    with open(borrowed.PATH, "wb+") as file, in_udp(4) as sock:
        file.write(b"".join(octets))
        file.flush()
        for i, one in enumerate(octets):
            os.sendfile(sock.fileno(), file.fileno(), i * len(one), len(one))
        settle()
        file.seek(0)
        return file.read() == b"".join(octets)


def gro():
    """Datagrams of a file's pages, put together into one packet, or into one with a list."""
    global before, wanted
    # It waits for more until the time is over, and not only as long as there is work.
    in_host("bash", "-c", "echo 50000000 >/sys/class/net/eth0/gro_flush_timeout; "
            "echo 1000 >/sys/class/net/eth0/napi_defer_hard_irqs")
    for kind, switches in ("pages", "gro on rx-udp-gro-forwarding on"), ("list", "rx-udp-gro-forwarding off rx-gro-list on"):
        in_host("ethtool", "-K", "eth0", *switches.split())
        for forged in False, True:
            before, wanted = counters(), {"in_icv": 3} if forged else {"in_esp": 3}
            same = burst([packet(4, GCM, 1000, forged) for _ in range(3)])
            report(same and grown() == wanted, f"IPv4, put together by GRO, {kind}, {'forged' if forged else 'good'}",
                   f"unchanged: {same}; {grown()}, wanted {wanted}")
        # The proof that they are: once more, and looked at.
        before, wanted = counters(), {"in_esp": 3}
        with tap() as sock:
            burst([packet(4, GCM, 1000, False) for _ in range(3)])
            length = longest(sock)
        report(length > 3000, f"IPv4, put together by GRO, {kind}: three came in one", f"{length} octets at most")


for family, how, sizes in ways():
    for spi, cipher in (GCM, "GCM"), (CBC, "CBC and HMAC"):
        for size in sizes:
            for forged in False, True:
                n = 2 if how is borrowed.by_sendfile_in_segments else 1
                before = counters()
                wanted = {"in_icv": n} if forged else {"in_esp": n}
                with in_udp(family) as sock:
                    same = how(sock, b"".join(packet(family, spi, size, forged) for _ in range(n)), settle)
                name = f"IPv{family}, {how.__name__[3:]}, {cipher}, {size} octets, {'forged' if forged else 'good'}"
                report(same and grown() == wanted, name, f"unchanged: {same}", f"{grown()}, wanted: {wanted}")
gro()
print("pages all")
