#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""calls_compare.py CSV STRACE - flightrec calls -O csv beside strace -f -c: calls
and errors must be equal.  Left out: what depends on who comes first (futex and
memory of threads), and numbers without a name, which strace writes otherwise."""
import csv
import re
import sys

LOOSE = re.compile(r"futex|mmap2?|munmap|mprotect|madvise|restart_syscall|brk"
                   r"|rt_sigprocmask|rt_sigreturn|sigreturn|syscall_0x|call_|strace$")


def ours(path):
    got = {}
    for row in csv.DictReader(open(path)):
        if row["calls"] != "0" and int(row["max_ns"]) > int(row["total_ns"]):
            sys.exit(f"{row['syscall']}: the longest is longer than all together")
        name = row["syscall"].split("/")[0]
        calls, errors = got.get(name, (0, 0))
        got[name] = calls + int(row["calls"]), errors + int(row["errors"])
    return got


def theirs(path):
    want = {}
    for line in open(path):
        m = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(\d+)?\s*(\w+)$", line)
        if m and m[3] != "total":
            calls, errors = want.get(m[3], (0, 0))
            want[m[3]] = calls + int(m[1]), errors + int(m[2] or 0)
    return want


got, want = ours(sys.argv[1]), theirs(sys.argv[2])
names = {n for n in got.keys() | want.keys() if not LOOSE.match(n)}
if len(names) < 8:
    sys.exit(f"only {len(names)} calls to compare")
bad = 0
for n in sorted(names):
    if got.get(n) != want.get(n):
        bad += 1
        print(f"{n}: counted {got.get(n)}, strace {want.get(n)}")
sys.exit(bad != 0)
