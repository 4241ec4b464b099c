# SPDX-License-Identifier: GPL-2.0-only
"""registered.py [des] - print what REGISTER offers: auth|enc ID IVLEN MINBITS MAXBITS

With des, ask past setkey for an SA with DES instead, and print the errno.
"""
import os
import socket
import struct
import sys

ADD, REGISTER, ESP = 3, 7, 3
SA, SRC, DST, KEY_AUTH, KEY_ENC, AUTH, ENC = 1, 5, 6, 8, 9, 14, 15

pfkey = socket.socket(15, socket.SOCK_RAW, 2)


def ask(kind, exts=b""):
    head = struct.pack("=BBBBHHII", 2, kind, 0, ESP, 2 + len(exts) // 8, 0, 1, os.getpid())
    pfkey.send(head + exts)
    while True:
        answer = pfkey.recv(65536)
        if struct.unpack_from("=I", answer, 12)[0] == os.getpid():
            return answer


def ext(kind, body):
    body += bytes(-(len(body) + 4) % 8)
    return struct.pack("=HH", (len(body) + 4) // 8, kind) + body


def address(kind, addr):
    sockaddr = struct.pack("=H", socket.AF_INET) + bytes(2) + socket.inet_aton(addr) + bytes(8)
    return ext(kind, struct.pack("=BBH", 0, 32, 0) + sockaddr)


if sys.argv[1:] == ["des"]:
    sa = ext(SA, struct.pack("!I", 0x3001) + struct.pack("=BBBBI", 0, 0, 3, 2, 0))
    keys = ext(KEY_AUTH, struct.pack("=HH", 160, 0) + bytes(range(20)))
    keys += ext(KEY_ENC, struct.pack("=HH", 64, 0) + bytes(range(8)))
    print(ask(ADD, sa + address(SRC, "10.1.0.1") + address(DST, "10.1.0.2") + keys)[2])
    sys.exit()

answer = ask(REGISTER)
at = 16
while at < len(answer):
    length, kind = struct.unpack_from("=HH", answer, at)
    for alg in range(at + 8, at + length * 8, 8):
        number, ivlen, minbits, maxbits = struct.unpack_from("=BBHH", answer, alg)
        print({AUTH: "auth", ENC: "enc"}[kind], number, ivlen, minbits, maxbits)
    at += length * 8
