#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""cache_work.py FILE [LIMITED] - does known things to the page cache of a file and
prints a line of JSON for each: from when to when, and how many pages of it
mincore(2) finds before and after.  LIMITED: a second, larger file that is read while
a memory cgroup is too small for it."""
import ctypes
import json
import mmap
import os
import sys
import time

PAGE = 4096
PAGES = 256
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                      ctypes.c_int, ctypes.c_long]
libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


def resident(fd):
    """Pages of the file in the page cache, as mincore says."""
    size = os.fstat(fd).st_size
    if not size:
        return 0
    at = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
    vec = ctypes.create_string_buffer((size + PAGE - 1) // PAGE)
    assert libc.mincore(at, size, vec) == 0, os.strerror(ctypes.get_errno())
    libc.munmap(at, size)
    return sum(b & 1 for b in vec.raw)


def step(name, fd, do, **more):
    before = resident(fd)
    t0 = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    do()
    after, same = resident(fd), 0
    while same < 5: # what is read ahead counts for mincore when its data is there
        time.sleep(0.02)
        t1, now = time.clock_gettime_ns(time.CLOCK_MONOTONIC), resident(fd)
        after, same = now, same + 1 if now == after else 0
    print(json.dumps({"step": name, "begin": t0, "end": t1, "before": before,
                      "after": after, **more}), flush=True)


def drop(fd):
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


def touch(fd, pages, write=False):
    """Through a mapping, one after the other, nothing read ahead."""
    with mmap.mmap(fd, PAGES * PAGE) as m:
        m.madvise(mmap.MADV_RANDOM)
        for p in pages:
            if write:
                m[p * PAGE] = 7
            else:
                m[p * PAGE]


def direct_write(path):
    fd = os.open(path, os.O_WRONLY | os.O_DIRECT)
    buf = mmap.mmap(-1, 8 * PAGE)
    os.pwritev(fd, [buf], 0)
    os.close(fd)


def main(argv):
    path = argv[1]
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    chunk = b"x" * 16 * PAGE
    some = [10, 20, 30, 200, 100]
    print(json.dumps({"ino": os.fstat(fd).st_ino, "pid": os.getpid(), "pages": PAGES}))
    step("write", fd, lambda: [os.write(fd, chunk) for _ in range(PAGES // 16)])
    step("fsync", fd, lambda: os.fsync(fd))
    step("drop", fd, lambda: drop(fd))
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
    step("random", fd, lambda: [os.pread(fd, PAGE, p * PAGE) for p in some], asked=5)
    step("again", fd, lambda: [os.pread(fd, PAGE, p * PAGE) for p in some], asked=5)
    step("drop2", fd, lambda: drop(fd))
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_NORMAL)
    step("sequential", fd, lambda: [os.pread(fd, 4 * PAGE, i * 4 * PAGE) for i in range(16)], asked=64)
    step("drop3", fd, lambda: drop(fd))

    def wanted():
        os.posix_fadvise(fd, 32 * PAGE, 32 * PAGE, os.POSIX_FADV_WILLNEED)
        for _ in range(200): # the pages come at once, their data later
            if resident(fd) >= 32:
                break
            time.sleep(0.01)
    step("willneed", fd, wanted)
    step("warm", fd, lambda: [os.pread(fd, 8 * PAGE, (32 + i * 8) * PAGE) for i in range(4)], asked=32)
    step("drop4", fd, lambda: drop(fd))
    step("mapped", fd, lambda: touch(fd, some), asked=5)
    step("store", fd, lambda: touch(fd, some, True), asked=5)
    step("fsync2", fd, lambda: os.fsync(fd))
    step("fill", fd, lambda: os.pread(fd, PAGES * PAGE, 0))
    step("direct", fd, lambda: direct_write(path))
    step("truncate", fd, lambda: os.ftruncate(fd, 0))
    os.close(fd)
    if len(argv) > 2:
        big = os.open(argv[2], os.O_RDONLY)
        print(json.dumps({"big": os.fstat(big).st_ino}))
        size = os.fstat(big).st_size

        def read_all():
            for at in range(0, size, 1 << 20):
                os.pread(big, 1 << 20, at)
        step("limited", big, read_all)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
