# SPDX-License-Identifier: GPL-2.0-only
"""keys.py TESTS OTHER-NAMESPACE - what becomes of keys: a search of all memory for them

Each key begins with the same eight octets, goes on with a number of its own, and ends
with octets that follow from that. This program itself never holds one for longer than a
message takes: they are made octet by octet in one buffer, which is wiped; and what it
searches for is the beginning alone. It stops where keys.sh is to do something.
"""
import ctypes
import os
import re
import socket
import struct
import sys
import time

GETSPI, UPDATE, ADD, DELETE, GET, REGISTER, FLUSH, DUMP, PROMISC = 1, 2, 3, 4, 5, 7, 9, 10, 11
SA, HARD, SRC, DST, KEY_AUTH, KEY_ENC, SPIRANGE, SA2 = 1, 3, 5, 6, 8, 9, 16, 19
AH, ESP = 2, 3
# Encryption, authentication: PF_KEY's numbers and octets of key.
GCM, CBC, CTR, CHACHA, HMAC = (20, 20), (12, 16), (13, 20), (25, 36), (5, 32)
PID = os.getpid()
TAG = bytes(i * 73 + 41 & 255 ^ 0xc3 for i in range(8))

tests = int(sys.argv[1])
message = bytearray(4096)
answer = bytearray(65536)
length = 0


def report(good, name, *detail):
    global tests
    tests += 1
    print(f"{'ok' if good else 'not ok'} {tests} - {name}")
    for line in detail if not good else ():
        print(f"    # {line}")
    sys.stdout.flush()


def octet(number, i):
    """Of a key, beyond its beginning."""
    return number if i == 8 else (number * 31 + i * 7 + 5) & 255


def wipe(buffer):
    ctypes.memset(ctypes.addressof(ctypes.c_char.from_buffer(buffer)), 0, len(buffer))


