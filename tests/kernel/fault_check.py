#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""fault_check.py DID ROWS WAY WHAT [ARG...] - fault.c's touches beside the records
of stream fault.  WAY: functions or perf.  MISSES in the environment: so many the
kernel kept from a mechanism that was forced, and said so."""
import collections
import csv
import os
import re
import sys


def read_touches(path):
    names = "what tid address op major minor t0 t1 offset file".split()
    out = []
    for line in open(path):
        t = dict(zip(names, line.rstrip("\n").split(",")))
        for k in ("tid", "address", "major", "minor", "t0", "t1", "offset"):
            t[k] = int(t[k])
        out.append(t)
    return out


def read_rows(path):
    out = []
    for r in csv.DictReader(open(path)):
        r["address"] = int(r["address"], 0)
        for k in ("tid", "pid", "offset", "ino", "ts", "dur", "weight"):
            r[k] = int(r[k]) if r[k] else None
        out.append(r)
    return out


def within(t, rows):
    """Rows of the touch's thread at its address, begun while it was made."""
    return [r for r in rows.get((t["tid"], t["address"]), ())
            if t["t0"] <= r["ts"] <= t["t1"]]


def wrong_in(t, r, ids):
    """What the record of a touch says otherwise than the touch."""
    want = {
        "op": t["op"], "severity": "MAJOR" if t["major"] else "MINOR",
        "offset": t["offset"], "weight": 1,
    }
    if t["file"].startswith("/"):
        want.update(path=t["file"], ino=ids[t["file"]][0], dev=ids[t["file"]][1])
    bad = [f"{k} {r[k]}, not {v}" for k, v in want.items() if r[k] != v]
    if not t["file"].startswith("/") and t["file"] not in r["path"]:
        bad.append(f"path {r['path']}")
    if r["dur"] is None or r["ts"] + r["dur"] > t["t1"]:
        bad.append(f"dur {r['dur']} of {t['t1'] - t['t0']} ns")
    return bad


def touches(did, rows, way):
    """One record for each fault that the kernel counted, none for all else."""
    by_place = collections.defaultdict(list)
    for r in rows:
        by_place[r["tid"], r["address"]].append(r)
    files = {t["file"] for t in did if t["file"].startswith("/")}
    ids = {f: (os.stat(f).st_ino, f"{os.major(os.stat(f).st_dev)}:"
               f"{os.minor(os.stat(f).st_dev)}") for f in files}
    table = collections.defaultdict(collections.Counter)
    wrong, used = 0, 0
    misses = int(os.environ.get("MISSES", 0))
    for t in did:
        faults = t["major"] + t["minor"]
        got = within(t, by_place)
        want = faults if t["file"] and t["what"] != "beyond" else 0
        if way == "perf" and t["what"] == "populate":
            want = 0 # the kernel tells perf of faults by exceptions only
        used += len(got)
        bad = [f"{len(got)} records, {want} faults"] if len(got) != want else []
        if len(got) < want <= misses:
            misses -= want
            bad = []
            print(f"    {t['what']} {t['op']} at {t['address']:#x}: the kernel missed it")
        elif not bad and got:
            bad = wrong_in(t, got[0], ids)
        c = table[t["what"], t["op"]]
        c["touches"] += 1
        c["major"] += t["major"]
        c["minor"] += t["minor"]
        c["records"] += len(got)
        c["wrong"] += bool(bad)
        if bad and wrong < 10:
            print(f"    {t['what']} {t['op']} at {t['address']:#x}: {'; '.join(bad)}")
        wrong += bool(bad)
    print("  case        op     touches  major  minor  records")
    for (what, op), c in table.items():
        print(f"  {what:<11} {op:<6} {c['touches']:>7} {c['major']:>6} {c['minor']:>6}"
              f" {c['records']:>8}{'  WRONG' if c['wrong'] else ''}")
    # every record of the two files by these threads belongs to a touch
    tids = {t["tid"] for t in did}
    mine = [r for r in rows if r["tid"] in tids and
            (r["path"] in files or "memfd:fr-" in r["path"])]
    touched = sum(len([r for r in within(t, by_place) if r in mine]) for t in did)
    if touched != len(mine):
        print(f"  {len(mine) - touched} records of no touch")
        wrong += 1
    return wrong or not used


def waited(did, rows, path):
    """Cold pages: the fault lasted as long as the request of its file meanwhile
    (by inode: one that the disk had no room for is issued by another thread)."""
    blocks = collections.defaultdict(list)
    for b in csv.DictReader(open(path)):
        if b["ts"] and b["dur"] and b["ino"] and b["op"] == "read":
            blocks[int(b["ino"])].append((int(b["ts"]), int(b["dur"])))
    by_place = collections.defaultdict(list)
    for r in rows:
        by_place[r["tid"], r["address"]].append(r)
    faults = found = wrong = 0
    for t in did:
        if not t["what"].startswith("cold") or not t["major"]:
            continue
        for r in within(t, by_place):
            faults += 1
            end = r["ts"] + r["dur"]
            own = [b for b in blocks[r["ino"]] if r["ts"] <= b[0] <= end]
            found += bool(own)
            if any(b[0] + b[1] > end for b in own):
                wrong += 1
                print(f"    {r['dur']} ns, but its request ends later: {own}")
    print(f"  {faults} faults on cold pages, {found} with a request of the disk within")
    return wrong or not faults or found != faults


def numbers(path):
    out = {}
    for line in open(path):
        m = re.match(r"(\d+),[^,]*,([a-z-]+)", line)
        if m:
            out[m.group(2)] = int(m.group(1))
    return out


def counted(did, argv):
    """perf of the program alone: at least what the touches show, all of them."""
    perf = numbers(argv[0])
    sums = {"major-faults": sum(t["major"] for t in did if t["what"] != "populate"),
            "minor-faults": sum(t["minor"] for t in did if t["what"] != "populate")}
    wrong = 0
    for event, least in sums.items():
        print(f"  {event}: perf {perf.get(event)}, of the touches {least}")
        wrong += perf.get(event, -1) < least
    return wrong


def main(argv):
    did, way, what = read_touches(argv[1]), argv[3], argv[4]
    rows = read_rows(argv[2])
    if what == "touches":
        return touches(did, rows, way)
    if what == "waited":
        return waited(did, rows, argv[5])
    return counted(did, argv[5:])


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv) else 0)
