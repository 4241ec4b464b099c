# SPDX-License-Identifier: GPL-2.0-only
"""walk.py TESTS SEED STEPS - SAs come, change and go at random; dumps say what a model says

Few SPIs and two destinations, so that names meet: GETSPI, ADD, UPDATE, DELETE, FLUSH,
transactions that take effect and such that do not, limits of time that SAs come to.
Each answer's errno is the model's, and so is what there is. Meanwhile packets ask for SAs,
whose place is held by larval ones without an SPI: of those the model knows nothing.
"""
import os
import random
import socket
import struct
import sys

from keyer import KEY_AUTH, KEY_ENC, SA, SPIRANGE, DST, SRC, address, ext

GETSPI, UPDATE, ADD, DELETE, GET, REGISTER, FLUSH, DUMP = 1, 2, 3, 4, 5, 7, 9, 10
AH, ESP = 2, 3
EEXIST, ESRCH, ENOENT = 17, 3, 2
LARVAL, MATURE = 0, 1
SPIS = range(0x100, 0x108)
DESTINATIONS = ("10.1.0.2", "10.1.0.3")
PID = os.getpid()

tests, seed, steps = (int(word) for word in sys.argv[1:])
rng = random.Random(seed)
pfkey = socket.socket(15, socket.SOCK_RAW, 2)
pfkey.settimeout(20)
keyer = socket.socket(15, socket.SOCK_RAW, 2)
model = {}    # (SA type, destination, SPI): state
wrong = []


def message(kind, satype, exts=b"", seq=1):
    return struct.pack("=BBBBHHII", 2, kind, 0, satype, 2 + len(exts) // 8, 0, seq, PID) + exts


def name(spi, dst, satype):
    auth, enc = (5, 0) if satype == AH else (0, 20)
    return ext(SA, struct.pack("!I", spi) + struct.pack("=BBBBI", 64, 1, auth, enc, 0)) + \
        address(SRC, "10.1.0.1") + address(DST, dst)


def keys(satype):
    octets = 32 if satype == AH else 20
    return ext(KEY_AUTH if satype == AH else KEY_ENC, struct.pack("=HH", octets * 8, 0) + rng.randbytes(octets))


def answer():
    """To us: others' changes are heard, too, and what packets ask for is not asked here."""
    while True:
        data = pfkey.recv(65536)
        if struct.unpack_from("=I", data, 12)[0] == PID:
            return data


def ask(data, wanted, what):
    pfkey.send(data)
    got = answer()[2]
    if got != wanted:
        wrong.append(f"{what}: errno {got}, wanted {wanted}")
    return got == wanted


def change(there):
    """A request that a transaction may have, done to the model; its octets, and the errno that it gets."""
    satype, dst, spi = key = rng.choice((AH, ESP)), rng.choice(DESTINATIONS), rng.choice(SPIS)
    if rng.random() < 0.05:
        for other in [other for other in there if other[0] == satype]:
            del there[other]
        return message(FLUSH, satype), 0
    if rng.random() < 0.5:
        if key in there:
            return message(ADD, satype, name(spi, dst, satype) + keys(satype)), EEXIST
        there[key] = MATURE
        return message(ADD, satype, name(spi, dst, satype) + keys(satype)), 0
    return message(DELETE, satype, name(spi, dst, satype)), 0 if there.pop(key, None) is not None else ESRCH


def transaction():
    there, octets, errno = dict(model), b"", 0
    for _ in range(rng.randrange(2, 9)):
        one, failed = change(there) if not errno else change(dict(there))
        octets, errno = octets + one, errno or failed
    if ask(octets, errno, "a transaction") and not errno:
        model.clear()
        model.update(there)


def single():
    one, errno = change(model)
    ask(one, errno, "a change")


def getspi():
    satype, dst = rng.choice((AH, ESP)), rng.choice(DESTINATIONS)
    low = rng.choice(SPIS)
    high = min(low + rng.randrange(3), SPIS[-1])
    free = [spi for spi in range(low, high + 1) if (satype, dst, spi) not in model]
    pfkey.send(message(GETSPI, satype, address(SRC, "10.1.0.1") + address(DST, dst) +
                       ext(SPIRANGE, struct.pack("=III", low, high, 0))))
    data = answer()
    if data[2] != (0 if free else EEXIST):
        wrong.append(f"GETSPI: errno {data[2]}, free {free}")
    elif free:
        got, = struct.unpack_from("!I", data, 20)
        if got not in free:
            wrong.append(f"GETSPI: {got}, which is taken")
        model[satype, dst, got] = LARVAL


def update():
    satype, dst, spi = key = rng.choice((AH, ESP)), rng.choice(DESTINATIONS), rng.choice(SPIS)
    if ask(message(UPDATE, satype, name(spi, dst, satype) + keys(satype)), 0 if key in model else ESRCH, "UPDATE") and \
            key in model:
        model[key] = MATURE


def dump():
    seen = {}
    pfkey.send(message(DUMP, 0))
    while True:
        data = answer()
        if data[2]:
            break
        spi, state = struct.unpack_from("!I", data, 20)[0], data[25]
        dst, at = None, 16
        while at < len(data):
            length, kind = struct.unpack_from("=HH", data, at)
            if kind == DST:
                dst = socket.inet_ntoa(data[at + 12:at + 16])
            at += length * 8
        if spi:
            seen[data[3], dst, spi] = state
        if not struct.unpack_from("=I", data, 8)[0]:
            break
    return seen


for satype in AH, ESP:
    keyer.send(message(REGISTER, satype))
ask(message(FLUSH, 0), 0, "FLUSH")
for step in range(steps):
    rng.choice((single, single, transaction, getspi, update))()
    if step % 20 == 19:
        there = dump()
        if there != model:
            wrong.append(f"step {step}: there are {sorted(there.items() - model.items())} and not "
                         f"{sorted(model.items() - there.items())}")
        if wrong:
            break
    keyer.setblocking(False)
    try:
        while True:
            keyer.recv(65536)
    except BlockingIOError:
        pass
tests += 1
print(f"{'not ok' if wrong else 'ok'} {tests} - {steps} steps, seed {seed}: errnos and dumps are the model's")
for line in wrong[:5]:
    print(f"    # {line}")
print("walk all")