class Keyer:
    """A socket, with one message to be made at a time."""
    def __init__(self):
        self.socket = socket.socket(15, socket.SOCK_RAW, 2)
        self.socket.settimeout(10)

    def begin(self, kind, satype):
        global length, start
        start = length
        struct.pack_into("=BBBBHHII", message, length, 2, kind, 0, satype, 0, 0, 1, PID)
        length += 16

    def put(self, kind, body):
        global length
        size = (len(body) + 4 + 7) // 8 * 8
        struct.pack_into("=HH", message, length, size // 8, kind)
        message[length + 4:length + 4 + len(body)] = body
        length += size

    def put_key(self, kind, octets, number):
        """The only place where a key is."""
        global length
        struct.pack_into("=HHHH", message, length, (octets + 15) // 8, kind, octets * 8, 0)
        for i in range(octets):
            message[length + 8 + i] = TAG[i] if i < len(TAG) else octet(number, i)
        length += (octets + 15) // 8 * 8

    def end(self):
        struct.pack_into("=H", message, start + 4, (length - start) // 8)

    def send(self, cut=0):
        """The errno of the answer, or minus that of the write; the answer is read, and wiped."""
        global length
        self.end()
        view = memoryview(message)[:length - cut]
        try:
            self.socket.send(view)
        except OSError as error:
            return -error.errno
        finally:
            view.release()
            wipe(message)
            length = 0
        return self.read()[1]

    def read(self, flags=0):
        """The kind of a message that has come, its errno, the number behind it, and whether it has a key."""
        n = self.socket.recv_into(answer, 0, flags)
        kind, errno, seq = answer[1], answer[2], struct.unpack_from("=I", answer, 8)[0]
        has_key = answer.find(TAG, 0, n) >= 0
        wipe(answer)
        return kind, errno, seq, has_key

    def heard(self):
        self.socket.setblocking(False)
        seen = []
        while True:
            try:
                seen.append(self.read())
            except BlockingIOError:
                return seen

    def address(self, kind, addr):
        self.put(kind, struct.pack("=BBHHH", 0, 32, 0, socket.AF_INET, 0) + socket.inet_aton(addr) + bytes(8))

    def pair(self):
        self.address(SRC, "10.1.0.1")
        self.address(DST, "10.1.0.2")

    def sa(self, number, enc=0, auth=0):
        self.put(SA, struct.pack("!I", 0x1000 + number) + struct.pack("=BBBBI", 64, 1, auth, enc, 0))

    def add(self, number, enc=GCM, auth=(0, 0), kind=ADD, spi=None, bad=False, life=0):
        """Made, not sent."""
        self.begin(kind, ESP if enc[0] else AH)
        self.sa(spi or number, enc[0], auth[0])
        self.pair()
        if life:
            self.put(HARD, struct.pack("=IQQQ", 0, 0, life, 0))
        if auth[0]:
            self.put_key(KEY_AUTH, auth[1], number)
        if enc[0]:
            self.put_key(KEY_ENC, enc[1], number)
        if bad:
            self.put(SA2, bytes(20))
        self.end()
        return self

    def about(self, kind, spi, satype=ESP):
        self.begin(kind, satype)
        self.sa(spi)
        self.pair()
        return self.send()


class Memory:
    """All that there is, as the kernel maps it."""
    def __init__(self):
        self.file = os.open("/proc/kcore", os.O_RDONLY)
        head = os.pread(self.file, 65536, 0)
        at, size, n = struct.unpack_from("=Q", head, 32)[0], *struct.unpack_from("=HH", head, 54)
        self.parts = []
        for i in range(n):
            kind, _, offset, start, physical, _, octets, _ = struct.unpack_from("=IIQQQQQQ", head, at + i * size)
            # Not the kernel's image, nor what is mapped a second time by vmalloc().
            if kind == 1 and physical != (1 << 64) - 1 and start < 0xffffffff80000000:
                self.parts.append((offset, octets))
        self.buffer = bytearray(1 << 20)

    def keys(self):
        """How often the key of each number is there."""
        found = {}
        view = memoryview(self.buffer)
        for offset, octets in self.parts:
            for at in range(offset, offset + octets, len(self.buffer)):
                try:
                    n = os.preadv(self.file, [view], at)
                except OSError:
                    continue
                where = self.buffer.find(TAG, 0, n)
                while where >= 0:
                    number = self.buffer[where + 8] if where + 12 < n else 0
                    if all(self.buffer[where + i] == octet(number, i) for i in range(9, 12) if where + 12 < n) and number:
                        found[number] = found.get(number, 0) + 1
                    where = self.buffer.find(TAG, where + 1, n)
        wipe(self.buffer)
        os.pread(self.file, 4096, 0)
        return found


def wait(word):
    print(word, flush=True)
    sys.stdin.readline()


def in_namespace(name):
    libc = ctypes.CDLL(None)
    with open("/proc/self/ns/net", encoding="ascii") as here, open(f"/run/netns/{name}", encoding="ascii") as there:
        libc.setns(there.fileno(), 0)
        keyer = Keyer()
        libc.setns(here.fileno(), 0)
    return keyer


WAYS = {
    1: "AES-GCM, deleted", 2: "AES-CBC with HMAC, deleted", 3: "of the HMAC with it, deleted", 4: "AES-CTR, deleted",
    5: "ChaCha20-Poly1305, deleted", 6: "of AH, deleted", 7: "flushed", 8: "replaced by UPDATE",
    9: "that replaced it, deleted", 10: "of a larval SA that became mature, deleted", 11: "in a transaction, deleted",
    12: "with a limit of time, expired", 13: "asked for by GET, deleted", 14: "dumped, deleted",
    15: "in a dump that nobody read, deleted", 16: "used by packets, deleted", 17: "in a namespace that went",
    20: "of an SPI that is taken: refused", 21: "in a message that was refused", 22: "in a message that was cut off",
    23: "in a transaction that was refused", 24: "of a length that is refused",
}
REFUSED = [number for number in WAYS if number >= 20]
LIVES = 30
print("tag", TAG.hex())
keyer, other, listener = Keyer(), in_namespace(sys.argv[2]), Keyer()
for satype in AH, ESP:
    listener.begin(REGISTER, satype)
    listener.send()
listener.begin(PROMISC, 1)
listener.send()
listener.heard()

wrong = []


def want(errno, got, what):
    if errno != got:
        wrong.append(f"{what}: errno {got}, wanted {errno}")


memory = Memory()
report(not memory.keys(), "before there are any, no key is in memory", memory.keys())
want(0, keyer.add(7).send(), 7)
keyer.begin(FLUSH, 0)
want(0, keyer.send(), "FLUSH")
for number, enc, auth in ((1, GCM, (0, 0)), (4, CTR, HMAC), (5, CHACHA, (0, 0)), (6, (0, 0), HMAC), (8, GCM, (0, 0)),
                          (13, GCM, (0, 0)), (14, GCM, (0, 0)), (15, GCM, (0, 0)), (LIVES, GCM, (0, 0)),
                          (16, GCM, (0, 0))):
    want(0, keyer.add(number, enc, auth).send(), number)
# The newest is what packets leave by.
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(10):
    udp.sendto(b"PLAINTEXT-MARKER", ("10.1.0.2", 9))
with open("/proc/net/esplanade", encoding="ascii") as file:
    want(10, int(dict(map(str.split, file))["out_esp"]), "packets")
# Two keys of one SA.
keyer.begin(ADD, ESP)
keyer.sa(2, CBC[0], HMAC[0])
keyer.pair()
keyer.put_key(KEY_AUTH, HMAC[1], 3)
keyer.put_key(KEY_ENC, CBC[1], 2)
want(0, keyer.send(), 2)
keyer.begin(GETSPI, ESP)
keyer.pair()
keyer.put(SPIRANGE, struct.pack("=III", 0x100a, 0x100a, 0))
want(0, keyer.send(), "GETSPI")
want(0, keyer.add(10, kind=UPDATE).send(), 10)
keyer.add(11)
want(0, keyer.add(18).send(), "a transaction")
want(0, keyer.add(12, life=1000).send(), 12)
want(0, other.add(17).send(), 17)
there = memory.keys()
living = [number for number in WAYS if number not in (7, 9, *REFUSED)] + [18, LIVES]
report(all(there.get(number) for number in living), "the keys of all that live are found", there)

# What is refused.
want(17, keyer.add(20, spi=1).send(), 20)
want(22, keyer.add(21, bad=True).send(), 21)
want(-90, keyer.add(22).send(cut=8), 22)
keyer.add(23)
want(17, keyer.add(23).send(), 23)
want(22, keyer.add(24, enc=(20, 24)).send(), 24)
# What is shown to one, and what others hear of it.
keyer.begin(GET, ESP)
keyer.sa(13)
keyer.pair()
keyer.end()
keyer.socket.send(memoryview(message)[:length])
wipe(message)
length = 0
keyer.socket.recv_into(answer, 0, socket.MSG_PEEK)
wipe(answer)
report(keyer.read()[3], "GET shows the key to who asked")
dumper, careless = Keyer(), Keyer()
dumper.begin(DUMP, 0)
dumper.end()
dumper.socket.send(memoryview(message)[:length])
careless.socket.send(memoryview(message)[:length])
wipe(message)
length = 0
shown = 0
while True:
    _, _, seq, has_key = dumper.read()
    shown += has_key
    if not seq:
        break
report(shown == len(living) - 2, "DUMP, too", f"{shown} keys", len(living))
careless.socket.close()
want(0, keyer.add(9, kind=UPDATE, spi=8).send(), 9)
heard = listener.heard()
kinds = {kind for kind, *_ in heard}
report({ADD, UPDATE, GET} <= kinds and not any(has_key for *_, has_key in heard),
       "and another socket, which hears everything, has heard no key", heard)

# All of it goes.
for number in 1, 2, 4, 5, 8, 10, 11, 12, 13, 14, 15, 16, 18:
    want(0, keyer.about(DELETE, number), f"DELETE {number}")
want(0, keyer.about(DELETE, 6, AH), "DELETE of AH")
want(0, keyer.add(12, life=1).send(), 12)
while keyer.about(GET, 12) == 0:
    time.sleep(0.2)
other.socket.close()
wait("namespace")
deadline = time.monotonic() + 60
while True:
    left = memory.keys()
    if set(left) == {LIVES} or time.monotonic() > deadline:
        break
for number, name in WAYS.items():
    report(number not in left, f"a key {name}: it is in no memory", f"{left.get(number)} times")
report(left.get(LIVES), "and the one that lives is found still")
report(not wrong, "all was accepted and refused as it should be", *wrong)
want(0, keyer.about(DELETE, LIVES), "DELETE of the last")
for one in keyer, listener, dumper:
    one.socket.close()
wait("module")
left = memory.keys()
report(not left, "without the module, no key is in memory", left)
print("keys all")
