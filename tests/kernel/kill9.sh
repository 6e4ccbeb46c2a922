#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kill9.sh [ROUNDS] - SIGKILL of the recorder under load: what the writers did
# before, at and after the kill is in what `flightrec recover` (odd rounds) or
# the next start (even rounds) writes.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
rounds=${1:-2}
scratch "${VMRUN_DISK:-/var/tmp}"
writer=$(helper selfnumber) || exit 1
# Between two writes of a writer, ns: what they do while a recorder starts must
# fit into the ring.
gap=50000
[ -z "${VMRUN:-}" ] || gap=5000000 # emulated, a start takes 50 times as long
: >"$W/file"

# Others' operations must not fill the ring meanwhile.
alone=(--set sampler.collectors= --set "scope.pids=$$")

# last_numbers: "TID LAST" of each writer, from the page they share
last_numbers() { od -A n -v -t u8 -w16 -N 32 "$W/last"; }

# wait_writers: until both have written some
wait_writers() {
	for _ in $(seq 200); do
		[ "$(last_numbers 2>/dev/null | awk '$2 > 1000' | wc -l)" = 2 ] && return
		sleep 0.05
	done
	echo "  the writers do not write"
	return 1
}

# missed FILE...: how many events the kernel kept from the probes, by its own count
# (where programs can be preempted, those that come meanwhile on that CPU)
missed() {
	local f
	for f; do "$FR" info -O json "$f"; done | python3 -c '
import json, re, sys
text, at, sums = sys.stdin.read(), 0, {}
while text[at:].strip():
    d, n = json.JSONDecoder().raw_decode(text[at:].lstrip())
    at += len(text[at:]) - len(text[at:].lstrip()) + n
    f = d["facts"]
    left = int(f.get("recover", {}).get("misses", 0))
    live = sum(int(m) for m in re.findall(r" misses=(\d+)", json.dumps(f.get("probe", {}))))
    sums["left"] = max(sums.get("left", 0), left)
    sums["live"] = max(sums.get("live", 0), live)
print(sum(sums.values()))'
}

# all_there BEFORE AT AFTER FILE...: every number from the first in the snapshots
# to AFTER is there, or was kept from us by the kernel, which counts that; the
# first is not above BEFORE, and no recorder has one twice (while a new recorder
# takes over, both it and the old ring record)
all_there() {
	"$FR" show -O csv --stream fs -f instance,tid,call,offset "${@:4}" >"$W/rows.csv"
	python3 - "$W/rows.csv" "$1" "$2" "$3" "$(missed "${@:4}")" <<-'PY'
		import csv, sys
		from collections import defaultdict
		def pairs(text):
		    v = [int(x) for x in text.split()]
		    return dict(zip(v[::2], v[1::2]))
		before, at, after = map(pairs, sys.argv[2:5])
		kept = int(sys.argv[5])
		got, twice = defaultdict(list), defaultdict(int)
		seen = set()
		for r in csv.DictReader(open(sys.argv[1])):
		    if r["call"] == "pwrite64" and int(r["tid"]) in after:
		        key = (r["instance"], r["tid"], r["offset"])
		        twice[int(r["tid"])] += key in seen
		        seen.add(key)
		        got[int(r["tid"])].append(int(r["offset"]))
		bad = 0
		for tid, last in after.items():
		    n = got[tid]
		    have = set(n)
		    missing = [i for i in range(min(have, default=0), last + 1) if i not in have]
		    print(f"  writer {tid}: {len(n)} records, {min(have, default=0)} to "
		          f"{max(have, default=0)}; last before the kill {before[tid]}, "
		          f"at it {at[tid]}, after it {last}; missing {len(missing)}, "
		          f"kept from us by the kernel at most {kept}")
		    if not have or len(missing) > kept or min(have) > before[tid] or twice[tid]:
		        bad = 1
		        print("  missing, first ones:", missing[:10], "twice:", twice[tid])
		sys.exit(bad)
	PY
}

round() {
	local before at after
	rm -f "$SNAP"/*.frs "$W/last"
	recorder_start "${alone[@]}" || return 1
	"$writer" "$W/file" 2 60 $gap "$W/last" >/dev/null &
	local load=$!
	at_end "kill $load 2>/dev/null"
	wait_writers || return 1
	sleep 0.5
	before=$(last_numbers)
	kill -9 "$daemon"
	disown "$daemon"
	at=$(last_numbers)
	sleep 0.7
	after=$(last_numbers)
	daemon=''
	if (($1 % 2)); then
		sleep 0.05
		"$FR" recover "${SETS[@]}" >"$W/recover.out" 2>&1 || cat "$W/recover.out"
		wait_snapshots 1
	else
		recorder_start "${alone[@]}" || return 1
		after=$(last_numbers)
		client dump >/dev/null
		wait_snapshots 1
	fi
	kill $load
	wait $load 2>/dev/null
	mapfile -t files < <(snapshots)
	[ ${#files[@]} -gt 0 ] || {
		echo "  no snapshot was written"
		return 1
	}
	all_there "$before" "$at" "$after" "${files[@]}"
	local result=$?
	recorder_stop
	return $result
}

for ((k = 1; k <= rounds; k++)); do
	check "round $k: $( ((k % 2)) && echo recover || echo "next start")" round $k
done
finish
