#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""drift.py STRACE TICKS NAIVE PERIOD_NS WANTED: judges what drift.sh recorded.

STRACE  clock_nanosleep calls of the sampler's processes, as strace saw them
TICKS   what drift_timer sampler printed; NAIVE the same of the naive loop
"""
import re
import sys

strace, ticks, naive = sys.argv[1:4]
period, wanted = int(sys.argv[4]), int(sys.argv[5])
passed = failed = 0


def check(what, good, figures=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(("ok: " if good else "FAILED: ") + what + (f" ({figures})" if figures else ""))


def read(path):
    seen, counts = [], {}
    for line in open(path):
        w = line.split()
        if w[0] == "tick":
            seen.append((int(w[1]), int(w[2])))
        else:
            counts = dict(zip(w[::2], map(int, w[1::2])))
    return seen, counts


def slope(points):
    """Least squares: slope and its standard error."""
    n = len(points)
    mx, my = (sum(p[i] for p in points) / n for i in (0, 1))
    sxx = sum((x - mx) ** 2 for x, _ in points)
    b = sum((x - mx) * (y - my) for x, y in points) / sxx
    rest = sum((y - my - b * (x - mx)) ** 2 for x, y in points)
    return b, (rest / (n - 2) / sxx) ** 0.5


def floor(points, batches=20):
    """The least late point of each batch: other load only ever adds lateness, so
    a clock that drifts moves the least late ones too."""
    n = len(points) // batches
    return [min(points[i * n:(i + 1) * n], key=lambda p: p[1]) for i in range(batches)]


# --- what the kernel was asked for --------------------------------------------
pattern = re.compile(r"clock_nanosleep\(CLOCK_MONOTONIC, TIMER_ABSTIME, "
                     r"\{tv_sec=(\d+), tv_nsec=(\d+)\}")
due = [int(m[1]) * 10**9 + int(m[2]) for m in map(pattern.search, open(strace)) if m]
check("the timer slept to absolute deadlines", len(due) > wanted / 2, f"{len(due)} calls")
if not due:
    sys.exit(f"{passed} passed, {failed} failed")
t0 = due[0]
off = [d for d in due if (d - t0) % period]
check("each deadline is t0 + k * period, to the nanosecond", not off,
      f"{len(off)} are not" + (f", the first by {(off[0] - t0) % period} ns" if off else ""))
ks = [(d - t0) // period for d in due]
check("deadlines only go forward", all(a <= b for a, b in zip(ks, ks[1:])))
check("the last deadline is the wanted one or later", ks[-1] >= wanted,
      f"k = {ks[-1]}, {ks[-1] + 1 - len(set(ks))} passed over by the timer itself")

# --- what the sampler made of it ----------------------------------------------
seen, n = read(ticks)
check("served + late + paused = range of k",
      n["served"] + n["late"] + n["paused"] == n["last"] - n["first"] + 1, str(n))
check("the collector did overrun: ticks were late", n["late"] >= n["served"] / 20 * 1.5)
check("as many rounds as ticks served", len(seen) == n["served"])
check("each round belongs to a deadline the kernel saw", {k for k, _ in seen} <= set(ks))
late = [(k, now - t0 - k * period) for k, now in seen]
check("no round began before its deadline", min(y for _, y in late) >= 0)
b, se = slope(late)
print(f"   lateness: median {sorted(y for _, y in late)[len(late) // 2] / 1e3:.0f} us, "
      f"slope over all rounds {b:.1f} +- {se:.1f} ns per tick")
b, se = slope(floor(late))
check("lateness does not grow: |slope| <= 4 standard errors + 10 ppm of the period",
      abs(b) <= 4 * se + period / 1e5, f"{b:.1f} +- {se:.1f} ns per tick")
end = floor(late)
print(f"   after {end[-1][0]} ticks: {(end[-1][1] - end[0][1]) / 1e3:+.0f} us")

# --- beside it: a loop that sleeps for a period --------------------------------
seen, _ = read(naive)
late = [(k, now - seen[0][1] - k * period) for k, now in seen]
nb, nse = slope(floor(late))
print(f"   naive loop, {len(late)} turns: {late[-1][1] / 1e3:+.0f} us")
check("the naive loop drifts, and the measurement sees it",
      nb > 4 * nse + period / 1e5 and nb > 10 * abs(b), f"{nb:.1f} +- {nse:.1f} ns per tick")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
