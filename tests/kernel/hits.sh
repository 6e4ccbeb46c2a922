#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hits.sh [HITS] - a latency trigger that the kernel decides, so many times over (20):
# each snapshot has the slow operation and the 10,000 records before it on its CPU,
# which a program numbered; and how long it took from the hit until the ring was held.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch /dev/shm # numbers are offsets: the file grows
hits=${1:-20} quick=10000
prog=$(helper hits) || exit 1
recorder_start --set sampler.collectors= --set dump.max_files=10 --set "scope.pids=$$" \
	--set "trigger.slow.when=fs.flock latency > 10ms where comm = hits" \
	--set trigger.slow.cooldown=0s --set trigger.slow.tail=0s || exit 1
cat >"$W/drive.py" <<'PY'
# drive.py PROGRAM FOLDER HITS QUICK SNAPSHOTS FLIGHTREC: one hit at a time, each
# snapshot checked and removed.
import csv, io, json, os, subprocess, sys, time
prog, folder, hits, quick, snaps, fr = sys.argv[1:]
hits, quick = int(hits), int(quick)
p = subprocess.Popen([prog, folder, str(quick), "15"], stdin=subprocess.PIPE,
                     stdout=subprocess.PIPE, text=True)
held, bad, least = [], 0, None


def new_snapshot():
    end = time.monotonic() + 60
    while time.monotonic() < end:
        names = [n for n in os.listdir(snaps) if n.endswith(".frs")]
        if names:
            return os.path.join(snaps, names[0])
        time.sleep(0.005)
    sys.exit("no snapshot came within a minute")


def check(path, last):
    """What is missing of the slow operation and the numbers before it."""
    text = subprocess.run([fr, "show", "--stream", "fs", "--comm", "hits",
                           "--begin", "-5s", "-O", "csv", "-f",
                           "ts,dur,call,offset,cpu,comm", path],
                          capture_output=True, text=True).stdout
    numbers, slow = {}, []
    for r in csv.DictReader(io.StringIO(text)):
        if r["comm"] != "hits":
            continue
        if r["call"] == "pwrite64":
            numbers[int(r["offset"])] = r["cpu"]
        elif r["call"] == "flock" and r["dur"] and int(r["dur"]) > 10_000_000:
            slow.append((int(r["ts"]), r["cpu"]))
    if not slow:
        return "the slow operation is not there", 0
    cpu = max(slow)[1]
    missing = [n for n in range(last - quick + 1, last + 1) if n not in numbers]
    if missing:
        return f"{len(missing)} of the {quick} before it, first {missing[0]}", 0
    if any(numbers[n] != cpu for n in range(last - quick + 1, last + 1)):
        return "not all on its CPU", 0
    return "", len(numbers)


def slow_operation():
    """The last number before one that surely waited longer than the limit."""
    while True:
        p.stdin.write("\n")
        p.stdin.flush()
        last, waited = map(int, p.stdout.readline().split())
        if waited > 10_100_000:
            return last
        if waited > 9_900_000: # too near to it: a hit has a snapshot soon
            time.sleep(2)
            if any(n.endswith(".frs") for n in os.listdir(snaps)):
                return last


for i in range(hits):
    last = slow_operation()
    path = new_snapshot()
    info = json.loads(subprocess.run([fr, "info", "-O", "json", path],
                                     capture_output=True, text=True).stdout)
    held.append(int(info["facts"]["freeze"]["hit_to_hold_ns"]))
    wrong, n = check(path, last)
    if wrong:
        bad += 1
        print(f"  hit {i + 1}: {wrong}")
    elif least is None or n < least:
        least = n
    os.unlink(path)
p.stdin.close()
held.sort()
print(f"  {hits} hits, {bad} snapshots lack something; at least {least} numbers in each")
print(f"  hit to hold: median {held[hits // 2] / 1000:.0f} us, p90 {held[hits * 9 // 10] / 1000:.0f} us,"
      f" p99 {held[hits * 99 // 100] / 1000:.0f} us, longest {held[-1] / 1000:.0f} us")
step = 64
while step < 2 * held[-1] // 1000:
    n = sum(step // 2 * 1000 <= h < step * 1000 or (step == 64 and h < 32000) for h in held)
    if n:
        print(f"    below {step:7d} us {n:5d} {'#' * (60 * n // hits)}")
    step *= 2
sys.exit(bool(bad))
PY
check "each of $hits snapshots has the slow operation and the $quick records before it" \
	python3 "$W/drive.py" "$prog" "$W" "$hits" $quick "$SNAP" "$FR"
recorder_says >"$W/status"
counts=$(python3 tests/kernel/status_value.py slow hits fired merged suppressed <"$W/status")
check "each hit fired ($counts)" [ "$counts" = "$hits $hits 0 0" ]
finish
