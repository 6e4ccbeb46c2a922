#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""freeze_check.py - freezes a recorder again and again under writers that number
their own operations, and checks each snapshot.

  freeze_check.py FLIGHTREC DAEMON_PID FOLDER FREEZES TID...
  freeze_check.py --rows ROWS.csv INFO.json TID...    checks one, as a test of this

In each snapshot every number of a writer between its first and its last is
there once, or lies in a gap that the snapshot counts (lane, CPU, range of
sequence numbers, how many).  The first is the first within the snapshot's
coverage: a slow operation outlives, as a copy, what was recorded around it.
No sequence number of a lane and CPU is there twice.
"""
import collections
import csv
import json
import os
import random
import signal
import subprocess
import sys
import time

SLOW_NS = 100_000_000  # probes.slow_limit: from there on a copy is kept
COLUMNS = "lane,cpu,tid,call,offset,seq,ts,dur"


class Snapshot:
    """Rows and gaps of one snapshot, and what is wrong with them."""

    def __init__(self, rows, info, writers):
        self.wrong, self.records, self.excused = [], 0, 0
        self.outlived, self.early = 0, collections.Counter()
        self.begin = {(str(c["lane"]), int(c["cpu"])): int(c["from_ns"])
                      for c in info["coverage"]}
        self.gaps = collections.defaultdict(list)
        for g in info["gaps"]:
            self.gaps[(str(g["lane"]), int(g["cpu"]))].append(
                (int(g["from_seq"]), int(g["to_seq"]), int(g["lost"])))
        self.writers = {t: [] for t in writers}
        self.sequences = collections.defaultdict(list)
        for row in rows:
            self.add(row)

    def add(self, row):
        lane, cpu = row["lane"], int(row["cpu"])
        seq = int(row["seq"])
        self.sequences[(lane, cpu)].append(seq)
        tid = int(row["tid"] or 0)
        if tid not in self.writers or row["call"] != "pwrite64":
            return
        self.records += 1
        end = int(row["ts"]) + int(row["dur"])
        if end < self.begin.get((lane, cpu), 0):
            self.outlived += 1
            self.early[(lane, cpu)] += int(row["dur"]) < SLOW_NS
        else:
            self.writers[tid].append((int(row["offset"]), lane, cpu, seq))

    def lost_between(self, lane, cpu, before, after):
        return sum(lost for a, b, lost in self.gaps[(lane, cpu)]
                   if before <= a and b <= after)

    def check_writer(self, tid):
        numbers = sorted(self.writers[tid])
        for (n, lane, cpu, s), (m, lane2, _, t) in zip(numbers, numbers[1:]):
            if m == n:
                self.wrong.append(f"writer {tid}: number {n} twice")
            elif m > n + 1:
                missing = m - n - 1
                counted = self.lost_between(lane, cpu, s, t)
                self.excused += missing
                if lane != lane2 or counted < missing:
                    self.wrong.append(
                        f"writer {tid}: {missing} numbers after {n} missing, "
                        f"{counted} counted (lane {lane} cpu {cpu} "
                        f"sequence {s} to {t})")
            elif t <= s:
                self.wrong.append(f"writer {tid}: sequence of {m} not above {n}'s")

    def check_sequences(self):
        for (lane, cpu), seqs in self.sequences.items():
            seqs.sort()
            for a, b in zip(seqs, seqs[1:]):
                if a == b:
                    self.wrong.append(f"lane {lane} cpu {cpu}: {a} twice")

    def check_coverage(self):
        """The one record that claims the first chunk ends before the claim."""
        for (lane, cpu), n in self.early.items():
            if n > 1:
                self.wrong.append(f"lane {lane} cpu {cpu}: {n} quick operations "
                                  "older than the coverage")

    def check(self):
        self.check_coverage()
        for tid in self.writers:
            self.check_writer(tid)
        self.check_sequences()
        return self.wrong


def histogram(name, values_ms):
    """Powers of two of a microsecond."""
    if not values_ms:
        print(f"  {name}: not measured")
        return
    buckets = collections.Counter()
    for v in values_ms:
        buckets[max(0, int(v * 1000)).bit_length()] += 1
    values_ms.sort()
    print(f"  {name}: median {values_ms[len(values_ms) // 2]:.3f} ms, "
          f"max {values_ms[-1]:.3f} ms")
    for b in range(min(buckets), max(buckets) + 1):
        n = buckets[b]
        print(f"    below {2 ** b:>8} us {n:>5} "
              + "#" * (60 * n // len(values_ms)))


def find_number(info, names):
    if isinstance(info, dict):
        for key, v in info.items():
            if key.split(".")[-1] in names and str(v).lstrip("-").isdigit():
                return int(v)
        info = list(info.values())
    if isinstance(info, list):
        for v in info:
            found = find_number(v, names)
            if found is not None:
                return found
    return None


def read_snapshot(flightrec, path, writers):
    info = json.loads(subprocess.run([flightrec, "info", "-O", "json", path],
                                     check=True, capture_output=True).stdout)
    show = subprocess.Popen([flightrec, "show", "-O", "csv", "--stream", "fs",
                             "-f", COLUMNS, path], stdout=subprocess.PIPE,
                            text=True)
    snapshot = Snapshot(csv.DictReader(show.stdout), info, writers)
    if show.wait() not in (0, 4):
        snapshot.wrong.append(f"show failed with {show.returncode}")
    return snapshot, info


def wait_for_file(folder, known, limit_s=60):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        for name in os.listdir(folder):
            if name.endswith(".frs") and name not in known:
                return name
        time.sleep(0.0005)
    return None


def random_gap():
    """From none to 200 ms."""
    r = random.random()
    return 0 if r < 0.25 else random.uniform(0, 0.01 if r < 0.6 else 0.2)


def run(flightrec, pid, folder, freezes, writers):
    seed = int.from_bytes(os.urandom(4), "little")
    random.seed(seed)
    print(f"  seed {seed}")
    to_disk, to_hold = [], []
    records = excused = outlived = bad = 0
    silent = set(writers)  # on a busy machine, in one snapshot or another
    for k in range(freezes):
        known = set(os.listdir(folder))
        hit = time.monotonic_ns()
        os.kill(pid, signal.SIGUSR1)
        name = wait_for_file(folder, known)
        if not name:
            print(f"  freeze {k}: no snapshot within a minute")
            return 1
        to_disk.append((time.monotonic_ns() - hit) / 1e6)
        path = os.path.join(folder, name)
        snapshot, info = read_snapshot(flightrec, path, writers)
        hold = find_number(info, ("hit_to_hold_ns",))
        if hold is None:
            held = find_number(info, ("hold_ns", "held_ns"))
            hold = held - hit if held else None
        if hold is not None:
            to_hold.append(hold / 1e6)
        wrong = snapshot.check()
        records += snapshot.records
        excused += snapshot.excused
        outlived += snapshot.outlived
        silent -= {t for t, numbers in snapshot.writers.items() if numbers}
        if wrong:
            bad += 1
            for w in wrong[:5]:
                print(f"  freeze {k}: {w}")
        if bad > 5:
            break
        if not wrong:
            os.unlink(path)
        time.sleep(random_gap())
    print(f"  {len(to_disk)} freezes, {records} numbered records checked, "
          f"{excused} missing but counted, {outlived} older than the coverage, "
          f"{bad} snapshots wrong")
    histogram("hit to hold", to_hold)
    histogram("hit to file on disk", to_disk)
    for tid in silent:
        print(f"  writer {tid}: no record in any snapshot")
    return 1 if bad or silent else 0


def main(argv):
    if argv[1] == "--rows":
        s = Snapshot(csv.DictReader(open(argv[2])), json.load(open(argv[3])),
                     [int(t) for t in argv[4:]])
        for w in s.check():
            print(w)
        return 1 if s.wrong else 0
    return run(argv[1], int(argv[2]), argv[3], int(argv[4]),
               [int(t) for t in argv[5:]])


if __name__ == "__main__":
    sys.exit(main(sys.argv))
