# SPDX-License-Identifier: GPL-2.0-only
"""natt.py - ESP in UDP, and what else comes by its ports

  encap PORT                  hold a socket that gives ESP in UDP to xfrm
  listen PORT                 print in hex what a daemon there would get
  foreign HOST PORT SPORT     send what is not ESP of ours, and keepalives
  expect                      print what listen should have printed
  lengths HOST PORT SPORT     send our SPI with 0 to 80 octets, and 1 byte packets
  esp HOST                    send ESP without UDP by our SPI
  forge HOST PORT SPORT SPI   send ESP in UDP with a bad ICV
  sealed SRC DST SPORT SPI SEQ TEXT
                              send a datagram to port 9 by an SA of lib.sh's row gcm128
  mappings                    print each SADB_X_NAT_T_NEW_MAPPING
"""
import os
import socket
import struct
import sys
import time

UDP_ENCAP, ESPINUDP, UDP_SEGMENT = 100, 2, 103
OURS = 0x1002
FOREIGN = [bytes(4) + b"IKE header", struct.pack("!II", 0x77777777, 1) + bytes(60), b"\xff\xff",
           b"x", b"last"]


def bound(port):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.bind(("::", port))
    return sock


def udp(host, port, sport):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", sport))
    sock.connect((host, port))
    return sock


def bypass(sock):
    """As IKE daemons do: or xfrm holds the UDP itself against its policies."""
    level, option = {socket.AF_INET: (socket.IPPROTO_IP, 17),
                     socket.AF_INET6: (socket.IPPROTO_IPV6, 35)}[sock.family]
    for direction in 0, 1:
        policy = bytearray(168)
        struct.pack_into("=H", policy, 40, sock.family)
        policy[160] = direction
        sock.setsockopt(level, option, policy)


def encap(port):
    socks = [socket.socket(family, socket.SOCK_DGRAM)
             for family in (socket.AF_INET, socket.AF_INET6)]
    socks[1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    for sock in socks:
        sock.bind(("", port))
        sock.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, ESPINUDP)
        bypass(sock)
    print("ready", flush=True)
    time.sleep(600)


def listen(port):
    sock = bound(port)
    print("ready", flush=True)
    while True:
        print(sock.recv(65535).hex(), flush=True)


def foreign(host, port, sport):
    sock = udp(host, port, sport)
    for data in FOREIGN[:-1]:
        sock.send(data)
    sock.send(b"\xff")
    sock.send(b"\xff")
    # Several in one: IKE between ESP of nobody's.
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 16)
    sock.send(b"".join(bytes(4) + bytes([n]) * 12 for n in range(3)))
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)
    sock.send(FOREIGN[-1])


def expect():
    many = [bytes(4) + bytes([n]) * 12 for n in range(3)]
    print(*(data.hex() for data in FOREIGN[:-1] + many + FOREIGN[-1:]), sep="\n")


def lengths(host, port, sport):
    sock = udp(host, port, sport)
    whole = struct.pack("!II", OURS, 1) + bytes(80)
    for n in range(81):
        sock.send(whole[:n])


def esp(host):
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ESP)
    sock.sendto(struct.pack("!II", OURS, 1) + bytes(60), (host, 0))


def forge(host, port, sport, spi):
    udp(host, port, sport).send(struct.pack("!II", spi, 1 << 20) + bytes(80))


def sealed(src, dst, sport, spi, seq, text):
    # Here, as they are slow to come in.
    from scapy.layers.inet import IP, UDP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.ipsec import ESP, SecurityAssociation
    sa = SecurityAssociation(ESP, spi=spi, crypt_algo="AES-GCM", crypt_key=bytes(range(1, 21)))
    family, header = (socket.AF_INET6, IPv6) if ":" in dst else (socket.AF_INET, IP)
    ends = header(src=src, dst=dst)
    inner = sa.encrypt(header(bytes(ends / UDP(sport=1, dport=9) / text)), seq_num=seq).payload
    packet = ends / UDP(sport=sport, dport=4500, chksum=0) / bytes(inner)
    socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW).sendto(bytes(packet), (dst, 0))


def address(ext):
    family, = struct.unpack_from("=H", ext, 8)
    return socket.inet_ntop(family, ext[16:32] if family == socket.AF_INET6 else ext[12:16])


def mappings():
    pfkey = socket.socket(15, socket.SOCK_RAW, 2)
    pfkey.send(struct.pack("=BBBBHHII", 2, 7, 0, 3, 2, 0, 1, os.getpid()))
    print("ready", flush=True)
    while True:
        message = pfkey.recv(65536)
        if message[1] != 23:
            continue
        exts, at = {}, 16
        while at < len(message):
            length, kind = struct.unpack_from("=HH", message, at)
            exts[kind] = message[at:at + length * 8]
            at += length * 8
        assert 19 in exts, "SA2 is there"
        print(struct.unpack_from("!I", exts[1], 4)[0], address(exts[5]),
              struct.unpack_from("!H", exts[21], 4)[0], address(exts[6]),
              struct.unpack_from("!H", exts[22], 4)[0], flush=True)


globals()[sys.argv[1]](*(int(arg, 0) if arg[0].isdigit() and "." not in arg else arg
                         for arg in sys.argv[2:]))
