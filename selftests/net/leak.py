# SPDX-License-Identifier: GPL-2.0-only
"""leak.py - ways to send that no shell command knows: what leak-*.sh call

Whatever is sent carries the marker that the recording is searched for.
"""
import fcntl
import os
import random
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time

MARKER = b'PLAINTEXT-MARKER'
BODY = (MARKER + b' ') * 20


def is6(addr):
    return ':' in addr


def family(addr):
    return socket.AF_INET6 if is6(addr) else socket.AF_INET


def bind_device(sock, device):
    if device:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE,
                        device.encode())


def echo(addr, port, device=''):
    """A server that answers UDP and TCP with what it gets; told off by a signal"""
    udp = socket.socket(family(addr), socket.SOCK_DGRAM)
    tcp = socket.socket(family(addr), socket.SOCK_STREAM)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for sock in udp, tcp:
        bind_device(sock, device)
        sock.bind((addr, int(port)))
    tcp.listen(8)
    open_ = {}
    while True:
        ready, _, _ = select.select([udp, tcp, *open_], [], [])
        for sock in ready:
            if sock is udp:
                data, peer = udp.recvfrom(65535)
                try:
                    udp.sendto(data, peer)
                except OSError:
                    pass
            elif sock is tcp:
                conn, _ = tcp.accept()
                open_[conn] = True
            else:
                answer(sock, open_)


def answer(conn, open_):
    try:
        data = conn.recv(65536)
        if data:
            conn.sendall(data)
            return
        # The other end is to be in FIN_WAIT2 when our FIN comes.
        time.sleep(0.3)
    except OSError:
        pass
    del open_[conn]
    conn.close()


def talk(kind, addr, port, source='', device=''):
    """Send as many messages as each line of input says; say how many came back"""
    sock = socket.socket(family(addr), socket.SOCK_DGRAM if kind == 'udp' else
                         socket.SOCK_STREAM)
    bind_device(sock, device)
    if source:
        sock.bind((source, 0))
    sock.settimeout(10)
    sock.connect((addr, int(port)))
    print('ready', flush=True)
    for line in sys.stdin:
        words = line.split()
        sock.settimeout(float(words[1]) if len(words) > 1 else 3)
        print(sum(once(sock, kind) for _ in range(int(words[0]))), flush=True)
    # It ends here and now: what is sent again, or closed later, would come in between
    # what the next test looks at.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


def once(sock, kind):
    token = b'%016x' % random.getrandbits(64)
    try:
        sock.send(MARKER + token)
        seen = b''
        while token not in seen:
            more = sock.recv(65536)
            if not more:
                return 0
            seen = (seen if kind == 'tcp' else b'') + more
        return 1
    except OSError:
        return 0


def send(addr, port, *options):
    """A datagram; with mark=N, device=DEV, size=N, dstopts, hopopts, group=DEV,
    route=FIRST-HOP, from=PORT, spi=N in front of it; nobody: without rights from then on"""
    sock = socket.socket(family(addr), socket.SOCK_DGRAM)
    size = len(BODY)
    front = b''
    for option in options:
        name, _, value = option.partition('=')
        if name == 'mark':
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, int(value))
        elif name == 'device':
            bind_device(sock, value)
        elif name == 'size':
            size = int(value)
        elif name == 'dstopts':
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS,
                            b'\0\0\1\4\0\0\0\0')
        elif name == 'hopopts':
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS,
                            b'\0\0\1\4\0\0\0\0')
        elif name == 'group':
            index = socket.if_nametoindex(value)
            if is6(addr):
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF,
                                index)
            else:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                                struct.pack('4s4si', b'', b'', index))
        elif name == 'nobody':
            os.setuid(65534)
        elif name == 'route':
            source_route(sock, value)
        elif name == 'from':
            sock.bind(('', int(value)))
        elif name == 'spi':
            front = struct.pack('!II', int(value, 0), 1)
    sock.sendto(front + (BODY * (size // len(BODY) + 1))[:size], (addr, int(port)))


def source_route(sock, hop):
    """What is sent to goes by there first: IPv4's loose route, IPv6's segments"""
    if is6(hop):
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RTHDR,
                        struct.pack('!BBBBBBH16x16s', 0, 4, 4, 1, 1, 0, 0,
                                    socket.inet_pton(socket.AF_INET6, hop)))
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS,
                        b'\x83\7\4' + socket.inet_aton(hop))


def esp(addr, spi):
    """What has the number and an SPI of ESP, and is in clear"""
    sock = socket.socket(family(addr), socket.SOCK_RAW, socket.IPPROTO_ESP)
    sock.sendto(struct.pack('!II', int(spi, 0), 1) + BODY, (addr, 0))


def join(addr, port, device, seconds):
    """Listen to a group; say how many datagrams came"""
    sock = socket.socket(family(addr), socket.SOCK_DGRAM)
    sock.bind((addr, int(port), 0, socket.if_nametoindex(device)) if is6(addr)
              else (addr, int(port)))
    index = socket.if_nametoindex(device)
    if is6(addr):
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                        socket.inet_pton(socket.AF_INET6, addr) +
                        struct.pack('i', index))
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                        struct.pack('4s4si', socket.inet_aton(addr), b'', index))
    print('ready', flush=True)
    count(sock, float(seconds))


