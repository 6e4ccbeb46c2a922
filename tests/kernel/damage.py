#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""damage.py FLIGHTREC GOOD SCRATCH TRIES - cuts and changes a snapshot, and
demands: no crash or hang, exit 7, and only rows that the whole file has."""
import collections
import os
import random
import subprocess
import sys

COLUMNS = "stream,ts,lane,cpu,seq,call,tid,pid,ret,size"


def show(flightrec, path):
    p = subprocess.run([flightrec, "show", "-O", "csv", "-f", COLUMNS, path],
                       capture_output=True, timeout=30)
    return p.returncode, collections.Counter(p.stdout.splitlines()[1:]), p.stderr


def damaged(whole, rng):
    """(what, bytes): the ends of the file are hit more often."""
    at = rng.choice([rng.randrange(len(whole)), rng.randrange(min(512, len(whole))),
                     len(whole) - 1 - rng.randrange(min(512, len(whole)))])
    if rng.random() < 0.4:
        return f"cut at {at}", whole[:at]
    changed = bytearray(whole)
    changed[at] ^= 1 << rng.randrange(8)
    return f"bit of byte {at} changed", bytes(changed)


def main(argv):
    flightrec, good, scratch, tries = argv[1], argv[2], argv[3], int(argv[4])
    seed = int.from_bytes(os.urandom(4), "little")
    rng = random.Random(seed)
    whole = open(good, "rb").read()
    status, rows, _ = show(flightrec, good)
    if status or not rows:
        print(f"  the whole file: exit {status}, {len(rows)} rows")
        return 1
    wrong = kept = 0
    for _ in range(tries):
        what, data = damaged(whole, rng)
        with open(scratch, "wb") as f:
            f.write(data)
        try:
            status, got, err = show(flightrec, scratch)
        except subprocess.TimeoutExpired:
            wrong += 1
            print(f"  {what}: show hangs")
            continue
        kept += sum(got.values())
        if status != 7 or not err or got - rows:
            wrong += 1
            if wrong <= 10:
                print(f"  {what}: exit {status}, {sum((got - rows).values())} "
                      f"wrong rows; {err[:100]!r}")
    print(f"  seed {seed}: {tries} damaged files of {len(whole)} bytes, "
          f"{wrong} wrong; on average {kept // tries} of {sum(rows.values())} "
          f"rows were still there")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
