# SPDX-License-Identifier: GPL-2.0-only
"""nth.py TESTS pfkey | packets LABEL SRC DST HOST OPTION... | scarce LABEL SRC DST HOST | hold |
late | namespace | module KO

Memory runs out at the first, the second, the third ... allocation of one system call,
until there is none left to fail (/proc/self/fail-nth). Packets leave and enter by tun
devices, so that all of their way is in that call: what sendto() gets is sealed and
waits in this host's tun; what is written to the other's is opened and at its socket.

With the option late, and of late, it runs out at the first, the second, the third ...
allocation below a function of the module's, whoever runs it: tun devices then have
NAPI, so that packets come in by softirq; ciphers may answer later (slow); keyers are
asked, packets released and SAs ended by work.

A request is refused, and all is as before, or done; never a part, never no answer. A
packet is on its way protected, or lost by name, or the sender is told; never in clear.
One that was lost before its ICV was checked may come again, one that was received not.
"""
import ctypes
import errno
import fcntl
import select
import subprocess
import time

# The requests, all right, and what there is before them.
exec(open("messages.py", encoding="ascii").read().partition("\nLATER = ")[0])

MARKER = b"PLAINTEXT-MARKER"
FIONREAD, RCVBUFFORCE = 0x541b, 33
NO_MEMORY = (errno.ENOMEM, errno.ENOBUFS)
# A copy from or to the caller's memory may be what fails, too.
TOLD = NO_MEMORY + (errno.EFAULT,)
MOST = 4000
libc = ctypes.CDLL(None, use_errno=True)
knob = os.open("/proc/self/fail-nth", os.O_RDWR)


def failing(n, call, over=None):
    """Run call with its n-th allocation failing: (whether one did, result, errno). Where
    there is more to come, others wait until over(); here nothing is."""
    result, got = None, 0
    os.pwrite(knob, b"%d" % n, 0)
    try:
        result = call()
    except OSError as error:
        got = error.errno
    # Both of these copy, and the one that was to fail may be such a copy.
    try:
        left = int(os.pread(knob, 16, 0).rstrip(b"\n\0"))
    except OSError:
        left = 1
    for _ in range(3):
        try:
            os.pwrite(knob, b"0", 0)
            break
        except OSError:
            pass
    return not left, result, got


def whenever(over):
    """Wait until over(), for longer than a packet waits for an SA."""
    end = time.monotonic() + 5
    while not over() and time.monotonic() < end:
        time.sleep(0.001)


class Late:
    """Of the module's allocations the n-th fails, in softirqs, work and tasks alike:
    failslab's, or fail_page_alloc's, as their stack traces say whose they are. kmemleak
    allocates for each of them, too, and has something put by should that fail. Who does not
    get pages asks for fewer: of them the n-th and the 2n-th fail, which are one after the
    other where n is 1."""

    def __init__(self, kind):
        self.kind = kind
        self.times = 2 if kind == "fail_page_alloc" else 1
        self.fds = {}
        text = [int(open(f"/sys/module/esplanade/sections/{name}", encoding="ascii").read(), 16)
                for name in (".text", ".exit.text")]
        self.ours = {"task-filter": "N", "require-start": text[0], "require-end": text[1]}
        self.turn(times=0, **{"probability": 100, "space": 0, "stacktrace-depth": 32})
        if kind == "fail_page_alloc":
            self.turn(**{"min-order": 0, "ignore-gfp-highmem": "N"})
        with open("/proc/self/make-it-fail", "w", encoding="ascii") as mine:
            mine.write("1")

    def turn(self, **knobs):
        for name, value in knobs.items():
            if name not in self.fds:
                self.fds[name] = os.open(f"/sys/kernel/debug/{self.kind}/{name}", os.O_WRONLY)
            os.write(self.fds[name], str(value).encode())

    def struck(self, times):
        with open(f"/sys/kernel/debug/{self.kind}/times", "rb") as left:
            return int(left.read()) < times

    def wind(self, n):
        """The kernel counts on for ever, and lets every n-th fail: it is to stand where one
        did, and so one of ours must first, each of which counts now."""
        self.turn(**{"task-filter": "Y", "require-start": 0, "require-end": 2**64 - 1, "interval": n, "times": 1})
        while True:
            try:
                if self.struck(1):
                    return
                ends = os.pipe()
                try:
                    os.write(ends[1], bytes(65536))
                finally:
                    for end in ends:
                        os.close(end)
            except (OSError, MemoryError):
                pass    # that was it

    def __call__(self, n, call, over):
        result, got = None, 0
        self.wind(n)
        self.turn(**self.ours, times=self.times)
        try:
            result = call()
        except OSError as error:
            got = error.errno
        whenever(lambda: got or over())
        failed = self.struck(self.times)
        self.turn(**{"times": 0, "require-start": 0, "require-end": 2**64 - 1})
        return failed, result, got


