# SPDX-License-Identifier: GPL-2.0-only
#
# probe.py - a write to espl_bug's parameter, with faults or with coverage
import errno
import fcntl
import mmap
import os
import struct
import sys

PARAMETER = "/sys/module/espl_bug/parameters/allocate"


def faults():
    """The errors of the write when its first, second... chance to fail is taken."""
    fail_nth = os.open("/proc/thread-self/fail-nth", os.O_RDWR)
    errors = []
    for nth in range(1, 100):
        parameter = os.open(PARAMETER, os.O_WRONLY)
        os.pwrite(fail_nth, b"%d" % nth, 0)
        try:
            os.write(parameter, b"1")
        except OSError as error:
            errors.append(errno.errorcode[error.errno])
        left = int(os.pread(fail_nth, 16, 0))
        os.pwrite(fail_nth, b"0", 0)
        os.close(parameter)
        if left:
            break
    print(*errors)


def kcov():
    """Places in the module that the write passed."""
    words = 4096
    device = os.open("/sys/kernel/debug/kcov", os.O_RDWR)
    fcntl.ioctl(device, 0x80086301, words)  # KCOV_INIT_TRACE
    cover = mmap.mmap(device, words * 8)
    parameter = os.open(PARAMETER, os.O_WRONLY)
    fcntl.ioctl(device, 0x6364, 0)  # KCOV_ENABLE, KCOV_TRACE_PC
    os.write(parameter, b"1")
    fcntl.ioctl(device, 0x6365, 0)  # KCOV_DISABLE
    (count,) = struct.unpack_from("Q", cover)
    places = set(struct.unpack_from(f"{count}Q", cover, 8))
    with open("/proc/modules", encoding="ascii") as modules:
        size, start = next((int(w[1]), int(w[5], 16)) for w in map(str.split, modules)
                           if w[0] == "espl_bug")
    inside = [p for p in places if start <= p < start + size]
    print(f"{count} places, {len(inside)} of them in espl_bug")
    sys.exit(not inside)


if __name__ == "__main__":
    {"faults": faults, "kcov": kcov}[sys.argv[1]]()
