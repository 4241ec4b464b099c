# SPDX-License-Identifier: GPL-2.0-only
"""messages.py TESTS - every PF_KEY request, spoiled in every way

Each kind of request, right; then with each extension missing, doubled, cut, too long,
of a family or with a prefix or direction that it cannot have; with every reserved
octet set; and cut at every length. What is wrong gets its errno and changes nothing.
The kernel fills memory that nobody wrote to with 5a and 6b: no answer has any of it.
"""
import os
import socket
import struct
import sys

from keyer import ext, sockaddr

GETSPI, UPDATE, ADD, DELETE, GET, ACQUIRE, REGISTER, EXPIRE, FLUSH, DUMP, PROMISC = range(1, 12)
SPDUPDATE, SPDADD, SPDDELETE, SPDGET, SPDDUMP, SPDFLUSH, SPDDELETE2, MIGRATE = 13, 14, 15, 16, 18, 19, 22, 24
SA, CURRENT, HARD, SOFT, SRC, DST, PROXY, KEY_AUTH, KEY_ENC = range(1, 10)
SPIRANGE, POLICY, SA2, NAT_TYPE, NAT_SPORT, NAT_DPORT, NAT_OA = 16, 18, 19, 20, 21, 22, 23
REPLAY, NEW_SRC, NEW_DST, PORTS = 27, 28, 29, 32
ESP = 3
EINVAL, FINE = 22, (0, 2, 3)    # done, or what it names is not there
POISON = (b"\x5a" * 4, b"\x6b" * 4, b"\xaa" * 4)
PID = os.getpid()

tests = int(sys.argv[1])


def report(good, name, *detail):
    global tests
    tests += 1
    print(f"{'ok' if good else 'not ok'} {tests} - {name}")
    for line in detail if not good else ():
        print(f"    # {line}")
    sys.stdout.flush()


def address(kind, addr, plen=None, proto=0):
    plen = plen if plen is not None else 128 if ":" in addr else 32
    return ext(kind, struct.pack("=BBH", proto, plen, 0) + sockaddr(addr))


def sa(spi, enc=20, auth=0):
    return ext(SA, struct.pack("!I", spi) + struct.pack("=BBBBI", 64, 1, auth, enc, 0))


def sa2(mode=2, reqid=7):
    return ext(SA2, struct.pack("=BBHII", mode, 0, 0, 0, reqid))


def life(kind, addtime=0):
    return ext(kind, struct.pack("=IQQQ", 0, 0, addtime, 0))


def key(kind, octets):
    return ext(kind, struct.pack("=HH", octets * 8, 0) + bytes(range(1, octets + 1)))


def transform(src, dst):
    body = sockaddr(src) + sockaddr(dst)
    return struct.pack("=HHBBHII", 16 + len(body), 50, 2, 2, 0, 7, 0) + body


def policy(direction, *transforms, number=0):
    return ext(POLICY, struct.pack("=HBBII", 2, direction, 0, number, 0x80000000) + b"".join(transforms))


def port(kind, number):
    return ext(kind, struct.pack("!H", number) + bytes(2))


def ports(*four):
    return ext(PORTS, struct.pack("!HHHH", *four) + bytes(4))


