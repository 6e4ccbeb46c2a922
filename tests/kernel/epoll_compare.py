#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""epoll_compare.py - epoll, poll and select as strace saw them and as recorded.

  epoll_compare.py values LOG ROWS CALL...  each value of each call; the CALLs must
                                            be among them
  epoll_compare.py counts PERF ROWS TIMES   counts per call as perf stat -x, has them

LOG is strace -v -s 300, ROWS is `flightrec show -O jsonl`.
"""
import collections
import json
import re
import sys

import flags_compare as flags

WAITS = ("epoll_wait", "epoll_pwait", "epoll_pwait2")
POLLS = ("poll", "ppoll", "ppoll_time64")
SELECTS = ("select", "_newselect", "pselect6", "pselect6_time64")
TIMEOUT = dict.fromkeys(WAITS, 4) | dict.fromkeys(POLLS, 3) | \
    dict.fromkeys(SELECTS, 5)
LOOKED = 64


def number(text):
    return int(re.match(r"-?(0x[0-9a-f]+|\d+)", text)[0], 0)


def timeout_of(text):
    """ns; -1: none"""
    m = re.match(r"\{tv_sec=(-?\d+), tv_(u|n)sec=(-?\d+)\}", text)
    if m:
        return int(m[1]) * 10 ** 9 + int(m[3]) * (1000 if m[2] == "u" else 1)
    if text == "NULL":
        return -1
    return -1 if number(text) < 0 else number(text) * 10 ** 6


def entries(text):
    """The first ones that flightrec looks at, those with a descriptor."""
    found = re.findall(r"\{[^{}]*(?:\{[^{}]*\})?[^{}]*\}", text)[:LOOKED]
    return [e for e in found if "fd=-" not in e]


def masks(found, member):
    words = set()
    for text in found:
        m = re.search(r"\b" + member + r"=([^,}]+)", text)
        words |= {w for w in flags.plain(m[1]).split("|")
                  if w != "0"} if m else set()
    return words


def recorded_words(text):
    return {re.sub(r"UNKNOWN\((.*)\)", r"\1", w)
            for w in (text or "0").split("|") if w != "0"}


def same_masks(name, args, result, row):
    ret = row["ret"]
    if name in WAITS:
        if ret < 0:
            return row["events"] is None
        return masks(entries(args[1]), "events") == \
            recorded_words(row["events_text"]) and \
            row["looked"] == min(ret, LOOKED)
    if name not in POLLS:
        return row["events"] is None
    if not args[0].startswith("["):
        return row["asked_events"] is None
    asked = entries(args[0])
    good = masks(asked, "events") == recorded_words(row["asked_events_text"])
    if ret < 0:
        return good
    # strace shows only descriptors with events, whatever their place
    looked = {re.search(r"fd=(\d+)", e)[1] for e in asked}
    came = [e for e in re.findall(r"\{[^{}]*revents[^{}]*\}", result)
            if re.search(r"fd=(\d+)", e)[1] in looked]
    return good and masks(came, "revents") == \
        recorded_words(row["events_text"])


def same(name, args, result, row):
    good = row["ret"] == number(result) or (
        result.startswith("-1 ") and row["errno"] == result.split()[1])
    good &= flags.same(name, args, result, row) if name == "epoll_create1" \
        or name == "epoll_ctl" and args[3].startswith("{") else True
    if name == "epoll_create":
        good &= row["max_events"] == number(args[0]) & 0xffffffff
    if name == "epoll_ctl":
        good &= (row["fd"], row["fd2"]) == (number(args[0]), number(args[2]))
    if name in WAITS:
        good &= row["fd"] == number(args[0])
    at = 3 if name in WAITS else 2 if name in POLLS else 1
    if name in TIMEOUT:
        good &= row["max_events"] == number(args[at - 1]) & 0xffffffff
        good &= row["timeout_ns"] == timeout_of(args[TIMEOUT[name] - 1])
        good &= same_masks(name, args, result, row)
    return good


def values(argv):
    def wanted(name, _args):
        return name in TIMEOUT or name.startswith("epoll_c")
    pairs, short = flags.paired(argv[2], argv[3], wanted)
    short = {c: n for c, n in short.items() if wanted(c, None)}
    return flags.compare(pairs, short, same, argv[4:])


def counts(argv):
    """What the program called, as perf counted its system calls."""
    rows = collections.Counter()
    for line in open(argv[3]):
        row = json.loads(line)
        if row["comm"] == argv[4] and row.get("call"):
            rows[row["call"]] += 1
    wrong = total = 0
    for line in open(argv[2]):
        m = re.match(r"(\d+|<[^>]*>),[^,]*,syscalls:sys_exit_(\w+)", line)
        if not m:
            continue
        want = int(m[1]) if m[1].isdigit() else 0
        total += want
        if want != rows[m[2]]:
            wrong += 1
            print(f"  {m[2]}: perf stat {want}, flightrec {rows[m[2]]}")
    print(f"  calls: perf stat {total}, flightrec {sum(rows.values())}")
    return 0 if total and not wrong else 1


if __name__ == "__main__":
    sys.exit(values(sys.argv) if sys.argv[1] == "values" else
             counts(sys.argv))
