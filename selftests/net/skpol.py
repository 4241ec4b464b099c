# SPDX-License-Identifier: GPL-2.0-only
"""skpol.py - sockets with a policy of their own

  skpol.py serve ADDR PORT [DIR...]     answer datagrams with what came, until the
                                        standard input ends
  skpol.py ask ADDR PORT [DIR...]       send one and print the answer, or "nothing"
  skpol.py set FAMILY HEX               setsockopt with these octets: print the errno

DIR is in or out: the socket passes by the SPD that way; iked's octets are sent for
"in", strongSwan's for "out".
"""
import os
import select
import socket
import struct
import sys

OPTION = {socket.AF_INET: (socket.IPPROTO_IP, 16), socket.AF_INET6: (socket.IPPROTO_IPV6, 34)}
MARKER = b"PLAINTEXT-MARKER"


def bypass(way):
    # The type that iked gives to the extension is another's.
    number, direction = {"in": (12, 1), "out": (18, 2)}[way]
    return struct.pack("=HHHBBII", 2, number, 4, direction, 0, 0, 0)


def endpoint(addr, ways):
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    for way in ways:
        sock.setsockopt(*OPTION[family], bypass(way))
    return sock


def main():
    what, *words = sys.argv[1:]
    if what == "set":
        family = {"4": socket.AF_INET, "6": socket.AF_INET6}[words[0]]
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setsockopt(*OPTION[family], bytes.fromhex(words[1]))
            print("fine")
        except OSError as error:
            print(os.strerror(error.errno))
        return
    addr, port, *ways = words
    sock = endpoint(addr, ways)
    if what == "ask":
        sock.settimeout(1)
        try:
            sock.sendto(MARKER, (addr, int(port)))
            print(sock.recv(100).decode())
        except OSError:
            print("nothing")
        return
    sock.bind((addr, int(port)))
    print("ready", flush=True)
    while sock in select.select([sock, sys.stdin], [], [])[0]:
        data, whom = sock.recvfrom(100)
        sock.sendto(data, whom)


main()
