# SPDX-License-Identifier: GPL-2.0-only
"""borrowed.py - ways to send memory that is somebody else's, for pages.py and copies.py

Each sends a datagram by a UDP socket out of memory that others have: a file's pages, a
program's own, what TCP has received. On a veth those very pages arrive at the other
end. Whoever encrypts or decrypts must not write to them. Each way is a function of a
connected socket, the octets, and a function that waits until they have been dealt with;
it says whether the memory is what it was.
"""
import ctypes
import mmap
import os
import socket
import struct

SO_ZEROCOPY, MSG_ZEROCOPY, UDP_SEGMENT = 60, 0x4000000, 103
PATH = "/tmp/borrowed"
libc = ctypes.CDLL(None, use_errno=True)


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


def by_sendfile(sock, octets, settle):
    """Out of the page cache."""
    with open(PATH, "wb") as file:
        file.write(octets)
    with open(PATH, "rb") as file:
        os.sendfile(sock.fileno(), file.fileno(), 0, len(octets))
        settle()
        return file.read() == octets


def by_sendfile_in_segments(sock, octets, settle):
    """The same, as datagrams of half the size that leave in one (UDP_SEGMENT)."""
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(octets) // 2)
    return by_sendfile(sock, octets, settle)


def program_memory(octets):
    memory = mmap.mmap(-1, (len(octets) + 4095) & ~4095)
    memory[:len(octets)] = octets
    return memory


def by_zerocopy(sock, octets, settle):
    memory = program_memory(octets)
    sock.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    sock.send(memoryview(memory)[:len(octets)], MSG_ZEROCOPY)
    settle()
    return memory[:len(octets)] == octets


def by_vmsplice(sock, octets, settle):
    """A program's memory by way of a pipe: nothing marks it as such."""
    memory = program_memory(octets)
    iov = Iovec(ctypes.addressof(ctypes.c_char.from_buffer(memory)), len(octets))
    out, into = os.pipe()
    if libc.vmsplice(into, ctypes.byref(iov), 1, 0) != len(octets):
        raise OSError(ctypes.get_errno(), "vmsplice")
    os.splice(out, sock.fileno(), len(octets))
    settle()
    os.close(out)
    os.close(into)
    return memory[:len(octets)] == octets


def by_tcp(sock, octets, settle):
    """What TCP has received, in two writes that it coalesces; a second pipe has it, too."""
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    peer, _ = server.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    half = len(octets) // 2
    client.sendall(octets[:half])
    client.sendall(octets[half:])
    while len(peer.recv(len(octets), socket.MSG_PEEK)) < len(octets):
        pass
    (out, into), (out2, into2) = os.pipe(), os.pipe()
    os.splice(peer.fileno(), into, len(octets))
    if libc.tee(out, into2, len(octets), 0) != len(octets):
        raise OSError(ctypes.get_errno(), "tee")
    os.splice(out, sock.fileno(), len(octets))
    settle()
    same = os.read(out2, len(octets)) == octets
    for fd in out, into, out2, into2:
        os.close(fd)
    for one in server, client, peer:
        one.close()
    return same


def by_send(sock, octets, settle):
    """Out of nobody's memory: what arrives is linear, where it is not long."""
    sock.send(octets)
    settle()
    return True


def udp(port, data):
    return struct.pack("!HHHH", port, port, 8 + len(data), 0) + data
