#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sampler_crowd.sh [PROCESSES [CGROUPS [BUSY]]] - what history per process and per
# cgroup costs: time per tick, bytes per tick, and how long 64 MiB hold, with 5,000
# processes and 500 cgroups unless told otherwise, BUSY (100) of which do something
# in each tick of 200 ms.  A JSON line for each way; needs root.
. "$(dirname "$0")/../kernel/private_recorder.bash"
need_kernel
need python3
processes=${1:-5000} cgroups=${2:-500} busy=${3:-100} name=frcrowd$$
scratch
sleepers=$O/tests/bench/sleepers
[ -x "$sleepers" ] || { cc -O2 -o "$W/sleepers" tests/bench/sleepers.c && sleepers=$W/sleepers; } || exit 1

# one folder in each hierarchy that counts
mapfile -t roots < <(awk '$3 == "cgroup2" { print $2 }
	$3 == "cgroup" && $4 ~ /,(cpu|cpuacct|memory|blkio|pids)(,|$)/ { print $2 }' /proc/self/mounts)
remove() {
	local r
	exec 7>&-
	wait
	# the last of the sleepers may still be about to end
	for r in "${roots[@]}"; do
		for _ in $(seq 100); do
			find "$r/$name" -depth -type d -exec rmdir {} + 2>/dev/null
			[ -d "$r/$name" ] || break
			sleep 0.1
		done
	done
}
at_end remove
mkfifo "$W/gate"
"$sleepers" "$processes" "$busy" <"$W/gate" >"$W/pids" &
exec 7>"$W/gate"
for _ in $(seq 600); do
	grep -q ready "$W/pids" && break
	sleep 0.1
done
python3 - "$W/pids" "$cgroups" "$name" "${roots[@]}" <<'PY'
import os, sys
pids = [l.strip() for l in open(sys.argv[1]) if l.strip().isdigit()]
count, name, roots = int(sys.argv[2]), sys.argv[3], sys.argv[4:]
for root in roots:
    os.makedirs(f"{root}/{name}", exist_ok=True)
    for i in range(count):
        os.makedirs(f"{root}/{name}/{i}", exist_ok=True)
    for n, pid in enumerate(pids):
        try:
            with open(f"{root}/{name}/{n % count}/cgroup.procs", "w") as f:
                f.write(pid)
        except OSError:
            pass  # a controller of version 2 that allows none there
PY

# measure WHAT COLLECTORS TICKS: a JSON line
measure() {
	recorder_start --set sampler.period=200ms --set "sampler.collectors=$2" \
		--set ring.user_memory=64MiB --set probes.profile=minimal \
		--set state.processes_period=0 || exit 1
	python3 - "$FR" "$RUN" "$1" "$3" <<-'PY'
		import json, subprocess, sys, time
		program, run, what, want = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
		def status():
		    d = json.loads(subprocess.check_output([program, "status", "--json", "--run-folder", run]))
		    lane = d["lane"]["sample"]
		    return d["sampler"], lane
		# without the first ticks, which hold all rows
		while status()[0]["ticks"] < 5:
		    time.sleep(0.05)
		s, l = status()
		while status()[0]["ticks"] < s["ticks"] + want:
		    time.sleep(0.2)
		e, m = status()
		ticks = e["ticks"] - s["ticks"]
		used = (m["chunks_used"] - l["chunks_used"]) * 16384
		per = used / ticks
		capacity = m["chunks"] * 16384
		print(json.dumps({
		    "what": what, "ticks": ticks, "late": e["late"] - s["late"],
		    "cpu_ns_per_tick": round((e["cpu_s"] - s["cpu_s"]) * 1e9 / ticks),
		    "round_ns": round(e["round_s"] * 1e9), "round_max_ns": round(e["round_max_s"] * 1e9),
		    "bytes_per_tick": round(per),
		    "history_s_in_64MiB_at_1s": round((64 << 20) / per) if per else None,
		    "lane_bytes": capacity, "errors": e["errors"], "values": e["values"]}))
	PY
	recorder_stop
}

echo "{\"processes\": $processes, \"busy\": $busy, \"cgroups\": $cgroups, \"hierarchies\": ${#roots[@]}}"
measure "processes, BPF" processes 150
measure "processes, /proc" processes:all+nobpf 30
measure "processes, BPF, top=20.cpu" processes:top=20.cpu+nokernel 150
measure "cgroups" cgroups 100
measure "both" processes,cgroups 100
