#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""uring_compare.py DID ROWS PID FILE - completions that a program got (DID, JSON lines)
beside the rows of the stream uring (ROWS, JSON lines): one row for each."""
import collections
import json
import sys

NO_FILE = {0, 5, 7, 11, 12, 14, 15, 18, 20, 21, 24, 25, 28, 35, 36, 37, 38, 39, 40, 45, 200}
OFFSET = {1, 2, 3, 4, 5, 8, 17, 22, 23, 24, 30}
SIZE = {3, 4, 5, 8, 22, 23, 24, 25, 26, 27, 30}
MORE, SQPOLL = 2, 2


def wanted(d):
    """What the row of a completion must say."""
    w = {"user_data": d["user_data"], "ret": d["ret"], "cqe_flags": d["cqe_flags"],
         "flags": d["sqe_flags"], "fd": d["fd"]}
    w["fd"] = None if d["fd"] == -1 else d["fd"]
    off = d["off"]
    w["offset"] = off if d["opcode"] in OFFSET and off != 2**64 - 1 else None
    w["size"] = d["len"] if d["opcode"] in SIZE else None
    if d["opcode"] in (1, 2): # two pieces
        w["size"] = 4100
    if d["opcode"] == 17:
        w["size"] = d["addr"]
    return w


def main(argv):
    did = [json.loads(l) for l in open(argv[1])]
    pid, path = int(argv[3]), argv[4]
    rows = collections.defaultdict(list)
    total = 0
    for l in open(argv[2]):
        r = json.loads(l)
        if r["pid"] == pid:
            rows[int(r["user_data"], 0) if isinstance(r["user_data"], str) else r["user_data"]].append(r)
            total += 1
    bad = 0
    for d in did:
        left = rows[d["user_data"]]
        w = wanted(d)
        same = [r for r in left if r["ret"] == d["ret"] and r["cqe_flags"] == d["cqe_flags"]]
        if not same:
            bad += 1
            print(f"  no row for {d}; there are {[(r['op'], r['ret'], r['cqe_flags']) for r in left]}")
            continue
        r = same[0]
        left.remove(r)
        wrong = {k: (r[k], v) for k, v in w.items() if k != "user_data" and r[k] != v}
        how = int(str(r["how"]), 0)
        if bool(how & 4) != bool(d["cqe_flags"] & MORE):
            wrong["more"] = how
        if bool(how & SQPOLL) != bool(d["sqpoll"]) or r["tid"] != pid:
            wrong["who"] = (how, r["tid"], pid, d["sqpoll"])
        if not d["before"] <= r["ts"] <= r["ts"] + r["dur"] <= d["after"]:
            wrong["time"] = (d["before"], r["ts"], r["dur"], d["after"])
        if d["opcode"] in (2, 4, 22, 23, 1) and d["ret"] > 0 and d["fd"] not in (0,) \
                and r["path"] != path and "pipe" not in (r["path"] or ""):
            wrong["path"] = r["path"]
        if wrong:
            bad += 1
            print(f"  {r['op']} {d['user_data']}: {wrong}")
    extra = [r for v in rows.values() for r in v]
    for r in extra[:5]:
        print("  a row that belongs to no completion:", r["op"], r["user_data"], r["ret"], r["cqe_flags"])
    ops = collections.Counter(d["opcode"] for d in did)
    print(f"  {len(did)} completions of {len(ops)} opcodes, {total} rows, {bad} wrong, {len(extra)} too many")
    return 1 if bad or extra or len(did) < 100 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
