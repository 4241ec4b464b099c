# SPDX-License-Identifier: GPL-2.0-only
"""nth.py TESTS pfkey | packets LABEL SRC DST HOST OPTION... | namespace | module KO

Memory runs out at the first, the second, the third ... allocation of one system call,
until there is none left to fail (/proc/self/fail-nth). Packets leave and enter by tun
devices, so that all of their way is in that call: what sendto() gets is sealed and
waits in this host's tun; what is written to the other's is opened and at its socket.

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
NO_MEMORY = (errno.ENOMEM, errno.ENOBUFS)
# A copy from or to the caller's memory may be what fails, too.
TOLD = NO_MEMORY + (errno.EFAULT,)
MOST = 4000
libc = ctypes.CDLL(None, use_errno=True)
knob = os.open("/proc/self/fail-nth", os.O_RDWR)


def failing(n, call):
    """Run call with its n-th allocation failing: (whether one did, result, errno)."""
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


def counters(host=None):
    words = subprocess.run(["ip", "netns", "exec", host, "cat", "/proc/net/esplanade"], capture_output=True, check=True,
                           text=True).stdout if host else open("/proc/net/esplanade", encoding="ascii").read()
    return {name: int(n) for name, n in (line.split() for line in words.splitlines())}


def grown(before, after):
    return {name: n - before[name] for name, n in after.items() if n != before[name]}


PASSED = ("out_esp", "out_ah", "in_esp", "in_ah", "out_bypass", "out_held")


def drops(more):
    return sum(n for name, n in more.items() if name not in PASSED)


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


def tun(host, *addresses, name="tun0"):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), 0x1001))
    fcntl.ioctl(fd, TUNSETOFFLOAD, 1)
    for one in addresses:
        ip(host, "addr", "add", one, "dev", name, "nodad")
    ip(host, "link", "set", name, "up")
    return fd


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


def datagram(source, addr, body):
    """Of IPv4, to port 7000; UDP without a checksum"""
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(body), 0, 0x4000, 64, 17, 0,
                         socket.inet_aton(source), socket.inet_aton(addr))
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xffff) + (total >> 16)
    header = header[:10] + struct.pack("!H", ~total & 0xffff) + header[12:]
    return header + struct.pack("!HHHH", 7000, 7000, 8 + len(body), 0) + body


def test_packets(label, us, here, there, peer, *options):
    udp, size, segment = "udp" in options, 900, 0
    for option in options:
        if option.startswith("size="):
            size = int(option[5:])
        if option.startswith("gso="):
            segment = int(option[4:])
    secret = "clear" not in options
    plen = "/64" if ":" in here else "/24"
    family = socket.AF_INET6 if ":" in here else socket.AF_INET
    mine = tun(us, here + plen)
    sender = socket.socket(family, socket.SOCK_DGRAM)
    sender.bind((here, 0))
    if segment:
        sender.setsockopt(17, UDP_SEGMENT, segment)
    enter(peer)
    theirs = tun(peer, there + plen)
    receiver = socket.socket(family, socket.SOCK_DGRAM)
    receiver.bind((there, 7000))
    receiver.setblocking(False)
    enter(us)
    if "forwarded" in options:
        lan = tun(us, "10.3.0.1/24", name="lan")
        ip(us, "route", "add", "10.4.0.0/24", "via", there)
        enter(peer)
        their_lan = tun(peer, "10.4.0.1/24", name="lan")
        ip(peer, "route", "add", "10.3.0.0/24", "via", here)
        enter(us)
    body = (MARKER * (size // 16 + 1))[:size]
    parts = [body[i:i + segment] for i in range(0, size, segment)] if segment else [body]

    def send():
        if "forwarded" in options:
            os.write(lan, datagram("10.3.0.2", "10.4.0.2", body))
        else:
            sender.sendto(body, (there, 7000))

    def received():
        if "forwarded" in options:
            return [one[28:] for one in waiting(their_lan) if MARKER in one]
        got = []
        while True:
            try:
                got.append(receiver.recv(65536))
            except BlockingIOError:
                return got

    def bring(packets):
        for one in packets:
            os.write(theirs, one)

    def right():
        send()
        packets = ours(waiting(mine), udp)
        bring(packets)
        return packets if received() == parts else None
    good = right()
    if not good:
        report(False, f"{label}: passes", waiting(mine), grown({}, {}))
        return
    report(not secret or not any(MARKER in one for one in good), f"{label}: passes, {len(good)} packets")

    wrong, how = [], {"protected": 0, "told": 0, "by name": 0, "later": 0}
    for n in range(1, MOST):
        before = counters()
        failed, _, told = failing(n, send)
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
        elif more.get("out_esp", 0) + more.get("out_ah", 0):
            how["later"] += 1
        else:
            wrong.append(f"allocation {n}: lost without a name: {len(packets)} packets, {more}")
    report(n > 1 and not wrong, f"{label}: out: {n - 1} allocations fail: " +
           ", ".join(f"{much} {word}" for word, much in how.items()), *wrong[:10])

    wrong, how = [], {"delivered": 0, "by name": 0, "told": 0, "later": 0}
    for n in range(1, MOST):
        send()
        packets = ours(waiting(mine), udp)
        before = counters(peer)
        failed, _, told = failing(n, lambda packets=packets: bring(packets))
        got, more = received(), grown(before, counters(peer))
        if any(one not in parts for one in got):
            wrong.append(f"allocation {n}: wrong octets were delivered")
        opened = more.get("in_esp", 0) + more.get("in_ah", 0)
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
        # Once more, all of them: what was opened is not opened again, the rest is.
        before = counters(peer)
        bring(packets)
        again = received()
        more = grown(before, counters(peer))
        reopened = more.get("in_esp", 0) + more.get("in_ah", 0)
        if "layers=2" not in options and len(good) == len(parts) and opened + reopened != len(parts):
            wrong.append(f"allocation {n}: opened {opened}, and of the same {reopened} again")
        if len(got) + len(again) > len(parts):
            wrong.append(f"allocation {n}: delivered twice")
    report(n > 1 and not wrong, f"{label}: in: {n - 1} allocations fail: " +
           ", ".join(f"{much} {word}" for word, much in how.items()), *wrong[:10])


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


{"pfkey": test_pfkey, "packets": test_packets, "hold": test_hold, "namespace": test_namespace,
 "module": test_module}[sys.argv[2]](*sys.argv[3:])
print("nth all")
