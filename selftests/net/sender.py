# SPDX-License-Identifier: GPL-2.0-only
"""sender.py OURS PEER TESTS NAME - memory that is somebody else's is sent, and stays as it is

Datagrams that a policy protects leave out of memory that others have (borrowed.py).
What encrypts them must not write there.
"""
import socket
import sys
import time

import borrowed

OURS, PEER, TESTS, NAME = sys.argv[1:]
tests = int(TESTS)


def counters():
    with open("/proc/net/esplanade", encoding="ascii") as file:
        return {name: int(value) for name, value in map(str.split, file)}


def grown():
    """But for what comes in: nobody listens, and errors say so."""
    after = counters()
    return {key: after[key] - before[key] for key in after if after[key] != before[key] and key.startswith("out_")}


def settle():
    deadline = time.monotonic() + 5
    while grown() != wanted and time.monotonic() < deadline:
        pass


for how in borrowed.by_sendfile, borrowed.by_vmsplice, borrowed.by_zerocopy, borrowed.by_tcp, \
        borrowed.by_sendfile_in_segments:
    for size in 100, 1200, 4000:
        octets = (b"PLAINTEXT-MARKER" * 250)[:size]
        before = counters()
        wanted = {"out_esp": 2 if how is borrowed.by_sendfile_in_segments else 1}
        with socket.socket(socket.AF_INET6 if ":" in PEER else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((OURS, 0))
            sock.connect((PEER, 9))
            if how is borrowed.by_sendfile_in_segments and size > 2000:
                continue
            same = how(sock, octets, settle)
        tests += 1
        good = same and grown() == wanted
        print(f"{'ok' if good else 'not ok'} {tests} - {NAME}, {how.__name__[3:]}, {size} octets: sent, and unchanged",
              flush=True)
        if not good:
            print(f"    # unchanged: {same}; {grown()}, wanted {wanted}", flush=True)
print("sender all")
