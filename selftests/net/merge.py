# SPDX-License-Identifier: GPL-2.0-only
"""merge.py - TCP segments by hand: what merge.sh calls

  merge.py send MAC SOURCE DESTINATION COUNT [SPOILT]   one by one; of one, the checksum
  merge.py hear COUNT                                   prints of each: number, octets,
                                                        checksum and contents, right or wrong
  merge.py judged HOST MAC TESTS                        segments in ESP to HOST, whose policies
                                                        change on the way; its verdicts
"""
import ctypes
import ipaddress
import itertools
import os
import select
import socket
import struct
import subprocess
import sys
import time

from keyer import ESP, address, ext, sockaddr

SIZE, FIRST = 1000, 4000000000
PORTS = 5555, 5556
HEADER = {4: 20, 6: 40}


def body(number):
    return bytes([number % 251]) * SIZE


def total(octets):
    octets += b'\0' * (len(octets) % 2)
    value = sum(struct.unpack(f'!{len(octets) // 2}H', octets))
    while value >> 16:
        value = (value & 0xffff) + (value >> 16)
    return value


def tcp_sum(source, destination, segment):
    """0xffff where the checksum in it is right"""
    return total(source.packed + destination.packed +
                 struct.pack('!II', len(segment), socket.IPPROTO_TCP) + segment)


def packet(source, destination, number, spoilt):
    tcp = struct.pack('!HHIIBBHHH', *PORTS, (FIRST + number * SIZE) % 2**32, 1, 0x50, 0x10,
                      1000, 0, 0) + body(number)
    check = ~tcp_sum(source, destination, tcp) & 0xffff
    tcp = tcp[:16] + struct.pack('!H', check ^ (0x0101 if spoilt else 0)) + tcp[18:]
    if source.version == 6:
        return struct.pack('!IHBB', 6 << 28, len(tcp), socket.IPPROTO_TCP, 64) + \
            source.packed + destination.packed + tcp
    header = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(tcp), number, 0x4000, 64,
                         socket.IPPROTO_TCP, 0) + source.packed + destination.packed
    return header[:10] + struct.pack('!H', ~total(header) & 0xffff) + header[12:] + tcp


def send(mac, source, destination, count, spoilt='-1'):
    source, destination = map(ipaddress.ip_address, (source, destination))
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind(('eth0', 0))
    frame = bytes.fromhex(mac.replace(':', '')) + b'\2\0\0\0\0\1'
    frame += b'\x08\0' if source.version == 4 else b'\x86\xdd'
    for number in range(int(count)):
        sock.send(frame + packet(source, destination, number, number == int(spoilt)))


