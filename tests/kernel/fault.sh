#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# fault.sh - page faults on mappings: a program touches pages one at a time, cold and
# warm, shared and private, by threads, after fork, through the kernel; each fault
# that getrusage(2) counted on a file is one record with its address, place in the
# file, and severity; its own memory has none.  perf's counts are the other witness.
#
# MECHANISM: the way into the kernel that is forced.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need perf python3
scratch "${VMRUN_DISK:-/var/tmp}"
toucher=$(helper fault) || exit 1
huge=$(cat /proc/sys/vm/nr_hugepages 2>/dev/null || echo 0)
[ "$huge" -gt 1 ] || {
	echo 4 2>/dev/null >/proc/sys/vm/nr_hugepages
	at_end "echo $huge 2>/dev/null >/proc/sys/vm/nr_hugepages"
}
stats=$(cat /proc/sys/kernel/bpf_stats_enabled 2>/dev/null || echo 0)
echo 1 >/proc/sys/kernel/bpf_stats_enabled
at_end "echo $stats >/proc/sys/kernel/bpf_stats_enabled"

recorder_start --set sampler.collectors= --set probes.streams=fault,block,proc \
	--set "probes.mechanism=${MECHANISM:-auto}" || exit 1
"$FRD" --doctor --set "probes.mechanism=${MECHANISM:-auto}" 2>/dev/null |
	awk '$1 == "fault" && $3 == "attached" { print "  fault", $2, $4 }' >"$W/doctor"
cat "$W/doctor"
way=functions
grep -q ' minor perf_event' "$W/doctor" && way=perf
check "the stream has probes" [ -s "$W/doctor" ]

# The program's own counts lie within perf's of it; those of the whole machine
# within a bracket, as in balance.sh.
cat >"$W/inner.sh" <<'IN'
"$FR" status --run-folder "$RUN" --json >"$W/status.1"
perf stat -a -x, -o "$W/inner" -e major-faults -e minor-faults -- \
	perf stat -x, -o "$W/alone" -e major-faults -e minor-faults -- \
	"$toucher" "$W" >"$W/did"
echo $? >"$W/touched"
"$FR" status --run-folder "$RUN" --json >"$W/status.2"
IN
export FR RUN W toucher
perf stat -a -x, -o "$W/outer" -e major-faults -e minor-faults -- bash "$W/inner.sh"
check "the pages were touched" [ "$(cat "$W/touched")" = 0 ]
client dump >/dev/null
wait_snapshots 1
snap=$(snapshots | tail -n 1)
rows() { "$FR" show -O csv --stream fault -f op,severity,tid,pid,comm,address,offset,ino,dev,path,ts,dur,weight "$snap"; }
rows >"$W/rows"
"$FR" show -O csv --stream block -f op,ino,ts,dur "$snap" >"$W/blocks"
# misses STATUS: of a mechanism that was forced; of one that was chosen there are none
misses() {
	[ -n "${MECHANISM:-}" ] && [ "$MECHANISM" != auto ] || return
	python3 - "$1" <<-'PY'
		import json, sys
		def sum_of(v, path=()):
		    if not isinstance(v, dict): return 0
		    if "hits" in v and "records" in v: return int(v.get("misses", 0) or 0) * ("fault" in path)
		    return sum(sum_of(w, path + (k,)) for k, w in v.items())
		print(sum_of(json.load(open(sys.argv[1]))))
	PY
}
MISSES=$(misses "$W/status.2")
export MISSES=${MISSES:-0}
fault_check() { python3 tests/kernel/fault_check.py "$W/did" "$W/rows" $way "$@"; }
check "one record for each fault that getrusage counted, with its place" fault_check touches
counted_by_duration() {
	"$FR" show -O jsonl --stream fault "$snap" >"$W/all" 2>/dev/null
	"$FR" show -O jsonl --stream hist "$snap" >"$W/hist" 2>/dev/null
	python3 tests/kernel/hist_check.py stream fault "$W/all" "$W/hist"
}
check "the histograms have each that has a duration" counted_by_duration
check "cold pages: a fault lasts as long as the request it waits for" \
	fault_check waited "$W/blocks"
check "perf counts as many of the program" fault_check counted "$W/alone"
pairs=''
[ $way = functions ] || pairs='fault_minor=minor-faults fault_major=major-faults'
# shellcheck disable=SC2086 # several words
check "the balance closes" python3 tests/kernel/balance_check.py "$W/status.1" \
	"$W/status.2" "$W/inner" "$W/outer" $pairs
