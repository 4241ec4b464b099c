# SPDX-License-Identifier: GPL-2.0-only
"""cgroup.py PATH - let nothing of what the sockets of a cgroup send leave

Attaches a BPF program that says so; it goes when the cgroup does. Prints the errno's
text where the kernel has none of this.
"""
import ctypes
import os
import platform
import struct
import sys

SYSCALL = {"x86_64": 321, "aarch64": 280}[platform.machine()]
PROG_LOAD, PROG_ATTACH = 5, 8
CGROUP_SKB, INET_EGRESS = 8, 1
FORBID = bytes.fromhex("b700000000000000" "9500000000000000")	# r0 = 0; exit


def bpf(command, attr):
    """The answer is a number that is not negative."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(attr, len(attr))
    answer = libc.syscall(SYSCALL, command, buffer, len(attr))
    if answer < 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    return answer


def main():
    code = ctypes.create_string_buffer(FORBID)
    licence = ctypes.create_string_buffer(b"GPL")
    program = bpf(PROG_LOAD, struct.pack("=IIQQ", CGROUP_SKB, len(FORBID) // 8,
                                         ctypes.addressof(code),
                                         ctypes.addressof(licence)) + bytes(96))
    cgroup = os.open(sys.argv[1], os.O_RDONLY)
    bpf(PROG_ATTACH, struct.pack("=IIII", cgroup, program, INET_EGRESS, 0))


main()
