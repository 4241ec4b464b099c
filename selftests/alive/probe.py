# SPDX-License-Identifier: GPL-2.0-only
#
# probe.py - a write to espl_bug's parameter, with faults or with coverage
import ctypes
import errno
import fcntl
import mmap
import os
import struct
import sys

PARAMETER = "/sys/module/espl_bug/parameters/allocate"


def memory(device, length):
    """Of the device. By the C library: Python goes by a size that it does not have."""
    mmap_ = ctypes.CDLL(None, use_errno=True).mmap
    mmap_.restype = ctypes.c_void_p
    mmap_.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                      ctypes.c_int, ctypes.c_long]
    at = mmap_(None, length, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, device, 0)
    if at == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mmap")
    return (ctypes.c_char * length).from_address(at)


def faults():
    """The errors when the first, second... chance to fail is taken.

    Several times: what a program touches first needs memory, too, so that one of the
    write's own chances may be passed over; but not in each round.
    """
    fail_nth = os.open("/proc/thread-self/fail-nth", os.O_RDWR)
    errors = []

    def attempt(call):
        try:
            call()
            return True
        except OSError as error:
            errors.append(errno.errorcode[error.errno])
            return False

    for nth in list(range(1, 12)) * 5:
        parameter = os.open(PARAMETER, os.O_WRONLY)
        os.pwrite(fail_nth, b"%d" % nth, 0)
        attempt(lambda: os.write(parameter, b"1"))
        # A copy as well, for which a chance may be left.
        while not attempt(lambda: os.pwrite(fail_nth, b"0", 0)):
            pass
        os.close(parameter)
    print(*errors)


def kcov():
    """Places in the module that the write passed."""
    words = 4096
    device = os.open("/sys/kernel/debug/kcov", os.O_RDWR)
    fcntl.ioctl(device, 0x80086301, words)  # KCOV_INIT_TRACE
    cover = memory(device, words * 8)
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
