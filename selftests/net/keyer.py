# SPDX-License-Identifier: GPL-2.0-only
"""keyer.py - a PF_KEY keyer in a few lines, for tests: it asks nobody, it knows

  keyer.py watch [modern]          print what comes, one line a message
  keyer.py answer DELAY [modern]   the same; and answer each ACQUIRE after DELAY
                                   seconds by SAs both ways, as a daemon would:
                                   GETSPI, UPDATE, ADD, with the ACQUIRE's number;
                                   with "poke ADDRESS" last, then send a datagram there
  keyer.py hear                    the same as watch, of all messages (PROMISC)
  keyer.py fail                    answer each ACQUIRE by an error
  keyer.py ask HEX                 send a message; print what comes back: errno
                                   or the message's name

  keyer.py move SPI SRC DST TO-SRC TO-DST      UPDATE, with new addresses
  keyer.py bare SPI SRC DST                    UPDATE, without keys
  keyer.py limited SPI SRC DST SOFT HARD       ADD, in transport mode, with limits:
                                               packets=N, bytes=N, addtime=N, usetime=N
  keyer.py renewed SPI SRC DST SOFT HARD       UPDATE, the same: with the same key
  keyer.py discard SRC/N-DST/N... -- COMMAND...                  SPDADD, of what leaves; and run
                                               a command before the socket closes
  keyer.py migrate SRC-DST TO-SRC-TO-DST DIR SEL-SRC SEL-DST     MIGRATE a tunnel

The SAs are AES-GCM-16 with the octets 1, 2, 3 ... as key; SPI 0x1001 out, 0x1002 in,
and two more for each further ACQUIRE. It registers for ESP and AH, says "ready", and
ends when its standard input does.
"""
import os
import select
import socket
import struct
import subprocess
import sys
import time

NAMES = dict(enumerate(
    "RESERVED GETSPI UPDATE ADD DELETE GET ACQUIRE REGISTER EXPIRE FLUSH DUMP PROMISC PCHANGE SPDUPDATE SPDADD "
    "SPDDELETE SPDGET SPDACQUIRE SPDDUMP SPDFLUSH SPDSETIDX SPDEXPIRE SPDDELETE2 NEW_MAPPING MIGRATE".split()))
NUMBERS = {name: number for number, name in NAMES.items()}
SA, CURRENT, HARD, SOFT, SRC, DST, KEY_AUTH, KEY_ENC, PROPOSAL, SPIRANGE = 1, 2, 3, 4, 5, 6, 8, 9, 13, 16
POLICY, SA2, REPLAY, NEW_SRC, NEW_DST, TRIGGER_SRC, TRIGGER_DST = 18, 19, 27, 28, 29, 30, 31
ESP, AH = 3, 2
KEY = bytes(range(1, 21))