def listen(addr, port, seconds):
    """Count the datagrams that come"""
    sock = socket.socket(family(addr), socket.SOCK_DGRAM)
    sock.bind((addr, int(port)))
    print('ready', flush=True)
    count(sock, float(seconds))


def count(sock, seconds):
    got = 0
    end = time.monotonic() + seconds
    while True:
        sock.settimeout(max(end - time.monotonic(), 0.01))
        try:
            got += sock.recv(65535).count(MARKER) > 0
        except OSError:
            break
    print(got, flush=True)


def zerocopy(addr, port):
    """MSG_ZEROCOPY: 1 MB over TCP and back, and it is what it was"""
    sock = socket.socket(family(addr), socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, 60, 1)    # SO_ZEROCOPY
    sock.settimeout(60)
    sock.connect((addr, int(port)))
    back = exchange(sock, (BODY * 4000)[:1 << 20], 0x4000000)
    print('same' if back else 'other')


def exchange(sock, data, flags):
    sent, got, same = 0, 0, True
    # Slices of it are no copies: the kernel sends from here, when it likes.
    whole = memoryview(data)
    while got < len(data):
        if sent < len(data) and sent - got < 1 << 16:
            sent += sock.send(whole[sent:sent + 16384], flags)
            continue
        more = sock.recv(65536)
        same = same and bool(more) and more == data[got:got + len(more)]
        if not more:
            break
        got += len(more)
    return same


def sendfile(addr, port):
    """The file's own pages are sent; they are not what is encrypted in place"""
    sock = socket.socket(family(addr), socket.SOCK_STREAM)
    sock.settimeout(60)
    sock.connect((addr, int(port)))
    data = (BODY * 1000)[:1 << 18]
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        got, same = 0, True
        for offset in range(0, len(data), 16384):
            os.sendfile(sock.fileno(), file.fileno(), offset, 16384)
            while got < offset + 16384:
                more = sock.recv(65536)
                same = same and bool(more) and more == data[got:got + len(more)]
                got += len(more) or len(data)
        same = same and os.pread(file.fileno(), len(data), 0) == data
    print('same' if same else 'other')


def segment(addr, port):
    """UDP_SEGMENT: one write, ten datagrams; they come back"""
    sock = socket.socket(family(addr), socket.SOCK_DGRAM)
    sock.settimeout(5)
    sock.connect((addr, int(port)))
    sock.setsockopt(socket.IPPROTO_UDP, 103, 500)
    sock.send((BODY * 20)[:5000])
    got = 0
    try:
        while got < 10:
            got += len(sock.recv(65535)) == 500
    except OSError:
        pass
    print(got)


def probe(addr, port):
    """MSG_PROBE sends nothing, MSG_MORE waits for the rest"""
    sock = socket.socket(family(addr), socket.SOCK_DGRAM)
    sock.connect((addr, int(port)))
    sock.send(BODY, 0x10)
    sock.send(BODY, socket.MSG_MORE)
    sock.send(BODY)


def refused(addr, port):
    """Is a TCP connection refused by a reset"""
    sock = socket.socket(family(addr), socket.SOCK_STREAM)
    sock.settimeout(5)
    try:
        sock.connect((addr, int(port)))
        print('connected')
    except ConnectionRefusedError:
        print('refused')
    except OSError as err:
        print(err)


def unreachable(addr, port):
    """Does an ICMP error come for a datagram to a closed port"""
    sock = socket.socket(family(addr), socket.SOCK_DGRAM)
    sock.settimeout(5)
    sock.connect((addr, int(port)))
    sock.send(BODY)
    try:
        sock.recv(1)
    except ConnectionRefusedError:
        print('told')
        return
    except OSError:
        pass
    print('silence')


