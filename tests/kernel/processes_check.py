#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""processes_check.py ready.json witness.json ROWS.jsonl - the last row of the idle
process beside what /proc and ps said of it then."""
import json
import sys

good = bad = 0


def check(what, ok, *seen):
    global good, bad
    good, bad = good + bool(ok), bad + (not ok)
    print("ok:" if ok else "FAILED:", what, *([] if ok else seen))


ready, said = (json.load(open(p)) for p in sys.argv[1:3])
rows = [json.loads(line) for line in open(sys.argv[3])]
exact = "exact" in sys.argv[4:]
mine = [r for r in rows if r["pid"] == ready["pid"] and not r["ended"]]
check("the process has rows", mine)
r = mine[-1] if mine else {}


def same(column, value, slack=0):
    check(f"{column} is what /proc says", abs(r[column] - value) <= slack, r[column], value)


if r:
    TICK = 10**9 // said["hz"]
    same("ppid", said["ppid"])
    same("uid", said["uid"])
    same("minor_faults", said["minflt"])
    same("major_faults", said["majflt"])
    same("threads", said["threads"])
    same("fds", said["fds"])
    same("read_bytes", said["io"]["read_bytes"])
    same("write_bytes", said["io"]["write_bytes"])
    same("read_chars", said["io"]["rchar"])
    same("write_chars", said["io"]["wchar"])
    # sums that are kept per CPU: off by a batch on each
    batch = 2 * 32 * 4096 * said["cpus"]
    same("rss_bytes", said["rss"], batch)
    same("rss_max_bytes", said["hwm"], batch)
    check("the high-water mark is above what is left",
          r["rss_max_bytes"] > r["rss_bytes"] + (24 << 20), r["rss_max_bytes"], r["rss_bytes"])
    same("cpu_ns", said["cpu_ticks"] * TICK, 2 * TICK)
    same("system_ns", said["system_ticks"] * TICK, 2 * TICK)
    check("cpu_ns is at least what it burned", r["cpu_ns"] >= ready["cpu_at_least"] * 10**9, r["cpu_ns"])
    check("at least the descriptors it opened", r["fds"] >= ready["fds_at_least"], r["fds"])
    if said["io"]["write_bytes"]:  # a folder in memory has no device
        check("what it wrote reached the device", r["write_bytes"] >= ready["written"], r["write_bytes"])
    check("its name and state", r["comm"] == said["comm"] and r["state"] == said["state"] == "S",
          r["comm"], r["state"], said)
    check("start, to the clock tick", abs(r["start"] - said["start_ticks"] * TICK) < TICK,
          r["start"], said["start_ticks"])
    if exact:
        same("switches", said["switches"])
        same("preemptions", said["preemptions"])
    # ps, another program
    check("ps: kilobytes resident", abs(r["rss_bytes"] - said["ps"]["rss"] * 1024) <= batch)
    check("ps: threads, user", r["threads"] == said["ps"]["nlwp"] and r["uid"] == said["ps"]["uid"])
print(f"{good} passed, {bad} failed")
sys.exit(bad != 0)