def counters(where=None):
    """Of this namespace, or of the one that the file is of."""
    where = where or open("/proc/net/esplanade", encoding="ascii")
    where.seek(0)
    return {name: int(n) for name, n in (line.split() for line in where)}


def grown(before, after):
    return {name: n - before[name] for name, n in after.items() if n != before[name]}


PASSED = ("out_esp", "out_ah", "in_esp", "in_ah", "out_bypass", "out_held")


def drops(more):
    return sum(n for name, n in more.items() if name not in PASSED)


def passed(more):
    return sum(more.get(name, 0) for name in ("out_esp", "out_ah", "in_esp", "in_ah"))


# -- PF_KEY

def nameless(entry):
    """A policy's number is another whenever it is made again."""
    at = 0
    while at < len(entry):
        length, kind = struct.unpack_from("=HH", entry, at)
        if kind == POLICY:
            entry = entry[:at + 8] + bytes(4) + entry[at + 12:]
        at += length * 8
    return entry


def now():
    sas, policies = state()
    return sorted(sas), [nameless(one) for one in policies]


def drain(sock):
    while select.select([sock], [], [], 0)[0]:
        sock.recv(65536)


def reset():
    if ask(b"".join(THERE)) != 0:
        report(False, "what there is can be made again")


def answer_of(kind):
    while select.select([pfkey], [], [], 2)[0]:
        data = pfkey.recv(65536)
        if data[1] == kind:
            return data[2]
    return None


def second_policy():
    return struct.unpack_from("=I", [e for e in state()[1]][0], 8)[0]


def request(name, kind, satype, exts):
    by_number = kind in (SPDGET, SPDDELETE2)

    def octets():
        return message(kind, [policy(2, number=second_policy())] if by_number else exts, satype)
    reset()
    before = now()
    got = ask(octets())
    after = now()
    wrong, refused, done = [] if got == 0 else [f"errno {got}"], 0, 0
    for n in range(1, MOST):
        reset()
        data = octets()
        drain(listener)
        lost = counters()["pfkey_lost"]
        failed, _, told = failing(n, lambda data=data: pfkey.send(data))
        got = told or answer_of(kind)
        there = now()
        if not failed:
            if got or there != after:
                wrong.append(f"none failed: errno {got}")
            break
        if got in TOLD:
            refused += 1
            if there != before:
                wrong.append(f"allocation {n}: errno {got}, and it changed something")
        elif got == 0:
            done += 1
            if there != after:
                wrong.append(f"allocation {n}: a part was done")
        else:
            wrong.append(f"allocation {n}: errno {got}, {counters()['pfkey_lost'] - lost} lost")
    else:
        wrong.append("no end of allocations")
    if refused + done == 0:
        wrong.append("nothing was made to fail")
    report(not wrong, f"{name}: {refused + done} allocations fail, one at a time: {refused} times refused, {done} times "
           "done all the same, never a part", *wrong[:10])


