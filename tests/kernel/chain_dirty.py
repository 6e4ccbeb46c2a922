#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""chain_dirty.py CGROUP|- FILE BYTES write|mmap - from that cgroup (- : as it is)
dirties a new file by write(2) or through a mapping; prints its process number."""
import mmap
import os
import sys

cgroup, path, size, how = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
if cgroup != "-":
    with open(cgroup + "/cgroup.procs", "w") as f:
        f.write(str(os.getpid()))
fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
if how == "write":
    for _ in range(0, size, 65536):
        os.write(fd, b"w" * 65536)
else:
    os.ftruncate(fd, size)
    with mmap.mmap(fd, size) as m:
        for at in range(0, size, 4096):
            m[at] = 1
print(os.getpid())
