#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kinds_check.py - files by kind, as strace -yy shows them and as recorded.

  kinds_check.py strace LOG ROWS       the program's calls, by kind, are equal
  kinds_check.py without KIND ALL ROWS those of KIND are gone, the others are
                                       unchanged
  kinds_check.py filtered KIND ALL INFO0 INFO1
                                       what is gone is counted as filtered

ROWS, ALL: flightrec show -O csv -f kind,call,moved; INFO: flightrec info -O json.
"""
import collections
import csv
import json
import os
import re
import stat
import sys

TTY_MAJORS = {4, 5, 136}


def kind_by_strace(shown):
    """pipe:[1], UNIX-STREAM:[..], /dev/zero<char 1:5>, a path ..."""
    device = re.search(r"<(char|block) (\d+):\d+", shown)
    if device:
        return ("blk" if device[1] == "block" else
                "tty" if int(device[2]) in TTY_MAJORS else "chr")
    for begin, kind in (("pipe:", "pipe"), ("UNIX", "unix"), ("TCP", "socket"),
                        ("UDP", "socket"), ("anon_inode:", "anon")):
        if shown.startswith(begin):
            return kind
    mode = os.stat(shown).st_mode
    return ("dir" if stat.S_ISDIR(mode) else "fifo" if stat.S_ISFIFO(mode)
            else "file")


def strace_rows(log):
    rows = collections.Counter()
    for line in open(log):
        m = re.match(r"(?:\d+ +)?(\w+)\((.*)\)\s+= (.*)$", line.rstrip())
        if not m:
            raise SystemExit(f"cannot read this line of strace: {line}")
        call, result = m[1], m[3]
        shown = result if call == "openat" else m[2]
        d = re.match(r"\d+<(.*)$", shown)
        if not d:
            continue
        inside = re.match(r"((?:[^<>]|<[^<>]*>|->)*)>", d[1])[1]
        moved = (result if call in ("read", "write", "pread64") and
                 not result.startswith("-") else "")
        rows[kind_by_strace(inside), call, moved] += 1
    return rows


def recorded(path, only=None):
    return collections.Counter(
        (r["kind"], r["call"], r["moved"]) for r in csv.DictReader(open(path))
        if only is None or r["call"] in only)


def compare(want, got, what):
    for k in sorted(set(want) | set(got)):
        if want[k] != got[k]:
            print(f"  {k}: {what} {want[k]}, recorded {got[k]}")
    return want == got and sum(want.values()) > 0


def count(path, side, what):
    probes = json.load(open(path))["facts"]["probe"]["fs"]
    return int(re.search(what + r"=(\d+)", probes[side])[1])


def main(argv):
    if argv[1] == "strace":
        want = strace_rows(argv[2])
        got = recorded(argv[3], {call for _, call, _ in want})
        for k in [k for k in got if not k[0]]:
            del got[k] # operations on no file, or that failed
        kinds = {k for k, _, _ in want}
        print(f"  {sum(want.values())} calls on {sorted(kinds)}")
        return not compare(want, got, "strace")
    everything = recorded(argv[3])
    mine = {k: n for k, n in everything.items() if k[0] == argv[2]}
    if argv[1] == "without":
        for k in mine:
            del everything[k]
        return not (mine and compare(everything, recorded(argv[4]), "without"))
    # what an open finds is known when it returns
    opens = sum(n for k, n in mine.items() if k[1] == "openat")
    total = sum(mine.values())
    pending, records, unmatched = (
        count(argv[5], side, what) - count(argv[4], side, what)
        for side, what in (("enter", "pending"), ("exit", "records"),
                           ("exit", "unmatched")))
    print(f"  {total} calls gone, {opens} of them opens; pending {pending}, "
          f"records {records}, unmatched {unmatched}")
    # filtered counts those of all other processes, too, but hits are the sum of
    # five: two fell by what is gone, two did not rise by it
    return not (pending == opens - total and records == -total and
                unmatched < total // 2 and
                count(argv[5], "exit", "lost") == 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
