#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""streams_table.py DID ROWS STATUS1 STATUS2 MECHANISM [HOTPLUG [PREEMPTED]] - the table stream: what the program
did, the records of it, and what the recorder counted; wrong if they differ."""
import bisect
import collections
import csv
import glob
import json
import os
import sys

# Functions of the kernel that the stream fs shows as calls where it can.
KERNELS_OWN = ("vfs_", "kernel_", "filemap_", "generic_", "iomap_", "notify_", "iterate_")
# Streams without programs of their own: what those of fs were kept from counts there.
CARRIED = {os.path.basename(p)[4:-len(".bpf.h")] for p in glob.glob("bpf/sys_*.bpf.h")}
COUNTS = ("records", "filtered", "unmatched", "lost", "misses")


def probes(status):
    """{stream: {probe: counts}}"""
    found = collections.defaultdict(dict)

    def walk(value, path):
        if not isinstance(value, dict):
            return
        if "hits" in value and "records" in value:
            found[path[-2]][path[-1]] = value
        for k, v in value.items():
            walk(v, path + (k,))
    walk(status, ())
    return found


def rows_of(path, did):
    """Records of the program between its begin and end, by stream."""
    seen, ops = collections.Counter(), collections.Counter()
    children = set()
    for r in csv.DictReader(open(path)):
        if not r["ts"]:
            continue
        inside = did["begin_ns"] <= int(r["ts"]) <= did["end_ns"]
        stream = r["stream"]
        mine = r["pid"] == str(did["pid"])
        if stream == "proc" and mine and r["op"] == "fork" and inside:
            seen["proc"] += 3 # checked one by one by proc.sh
        elif stream == "block":
            if mine and inside and r["op"] == "read":
                seen["block"] += 1
        elif stream in ("cache", "drop"):
            seen[stream] += inside and (mine or stream == "drop")
        elif stream == "fault": # not the program's own code
            seen[stream] += mine and inside and r["path"].endswith("/file")
        elif stream == "fs" and r["call"].startswith(KERNELS_OWN):
            pass # what io_uring, exec and the like did with files: no call of the program
        elif mine and inside and stream in did:
            seen[stream] += 1
            ops[stream, r["op"]] += 1
    return seen, ops


def explain_block(path, did):
    """Direct reads of the program that no block request belongs to."""
    rows = [r for r in csv.DictReader(open(path)) if r["ts"]]
    blocks = sorted(int(r["ts"]) for r in rows if r["stream"] == "block"
                    and r["op"] == "read" and r["pid"] == str(did["pid"]))
    for r in rows:
        if r["stream"] != "fs" or r["direct"] != "1" or r["op"] != "read":
            continue
        a, b = int(r["ts"]), int(r["ts"]) + int(r["dur"])
        at = bisect.bisect_left(blocks, a)
        if at == len(blocks) or blocks[at] > b:
            print(f"    no request for the read at {a}, {r['dur']} ns, ret {r['ret']}")
            for x in rows:
                if x["stream"] == "block" and a <= int(x["ts"]) <= b:
                    print("     ", x)


def lanes_lost(status):
    lost = {}
    for name, lane in (status.get("lane") or {}).items():
        if isinstance(lane, dict):
            lost[name] = int(lane.get("lost", 0) or 0)
    return lost


def main(argv):
    did = json.load(open(argv[1]))
    before, after = (json.load(open(p)) for p in argv[3:5])
    a, b = probes(before), probes(after)
    seen, ops = rows_of(argv[2], did)
    wrong, total, forced = 0, 0, argv[5] != "auto"
    plugged = len(argv) > 6 and argv[6] == "1"
    preempted = len(argv) > 7 and argv[7] == "1"
    print("  stream    witness  records   of all: "
          "records   filtered  unmatched   lost  missed")
    all_sums = {stream: {k: sum(int(p.get(k, 0) or 0) - int(a[stream].get(name, {}).get(k, 0) or 0)
                                for name, p in b[stream].items()) for k in COUNTS} for stream in b}
    for stream, sums in sorted(all_sums.items()):
        misses = sums["misses"] + (all_sums["fs"]["misses"] if stream in CARRIED else 0)
        total += sums["records"]
        want, got = did.get(stream), seen.get(stream, 0)
        if stream == "block" and want == 0:
            want = None # the file system takes no direct I/O
        apart = 0 if want is None else want - got
        if stream == "block" and plugged and 0 <= apart <= want // 20:
            bad = sums["lost"] # tracepoints are mute on a CPU that is not online yet
        elif stream == "fault" and plugged and 0 <= apart:
            bad = sums["lost"] # perf's events of a CPU that came back come later
        elif forced: # the kernel may have kept some from us, and said so
            bad = sums["lost"] or apart < 0 or apart > misses
        elif preempted and stream == "cache": # no mechanism that is never skipped
            bad = sums["lost"] or sums["misses"] > sums["records"] // 100
        else:
            bad = sums["lost"] or apart or sums["misses"]
        wrong += bool(bad)
        print(f"  {stream:<9} {'-' if want is None else want:>7} {got:>8}"
              f" {sums['records']:>17} {sums['filtered']:>10} {sums['unmatched']:>10}"
              f" {sums['lost']:>6} {sums['misses']:>7}{'  WRONG' if bad else ''}")
        if bad and want != got and stream == "block":
            explain_block(argv[2], did)
        elif bad and want != got:
            print("   ", {k[1]: n for k, n in ops.items() if k[0] == stream})
    for lane, lost in sorted(lanes_lost(after).items()):
        if lost:
            wrong += 1
            print(f"  lane {lane}: {lost} records lost")
    seconds = (did["end_ns"] - did["begin_ns"]) / 1e9
    print(f"  {total} records in {seconds:.1f} s: {total / seconds:.0f} a second")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
