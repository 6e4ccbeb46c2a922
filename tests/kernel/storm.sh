#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# storm.sh [SECONDS [RATE]] - very many hits over two triggers: each is counted, one
# snapshot comes of each cooldown, nothing is lost, and the recorder hardly works.
# 10 seconds of 100,000 hits a second unless told otherwise.  CPU_LIMIT: percent of a
# CPU that the recorder may take; without it that is only said.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch /var/tmp
seconds=${1:-10} rate=${2:-100000}
cooldown=2
storm=$(helper storm) || exit 1
recorder_start --set sampler.collectors= --set dump.max_files=1000 \
	--set "trigger.writes.when=fs.pwrite64 error EBADF where comm = storm" \
	--set "trigger.writes.cooldown=${cooldown}s" \
	--set "trigger.reads.when=fs.pread64 error EBADF where comm = storm" \
	--set "trigger.reads.cooldown=${cooldown}s" || exit 1
cpu_ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$daemon/stat"; }
before=$(cpu_ticks)
# on one CPU: those share a lane, so that what is overwritten first is not in order
read -r calls ms < <(taskset -c 0 "$storm" "$seconds" "$rate")
after=$(cpu_ticks)
idle() { # both have cooled down: what is under way is over
	[ "$(recorder_says | python3 -c '
import json, sys
t = json.load(sys.stdin)["trigger"]
print(sum(t[n]["state"] not in ("armed", "cooling") for n in ("writes", "reads")))')" = 0 ]
}
for _ in $(seq 100); do
	idle && break
	sleep 0.1
done
recorder_says >"$W/status"
recorder_stop
snapshots >"$W/files"
last=$(tail -n 1 "$W/files")
"$FR" show --stream fs --comm storm --errno EBADF -O csv --no-header -f call,offset "$last" >"$W/rows"
counted() {
	python3 - "$W" "$calls" "$ms" $cooldown <<'PY'
import json, sys
folder, calls, ms, cooldown = sys.argv[1], *map(int, sys.argv[2:5])
status = json.load(open(folder + "/status"))
bad = []
fired = 0
for name in ("writes", "reads"):
    t = status["trigger"][name]
    n = {k: int(t[k]) for k in ("hits", "fired", "merged", "suppressed", "queued")}
    fired += n["fired"]
    print(f"  {name}: {n}")
    if n["hits"] != calls:
        bad.append(f"{name}: {n['hits']} hits of {calls} calls")
    if n["fired"] + n["merged"] + n["suppressed"] + n["queued"] != n["hits"]:
        bad.append(f"{name}: the counts do not add up")
    most = ms / 1000 / cooldown + 1
    if not 1 <= n["fired"] <= most:
        bad.append(f"{name}: fired {n['fired']} times, {most:.1f} cooldowns")
files = len(open(folder + "/files").read().split())
print(f"  {2 * calls} hits in {ms} ms, {2000 * calls // ms} a second; {files} snapshots")
if files != fired:
    bad.append(f"{files} snapshots, {fired} fired")
for stream, probes in status["probe"].items():
    for probe, p in probes.items():
        if isinstance(p, dict) and (int(p.get("lost", 0)) or int(p.get("misses", 0))):
            bad.append(f"probe {stream} {probe}: {p['lost']} lost, {p['misses']} missed")
seen = {"pwrite64": [], "pread64": []}
for line in open(folder + "/rows"):
    call, offset = line.strip().split(",")
    if call in seen: # not what starting a program takes
        seen[call].append(int(offset))
for call, numbers in seen.items():
    numbers.sort()
    whole = numbers and numbers == list(range(numbers[0], numbers[-1] + 1))
    print(f"  last snapshot: {len(numbers)} {call}"
          + (f", {numbers[0]} to {numbers[-1]}" if numbers else ""))
    if not whole:
        bad.append(f"{call}: numbers are missing or twice in the last snapshot")
for b in bad:
    print("  BAD:", b)
sys.exit(bool(bad))
PY
}
check "each hit is counted, one snapshot of each cooldown, nothing lost" counted
percent=$(awk "BEGIN { printf \"%.2f\", ($after - $before) / $(getconf CLK_TCK) / ($ms / 1000) * 100 }")
echo "  the recorder took $percent % of a CPU"
[ -z "${CPU_LIMIT:-}" ] ||
	check "less than $CPU_LIMIT % of a CPU" awk "BEGIN { exit !($percent < $CPU_LIMIT) }"
finish
