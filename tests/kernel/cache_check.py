#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""cache_check.py DID ROWS KINDS - what a program did to the page cache (DID) beside
the rows of the stream cache (ROWS, CSV).  KINDS: those that this kernel can show
(hit,writeback)."""
import collections
import csv
import json
import sys

GONE = ("evict", "invalidate", "drop", "reclaim")


def main(argv):
    lines = [json.loads(l) for l in open(argv[1])]
    can = argv[3].split(",")
    file, big = lines[0], next((l for l in lines if "big" in l), None)
    rows = [r for r in csv.DictReader(open(argv[2])) if r["ts"]]
    bad = 0

    def pages(step, ino):
        c = collections.Counter()
        for r in rows:
            if int(r["ino"]) == ino and step["begin"] <= int(r["ts"]) <= step["end"]:
                c[r["op"]] += int(r["count"]) * int(r["weight"])
        return c

    def expect(step, what, got, want):
        nonlocal bad
        if got != want:
            bad += 1
            print(f"  {step['step']}: {what}: {got}, not {want}  WRONG")

    steps = {l["step"]: l for l in lines if "step" in l}
    n = file["pages"]
    for name, s in steps.items():
        if name == "limited":
            continue
        c = pages(s, file["ino"])
        print(f"  {name:<11} mincore {s['before']:>4} -> {s['after']:>4}  "
              + " ".join(f"{k}={v}" for k, v in sorted(c.items())))
        came, gone = c["miss"] + c["readahead"], sum(c[k] for k in GONE)
        # the law of conservation, by a witness that is not us
        expect(s, "pages that came less those that went", came - gone, s["after"] - s["before"])
        if name in ("write",):
            expect(s, "miss", c["miss"], n)
            expect(s, "dirty", c["dirty"], n)
        if name in ("fsync", "fsync2") and "writeback" in can:
            want = n if name == "fsync" else 5
            expect(s, "writeback_start", c["writeback_start"], want)
            expect(s, "writeback_end", c["writeback_end"], want)
        if name.startswith("drop"):
            expect(s, "drop", c["drop"], s["before"])
        if name in ("random", "mapped"):
            expect(s, "miss", c["miss"], 5)
            expect(s, "readahead", c["readahead"], 0)
        if name in ("again", "warm"):
            expect(s, "miss", came, 0)
            if "hit" in can:
                expect(s, "hit", c["hit"], s["asked"])
        if name == "sequential":
            expect(s, "readahead more than nothing", c["readahead"] > 0, True)
            if "hit" in can:
                expect(s, "hit and miss are what was asked for", c["hit"] + c["miss"], 64)
        if name == "willneed":
            expect(s, "miss", c["miss"], 0)
            expect(s, "readahead", c["readahead"], s["after"])
        if name == "store":
            expect(s, "dirty", c["dirty"], 5)
        if name == "direct":
            expect(s, "invalidate", c["invalidate"], s["before"] - s["after"])
            expect(s, "some went", s["before"] > s["after"], True)
        if name == "truncate":
            expect(s, "invalidate", c["invalidate"], s["before"])
    if big and "limited" in steps:
        s = steps["limited"]
        c = pages(s, big["big"])
        print(f"  {'limited':<11} mincore {s['before']:>4} -> {s['after']:>4}  "
              + " ".join(f"{k}={v}" for k, v in sorted(c.items())))
        expect(s, "pages that came less those that went",
               c["miss"] + c["readahead"] - sum(c[k] for k in GONE), s["after"] - s["before"])
        expect(s, "reclaim", c["reclaim"] > 0, True)
        expect(s, "nothing else went", sum(c[k] for k in GONE), c["reclaim"])
    named = {r["path"] for r in rows if int(r["ino"]) == file["ino"]}
    expect(steps["write"], "rows name the file", all(p.endswith("/file") for p in named), True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