def hear(count):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    sock.bind(('eth0', 3))
    print('hearing', flush=True)
    end = time.monotonic() + 10
    while int(count) and select.select([sock], [], [], max(0, end - time.monotonic()))[0]:
        got = sock.recv(65536)
        size = HEADER.get(got[0] >> 4)
        if not size or got[9 if size == 20 else 6] != socket.IPPROTO_TCP:
            continue
        if size == 20:
            ends, got = got[12:20], got[:int.from_bytes(got[2:4], 'big')]
        else:
            ends = got[8:40]
        tcp = got[size:]
        source, destination = (ipaddress.ip_address(one) for one in (
            ends[:len(ends) // 2], ends[len(ends) // 2:]))
        number = (int.from_bytes(tcp[4:8], 'big') - FIRST) % 2**32 // SIZE
        print(number, len(tcp) - 20,
              'right' if tcp_sum(source, destination, tcp) == 0xffff else 'wrong',
              'right' if tcp[20:] == body(number) else 'wrong', flush=True)
        count = int(count) - 1


# -- segments that are judged one by one

KEY, SALT, SLOW = bytes(range(1, 17)), bytes(range(17, 21)), 56
SADB_DELETE, SADB_SPDUPDATE, SADB_SPDDELETE = 4, 13, 15
SADB_SA, SADB_SRC, SADB_DST, SADB_POLICY = 1, 5, 6, 18
OUTER = '10.9.0.2', '10.9.0.1'
INNER = {4: ('10.5.0.2', '10.5.0.1'), 6: ('fd05::2', 'fd05::1')}
SO_SNDBUFFORCE, TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, RECV_QUEUE, SEND_QUEUE = 32, 19, 20, 21, 1, 2
#: 0x2001 has the number 7, 0x2002 8; what 0x2003 brings is forged, and takes long to see.
RULES = f"""
flush; spdflush;
add {OUTER[0]} {OUTER[1]} esp 0x2001 -u 7 -m tunnel -E aes-gcm-16 0x{(KEY + SALT).hex()};
add {OUTER[0]} {OUTER[1]} esp 0x2002 -u 8 -m tunnel -E aes-gcm-16 0x{(KEY + SALT).hex()};
add {OUTER[0]} {OUTER[1]} esp 0x2003 -m tunnel -E null -A hmac-sha2-512 0x{bytes(64).hex()};
"""


class Host:
    """Where our module is: its counters, its policies, a program that has a connection."""

    def __init__(self, name):
        self.fd = os.open(f'/run/netns/{name}', os.O_RDONLY)
        self.back = os.open('/proc/self/ns/net', os.O_RDONLY)
        self.pfkey = self.inside(lambda: socket.socket(15, socket.SOCK_RAW, 2))
        self.file, self.snmp = (self.inside(lambda name=name: os.open(f'/proc/thread-self/net/{name}', os.O_RDONLY))
                                for name in ('esplanade', 'snmp'))

    def inside(self, what):
        libc = ctypes.CDLL(None)
        libc.setns(self.fd, 0)
        try:
            return what()
        finally:
            libc.setns(self.back, 0)

    def counters(self):
        words = os.pread(self.file, 8192, 0).split()
        return {name.decode(): int(n) for name, n in zip(words[::2], words[1::2])}

    def delivered(self):
        """Packets of IPv4 that the stack has got, of however many segments."""
        return int([line for line in os.pread(self.snmp, 8192, 0).splitlines() if line[:3] == b'Ip:'][1].split()[9])

    def load(self, family, level):
        """SAs that nothing has come by yet, and a policy."""
        there, here = INNER[family]
        rules = RULES + f'spdadd {there} {here} tcp -P in ipsec esp/tunnel/{OUTER[0]}-{OUTER[1]}/{level};'
        self.inside(lambda: subprocess.run(['setkey', '-f', '-'], input=rules, text=True, check=True))

    def change(self, message):
        self.pfkey.send(message)
        while True:
            answer = self.pfkey.recv(65536)
            if answer[1] == message[1]:
                return answer[2]

    def program(self, family):
        """It has a connection, and the other end is us. Nobody has shaken hands."""
        there, here = INNER[family]
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        sock = self.inside(lambda: socket.socket(kind, socket.SOCK_STREAM))
        # It ends at once, and the next one has its place.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('=ii', 1, 0))
        sock.setsockopt(6, TCP_REPAIR, 1)
        for queue, number in (SEND_QUEUE, 1), (RECV_QUEUE, FIRST):
            sock.setsockopt(6, TCP_REPAIR_QUEUE, queue)
            sock.setsockopt(6, TCP_QUEUE_SEQ, struct.pack('=I', number))
        sock.bind((here, PORTS[1]))
        sock.connect((there, PORTS[0]))
        sock.setsockopt(6, TCP_REPAIR, -1)
        sock.setblocking(False)
        return sock


def esp(spi, seq, inner):
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    iv, head, pad = struct.pack('!Q', seq), struct.pack('!II', spi, seq), -(len(inner) + 2) % 4
    inner += bytes(range(1, pad + 1)) + bytes([pad, 4 if inner[0] >> 4 == 4 else 41])
    return head + iv + AESGCM(KEY).encrypt(SALT + iv, inner, head)


def outer(data):
    ends = b''.join(map(socket.inet_aton, OUTER))
    header = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(data), 0, 0x4000, 64, 50, 0) + ends
    return header[:10] + struct.pack('!H', ~total(header) & 0xffff) + header[12:] + data


def heard_by(sock, n):
    """What the program has been given, in the end of so many octets: numbers of segments,
    and how much of each."""
    got, end = b'', time.monotonic() + 5
    while len(got) < n and time.monotonic() < end:
        got += some_of(sock)
    # Once more, where no softirq is on its way with the rest.
    os.sched_setaffinity(0, {0})
    got += some_of(sock)
    os.sched_setaffinity(0, range(os.cpu_count()))
    return [(number, len(list(run))) for number, run in itertools.groupby(got)]


def some_of(sock):
    try:
        return sock.recv(65536)
    except BlockingIOError:
        return b''


class Judged:
    def __init__(self, name, mac, tests):
        self.host, self.tests = Host(name), int(tests)
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.wire.bind(('eth0', 0))
        # All that is to come in one go waits here.
        self.wire.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 64 << 20)
        self.frame = bytes.fromhex(mac.replace(':', '')) + b'\2\0\0\0\0\1\x08\0'

    def report(self, name, wanted, got):
        self.tests += 1
        print(f'{"ok" if wanted == got else "not ok"} {self.tests} - {name}', flush=True)
        if wanted != got:
            print(f'    # wanted: {wanted}\n    # got:    {got}', flush=True)

    def grown(self, before):
        return {name: n - before[name] for name, n in self.host.counters().items() if n != before[name]}

    def send(self, data):
        for one in data:
            self.wire.send(self.frame + outer(one))

    def segments(self, family, spis):
        """The first, the second ... segment, each by such an SA."""
        ends = [ipaddress.ip_address(one) for one in INNER[family]]
        seqs = {}
        for number, spi in enumerate(spis):
            seqs[spi] = seqs.get(spi, 0) + 1
            yield esp(spi, seqs[spi], packet(*ends, number, False))

    def settle(self, before, wanted):
        end = time.monotonic() + 10
        while self.grown(before) != wanted and time.monotonic() < end:
            pass
        return self.grown(before)

    def at_once(self, name, family, level, spis, come, **wanted):
        """All in one go, by those SAs, and nothing changes; the program has so many octets."""
        self.host.load(family, level)
        before, delivered = self.host.counters(), self.host.delivered()
        with self.host.program(family) as sock:
            self.send(self.segments(family, spis))
            got = self.settle(before, wanted)
            self.report(f'{name}: each is judged', wanted, got)
            self.report(f'{name}: the program has those that may come in', [(n, SIZE) for n in range(come)],
                        heard_by(sock, come * SIZE))
        if family == 4:
            self.report(f'{name}: some were put together', True, 0 < self.host.delivered() - delivered < come)

    def between(self, name, family, message, **wanted):
        """Two segments, what takes long, two more: before these come message is said, and done."""
        name = f'{name} between segments'
        if os.cpu_count() == 1:
            self.tests += 1
            print(f'ok {self.tests} - {name} # SKIP one processor does one thing at a time')
            return
        slow = struct.pack('!II', 0x2003, 1) + bytes(4000)
        wanted['in_icv'] = SLOW
        for _ in range(10):
            self.host.load(family, 'unique:7')
            before = self.host.counters()
            with self.host.program(family) as sock:
                first, second, *rest = self.segments(family, [0x2001] * 4)
                # Who receives is who sends, and not who looks on.
                os.sched_setaffinity(0, {0})
                self.send([first, second] + [slow] * SLOW + rest)
                together = not self.grown(before)
                os.sched_setaffinity(0, {1})
                while self.grown(before).get('in_esp', 0) < 2:
                    pass
                error = self.host.change(message)
                hit = together and self.grown(before).get('in_esp', 0) == 2 and not error
                got = self.settle(before, wanted)
                if hit:
                    self.report(f'{name}: the rest is judged by what holds now', wanted, got)
                    self.report(f'{name}: the program has what came before, and nothing else',
                                [(0, SIZE), (1, SIZE)], heard_by(sock, 2 * SIZE))
                    return
        self.report(f'{name}: it comes between', 'in time', f'too late, each time; {got}')


def judged(name, mac, tests):
    judge = Judged(name, mac, tests)
    a, b = 0x2001, 0x2002
    for family in INNER:
        label = f'IPv{family}'
        judge.at_once(f'{label}, one SA', family, 'unique:7', [a] * 10, 10, in_esp=10)
        judge.at_once(f'{label}, then by an SA that is not asked for', family, 'unique:7', [a, a, a, b, b], 3,
                      in_esp=5, in_policy=2)
        judge.at_once(f'{label}, then by another that will do', family, 'require', [a, a, a, b, b], 5, in_esp=5)
        ends = [address(kind, one, 6) for kind, one in zip((SADB_SRC, SADB_DST), INNER[family])]
        tunnel = [ext(SADB_SA, struct.pack('!I', a) + bytes(8))] + [
            address(kind, one) for kind, one in zip((SADB_SRC, SADB_DST), OUTER)]
        transform = b''.join(map(sockaddr, OUTER))
        transform = struct.pack('=HHBBHII', 16 + len(transform), 50, 2, 3, 0, 8, 0) + transform
        for what, wanted, kind, exts in (
                ('the policy discards', {'in_discard': 2}, SADB_SPDUPDATE, ends + [policy(0)]),
                ('the policy wants another SA', {'in_policy': 2}, SADB_SPDUPDATE, ends + [policy(2, transform)]),
                ('the policy goes', {'in_policy': 2}, SADB_SPDDELETE, ends + [policy(0)]),
                ('the SA goes', {'in_no_sa': 2}, SADB_DELETE, tunnel)):
            data = b''.join(exts)
            message = struct.pack('=BBBBHHII', 2, kind, 0, ESP if kind == SADB_DELETE else 0, 2 + len(data) // 8, 0, 1,
                                  os.getpid()) + data
            opened = 2 if kind == SADB_DELETE else 4
            judge.between(f'{label}: {what}', family, message, in_esp=opened, **wanted)
    print('judged all')


def policy(kind, transform=b''):
    return ext(SADB_POLICY, struct.pack('=HBBII', kind, 1, 0, 0, 0x80000000) + transform)


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