def ext(kind, body):
    body += bytes(-(len(body) + 4) % 8)
    return struct.pack("=HH", (len(body) + 4) // 8, kind) + body


def sockaddr(addr, port=0):
    if ":" in addr:
        return struct.pack("=H", socket.AF_INET6) + struct.pack("!H", port) + bytes(4) + \
            socket.inet_pton(socket.AF_INET6, addr) + bytes(4)
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(addr) + bytes(8)


def address(kind, addr, proto=0, plen=None, port=0):
    plen = plen if plen is not None else 128 if ":" in addr else 32
    return ext(kind, struct.pack("=BBH", proto, plen, 0) + sockaddr(addr, port))


def shown(body):
    """Of an address extension: ADDRESS[PORT]/PROTOCOL."""
    proto, _, _, family, port = struct.unpack_from("=BBHH", body)[0:4] + struct.unpack_from("!H", body, 6)
    family = struct.unpack_from("=H", body, 4)[0]
    addr = socket.inet_ntop(family, body[8:12] if family == socket.AF_INET else body[12:28])
    return addr, port, proto


class Message:
    def __init__(self, data):
        (self.version, kind, self.errno, self.satype, self.length, self.reserved, self.seq,
         self.pid) = struct.unpack_from("=BBBBHHII", data)
        self.data, self.name, self.exts = data, NAMES[kind], {}
        at = 16
        while at < len(data):
            length, kind = struct.unpack_from("=HH", data, at)
            self.exts[kind] = data[at + 4:at + length * 8]
            at += length * 8

    def __str__(self):
        words = [self.name, f"errno={self.errno}", f"satype={self.satype}"]
        if SRC in self.exts and self.name == "ACQUIRE":
            source, to = shown(self.exts[SRC])[0], shown(self.exts[DST])[0]
            number, priority = struct.unpack_from("=II", self.exts[POLICY], 4)
            words += [f"{source}-{to}", f"dir={self.exts[POLICY][2]}", f"policy={number % 8}",
                      f"priority={priority}", f"combs={(len(self.exts[PROPOSAL]) - 4) // 72}",
                      f"pid={self.pid}"]
        if TRIGGER_SRC in self.exts:
            words += ["for {}[{}]-{}[{}]/{}".format(*shown(self.exts[TRIGGER_SRC])[:2], *shown(self.exts[TRIGGER_DST]))]
        if self.name == "EXPIRE":
            words += ["hard" if HARD in self.exts else "soft", "0x%x" % struct.unpack_from("!I", self.exts[SA])]
        if KEY_AUTH in self.exts or KEY_ENC in self.exts:
            words += ["with keys"]
        if any(kind > 26 and kind not in (TRIGGER_SRC, TRIGGER_DST) for kind in self.exts):
            words += ["exts=" + ",".join(str(kind) for kind in self.exts if kind > 26)]
        return " ".join(words)


class Keyer:
    def __init__(self, modern):
        self.socket = socket.socket(15, socket.SOCK_RAW, 2)
        self.pid, self.spi, self.queue = os.getpid(), 0x1001, []
        for satype in (ESP, AH):
            self.ask("REGISTER", satype, 1, ext(REPLAY, struct.pack("=I", 0)) if modern else b"")

    def send(self, kind, satype, seq, exts=b"", errno=0):
        self.socket.send(struct.pack("=BBBBHHII", 2, NUMBERS[kind], errno, satype, 2 + len(exts) // 8, 0, seq,
                                     self.pid) + exts)

    def ask(self, kind, satype, seq, exts=b""):
        self.send(kind, satype, seq, exts)
        while True:
            answer = Message(self.socket.recv(65536))
            if answer.pid == self.pid and answer.seq == seq and answer.name == kind:
                return answer
            self.queue.append(answer)

    def hears(self):
        """The next message, or None when the standard input has ended."""
        if self.queue:
            return self.queue.pop(0)
        ready = select.select([self.socket, sys.stdin], [], [])[0]
        return Message(self.socket.recv(65536)) if self.socket in ready else None

    def sa(self, spi, source, to, mode, reqid):
        return ext(SA, struct.pack("!I", spi) + struct.pack("=BBBBI", 64, 1, 0, 20, 0)) + \
            ext(SA2, struct.pack("=BBHII", mode, 0, 0, 0, reqid)) + address(SRC, source) + address(DST, to) + \
            ext(KEY_ENC, struct.pack("=HH", 160, 0) + KEY)

    def answer(self, acquire, mode):
        source, to = shown(acquire.exts[SRC])[0], shown(acquire.exts[DST])[0]
        out, into = self.spi, self.spi + 1
        self.spi += 2
        larval = self.ask("GETSPI", ESP, acquire.seq, address(SRC, to) + address(DST, source) + ext(
            SA2, struct.pack("=BBHII", mode, 0, 0, 0, 0)) + ext(SPIRANGE, struct.pack("=III", into, into, 0)))
        assert struct.unpack_from("!I", larval.exts[SA])[0] == into, larval
        for kind, one in (("UPDATE", self.sa(into, to, source, mode, 0)), ("ADD", self.sa(out, source, to, mode, 0))):
            done = self.ask(kind, ESP, acquire.seq, one)
            assert not done.errno, f"{kind}: {os.strerror(done.errno)}"


def moved(what, words):
    """The message that moves an SA or a policy."""
    if what == "migrate":
        pairs = b""
        for ends in words[:2]:
            body = b"".join(sockaddr(end) for end in ends.split("-"))
            pairs += struct.pack("=HHBBHII", 16 + len(body), 50, 2, 2, 0, 0, 0) + body
        exts = ext(POLICY, struct.pack("=HBBII", 2, int(words[2]), 0, 0, 0) + pairs)
        for kind, net in ((SRC, words[3]), (DST, words[4])):
            addr, plen = net.split("/")
            exts += address(kind, addr, 255, int(plen))
        return "MIGRATE", 0, exts
    limited = what in ("limited", "renewed")
    sa = ext(SA, struct.pack("!I", int(words[0], 0)) + struct.pack("=BBBBI", 64, 1, 0, 20 if limited else 0, 0))
    exts = sa + address(SRC, words[1]) + address(DST, words[2])
    if limited:
        for kind, limit in (SOFT, words[3]), (HARD, words[4]):
            limits = dict([limit.split("=")])
            exts += ext(kind, struct.pack("=IQQQ", *(int(limits.get(name, 0)) for name in
                                                    ("packets", "bytes", "addtime", "usetime"))))
        return "ADD" if what == "limited" else "UPDATE", ESP, exts + ext(KEY_ENC, struct.pack("=HH", 160, 0) + KEY)
    if what == "move":
        exts += address(NEW_SRC, words[3]) + address(NEW_DST, words[4])
    return "UPDATE", ESP, exts


def main():
    what = sys.argv[1]
    if what in ("move", "bare", "migrate", "limited", "renewed"):
        kind, satype, exts = moved(what, sys.argv[2:])
        print(Keyer(False).ask(kind, satype, 7, exts))
        return
    if what == "discard":
        pairs, command = sys.argv[2:sys.argv.index("--")], sys.argv[sys.argv.index("--") + 1:]
        keyer = Keyer(False)
        for pair in pairs:
            ends = [end.split("/") for end in pair.split("-")]
            exts = b"".join(address(kind, addr, 255, int(plen)) for kind, (addr, plen) in zip((SRC, DST), ends))
            keyer.ask("SPDADD", 0, 7, exts + ext(POLICY, struct.pack("=HBBII", 0, 2, 0, 0, 0)))
        subprocess.run(command, check=False)
        return
    if what == "ask":
        pfkey = socket.socket(15, socket.SOCK_RAW, 2)
        pfkey.settimeout(5)
        pfkey.send(bytes.fromhex(sys.argv[2]))
        print(Message(pfkey.recv(65536)))
        return
    keyer = Keyer("modern" in sys.argv)
    if what == "hear":
        keyer.ask("PROMISC", 1, 1)
    mode = 1 if "transport" in sys.argv else 2
    print("ready", flush=True)
    while (message := keyer.hears()) is not None:
        print(message, flush=True)
        if message.name != "ACQUIRE" or message.pid:
            continue
        if what == "answer":
            time.sleep(float(sys.argv[2]))
            keyer.answer(message, mode)
            if "poke" in sys.argv:
                try:
                    socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"x", (sys.argv[-1], 9))
                except PermissionError:
                    print("poke: refused", flush=True)
        elif what == "fail":
            keyer.send("ACQUIRE", message.satype, message.seq, errno=14)


if __name__ == "__main__":
    main()
