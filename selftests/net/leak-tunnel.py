# SPDX-License-Identifier: GPL-2.0-only
"""leak-tunnel.py - TCP with signatures (RFC 2385), which no shell command makes

  leak-tunnel.py FROM TO ADDRESS    from one host to another, which are namespaces, at an
                                    address: print how many octets of 100,000 arrive
"""
import os
import socket
import struct
import sys
import threading

TCP_MD5SIG = 14
PORT = 179


def in_host(name):
    """A socket of that host's, which it stays: a thread of its own goes there"""
    found = []

    def go():
        with open("/run/netns/" + name, "rb") as space:
            if libc.setns(space.fileno(), 0x40000000):
                return
        found.append(socket.socket())

    import ctypes
    libc = ctypes.CDLL(None)
    thread = threading.Thread(target=go)
    thread.start()
    thread.join()
    return found[0]


def sign(sock, peer):
    """What the kernel calls tcp_md5sig: address, flags, prefix, length of key, device, key"""
    addr = struct.pack("=HH4s", socket.AF_INET, 0, socket.inet_aton(peer)).ljust(128, b"\0")
    sock.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG,
                    addr + struct.pack("=BBHi80s", 0, 0, 6, 0, b"secret"))


def main():
    one, other, addr = sys.argv[1:]
    ours = addr.rsplit(".", 1)[0] + ".1"
    listener, sock = in_host(other), in_host(one)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sign(listener, ours)
    sign(sock, addr)
    listener.bind((addr, PORT))
    listener.listen()
    for each in listener, sock:
        each.settimeout(20)
    sock.bind((ours, 0))
    sock.connect((addr, PORT))
    conn, _ = listener.accept()
    conn.settimeout(20)
    sender = threading.Thread(target=lambda: sock.sendall(os.urandom(100000)), daemon=True)
    sender.start()
    seen = 0
    try:
        while seen < 100000:
            seen += len(conn.recv(65536))
    except OSError:
        pass
    print(seen)


main()