def udp_datagram(port, data):
    return struct.pack('!HHHH', 4000, port, 8 + len(data), 0) + data


def ip4(source, addr, payload, proto=17, frag=0, ident=0):
    return struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), ident, frag,
                       64, proto, 0, socket.inet_aton(source),
                       socket.inet_aton(addr)) + payload


def ip6(source, addr, payload, proto=17):
    return struct.pack('!IHBB16s16s', 6 << 28, len(payload), proto, 64,
                       socket.inet_pton(socket.AF_INET6, source),
                       socket.inet_pton(socket.AF_INET6, addr)) + payload


def raw_socket(addr):
    return socket.socket(family(addr), socket.SOCK_RAW, socket.IPPROTO_RAW)


def raw(source, addr, port):
    """A datagram whose IP header the sender has written"""
    make = ip6 if is6(addr) else ip4
    raw_socket(addr).sendto(make(source, addr, udp_datagram(int(port), BODY)),
                            (addr, 0))


def fragments4(source, addr, data, ident, size):
    for at in range(0, len(data), size):
        more = 0x2000 if at + size < len(data) else 0
        yield ip4(source, addr, data[at:at + size], 17, more | at // 8, ident)


def fragments6(source, addr, data, ident, size, first=17, later=17):
    for at in range(0, len(data), size):
        more = at + size < len(data)
        head = struct.pack('!BBHI', later if at else first, 0, at | more, ident)
        yield ip6(source, addr, head + data[at:at + size], 44)


ORDERS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def fragments(source, addr, port, kind='plain'):
    """A datagram in three fragments, in every order; of IPv6 also with the ports
    behind options, with later fragments that lie about what they are, and
    of either with a head too small for ports"""
    sock = raw_socket(addr)
    data = udp_datagram(int(port), (BODY * 9)[:2992])
    size = 1000
    more = {}
    if kind == 'options' and is6(addr):
        data = struct.pack('!BB6s', 17, 0, b'\1\4') + data
        more = {'first': 60, 'later': 60}
    elif kind == 'lying':
        more = {'later': 59}
    elif kind == 'tiny':
        data, size = data[:24], 8
        if is6(addr):
            data = struct.pack('!BB6s', 17, 0, b'\1\4') + data[:16]
            more = {'first': 60, 'later': 60}
    for number, order in enumerate(ORDERS):
        ident = (1000 if kind == 'plain' else random.getrandbits(12)) + number
        all_ = list(fragments6(source, addr, data, ident, size, **more) if
                    is6(addr) else fragments4(source, addr, data, ident, size))
        for index in order:
            if index < len(all_):
                sock.sendto(all_[index], (addr, 0))


SOL_PACKET, PACKET_VNET_HDR, NEEDS_CSUM = 263, 15, 1


def virtual(mac, source, addr, port, start, offset):
    """A datagram as a virtual machine has it (virtio): its checksum is to be computed,
    from START octets into the frame on, and put OFFSET behind that"""
    vnet = struct.pack('=BBHHHH', NEEDS_CSUM, 0, 0, 0, int(start), int(offset))
    frame = bytes.fromhex(mac.replace(':', '')) + b'\2\0\0\0\0\1' + b'\x08\0'
    packet = ip4(source, addr, udp_datagram(int(port), BODY), 17, 0, 1)
    total = sum(struct.unpack('!10H', packet[:20]))
    total = (total & 0xffff) + (total >> 16)
    packet = packet[:10] + struct.pack('!H', ~total & 0xffff) + packet[12:]
    return vnet + frame + packet


def unsummed(*datagram):
    """Send it over the wire"""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind(('eth0', 0))
    sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    sock.send(virtual(*datagram))


TUNSETIFF, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x400454ca, 2, 0x1000, 0x4000


def tapped(*datagram):
    """Have a virtual machine of this host's send it; newer kernels refuse what is in front
    of the IP header, and that is said"""
    tap = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack('16sH22x', b'guest', IFF_TAP | IFF_NO_PI |
                                            IFF_VNET_HDR))
    subprocess.run(['ip', 'link', 'set', 'guest', 'address', datagram[0], 'up'], check=True)
    try:
        os.write(tap, virtual(*datagram))
    except OSError as error:
        print(error.strerror)


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
