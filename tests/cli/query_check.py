#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""query_check.py WHAT FLIGHTREC SNAPSHOT - answers of flightrec query against those that
Python makes of the rows of flightrec show."""
import collections
import csv
import io
import json
import math
import random
import subprocess
import sys

what, fr, snapshot = sys.argv[1:4]
STREAMS = ("fs", "block", "proc", "names", "sample", "meta", "hist", "process", "system")
csv.field_size_limit(1 << 28)


def run(*args):
    done = subprocess.run([fr, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode in (0, 5), done.stderr  # 5: no row
    return done.stdout.decode()


def query(sql):
    return [json.loads(l) for l in run("query", "-O", "jsonl", sql, snapshot).splitlines()]


def show(stream, fmt="csv"):
    return run("show", "--stream", stream, "-O", fmt, snapshot)


def rows(stream):
    return [json.loads(l) for l in show(stream, "jsonl").splitlines()]


def close(x, y):
    if x is None or y is None or isinstance(x, str) or isinstance(y, str):
        return x == y
    return math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9)


def check_tables():
    """SELECT * of each stream is what show prints, value by value."""
    seen = 0
    for stream in STREAMS:
        want, got = show(stream), run("query", "-O", "csv", f"SELECT * FROM {stream}", snapshot)
        want, got = (list(csv.reader(io.StringIO(t))) for t in (want, got))
        if not want:  # show prints no header without rows
            assert len(got) == 1
            continue
        assert want[0] == got[0], (stream, want[0], got[0])
        assert len(want) == len(got), (stream, len(want), len(got))
        for w, g in zip(want, got):
            for name, x, y in zip(want[0], w, g):
                assert x == y or close(float(x), float(y)), (stream, name, x, y)
        seen += len(want) - 1
        print(stream, len(want) - 1)
    assert seen > 1000, seen


def check_groups():
    fs = [r for r in rows("fs") if r["dur"] is not None]
    groups = collections.defaultdict(list)
    for r in fs:
        groups[r["comm"], r["op"]].append(r["dur"])
    for p in (0, 50, 99, 99.9, 100):
        got = query("SELECT comm, op, count(*) n, sum(dur) s, percentile(dur, %g) p FROM fs "
                    "WHERE dur NOT NULL GROUP BY 1, 2" % p)
        assert len(got) == len(groups) > 3
        for g in got:
            v = sorted(groups[g["comm"], g["op"]])
            at = p / 100 * (len(v) - 1)
            low = int(at)
            exact = v[low] + (v[min(low + 1, len(v) - 1)] - v[low]) * (at - low)
            assert (g["n"], g["s"]) == (len(v), sum(v)) and close(g["p"], exact), (g, exact)


def check_spans():
    """ts is found by halving: any comparison, with any kind of number."""
    ts = [r["ts"] for r in rows("fs")]
    random.seed(7)
    edges = [ts[0], ts[-1], ts[0] - 1, ts[-1] + 1, -5, 0, 2 ** 62]
    for i in range(40):
        x, y = (random.choice(ts + edges * 20) + random.choice((-1, 0, 0, 1)) for _ in "xy")
        for sql, fn in ((f"ts >= {x} AND ts < {y}", lambda t: x <= t < y),
                        (f"ts BETWEEN {x} AND {y}", lambda t: x <= t <= y),
                        (f"ts = {x}", lambda t: t == x),
                        (f"ts > {x} AND ts > {y}", lambda t: t > x and t > y),
                        (f"ts = {x} AND ts <= {y}", lambda t: t == x and t <= y),
                        (f"ts > {x}.5 AND ts <= {y}.5", lambda t: x + .5 < t <= y + .5),
                        (f"ts < '{x}'", lambda t: t < x), (f"ts > '{x}x'", lambda t: False),
                        (f"ts IN ({x}, {y}, NULL)", lambda t: t in (x, y))):
            if i % 4 and "'" in sql:
                continue
            got = query(f"SELECT count(*) n FROM fs WHERE {sql}")[0]["n"]
            assert got == sum(map(fn, ts)), (sql, got)
    got = [r["ts"] for r in query("SELECT ts FROM fs ORDER BY ts")]
    assert got == sorted(ts)
    got = [r["ts"] for r in query("SELECT ts FROM fs ORDER BY ts DESC LIMIT 9")]
    assert got == sorted(ts, reverse=True)[:9]


class Held:
    """What held at each tick, from the rows that changed."""

    def __init__(self):
        self.ticks, sets, self.units = {}, {}, {}
        for r in rows("sample"):
            if r["op"] == "tick":
                self.ticks[r["tick"]] = r["ts"]
                continue
            key = (r["tick"], r["ts"], r["collector"], r["full"] == 1)
            sets.setdefault(key, {})[r["metric"]] = (r["value"], r["rate"], r["every"])
            self.units[r["metric"]] = r["unit"]
        self.at, now = {}, {}
        sets = sorted(sets.items())
        i = 0
        for tick in sorted(self.ticks):
            while i < len(sets) and sets[i][0][0] <= tick:
                (number, _, collector, full), values = sets[i]
                if full:
                    now = {m: v for m, v in now.items() if v[0] != collector}
                now.update({m: (collector, number, *v) for m, v in values.items()})
                i += 1
            self.at[tick] = dict(now)

    def value(self, tick, metric):
        got = self.at[tick].get(metric)
        return got and got[2]

    def rate(self, tick, metric):
        got = self.at[tick].get(metric)
        if not got:
            return None
        _, number, _, rate, every = got
        return rate if number // every == tick // every else 0


def check_counters():
    h = Held()
    names = sorted(h.units)
    counters = {r["name"] for r in query("SELECT * FROM metrics WHERE kind = 'counter'")}
    kinds = query("SELECT name, unit FROM metrics ORDER BY name")
    assert [(r["name"], r["unit"]) for r in kinds] == [(n, h.units[n] or "") for n in sorted(names)]
    assert len(names) > 60 and len(h.ticks) > 20, (len(names), len(h.ticks))
    everything = query("SELECT * FROM counters")
    assert [r["tick"] for r in everything] == sorted(h.ticks)
    checked = gone = slow = 0
    for r in everything:
        assert r["ts"] == h.ticks[r["tick"]] and "at" not in r
        for n in names:
            assert close(r[n], h.value(r["tick"], n)), (r["tick"], n, r[n], h.value(r["tick"], n))
            checked += 1
            gone += r[n] is None
    some = random.Random(3).sample(sorted(counters), 20) + [n for n in counters if "frq" in n][:4]
    columns = ", ".join(f'"{n}", "{n}/s"' for n in some)
    for r in query(f"SELECT tick, {columns} FROM counters"):
        for n in some:
            want = h.rate(r["tick"], n)
            assert close(r[n], h.value(r["tick"], n))
            assert close(r[n + "/s"], want), (r["tick"], n, r[n + "/s"], want)
            slow += want == 0
    print(f"{checked} values, {gone} not known, {slow} rates of what stood still")
    assert gone and slow


def check_at():
    """The tick that an operation began in, or after."""
    h = Held()
    ticks = sorted((ts, n) for n, ts in h.ticks.items())
    fs = rows("fs")[::7]
    got = query("SELECT f.seq, f.ts, c.tick, c.at FROM fs f LEFT JOIN counters c ON c.at = f.ts")
    by = {(r["seq"], r["ts"]): r for r in got}
    early = 0
    for r in fs:
        want = [n for ts, n in ticks if ts <= r["ts"]]
        g = by[r["seq"], r["ts"]]
        assert g["tick"] == (want[-1] if want else None), (r, g)
        assert g["at"] == (r["ts"] if want else None)
        early += not want
    first = ticks[0][0]
    assert not query(f"SELECT 1 FROM counters WHERE at = {first - 1}")
    assert len(query(f"SELECT 1 FROM counters WHERE at = {first}")) == 1
    assert not query("SELECT 1 FROM counters WHERE at = 'x'")
    assert not query("SELECT 1 FROM counters WHERE ts > NULL OR ts = NULL")
    assert len(query(f"SELECT 1 FROM counters WHERE at = '{first}'")) == 1
    a, b = ticks[3][0], ticks[-4][0]
    for sql, fn in ((f"ts >= {a} AND ts < {b}", lambda t: a <= t < b), (f"ts > {a}.5", lambda t: t > a),
                    (f"ts <= {b}", lambda t: t <= b), (f"ts = {a}", lambda t: t == a)):
        got = query(f"SELECT count(*) n FROM counters WHERE {sql}")[0]["n"]
        assert got == sum(fn(t) for t, _ in ticks), (sql, got)
    print(len(fs), "operations,", early, "before the first tick")


globals()["check_" + what]()