def dumps(name, kind):
    """A dump by a small buffer, read to its end: never waits for ever, never a lie."""
    global pfkey
    usual = pfkey
    reset()
    for spi in range(0x4000, 0x4014):
        ask(message(ADD, [sa(spi), sa2()] + PAIR4 + GCM, ESP))
    wanted = len(now()[kind == SPDDUMP])
    pfkey = socket.socket(15, socket.SOCK_RAW, 2)
    pfkey.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wrong, told, whole = [], 0, 0

    def read_all():
        pfkey.send(message(kind))
        got = []
        while True:
            if not select.select([pfkey], [], [], 2)[0]:
                raise TimeoutError(errno.ETIMEDOUT, "")
            data = pfkey.recv(65536)
            if data[1] != kind:
                continue
            if data[2]:
                raise OSError(data[2], "")
            got.append(data)
            if not struct.unpack_from("=I", data, 8)[0]:
                return got
    for n in range(1, MOST):
        failed, got, error = failing(n, read_all)
        if not failed:
            if error or len(got) != wanted:
                wrong.append(f"none failed: errno {error}")
            break
        if error in TOLD:
            told += 1
        elif error == 0 and len(got) == wanted:
            whole += 1
        else:
            wrong.append(f"allocation {n}: errno {error}, {got and len(got)} of {wanted}")
        pfkey.close()
        pfkey = socket.socket(15, socket.SOCK_RAW, 2)
        pfkey.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    pfkey.close()
    pfkey = usual
    report(not wrong and told, f"{name}: {told + whole} allocations fail: {told} times told, {whole} times whole",
           *wrong[:10])


def sockets():
    wrong = []
    for n in range(1, MOST):
        failed, made, error = failing(n, lambda: socket.socket(15, socket.SOCK_RAW, 2))
        if made:
            made.close()
        if not failed:
            break
        if not made and error not in TOLD + (errno.ENFILE,):
            wrong.append(f"allocation {n}: errno {error}")
    report(n > 2 and not wrong, f"socket(): {n - 1} allocations fail", *wrong)


def registers():
    wrong, told, done = [], 0, 0
    pfkey.send(message(REGISTER, (), ESP))
    whole = pfkey.recv(65536)
    for n in range(1, MOST):
        failed, _, error = failing(n, lambda: pfkey.send(message(REGISTER, (), ESP)))
        got = b"" if error or not select.select([pfkey], [], [], 2)[0] else pfkey.recv(65536)
        error = error or (got[2] if got else -1)
        if not failed:
            break
        if error in TOLD:
            told += 1
        elif got == whole:
            done += 1
        else:
            wrong.append(f"allocation {n}: errno {error}")
    report(told and not wrong, f"REGISTER: {told + done} allocations fail: {told} times told, {done} times done", *wrong)


def test_pfkey():
    listener.send(message(PROMISC, (), 1))
    # Who has used an extension of ours is shown all of them from then on.
    ask(message(REGISTER, [ext(REPLAY, bytes(4))], ESP))
    sockets()
    for name, (kind, satype, exts, _) in REQUESTS.items():
        if kind == GETSPI:
            exts = [sa2()] + PAIR4 + [ext(SPIRANGE, struct.pack("=III", 4096, 4096, 0))]
        request(name, kind, satype, exts)
    request("ADD of AH", ADD, 2, [sa(0x2001, 0, 5), sa2()] + PAIR4 + [key(KEY_AUTH, 32)])
    request("FLUSH", FLUSH, 0, [])
    request("FLUSH of ESP", FLUSH, ESP, [])
    request("SPDFLUSH", SPDFLUSH, 0, [])
    request("PROMISC", PROMISC, 0, [])
    registers()
    dumps("DUMP", DUMP)
    dumps("SPDDUMP", SPDDUMP)
    transaction()


def transaction():
    body = b"".join(THERE[:2] + [message(ADD, [sa(0x2000 + i), sa2()] + PAIR4 + GCM, ESP) for i in range(3)] + [
        message(ADD, [sa(0x1001), sa2()] + PAIR4 + GCM, ESP), message(SPDADD, [policy(2, TUNNEL6, TUNNEL4)] + NETS6),
        message(SPDADD, [policy(1, OTHER4)] + NETS4)])
    reset()
    before = now()
    got = ask(body)
    after = now()
    wrong, refused, done = [] if got == 0 else [f"errno {got}"], 0, 0
    for n in range(1, MOST):
        reset()
        failed, _, told = failing(n, lambda: pfkey.send(body))
        got = told
        if not told:
            got = pfkey.recv(65536)[2] if select.select([pfkey], [], [], 2)[0] else None
        there = now()
        if not failed:
            break
        if got in TOLD and there == before:
            refused += 1
        elif got == 0 and there == after:
            done += 1
        else:
            wrong.append(f"allocation {n}: errno {got}, {'as before' if there == before else 'changed'}")
    report(refused and not wrong, f"a transaction: {refused + done} allocations fail: {refused} times refused, "
           f"{done} times done all the same, never a part", *wrong[:10])


