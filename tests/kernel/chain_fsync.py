#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""chain_fsync.py FILE BYTES DISK - appends to a file, then fsync; prints its process
number and by how much each number of the disk in /proc/diskstats grew meanwhile."""
import os
import sys

path, size, disk = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def stats():
    for line in open("/proc/diskstats"):
        words = line.split()
        if words[2] == disk:
            return [int(w) for w in words[3:]]
    raise SystemExit(disk + " is not in /proc/diskstats")


fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
os.write(fd, b"f" * size)
before = stats()
os.fsync(fd)
after = stats()
print(os.getpid(), *[b - a for a, b in zip(before, after)])
