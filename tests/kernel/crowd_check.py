#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""crowd_check.py - rows of tests/kernel/crowd.c: every event is there, with its name,
or with a mark that the name is gone.

  crowd_check.py files CSV FOLDER N       show -f call,offset,path,mark,ret
  crowd_check.py processes CSV N          show -f op,call,offset,comm,ppid,status
  crowd_check.py threads CSV INFLIGHT INFO N
                                          show -f call,offset,ret,tid; the rows in flight
                                          of another snapshot and its info
  crowd_check.py names INFO               names were overwritten, and that is counted
"""
import collections
import csv
import json
import sys


def load(path):
    return list(csv.DictReader(open(path, newline="")))


def once_each(rows, n):
    """Offsets 0 to n - 1, each once."""
    seen = collections.Counter(int(r["offset"]) for r in rows
                               if r["call"] == "pwrite64")
    missing = [i for i in range(n) if seen[i] != 1]
    print(f"  {sum(seen.values())} of {n} numbered writes; not once: "
          f"{missing[:5]}")
    return not missing and sum(seen.values()) == n


def check_files(path, folder, n):
    rows, named, gone, wrong = load(path), 0, 0, []
    for row in rows:
        if row["call"] != "pwrite64":
            continue
        if row["path"] == f"{folder}/n{row['offset']}" and not row["mark"]:
            named += 1
        elif row["mark"] == "path_gone" and not row["path"]:
            gone += 1
        else:
            wrong.append(row)
    opened = sum(r["call"] == "openat" and int(r["ret"]) >= 0 and
                 (r["path"].startswith(folder + "/n") or "gone" in r["mark"])
                 for r in rows)
    print(f"  {named} with their name, {gone} whose name is gone, "
          f"{len(wrong)} with another: {wrong[:2]}; {opened} opened")
    good = once_each(rows, int(n)) and not wrong and opened >= int(n)
    return 0 if good and gone and named else 1


def check_processes(path, n):
    rows, n = load(path), int(n)
    exits = [r for r in rows if r["op"] == "exit" and r["comm"] != "flightrec"]
    writes = [r for r in rows if r["call"] == "pwrite64"]
    comms = collections.Counter(r["comm"] for r in writes)
    status = collections.Counter(int(r["status"]) >> 8 for r in exits)
    want = collections.Counter(i & 127 for i in range(n))
    print(f"  {len(exits)} ends; names: {dict(comms)}")
    good = (once_each(rows, n) and set(comms) <= {"crowd", ""} and
            comms["crowd"] and comms[""] and
            all(status[s] >= want[s] for s in want))
    return 0 if good else 1


def check_threads(path, inflight, info, n):
    rows, n = load(path), 2 * int(n)
    reads = {r["tid"] for r in rows if r["call"] == "read" and r["ret"] == "1"}
    writers = {r["tid"]: r for r in rows if r["call"] == "pwrite64"}
    waiting = [r for r in load(inflight) if r["call"] == "read"]
    waited = {r["tid"] for r in waiting}
    shared = collections.Counter(int(t) & 65535 for t in writers)
    # a snapshot holds a megabyte of them, and says how many more there were
    more = int(json.load(open(info))["facts"]["inflight"]["left_out"])
    print(f"  {len(waited & set(writers))} of {n} threads in flight at once "
          f"and {more} left out, {sum(c == 2 for c in shared.values())} places shared; "
          f"{len(reads & set(writers))} reads ended")
    good = (once_each(rows, n) and len(writers) == n and
            n <= len(waited & set(writers)) + more <= n + 100 and
            len(waiting) == len(waited) and set(writers) <= reads)
    return 0 if good and any(c == 2 for c in shared.values()) else 1


def check_names(path):
    info = json.load(open(path))
    lanes = {}
    for row in info["coverage"]:
        lane = lanes.setdefault(row["lane"], collections.Counter())
        for key in ("records", "overwritten", "lost"):
            lane[key] += row[key]
    print("  " + "; ".join(f"{k}: {dict(v)}" for k, v in lanes.items()
                           if k in ("names", "fs", "proc")))
    others = [v for k, v in lanes.items() if k != "names"]
    good = (lanes["names"]["overwritten"] > 0 and
            not any(v["lost"] or v["overwritten"] for v in others))
    return 0 if good else 1


if __name__ == "__main__":
    checks = {"files": check_files, "processes": check_processes,
              "threads": check_threads, "names": check_names}
    sys.exit(checks[sys.argv[1]](*sys.argv[2:]))