# -- packets

TUNSETIFF, TUNSETOFFLOAD, UDP_SEGMENT = 0x400454ca, 0x400454d0, 103
CLONE_NEWNET, DELETE_MODULE, FINIT_MODULE = 0x40000000, 176, 313  # of x86-64, and of UML there


def enter(name):
    fd = os.open(f"/run/netns/{name}" if name else "/proc/self/ns/net", os.O_RDONLY)
    if name and libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    return fd


def ip(host, *words):
    subprocess.run(["ip", "-n", host, *words], check=True)


def tun(host, *addresses, name="tun0", napi=False, vnet=False):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    flags = 0x1001 | (0x10 if napi else 0) | (0x4000 if vnet else 0)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    fcntl.ioctl(fd, TUNSETOFFLOAD, 1)
    for one in addresses:
        ip(host, "addr", "add", one, "dev", name, "nodad")
    ip(host, "link", "set", name, "up")
    return fd


def tap():
    """What has a clone of each packet that comes into this namespace."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    sock.setblocking(False)
    return sock


def waiting(fd):
    got = []
    while True:
        try:
            got.append(os.read(fd, 65536))
        except BlockingIOError:
            return got


def protocol(packet):
    return packet[9] if packet[0] >> 4 == 4 else packet[6] if packet[6] != 44 else packet[40]


def ours(packets, udp):
    """Those of ours; the link's own, such as router solicitations, are none."""
    return [one for one in packets if protocol(one) in (50, 51) or (udp and protocol(one) == 17) or MARKER in one]


def folded(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    return (total & 0xffff) + (total >> 16)


def ip4(source, addr, proto, body):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0x4000, 64, proto, 0,
                         socket.inet_aton(source), socket.inet_aton(addr))
    return header[:10] + struct.pack("!H", ~folded(header) & 0xffff) + header[12:] + body


def datagram(source, addr, body):
    """Of IPv4, to port 7000; UDP without a checksum"""
    return ip4(source, addr, 17, struct.pack("!HHHH", 7000, 7000, 8 + len(body), 0) + body)


def super_packet(source, addr, body, segment):
    """Of TCP, behind the header that tells a tun device where to cut it, and to sum it up"""
    pseudo = socket.inet_aton(source) + socket.inet_aton(addr) + struct.pack("!HH", 6, 20 + len(body))
    tcp = struct.pack("!HHIIBBHHH", 7000, 7000, 1, 1, 5 << 4, 0x10, 1000, folded(pseudo), 0)
    return struct.pack("<BBHHHH", 1, 1, 40, segment, 20, 16) + ip4(source, addr, 6, tcp + body)