nothing_lost() {
	python3 - "$W/status.2" "${MECHANISM:-auto}" <<-'PY'
		import json, sys
		counts = ["lost", "unmatched"] + ["misses"] * (sys.argv[2] == "auto")
		def walk(v, path=()):
		    if isinstance(v, dict):
		        if "hits" in v and "records" in v and "fault" in path:
		            yield path[-1], v
		        for k, w in v.items():
		            yield from walk(w, path + (k,))
		bad = [(n, k, v[k]) for n, v in walk(json.load(open(sys.argv[1])))
		       for k in counts if int(v.get(k, 0) or 0)]
		for b in bad: print(" ", *b)
		sys.exit(bool(bad))
	PY
}
check "no fault was lost, none without its mapping" nothing_lost
recorder_stop
rm -f "$SNAP"/*.frs

# ---- 32-bit -----------------------------------------------------------------------
small() {
	cc -m32 -O2 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -o "$W/small" \
		tests/kernel/fault.c -lpthread 2>"$W/cc"
}
if small; then
	recorder_start --set sampler.collectors= --set probes.streams=fault \
		--set "probes.mechanism=${MECHANISM:-auto}" || exit 1
	check "the pages were touched by a 32-bit program" \
		bash -c '"$W/small" "$W" >"$W/did"'
	client status --json >"$W/status.3"
	MISSES=$(misses "$W/status.3")
	export MISSES=${MISSES:-0}
	client dump >/dev/null
	wait_snapshots 1
	snap=$(snapshots | tail -n 1)
	rows >"$W/rows"
	check "its faults, too, are one record each" fault_check touches
	recorder_stop
	rm -f "$SNAP"/*.frs
else
	echo "  no 32-bit programs can be built here"
fi

# ---- overlayfs: the file that was opened, not the one below ---------------------------
mkdir "$W/lower" "$W/upper" "$W/work" "$W/merged"
modprobe overlay 2>/dev/null
if mount -t overlay fr-fault -o "lowerdir=$W/lower,upperdir=$W/upper,workdir=$W/work" \
	"$W/merged" 2>"$W/mount"; then
	at_end "umount '$W/merged'"
	recorder_start --set sampler.collectors= --set probes.streams=fault \
		--set "probes.mechanism=${MECHANISM:-auto}" \
		--set "trigger.slow-fault.when=fault latency > 1us" || exit 1
	check "the pages of files on overlayfs were touched" \
		bash -c '"$toucher" "$W/merged" >"$W/did"'
	check "a slow fault fires its trigger" wait_snapshots 1
	check "it says of what" bash -c '"$FR" info "$1" | grep -q "page fault of thread"' - \
		"$(snapshots | head -n 1)"
	client status --json >"$W/status.4"
	MISSES=$(misses "$W/status.4")
	export MISSES=${MISSES:-0}
	client dump >/dev/null
	wait_snapshots 2
	snap=$(snapshots | tail -n 1)
	rows >"$W/rows"
	check "the records name the files that were opened" fault_check touches
	recorder_stop
	rm -f "$SNAP"/*.frs
else
	echo "  overlayfs cannot be mounted here: $(cat "$W/mount")"
fi

# ---- what is kept -------------------------------------------------------------------
recorded() { # SETTING...: records of fault.c's files
	rm -f "$W/some.frs"
	"$FR" record -o "$W/some.frs" --set ring.pin_folder= --set run.folder="$W/record" \
		--set sampler.collectors= --set probes.streams=fault "$@" -- \
		"$toucher" "$W" >"$W/did" 2>"$W/said" || return 1
	"$FR" show -O csv --stream fault -f path,dur,weight,severity "$W/some.frs" |
		grep "$W/" >"$W/some"
}
only_slow() {
	recorded --set probes.above=fault=50us &&
		awk -F, '$2 <= 50000 { bad++ } END { exit !NR || bad }' "$W/some"
}
# As many as there were, give or take chance; those over the slow lane's limit are
# all kept, and stand for themselves.
one_in_four() {
	recorded --set probes.sample=fault=4 --set probes.slow_limit=10ms || return
	python3 - "$W/did" "$W/some" <<-'PY'
		import csv, sys
		f = [l.rstrip("\n").split(",") for l in open(sys.argv[1])]
		want = sum(int(t[4]) + int(t[5]) for t in f if t[9].startswith("/"))
		rows = list(csv.reader(open(sys.argv[2])))
		bad = [r for r in rows if int(r[2]) != (1 if int(r[1]) >= 10**7 else 4)]
		got = sum(int(r[2]) for r in rows)
		print(f"  there were {want}, {len(rows)} records stand for {got}")
		sys.exit(bool(bad) or abs(want - got) > 6 * (3 * want) ** .5)
	PY
}
check "probes.above keeps slow faults only" only_slow
check "probes.sample keeps one in four, which says so" one_in_four
finish
