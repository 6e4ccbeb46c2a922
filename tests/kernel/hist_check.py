#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hist_check.py - recorded histograms beside exact values.

  hist_check.py stream NAME ROWS HIST    the same, of one stream, all together
  hist_check.py events ROWS HIST    JSON lines of all operations, and of the stream
                                    hist: counts, sums, quantiles of each row, and of
                                    rows together by operation and by device
  hist_check.py sum HIST KEY=VALUE... = COUNT   operations of the rows that have these
                                    values
  hist_check.py metrics TEXT STATUS status --openmetrics, parsed by prometheus_client,
                                    beside status --json

It shares no code with flightrec: that buckets are sixteenths of powers of two is
what the manual says.
"""
import json
import math
import sys
from collections import Counter, defaultdict

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "longest": 1}
BOUND = 0.032
STREAMS = ("fs", "net", "conn", "epoll", "sockopt", "block")


def lines(path):
    with open(path) as f:
        for line in f:
            yield json.loads(line)


def whole(path):
    return [r for r in lines(path) if r["whole"]]


def buckets(row):
    return {int(a): int(b) for a, b in
            (cell.split(":") for cell in row["buckets"].split())}


def middle(low):
    if low < 32:
        return 16
    return low + 2 ** (low.bit_length() - 1) / 32


def exact(durs, q):
    return durs[max(1, math.ceil(len(durs) * q - 1e-9)) - 1]


def of_buckets(counts, q):
    rank, seen = max(1, math.ceil(sum(counts.values()) * q - 1e-9)), 0
    for low in sorted(counts):
        seen += counts[low]
        if seen >= rank:
            return middle(low)
    return None


class Checks:
    def __init__(self):
        self.bad = self.compared = 0
        self.worst = 0.0

    def equal(self, what, got, want):
        if got != want:
            self.bad += 1
            if self.bad < 20:
                print(f"  {what}: {got}, but {want} by all events")

    def near(self, what, got, want):
        self.compared += 1
        off = abs(got - want) / want if want else 0
        if want >= 32:
            self.worst = max(self.worst, off)
        if off > BOUND and want >= 32:
            self.bad += 1
            print(f"  {what}: {got} is {100 * off:.1f} % off {want}")


def compare_rows(c, events, hist):
    """Each row of its own: stream, call, device, cgroup."""
    groups = defaultdict(list)
    for e in events:
        groups[e["stream"], e["op"], e["call"], e["dev"] if e["stream"] in
               ("fs", "block") else None, e["cgroup"]].append(e["dur"])
    seen = set()
    for r in hist:
        key = (r["of_stream"], r["op"], r["call"], r["dev"], r["cgroup"])
        if r["of_stream"] not in STREAMS:
            continue
        seen.add(key)
        durs = sorted(groups.get(key, []))
        c.equal(f"{key} count", r["count"], len(durs))
        c.equal(f"{key} buckets", sum(buckets(r).values()), len(durs))
        c.equal(f"{key} sum", r["sum"], sum(durs))
        for name, q in QUANTILES.items():
            if durs:
                c.near(f"{key} {name}", r[name], exact(durs, q))
    c.equal("groups without a row", sorted(map(str, set(groups) - seen)), [])
    return len(seen)


def compare_merged(c, events, hist, what, of_event, of_row):
    groups, counts = defaultdict(list), defaultdict(Counter)
    for e in events:
        groups[of_event(e)].append(e["dur"])
    for r in hist:
        if r["of_stream"] in STREAMS:
            counts[of_row(r)].update(buckets(r))
    c.equal(f"groups by {what}", sorted(map(str, counts)),
            sorted(map(str, groups)))
    for key, durs in groups.items():
        durs.sort()
        for name, q in QUANTILES.items():
            if counts[key]:
                c.near(f"by {what}: {key} {name}", of_buckets(counts[key], q),
                       exact(durs, q))
    return len(groups)


def events(rows_path, hist_path):
    all_events = [e for e in lines(rows_path) if e["stream"] in STREAMS
                  and e["dur"] is not None] # block: its end was not shown
    hist, c = whole(hist_path), Checks()
    rows = compare_rows(c, all_events, hist)
    ops = compare_merged(c, all_events, hist, "operation",
                         lambda e: (e["stream"], e["op"]),
                         lambda r: (r["of_stream"], r["op"]))
    devs = compare_merged(
        c, all_events, hist, "device",
        lambda e: (e["stream"], e["dev"] if e["stream"] in ("fs", "block")
                   else None),
        lambda r: (r["of_stream"], r["dev"]))
    print(f"  {len(all_events)} operations, {rows} rows, {ops} operations by "
          f"name, {devs} devices: {c.compared} quantiles, the worst "
          f"{100 * c.worst:.2f} % off")
    if not all_events or c.compared < 50:
        return 1
    return c.bad


def stream(name, rows_path, hist_path):
    """All of a stream together: its rows have a duration each, or were not counted."""
    durs = sorted(e["dur"] for e in lines(rows_path)
                  if e["stream"] == name and e["dur"] is not None)
    c, counts, count, added = Checks(), Counter(), 0, 0
    for r in whole(hist_path):
        if r["of_stream"] == name:
            counts.update(buckets(r))
            count, added = count + r["count"], added + r["sum"]
    c.equal(f"{name} count", count, len(durs))
    c.equal(f"{name} sum", added, sum(durs))
    for label, q in QUANTILES.items():
        if durs:
            c.near(f"{name} {label}", of_buckets(counts, q), exact(durs, q))
    print(f"  {len(durs)} of stream {name}: {c.compared} quantiles, the worst "
          f"{100 * c.worst:.2f} % off")
    return c.bad


def total(hist_path, *words):
    want, pairs = int(words[-1]), [w.split("=", 1) for w in words[:-2]]
    got = sum(r["count"] for r in whole(hist_path)
              if all(str(r[k]) == v for k, v in pairs))
    print(f"  {' '.join(words[:-2])}: {got}, the program made {want}")
    return got != want


def metrics(text_path, status_path):
    from prometheus_client.openmetrics.parser import \
        text_string_to_metric_families as parse
    families = {f.name: f for f in parse(open(text_path).read())}
    status, c = json.load(open(status_path)), Checks()
    want_types = {"flightrec_operation_duration_seconds": "histogram",
                  "flightrec_lane_lost": "counter",
                  "flightrec_probe_events": "counter",
                  "flightrec_trigger_state": "stateset",
                  "flightrec_trigger_fired": "counter",
                  "flightrec_snapshots": "counter",
                  "flightrec_snapshot_bytes": "counter",
                  "flightrec_memory_bytes": "gauge",
                  "flightrec_cpu_seconds": "counter",
                  "flightrec_build": "info"}
    for name, kind in want_types.items():
        c.equal(name, families[name].type if name in families else None, kind)
    series = defaultdict(dict)
    for s in families["flightrec_operation_duration_seconds"].samples:
        labels = dict(s.labels)
        le = labels.pop("le", s.name.rsplit("_", 1)[1])
        series[tuple(sorted(labels.items()))][le] = s.value
    rows = [r for r in status["hist"]["row"].values()]
    # status was asked for before: nothing falls
    for r in rows:
        labels = {k: r[k] for k in ("stream", "op", "call", "device", "cgroup")
                  if k in r and r[k] is not None}
        labels = {k: str(v) for k, v in labels.items()}
        labels.setdefault("device", "")
        got = series.get(tuple(sorted(labels.items())))
        if not got:
            c.equal(f"series of {labels}", got, "there")
            continue
        below = sorted((float(le), v) for le, v in got.items()
                       if le not in ("sum", "count"))
        c.equal(f"{labels} falls", [v for _, v in below],
                sorted(v for _, v in below))
        c.equal(f"{labels} +Inf", below[-1], (math.inf, got["count"]))
        cells = {int(a): int(b) for a, b in
                 (x.split(":") for x in r["buckets"].split())}
        for le, v in below:
            least = sum(n for low, n in cells.items() if low < le * 1e9 - 0.5)
            if v < least:
                c.equal(f"{labels} le {le}", v, f"at least {least}")
        if got["count"] == r["count"]:
            c.equal(f"{labels} sum", round(got["sum"] * 1e9 / 1000),
                    round(r["sum_ns"] / 1000))
            c.compared += 1
    print(f"  {len(families)} families, {len(series)} histograms, "
          f"{c.compared} of {len(rows)} did not move meanwhile and are equal")
    return c.bad or not c.compared


if __name__ == "__main__":
    sys.exit(1 if {"events": events, "stream": stream, "sum": total, "metrics": metrics}[
        sys.argv[1]](*sys.argv[2:]) else 0)