def test_packets(label, us, here, there, peer, *options):
    # Late, of a size around which malloc() has nothing to spare; and others have what comes
    # in, too: or we would want no memory for it.
    udp, size, segment = "udp" in options, 610 if "late" in options else 900, 0
    for option in options:
        if option.startswith("size="):
            size = int(option[5:])
        if option.startswith("gso="):
            segment = int(option[4:])
    secret, late = "clear" not in options, "late" in options
    plen = "/64" if ":" in here else "/24"
    family = socket.AF_INET6 if ":" in here else socket.AF_INET
    mine = tun(us, here + plen, napi=late)
    sender = socket.socket(family, socket.SOCK_DGRAM)
    sender.bind((here, 0))
    if segment and "forwarded" not in options:
        sender.setsockopt(17, UDP_SEGMENT, segment)
    enter(peer)
    theirs = tun(peer, there + plen, napi=late)
    receiver = socket.socket(family, socket.SOCK_DGRAM)
    receiver.bind((there, 7000))
    receiver.setblocking(False)
    at_peer = open("/proc/thread-self/net/esplanade", encoding="ascii")
    taps = [tap()] if late else []
    enter(us)
    taps += [tap()] if late else []
    if "forwarded" in options:
        lan = tun(us, "10.3.0.1/24", name="lan", napi=late, vnet=segment)
        ip(us, "route", "add", "10.4.0.0/24", "via", there)
        enter(peer)
        their_lan = tun(peer, "10.4.0.1/24", name="lan", napi=late)
        ip(peer, "route", "add", "10.3.0.0/24", "via", here)
        enter(us)
    body = (MARKER * (size // 16 + 1))[:size]
    parts = [body[i:i + segment] for i in range(0, size, segment)] if segment else [body]

    def send():
        for one in taps:
            waiting(one.fileno())
        if "forwarded" in options:
            os.write(lan, super_packet("10.3.0.2", "10.4.0.2", body, segment) if segment else
                     datagram("10.3.0.2", "10.4.0.2", body))
        else:
            sender.sendto(body, (there, 7000))

    def received():
        if "forwarded" in options:
            return [one[40 if segment else 28:] for one in waiting(their_lan) if MARKER in one]
        got = []
        while True:
            try:
                got.append(receiver.recv(65536))
            except BlockingIOError:
                return got

    def bring(packets):
        for one in packets:
            os.write(theirs, one)

    def done(where, before, n):
        """Has all that is to be sealed, or opened, been so; or was something dropped."""
        more = grown(before, counters(where))
        return drops(more) or passed(more) >= n

    before, before_there = counters(), counters(at_peer)
    send()
    whenever(lambda: done(None, before, len(parts)))
    good = ours(waiting(mine), udp)
    sealed = passed(grown(before, counters()))
    bring(good)
    whenever(lambda: done(at_peer, before_there, sealed))
    opened = passed(grown(before_there, counters(at_peer)))
    if received() != parts:
        report(False, f"{label}: passes", good, grown(before, counters()), grown(before_there, counters(at_peer)))
        return
    report(not secret or not any(MARKER in one for one in good), f"{label}: passes, {len(good)} packets")

    def out(fail, word, least):
        wrong, how = [], {"protected": 0, "told": 0, "by name": 0, "later": 0}
        for n in range(1, MOST):
            before = counters()
            failed, _, told = fail(n, send, lambda before=before: done(None, before, sealed))
            more, packets = grown(before, counters()), ours(waiting(mine), udp)
            if secret and any(MARKER in one for one in packets):
                wrong.append(f"allocation {n}: in clear")
            if not failed:
                if told or len(packets) != len(good):
                    wrong.append(f"none failed: errno {told}, {len(packets)} packets, {more}")
                break
            if len(packets) == len(good) and not told:
                how["protected"] += 1
            elif drops(more):
                how["by name"] += 1
            elif told:
                how["told"] += 1
                if told not in TOLD:
                    wrong.append(f"allocation {n}: errno {told}")
            elif passed(more):
                how["later"] += 1
            else:
                wrong.append(f"allocation {n}: lost without a name: {len(packets)} packets, {more}")
        report(n > least and not wrong, f"{label}: out: {n - 1} {word} fail: " +
               ", ".join(f"{much} {what}" for what, much in how.items()), *wrong[:10])

    def into(fail, word, least):
        wrong, how = [], {"delivered": 0, "by name": 0, "told": 0, "later": 0}
        for n in range(1, MOST):
            before = counters()
            send()
            whenever(lambda before=before: done(None, before, sealed))
            packets = ours(waiting(mine), udp)
            before = counters(at_peer)
            failed, _, told = fail(n, lambda packets=packets: bring(packets),
                                   lambda before=before: done(at_peer, before, opened))
            got, more = received(), grown(before, counters(at_peer))
            if any(one not in parts for one in got):
                wrong.append(f"allocation {n}: wrong octets were delivered")
            if not failed:
                if got != parts:
                    wrong.append(f"none failed: {len(got)} delivered, {more}")
                break
            if got == parts:
                how["delivered"] += 1
            elif drops(more):
                how["by name"] += 1
            elif told:
                how["told"] += 1
            else:
                how["later"] += 1
                # Of those in fragments the kernel's reassembly may lose some, and says so itself.
                if late and not passed(more) and len(good) == opened:
                    wrong.append(f"allocation {n}: lost without a name: {more}")
            # Once more, all of them: what was opened is not opened again, the rest is.
            before = counters(at_peer)
            bring(packets)
            whenever(lambda before=before: done(at_peer, before, opened))
            again, once_more = received(), grown(before, counters(at_peer))
            if "layers=2" not in options and len(good) == len(parts) and passed(more) + passed(once_more) != len(parts):
                wrong.append(f"allocation {n}: opened {passed(more)}, and of the same {passed(once_more)} again")
            if len(got) + len(again) > len(parts):
                wrong.append(f"allocation {n}: delivered twice")
        report(n > least and not wrong, f"{label}: in: {n - 1} {word} fail: " +
               ", ".join(f"{much} {what}" for what, much in how.items()), *wrong[:10])
    for fail, word, least in late_ways() if late else [(failing, "allocations", 1)]:
        # A packet that has room around it wants nothing of us: nth.sh sees to it that others do.
        out(fail, word, 0 if late else least)
        into(fail, word, 0 if late else least)


def late_ways():
    """How, what of, and from which on some must have failed: few want pages of their own."""
    return [(Late("failslab"), "of our allocations", 1), (Late("fail_page_alloc"), "of our pages", 0)]


def test_scarce(label, us, here, there, peer):
    """Streams, of which nothing is read: all pages that segments are in are in use. Then there
    are no others for a while. The peer's policies count what would come in clear."""
    enter(peer)
    at_peer = open("/proc/thread-self/net/esplanade", encoding="ascii")
    before_there = counters(at_peer)
    server = socket.create_server((there, 7000))
    server.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, 16 << 20)
    enter(us)
    streams = []
    for _ in range(8):
        sender = socket.create_connection((there, 7000))
        sender.setblocking(False)
        streams.append((sender, server.accept()[0], bytearray()))

    def push(more):
        """Until it has been taken, whatever becomes of it, and for no longer than a minute."""
        end = time.monotonic() + 60
        for sender, _, sent in streams:
            limit = len(sent) + more
            while len(sent) < limit:
                part = MARKER + os.urandom(65520)
                if not select.select([], [sender], [], max(0, end - time.monotonic()))[1]:
                    return False
                sent.extend(part[:sender.send(part)])
        return True

    def all_there():
        return all(struct.unpack("i", fcntl.ioctl(receiver, FIONREAD, bytes(4)))[0] == len(sent)
                   for _, receiver, sent in streams)
    taken = push(256 << 10)
    whenever(all_there)
    report(taken and all_there(), f"{label}: all of it has come")
    before, none = counters(), Late("fail_page_alloc")
    none.turn(**none.ours, interval=1, times=MOST)
    taken = push(65536)
    whenever(all_there)
    failed = none.struck(MOST)
    none.turn(**{"times": 0, "require-start": 0, "require-end": 2**64 - 1})
    lost = grown(before, counters())
    taken = push(65536) and taken
    whenever(all_there)
    report(failed and drops(lost) == lost.get("out_no_memory", 0), f"{label}: what is lost then is lost by name", lost)
    taken = taken and all_there()
    report(taken and all(receiver.recv(len(sent), socket.MSG_WAITALL) == sent for _, receiver, sent in streams),
           f"{label}: and nothing is in the end")
    there_more = grown(before_there, counters(at_peer))
    report(there_more.get("in_esp") and not drops(there_more), f"{label}: by ESP, and nothing in clear", there_more)


def test_hold(us, here, there):
    """A packet that waits for an SA, and a keyer that is asked."""
    mine = tun(us, here + "/24")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind((here, 0))
    ask(message(REGISTER, (), ESP))
    wrong, held, lost, told_n = [], 0, 0, 0
    for n in range(1, MOST):
        ask(message(SPDFLUSH))
        ask(message(SPDADD, [policy(2, transform(here, there)), address(SRC, here, 32, 255), address(DST, there, 32, 255)]))
        before = counters()
        failed, _, told = failing(n, lambda: sender.sendto(MARKER, (there, 7000)))
        more = grown(before, counters())
        if ours(waiting(mine), False):
            wrong.append(f"allocation {n}: something left")
        if not failed:
            if more != {"out_held": 1}:
                wrong.append(f"none failed: {more}")
            break
        if more == {"out_held": 1}:
            held += 1
        elif drops(more) == 1:
            lost += 1
        elif told in TOLD and not more:
            told_n += 1
        else:
            wrong.append(f"allocation {n}: errno {told}, {more}")
    report(held + lost and not wrong, f"hold: {n - 1} allocations fail: {held} times held, {lost} times lost by name, "
           f"{told_n} times told", *wrong[:10])


def limited(soft, hard):
    """An SA, by packets."""
    return message(ADD, [sa(0x1001), sa2(), ext(SOFT, struct.pack("=IQQQ", soft, 0, 0, 0)),
                         ext(HARD, struct.pack("=IQQQ", hard, 0, 0, 0))] + PAIR4 + GCM, ESP)


def listened(kind):
    """How many such messages the listener has heard since it was last asked."""
    n = 0
    while select.select([listener], [], [], 0)[0]:
        n += listener.recv(65536)[1] == kind
    return n


def test_late(us, here, there):
    """What work does: a keyer is asked, packets that waited are released, SAs end."""
    mine = tun(us, here + "/24")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind((here, 0))
    wanted = policy(2, transform(here, there)), address(SRC, here, 32, 255), address(DST, there, 32, 255)
    wrong, left, heard_n = [], [], 0

    def send():
        sender.sendto(MARKER, (there, 7000))

    def begin():
        nonlocal heard_n
        for one in message(FLUSH), message(SPDFLUSH), message(SPDADD, wanted):
            ask(one)
        left.clear()
        heard_n = listened(0)
        return counters()

    def has_left():
        left.extend(ours(waiting(mine), False))
        return len(left)

    def heard_of(kind):
        nonlocal heard_n
        heard_n += listened(kind)
        return heard_n

    def since(before):
        """What packets there were, and of how many messages the keyer could not hear."""
        more = grown(before, counters())
        unheard = more.pop("pfkey_lost", 0)
        return more, unheard

    def each(name, fail, word, least, how, one):
        """one(n, before) is done until nothing fails in it: (whether it did, which of how)."""
        many = dict.fromkeys(how, 0)
        wrong.clear()
        for n in range(1, MOST):
            failed, came = one(f"{word} {n}", lambda call, over, n=n: fail(n, call, over), begin())
            if has_left() and any(protocol(packet) != 50 or MARKER in packet for packet in left):
                wrong.append(f"{word} {n}: in clear")
            if not failed:
                if came != how[0]:
                    wrong.append(f"none failed: {came}")
                break
            many[came] += 1
        report(n > least and not wrong, f"{name}: {n - 1} {word} fail: " +
               ", ".join(f"{much} {what}" for what, much in many.items()), *wrong[:10])

    def ended(label, fail, before):
        """By the second of two packets, and of the first the keyer is told, too."""
        ask(limited(1, 2))

        def both():
            send()
            send()

        def over():
            more, unheard = since(before)
            # One that was sealed and then lost has been counted, too.
            return (drops(more) and more.get("out_esp") != 2) or heard_of(EXPIRE) + unheard == 2
        failed, _, told = fail(both, over)
        more, unheard = since(before)
        gone = heard_of(EXPIRE) + unheard == 2
        if gone != (not dump(DUMP)) or not (gone or told or drops(more)):
            wrong.append(f"{label}: errno {told}, {heard_n} heard, {unheard} not, {more}")
        if gone:
            n, before = has_left(), counters()
            try:
                send()
            except PermissionError:     # what netfilter says
                pass
            if has_left() != n or since(before)[0] != {"out_no_sa": 1}:
                wrong.append(f"{label}: without an SA: {has_left() - n} left, {since(before)[0]}")
        return failed, "told of" if gone and not unheard else "not told of, by name" if gone else "not reached"

    def asked(label, fail, before):
        failed, _, told = fail(send, lambda: heard_of(ACQUIRE) or any(since(before)[0].keys() - {"out_held"}) or
                               since(before)[1])
        more, unheard = since(before)
        if drops(more):
            # Too late is no reason: who was asked, or was not asked and it counted, answers in time.
            if drops(more) != 1 or "out_hold_late" in more:
                wrong.append(f"{label}: errno {told}, {more}")
            return failed, "lost by name"
        if more != {"out_held": 1} or heard_of(ACQUIRE) + unheard != 1:
            wrong.append(f"{label}: errno {told}, {heard_n} heard, {unheard} not, {more}")
        # Where no keyer has heard of it an SA may come all the same.
        ask(limited(0, 0))
        whenever(has_left)
        if has_left() != 1:
            wrong.append(f"{label}: {len(left)} left, {since(before)[0]}")
        return failed, "asked" if not unheard else "not told of, by name"

    def released(label, fail, before):
        got = None

        def add():
            nonlocal got
            got = ask(limited(0, 0))
        send()
        whenever(lambda: heard_of(ACQUIRE))
        failed, _, _ = fail(add, lambda: got or has_left() or drops(since(before)[0]))
        refused = got
        if refused:
            if abs(refused) not in TOLD:
                wrong.append(f"{label}: errno {refused}")
            add()
            whenever(has_left)
        more, _ = since(before)
        if (has_left() + drops(more) != 1 and (has_left() or more.get("out_esp", 0) != 1)) or "out_hold_late" in more:
            wrong.append(f"{label}: errno {refused}, {len(left)} left, {more}")
        return failed, "refused, and then protected" if refused else "protected" if left else \
            "lost by name" if drops(more) else "later"
    listener.send(message(PROMISC, (), 1))
    for how in late_ways():
        each("an SA ends", *how, ("told of", "not told of, by name", "not reached"), ended)
    listener.send(message(REGISTER, (), ESP))
    for how in late_ways():
        each("a keyer is asked", *how, ("asked", "not told of, by name", "lost by name"), asked)
        each("a packet is released", *how, ("protected", "refused, and then protected", "lost by name", "later"),
             released)


# -- namespaces, the module

def test_namespace():
    """In a child each, which ends with the namespace that it made or not."""
    wrong, made, refused = [], 0, 0
    for n in range(1, 20000):
        out, into = os.pipe()
        pid = os.fork()
        if not pid:
            global knob
            knob = os.open("/proc/self/fail-nth", os.O_RDWR)

            def unshare():
                if libc.unshare(CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "unshare")
            failed, _, told = failing(n, unshare)
            good = told or os.path.exists("/proc/self/net/esplanade")
            os.write(into, struct.pack("=BBB", failed, told, bool(good)))
            os._exit(0)
        os.waitpid(pid, 0)
        failed, told, good = struct.unpack("=BBB", os.read(out, 3))
        os.close(out)
        os.close(into)
        if not failed:
            break
        if told:
            refused += 1
        elif good:
            made += 1
        else:
            wrong.append(f"allocation {n}: errno {told}, without us")
    report(refused and not wrong, f"a namespace: {n - 1} allocations fail: {refused} times refused, {made} times made",
           *wrong[:10])


def test_module(path):
    # The kernel has loaded it for these.
    pfkey.close()
    listener.close()
    subprocess.run(["rmmod", "esplanade"], check=True)
    fd = os.open(path, os.O_RDONLY)

    def load():
        if libc.syscall(FINIT_MODULE, fd, b"", 0):
            raise OSError(ctypes.get_errno(), "finit_module")
    wrong, refused, loaded = [], 0, 0
    for n in range(1, 20000):
        failed, _, told = failing(n, load)
        there = any(line.startswith("esplanade ") for line in open("/proc/modules", encoding="ascii"))
        if there != (not told):
            wrong.append(f"allocation {n}: errno {told}, {'there' if there else 'not there'}")
        if there:
            try:
                socket.socket(15, socket.SOCK_RAW, 2).close()
            except OSError as error:
                wrong.append(f"allocation {n}: loaded, and a socket gets errno {error.errno}")
            # Not by rmmod, which asks sysfs, which may have had no memory either.
            if libc.syscall(DELETE_MODULE, b"esplanade", os.O_NONBLOCK):
                wrong.append(f"allocation {n}: does not go: errno {ctypes.get_errno()}")
        if not failed:
            break
        refused += bool(told)
        loaded += not told
    report(refused and not wrong, f"the module: {n - 1} allocations fail: {refused} times refused, {loaded} times loaded",
           *wrong[:10])


{"pfkey": test_pfkey, "packets": test_packets, "scarce": test_scarce, "hold": test_hold, "late": test_late,
 "namespace": test_namespace, "module": test_module}[sys.argv[2]](*sys.argv[3:])
print("nth all")
