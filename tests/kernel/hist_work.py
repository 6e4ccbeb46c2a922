#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hist_work.py - programs that know what they do, for hist.sh.

  hist_work.py mix FOLDER... ROUNDS   reads, writes, syncs, opens in each folder, and
                                      waits for a pipe from 50 us to 20 ms
  hist_work.py count READS OPENS FOLDER   READS preads of /dev/zero and pwrites of
                                      /dev/null, OPENS opens of a file in FOLDER
  hist_work.py rows WRITES FOLDER...  WRITES pwrites of a file in each folder
"""
import os
import random
import sys
import time


def mix(folders, rounds):
    r, w = os.pipe()
    rng = random.Random(1)
    fds = [os.open(f"{d}/file", os.O_RDWR | os.O_CREAT) for d in folders]
    for i in range(rounds):
        for d, fd in zip(folders, fds):
            os.pwrite(fd, b"x" * rng.choice((1, 100, 4096, 100000)), 0)
            os.pread(fd, rng.choice((1, 4096, 65536)), 0)
            if i % 8 == 0:
                os.fsync(fd)
            other = os.open(f"{d}/{i % 16}", os.O_WRONLY | os.O_CREAT)
            os.write(other, b"y")
            os.close(other)
        if i % 10 == 0:
            if os.fork() == 0:
                time.sleep(rng.choice((0.00005, 0.001, 0.02)))
                os.write(w, b"z")
                os._exit(0)
            os.read(r, 1)
            os.wait()


def count(reads, opens, folder):
    zero = os.open("/dev/zero", os.O_RDONLY)
    null = os.open("/dev/null", os.O_WRONLY)
    for _ in range(reads):
        os.pread(zero, 1, 0)
        os.pwrite(null, b"x", 0)
    for i in range(opens):
        os.close(os.open(f"{folder}/new", os.O_RDWR | os.O_CREAT))
    s = os.stat(folder)
    print(f"{os.major(s.st_dev)}:{os.minor(s.st_dev)}")


def rows(writes, folders):
    for d in folders:
        fd = os.open(f"{d}/file", os.O_RDWR | os.O_CREAT)
        for _ in range(writes):
            os.pwrite(fd, b"x", 0)
        os.close(fd)


args = sys.argv[2:]
if sys.argv[1] == "mix":
    mix(args[:-1], int(args[-1]))
elif sys.argv[1] == "count":
    count(int(args[0]), int(args[1]), args[2])
else:
    rows(int(args[0]), args[1:])