def message(kind, exts=(), satype=0, seq=1):
    body = b"".join(exts)
    return struct.pack("=BBBBHHII", 2, kind, 0, satype, 2 + len(body) // 8, 0, seq, PID) + body


pfkey = socket.socket(15, socket.SOCK_RAW, 2)
pfkey.settimeout(10)
listener = socket.socket(15, socket.SOCK_RAW, 2)
listener.setblocking(False)
dirty = []


def look(data, what):
    if any(pattern in data for pattern in POISON):
        dirty.append(f"{what}: {data.hex()}")


def heard():
    while True:
        try:
            look(listener.recv(65536), "heard")
        except BlockingIOError:
            return


def ask(data):
    """The errno of the answer, or of the write."""
    try:
        pfkey.send(data)
    except OSError as error:
        return -error.errno
    answer = pfkey.recv(65536)
    look(answer, "answer")
    heard()
    return answer[1 + 1]


def dump(kind, exts=()):
    """All entries, but for what time changes in them."""
    seen = []
    pfkey.send(message(kind, exts))
    while True:
        data = pfkey.recv(65536)
        look(data, "dump")
        if data[2]:
            return seen
        kept, at = b"", 16
        while at < len(data):
            length, number = struct.unpack_from("=HH", data, at)
            if number != CURRENT:
                kept += data[at:at + length * 8]
            at += length * 8
        seen.append(kept)
        if not struct.unpack_from("=I", data, 8)[0]:
            return seen


def state():
    return dump(DUMP), dump(SPDDUMP)


PAIR4 = [address(SRC, "10.1.0.1"), address(DST, "10.1.0.2")]
PAIR6 = [address(SRC, "fd01::1"), address(DST, "fd01::2")]
GCM = [key(KEY_ENC, 20)]
NETS4 = [address(SRC, "10.1.0.0", 24, 255), address(DST, "10.2.0.0", 24, 255)]
NETS6 = [address(SRC, "fd01::", 64, 255), address(DST, "fd02::", 64, 255)]
TUNNEL4 = transform("10.1.0.1", "10.1.0.2")
TUNNEL6 = transform("fd01::1", "fd01::2")
OTHER4 = transform("10.1.0.1", "10.1.0.3")

# What there is before each request: SAs of all kinds, and policies.
THERE = [message(FLUSH), message(SPDFLUSH)] + [message(ADD, exts, ESP) for exts in (
    [sa(0x1001), sa2(), life(HARD, 3600), life(SOFT, 3000)] + PAIR4 + GCM,
    [sa(0x1002), sa2(1, 0)] + PAIR6 + GCM + [ext(REPLAY, struct.pack("=I", 1024))],
    [sa(0x1003, 12, 5), sa2()] + PAIR4 + [key(KEY_AUTH, 32), key(KEY_ENC, 16)],
    [sa(0x1004), sa2()] + PAIR4 + GCM + [ext(NAT_TYPE, bytes([2, 0, 0, 0])), port(NAT_SPORT, 4500),
                                         port(NAT_DPORT, 4500), address(NAT_OA, "192.0.2.1")],
)] + [message(SPDADD, exts) for exts in (
    [policy(2, TUNNEL4)] + NETS4, [policy(2, TUNNEL6, TUNNEL4)] + NETS6,
    [policy(1, TUNNEL4), ports(80, 90, 0, 65535)] + NETS4)]

# Each request: its kind, its extensions by name, and those of them that it must have.
REQUESTS = {
    "GETSPI": (GETSPI, ESP, [sa2()] + PAIR4 + [ext(SPIRANGE, struct.pack("=III", 256, 4096, 0))], {SRC, DST}),
    "UPDATE": (UPDATE, ESP, [sa(0x1001), sa2(), life(HARD), life(SOFT)] + PAIR4 + GCM, {SA, SRC, DST}),
    "UPDATE to other addresses": (UPDATE, ESP, [sa(0x1001)] + PAIR4 + [address(NEW_SRC, "10.1.0.7"),
                                                                       address(NEW_DST, "10.1.0.8")], {SA, SRC, DST}),
    "ADD": (ADD, ESP, [sa(0x2001), sa2(), life(HARD), life(SOFT)] + PAIR4 + GCM, {SA, SRC, DST, KEY_ENC}),
    "ADD of IPv6": (ADD, ESP, [sa(0x2001, 12, 5), sa2()] + PAIR6 + [key(KEY_AUTH, 32), key(KEY_ENC, 16),
                                                                   ext(REPLAY, struct.pack("=I", 500))],
                    {SA, SRC, DST, KEY_AUTH, KEY_ENC}),
    "ADD in UDP": (ADD, ESP, [sa(0x2001), ext(NAT_TYPE, bytes([2, 0, 0, 0])), port(NAT_SPORT, 4500),
                              port(NAT_DPORT, 4500), address(NAT_OA, "192.0.2.1")] + PAIR4 + GCM,
                   {SA, SRC, DST, KEY_ENC, NAT_SPORT, NAT_DPORT}),
    "DELETE": (DELETE, ESP, [sa(0x1001), sa2()] + PAIR4, {SA, SRC, DST}),
    "GET": (GET, ESP, [sa(0x1001)] + PAIR4, {SA, SRC, DST}),
    "GET of IPv6": (GET, ESP, [sa(0x1002), ext(REPLAY, bytes(4))] + PAIR6, {SA, SRC, DST}),
    "SPDADD": (SPDADD, 0, [policy(2, TUNNEL6, TUNNEL4)] + [address(SRC, "10.3.0.0", 24, 255),
                                                            address(DST, "10.4.0.0", 24, 255)] + [life(HARD, 3600)],
               {POLICY, SRC, DST}),
    "SPDADD of ports": (SPDADD, 0, [policy(1, TUNNEL4), ports(1, 2, 3, 4)] + NETS6, {POLICY, SRC, DST}),
    "SPDUPDATE": (SPDUPDATE, 0, [policy(2, OTHER4)] + NETS4, {POLICY, SRC, DST}),
    "SPDDELETE": (SPDDELETE, 0, [policy(2)] + NETS4, {POLICY, SRC, DST}),
    "SPDGET": (SPDGET, 0, [policy(2, number=9)], {POLICY}),
    "SPDDELETE2": (SPDDELETE2, 0, [policy(2, number=9)], {POLICY}),
    "MIGRATE": (MIGRATE, 0, [policy(2, TUNNEL4, OTHER4)] + NETS4, {POLICY, SRC, DST}),
}
LATER = (REPLAY, NEW_SRC, NEW_DST, PORTS)
# Fields that mean nothing, octets from the extension's beginning.
RESERVED = {SA2: (5, 6, 7, 8, 9, 10, 11), SRC: (6, 7), DST: (6, 7), KEY_AUTH: (6, 7), KEY_ENC: (6, 7),
            SPIRANGE: (12, 13, 14, 15), POLICY: (7,), NAT_TYPE: (5, 6, 7), NAT_SPORT: (6, 7), NAT_DPORT: (6, 7),
            PORTS: (12, 13, 14, 15), SA: (9,)}
ADDRESSES = (SRC, DST, NAT_OA, NEW_SRC, NEW_DST)


def kind_of(one):
    return struct.unpack_from("=H", one, 2)[0]


def words(one, n):
    """With another length, as its header says and as it is."""
    body = (one + bytes(64))[:8 * n]
    return struct.pack("=H", n) + body[2:]


def patched(one, at, octets):
    return one[:at] + octets + one[at + len(octets):]


def spoiled(exts, needed):
    """(what, extensions, errno wanted or None for none)"""
    for i, one in enumerate(exts):
        kind, n = kind_of(one), len(one) // 8

        def with_(other, i=i):
            return exts[:i] + [other] + exts[i + 1:]
        yield f"without extension {kind}", exts[:i] + exts[i + 1:], EINVAL if kind in needed else None
        yield f"extension {kind} twice", exts + [one], EINVAL
        yield f"extension {kind} of type 0", with_(patched(one, 2, b"\0\0")), EINVAL
        yield f"extension {kind} of length 0", with_(patched(one, 0, b"\0\0")), EINVAL
        yield f"extension {kind} that ends beyond the message", with_(patched(one, 0, b"\xff\xff")), EINVAL
        yield f"extension {kind} a word longer", with_(words(one, n + 1)), EINVAL
        if n > 1:
            yield f"extension {kind} a word shorter", with_(words(one, n - 1)), EINVAL
            yield f"extension {kind}: its header alone", with_(words(one, 1)), EINVAL
        for at in RESERVED.get(kind, ()):
            yield f"extension {kind}: octet {at} set", with_(patched(one, at, b"\xff")), None
        if kind in ADDRESSES:
            family = struct.unpack_from("=H", one, 8)[0]
            for wrong in 0, 1, 3, 15, 255, 10 if family == 2 else 2:
                yield f"extension {kind} of family {wrong}", with_(patched(one, 8, struct.pack("=H", wrong))), EINVAL
            for plen in range(256):
                bad = plen > (32 if family == 2 else 128)
                yield f"extension {kind}: prefix of {plen}", with_(patched(one, 5, bytes([plen]))), EINVAL if bad else None
        if kind == POLICY and needed != {POLICY}:
            for direction in range(256):
                if direction != one[6]:
                    yield f"direction {direction}", with_(patched(one, 6, bytes([direction]))), \
                        None if direction in (1, 2, 3) else EINVAL
        if kind in (KEY_AUTH, KEY_ENC):
            for bits in [0, 1, 7, 15, 8 * (len(one) - 8) + 8, 0xffff]:
                yield f"extension {kind} of {bits} bits", with_(patched(one, 4, struct.pack("=H", bits))), EINVAL
    for number in 0, 33, 200, 65535:
        if number:
            yield f"an unknown extension {number}", exts + [ext(number, bytes(4))], None
    for number in 12, 13, 14, 26, 30:
        yield f"extension {number}, which does not belong here", exts + [words(ext(number, bytes(60)), 5)], EINVAL


def reset():
    if ask(b"".join(THERE)) != 0:
        report(False, "what there is can be made again")


listener.send(message(PROMISC, (), 1))
reset()
before = state()
report(len(before[0]) == 4 and len(before[1]) == 3, "SAs and policies of all kinds are there", before)
for name, (kind, satype, exts, needed) in REQUESTS.items():
    wrong, n, refused = [], 0, 0
    # The policies' numbers change whenever they are made again.
    if needed == {POLICY}:
        number = struct.unpack_from("=I", [e for e in before[1] if e[0:4]][0], 8)[0]
        exts = [policy(2, number=number)]
    got = ask(message(kind, exts, satype))
    if got != 0:
        wrong.append(f"as it should be: errno {got}")
    reset()
    before = state()
    if needed == {POLICY}:
        number = struct.unpack_from("=I", before[1][0], 8)[0]
        exts = [policy(2, number=number)]
    for what, other, want in spoiled(exts, needed):
        n += 1
        got = ask(message(kind, other, satype))
        if want is not None and got == want:
            refused += 1
            continue    # seen below that nothing has changed
        if want is not None or got not in FINE:
            wrong.append(f"{what}: errno {got}, wanted {want or 'none'}")
        if state() != before:
            if want is not None:
                wrong.append(f"{what}: and it changed something")
            reset()
            before = state()
            if needed == {POLICY}:
                exts[:] = [policy(2, number=struct.unpack_from("=I", before[1][0], 8)[0])]
    whole = message(kind, exts, satype)
    for length in range(len(whole)):
        got = ask(whole[:length])
        n += 1
        if got >= 0:
            wrong.append(f"cut to {length} octets: errno {got}")
        if length >= 16 and length % 8 == 0:
            fixed = patched(whole[:length], 4, struct.pack("=H", length // 8))
            got = ask(fixed)
            n += 1
            if got not in FINE + (EINVAL, ):
                wrong.append(f"cut to {length} octets, as its header says: errno {got}")
            if got == 0:
                reset()
                before = state()
    for at, octets in (0, b"\1"), (0, b"\3"), (1, b"\0"), (1, b"\x19"), (1, b"\xff"):
        got = ask(patched(whole, at, octets))
        n += 1
        if got != -EINVAL:
            wrong.append(f"octet {at} of the header {octets[0]}: errno {got}")
    if state() != before:
        wrong.append("something that was refused has changed something")
        reset()
        before = state()
    report(not wrong, f"{name}: {n} ways to spoil it, {refused} refused, nothing changed", *wrong[:20])

# Types that are no requests, or have SA types that there are not.
wrong = [kind for kind in (EXPIRE, 12, 17, 20, 21, 23) if ask(message(kind)) != 95]
report(not wrong, "what is no request is refused as such", wrong)
wrong = [satype for satype in range(256) if ask(message(FLUSH, (), satype)) != (0 if satype in (0, 2, 3, 9) else EINVAL)]
report(not wrong, "FLUSH of SA types that there are, and of no others", wrong)
reset()
for modern in (), [ext(REPLAY, bytes(4))]:
    dump(DUMP, modern)
    dump(SPDDUMP, modern)
    for satype in 0, 2, 3:
        ask(message(REGISTER, modern, satype))
# Announcements: what wants an SA, and what runs out.
ask(message(FLUSH))
ask(message(ADD, [sa(0x3001), life(HARD, 2), life(SOFT, 1)] + PAIR6 + GCM, ESP))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("10.1.0.1", 0))
udp.sendto(b"x", ("10.2.0.1", 9))
listener.setblocking(True)
listener.settimeout(10)
kinds = set()
while not {ACQUIRE, EXPIRE} <= kinds:
    data = listener.recv(65536)
    look(data, "announced")
    kinds.add(data[1])
report(True, "SAs are asked for, and expire")
report(not dirty, "no octet that nobody wrote is in any message", *dirty[:5])

# Who may open it.
for name, child in ("a user without rights", lambda: os.setuid(65534)), ("another user namespace's admin", None):
    pid = os.fork()
    if not pid:
        if child:
            child()
            try:
                socket.socket(15, socket.SOCK_RAW, 2)
            except PermissionError:
                os._exit(1)
            os._exit(0)
        os.execvp("unshare", ["unshare", "-r", "-n", "python3", "-c",
                              "import socket\ntry: socket.socket(15, 3, 2)\nexcept PermissionError: exit(1)"])
    report(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1, f"{name} gets EPERM")
for kind, proto, errno in (socket.SOCK_DGRAM, 2, 94), (socket.SOCK_STREAM, 2, 94), (socket.SOCK_RAW, 0, 93):
    try:
        socket.socket(15, kind, proto)
        got = 0
    except OSError as error:
        got = error.errno
    report(got == errno, f"a socket of type {kind}, protocol {proto}", f"errno {got}")
print("messages all")
