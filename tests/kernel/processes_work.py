#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""processes_work.py FOLDER [SECONDS] - uses known amounts of CPU, memory, I/O and
descriptors, says so in FOLDER/ready as JSON, and is idle from then on until its
standard input ends.  Then it uses SECONDS more of CPU and ends."""
import json
import mmap
import os
import sys
import threading
import time

folder = sys.argv[1]
more = float(sys.argv[2]) if len(sys.argv) > 2 else 0


def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


MIB = 1 << 20
big = mmap.mmap(-1, 64 * MIB)  # touched, then half of it given back
for at in range(0, 64 * MIB, 4096):
    big[at] = 1
big.madvise(mmap.MADV_DONTNEED, 0, 32 * MIB)
fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(100)]
with open(os.path.join(folder, "data"), "wb", 0) as f:
    for _ in range(5):
        f.write(b"x" * MIB)
        os.fsync(f.fileno())
# a thread that ends: its time stays with the process
ended = threading.Thread(target=burn, args=(0.2,))
ended.start()
ended.join()
gate = threading.Event()
waiting = [threading.Thread(target=gate.wait, daemon=True) for _ in range(4)]
for t in waiting:
    t.start()
burn(0.3)
with open(os.path.join(folder, "ready.new"), "w") as f:
    json.dump({"pid": os.getpid(), "cpu_at_least": 0.5, "fds_at_least": 103,
               "written": 5 * MIB, "threads": 5}, f)
os.rename(f.name, os.path.join(folder, "ready"))
sys.stdin.read()
burn(more)
