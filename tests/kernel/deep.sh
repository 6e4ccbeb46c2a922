#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# deep.sh [SECONDS] - every stream recorded (profile deep) while stress-ng and fio
# keep the machine busy: the recorder's memory stays what it was, it answers, dumps
# go on, and what each stream cost is printed.  20 seconds by default; make soak: 600.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need stress-ng fio python3
scratch /var/tmp
seconds=${1:-20}
stats=$(cat /proc/sys/kernel/bpf_stats_enabled 2>/dev/null || echo 0)
echo 1 >/proc/sys/kernel/bpf_stats_enabled
at_end "echo $stats >/proc/sys/kernel/bpf_stats_enabled"

recorder_start --set probes.profile=deep --set dump.max_files=3 || exit 1
mkdir "$W/load"
stress-ng --temp-path "$W/load" --timeout "${seconds}s" --quiet \
	--hdd 1 --hdd-bytes 64m --sock 1 --epoll 1 --fork 1 --mmap 1 --mmap-bytes 32m \
	--mmap-file --udp 1 --pipe 1 --dentry 1 >"$W/stress.out" 2>&1 &
stress=$!
fio --name=busy --directory="$W/load" --rw=randrw --bs=4k --size=64M --time_based \
	--runtime="$seconds" --ioengine=psync --fsync=64 --output="$W/fio.out" &
fio=$!

# Memory of the recorder and what it started, KiB; it answers; a snapshot now and then.
rss() { ps -o rss= --pid "$daemon" --ppid "$daemon" | awk '{ s += $1 } END { print s }'; }
n=0 silent=0
while kill -0 $stress 2>/dev/null; do
	client status --json >"$W/status" 2>/dev/null || silent=$((silent + 1))
	rss >>"$W/rss"
	client dump >/dev/null 2>&1 && n=$((n + 1))
	sleep 1
done
wait $stress
check "stress-ng ran" [ $? = 0 ]
wait $fio
check "fio ran" [ $? = 0 ]
client status --json >"$W/status"
check "the recorder answered whenever it was asked" [ $silent = 0 ]
check "snapshots were taken all the while ($n)" [ $n -gt 2 ]

# Dumpers come and go: so the least of the first and of the last third.
constant() {
	python3 - "$W/rss" <<-'PY'
		import sys
		v = [int(x) for x in open(sys.argv[1])]
		third = max(len(v) // 3, 1)
		first, last = min(v[1:third + 1] or v), min(v[-third:])
		print(f"  resident: {first} KiB at first, {last} KiB at last, {len(v)} looks")
		sys.exit(last > first * 1.05 + 2048)
	PY
}
check "its memory is what it was" constant

cost() {
	python3 - "$W/status" <<-'PY'
		import collections, json, sys
		s = json.load(open(sys.argv[1]))
		rows = collections.defaultdict(lambda: [0] * 6)
		def walk(v, path=()):
		    if not isinstance(v, dict):
		        return
		    if "hits" in v and "records" in v:
		        for i, k in enumerate(("hits", "records", "lost", "misses", "run_count", "run_ns")):
		            rows[path[-2]][i] += int(v.get(k, 0) or 0)
		    for k, w in v.items():
		        walk(w, path + (k,))
		walk(s)
		up = float(s["uptime_s"])
		print("  stream        hits    records     lost   missed  ns each  of a CPU")
		for name, (hits, records, lost, misses, count, ns) in sorted(rows.items()):
		    each = f"{ns / count:8.0f} {100 * ns / up / 1e9:8.2f}%" if count else "  with fs        "
		    print(f"  {name:<9} {hits:>9} {records:>10} {lost:>8} {misses:>8} {each}")
		    # at full load a dump may starve writers: then it is counted
		print("  (calls of net, conn, epoll and sockopt run in the programs of fs)")
		sys.exit(not rows)
	PY
}
check "what each stream cost" cost
finish
