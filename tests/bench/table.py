#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""table.py - medians and ratios of a benchmark run.

  table.py cost FILE            lines "round workload recorder ns" as a table,
                                then the figures as JSON lines
  table.py snapshot INFO BYTES SECONDS STATUS   figures of one snapshot, from
                                info -O json and status --json before it
  table.py encode               the line of tests/bench/encode, on stdin
  table.py check LIMITS FILE    JSON lines against the limits
"""
import json
import statistics
import sys

RECORDERS = ("base", "empty", "flightrec", "ftrace", "perf")
TITLES = {"one": "one file, one process",
          "many": "10,000 files, 1,000 processes"}


def say(name, value, unit):
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit}))


def cost(path):
    values = {}
    for line in open(path):
        k, workload, recorder, ns = line.split()
        values.setdefault((workload, recorder), {})[k] = float(ns)
    figures = []
    print("ns of CPU per pread64 of one byte; added: median over rounds of the "
          "difference to base")
    for workload in ("one", "many"):
        base = values[workload, "base"]
        added = {}
        print(f"\n{TITLES[workload]}\n  {'recorder':<10} {'ns':>8} {'added':>8} "
              f"{'x ftrace':>9}")
        for r in RECORDERS:
            if (workload, r) in values:
                v = values[workload, r]
                added[r] = statistics.median(v[k] - base[k] for k in v)
        for r in added:
            ratio = (f"{added[r] / added['ftrace']:.2f}"
                     if added.get("ftrace", 0) > 0 and r != "base" else "")
            print(f"  {r:<10} {statistics.median(values[workload, r].values()):8.1f} "
                  f"{added[r]:8.1f} {ratio:>9}")
            figures.append((f"added_{r}_{workload}", added[r], "ns"))
        if added.get("ftrace", 0) > 0 and "flightrec" in added:
            figures.append((f"added_vs_ftrace_{workload}",
                            added["flightrec"] / added["ftrace"], "ratio"))
    print()
    for f in figures:
        say(*f)


def objects(value):
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for v in value:
            yield from objects(v)


def snapshot(info_path, file_bytes, seconds, status_path):
    records = 0
    for o in objects(json.load(open(info_path))):
        if "from_ns" in o and "to_ns" in o and "records" in o:
            records += int(o["records"])
    if not records:
        raise SystemExit("table.py: info -O json has no coverage with records")
    say("records", records, "records")
    say("bytes_per_event", int(file_bytes) / records, "bytes")
    for lane, counts in json.load(open(status_path))["lane"].items():
        say(f"history_s_{lane}", float(counts["history_s"]), "s")
    say("hit_to_file_mb_per_s", 64 * records / 1e6 / float(seconds),
        "MB of slots per s, at least")


def encode():
    figures = json.loads(sys.stdin.readline())
    say("encode_bytes_per_event", figures["bytes_per_event"], "bytes")
    say("dump_mb_per_s", figures["slot_mb_per_s"], "MB of slots per s, one core")
    say("load_mb_per_s", figures["read_slot_mb_per_s"],
        "MB of slots per s, one core")
    say("zstd_mb_per_s", figures["zstd_mb_per_s"],
        "MB of slots per s, one core: zstd -1 of the same records")
    say("dump_vs_zstd", figures["vs_zstd"], "times its speed")
    say("size_vs_zstd", figures["size_vs_zstd"], "times its size")


def check(limits_path, figures_path):
    figures = {}
    for line in open(figures_path):
        if line.startswith("{"):
            f = json.loads(line)
            figures[f["name"]] = f["value"]
    good = bad = 0
    for line in open(limits_path):
        part = line.split()
        if len(part) != 3 or line.startswith("#"):
            continue
        name, sign, limit = part[0], part[1], float(part[2])
        v = figures.get(name)
        holds = v is not None and (v <= limit if sign == "<=" else v >= limit)
        good, bad = good + holds, bad + (not holds)
        print(f"{'ok' if holds else 'FAILED'}: {name} = {v}, {sign} {limit}")
    print(f"{good} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit({"cost": cost, "snapshot": snapshot,
              "check": check, "encode": encode}[sys.argv[1]](*sys.argv[2:]))
