# SPDX-License-Identifier: GPL-2.0-only
"""merge.py - TCP segments by hand: what merge.sh calls

  merge.py send MAC SOURCE DESTINATION COUNT [SPOILT]   one by one; of one, the checksum
  merge.py hear COUNT                                   prints of each: number, octets,
                                                        checksum and contents, right or wrong
"""
import ipaddress
import select
import socket
import struct
import sys
import time

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


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
