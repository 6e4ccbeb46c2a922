#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""chain_check.py FOLDER DEV CHARGED WHAT - block rows against what the programs,
the file system and the cgroups say; for chain.sh."""
import json
import re
import sys

folder, dev, charged, what = sys.argv[1:5]
rows = [r for r in map(json.loads, open(folder + "/rows")) if r["dev"] == dev]
writes = [r for r in rows if r["op"] == "write" and r["file_dev"] == dev]
wrong = 0


def same(text, got, *want):
    global wrong
    good = all(got == w for w in want)
    wrong += not good
    print(f"  {text}: {got}, elsewhere {', '.join(map(str, want))}"
          + ("" if good else "  WRONG"))


def read_files():
    """{name: (inode, size, [(first sector, sectors), ...])}"""
    files, name = {}, None
    for line in open(folder + "/files"):
        words = line.split()
        if words[:1] == ["file"]:
            name = words[1]
            files[name] = (int(words[2]), int(words[3]), [])
        m = re.match(r"\s*\d+:\s+\d+\.\.\s*\d+:\s+(\d+)\.\.\s*\d+:\s+(\d+):", line)
        if m:
            files[name][2].append((int(m[1]), int(m[2])))
    return files


files = read_files()
pids = {n: int(open(f"{folder}/pid.{n}").read()) for n in ("written", "mapped")}


def sectors_of(r):
    """How many sectors of each file lie in a request, by filefrag."""
    begin, end = r["sector"], r["sector"] + r["size"] // 512
    return {n: sum(max(0, min(end, at + nr) - max(begin, at)) for at, nr in ext)
            for n, (_, _, ext) in files.items()}


def check_perf():
    global wrong
    counts = []
    for name in ("inner", "outer"):
        lines = [l.split(",") for l in open(f"{folder}/{name}")]
        counts += [int(l[0]) for l in lines if len(l) > 2 and l[0].isdigit()]
    a, b = (find_chain(json.load(open(f"{folder}/status.{i}"))) for i in (1, 2))
    got = sum(b[k] - a[k] for k in ("hits", "misses"))
    good = 0 < counts[0] <= got <= counts[1]
    wrong += not good
    print(f"  chain.dirty {got}, perf {counts[0]} to {counts[1]}" + ("" if good else "  WRONG"))


def find_chain(value):
    if isinstance(value, dict):
        if isinstance(value.get("chain"), dict) and "dirty" in value["chain"]:
            return value["chain"]["dirty"]
        for v in value.values():
            found = find_chain(v)
            if found:
                return found
    return None


def check_dirtier():
    for name, pid in pids.items():
        ino, size, _ = files[name]
        mine = [r for r in writes if r["ino"] == ino]
        # of a request of several files count the sectors that are this file's
        parts = [sectors_of(r).get(name, 0) * 512 if r["mixed"] else r["moved"]
                 for r in writes if r["ino"] == ino or r["mixed"]]
        same(f"bytes of {name}", sum(parts), size)
        same("  last dirtier", {r["dirtier_pid"] for r in mine}, {pid})
        same("  its thread", {r["dirtier_tid"] for r in mine}, {pid})
        same("  submitted by somebody else", pid in {r["pid"] for r in mine}, False)
    own = [r for r in writes if r["pid"] == r["dirtier_pid"]]
    same("requests whose dirtier is their submitter", len(own), 0)


def io_stat(name, moment):
    """Bytes written to the device: of this cgroup."""
    for line in open(f"{folder}/io.{name}.{moment}"):
        words = line.split()
        if words and words[0] == dev:
            return int(dict(w.split("=") for w in words[1:])["wbytes"])
    return 0


def check_cgroup():
    root, *ids = map(int, open(folder + "/cgroups"))
    for name, side, cgroup in (("written", "a", ids[0]), ("mapped", "b", ids[1])):
        mine = [r for r in writes if r["ino"] == files[name][0] and not r["mixed"]]
        if charged == "no":
            same(f"{name}: cgroup", {r["cgroup"] for r in mine}, {root})
            continue
        same(f"{name}: cgroup", {r["cgroup"] for r in mine}, {cgroup})
        same("  that of who submitted", cgroup in {r["submit_cgroup"] for r in mine}, False)
        all_of = sum(r["moved"] for r in rows if r["cgroup"] == cgroup and r["op"] == "write")
        same("  bytes of it", all_of, io_stat(side, 2) - io_stat(side, 1))


def check_mixed():
    global wrong
    seen = 0
    for r in writes:
        inside = sectors_of(r)
        if sum(inside.values()) * 512 != r["size"]:
            continue  # of a file that is gone
        count = sum(v > 0 for v in inside.values())
        if (r["mixed"] or 1) != count:
            print(f"  sector {r['sector']}: mixed {r['mixed']}, filefrag {inside}  WRONG")
            wrong += 1
        seen = max(seen, count)
    print(f"  at most {seen} files in one request")
    wrong += seen < 2


def check_fsync():
    pid, *grown = map(int, open(folder + "/fsync").read().split())
    ops = json.load(open(folder + "/chain"))["operations"]
    same("fsyncs", [o["pid"] for o in ops], [pid])
    requests = ops[0]["requests"]
    data = [r for r in requests if r["op"] == "write"]
    for r in requests:
        print(f"    +{r['from_start_ns'] / 1e3:.1f} us {r['op']} {r['size']} {r['why']} by {r['comm']}")
    same("writes", len(data), grown[4])
    same("sectors written", sum(r["moved"] for r in data) // 512, grown[6])
    same("reads", sum(r["op"] == "read" for r in requests), grown[0])
    same("flushes", sum(r["op"] == "flush" for r in requests), grown[15])
    same("data of the file", sum(r["moved"] for r in data if r["why"] == "thread") >= 300000, True)
    same("disks", {r["dev"] for r in requests}, {dev})
    whole = ops[0]["explained_ns"] + ops[0]["unexplained_ns"]
    same("time", whole, ops[0]["dur"])


{"perf": check_perf, "dirtier": check_dirtier, "cgroup": check_cgroup, "mixed": check_mixed,
 "fsync": check_fsync}[what]()
sys.exit(wrong > 0)
