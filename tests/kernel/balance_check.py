#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""balance_check.py STATUS1 STATUS2 INNER OUTER PROBE=EVENT... - the balance of
each probe between two `flightrec status --json`, and perf's counts around it.

With kernel.bpf_stats_enabled the kernel counts how often each program ran
(run_count): the second witness, from attaching on, for every probe."""
import json
import os
import sys

PARTS = ("records", "pending", "filtered", "unmatched", "lost")


def find_probes(value, path=()):
    """{"fs.sys_enter": counts} of all objects that have hits and records."""
    found = {}
    if isinstance(value, dict):
        if "hits" in value and "records" in value:
            found[".".join(path[-2:])] = value
        for k, v in value.items():
            found.update(find_probes(v, path + (k,)))
    return found


def perf_counts(path):
    out = {}
    for line in open(path):
        part = line.split(",")
        if len(part) > 2 and part[0].isdigit():
            out[part[2]] = int(part[0])
    return out


def find_probe(probes, name):
    """fs_enter, or sys_enter of stream fs: as the status names it."""
    stream, _, what = name.partition("_")
    for p in probes:
        if stream in p and what in p:
            return p
    raise SystemExit(f"status names no probe {name}: {sorted(probes)}")


def main(argv):
    before, after = (find_probes(json.load(open(p))) for p in argv[1:3])
    inner, outer = perf_counts(argv[3]), perf_counts(argv[4])
    wrong = 0
    # a probe that runs while the counts are read may be half counted
    slack = 64 * os.cpu_count()
    print("  probe                    hits    records    pending   filtered "
          "unmatched      lost    misses")
    for name, b in sorted(after.items()):
        a = before.get(name, {})
        d = {k: int(b.get(k, 0) or 0) - int(a.get(k, 0) or 0)
             for k in PARTS + ("hits", "misses")}
        print(f"  {name:<18} {d['hits']:>10} {d['records']:>10} "
              f"{d['pending']:>10} {d['filtered']:>10} {d['unmatched']:>9} "
              f"{d['lost']:>9} {d['misses']:>9}")
        runs = int(b.get("run_count", 0) or 0)
        apart = runs - int(b["hits"])
        if runs and abs(apart) > max(slack, runs // 20000):
            wrong += 1
            print(f"  {name}: the kernel ran it {runs} times, "
                  f"{apart} more than are accounted for")
        rest = d["hits"] - sum(d[k] for k in PARTS)
        if abs(rest) > slack:
            wrong += 1
            print(f"  {name}: {rest} hits are unaccounted for")
    for pair in argv[5:]:
        probe, event = pair.split("=")
        name = find_probe(after, probe)
        got = sum(int(after[name].get(k, 0) or 0) -
                  int(before[name].get(k, 0) or 0) for k in ("hits", "misses"))
        low, high = inner[event], outer[event]
        good = low <= got <= high and low > 0
        wrong += not good
        print(f"  {name}: hits and misses {got}, perf {low} to {high} "
              f"({100 * (high - low) / max(high, 1):.3f} % apart)"
              + ("" if good else " FAILED"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
