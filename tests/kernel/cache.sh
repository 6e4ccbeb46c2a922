#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cache.sh - pages of the page cache: a program does known things to a file; after
# each, pages that came less pages that went are what mincore(2) sees, and each kind
# is what was done; as many as perf counts; and one in N with its weight.
#
# MECHANISM: the way into the kernel that is forced.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3 perf
scratch "${VMRUN_DISK:-/var/tmp}"
mechanism=${MECHANISM:-auto}
mkdir "$W/d"
# a memory cgroup that is too small for the second file
group=''
for g in /sys/fs/cgroup/memory /sys/fs/cgroup; do
	[ -z "$group" ] && [ -e $g/cgroup.procs ] && mkdir $g/fr-cache-$$ 2>/dev/null || continue
	at_end "rmdir $g/fr-cache-$$"
	[ $g = /sys/fs/cgroup ] && echo +memory >$g/cgroup.subtree_control 2>/dev/null
	for limit in memory.limit_in_bytes memory.max; do
		[ -e $g/fr-cache-$$/$limit ] && echo 48M >$g/fr-cache-$$/$limit && group=$g/fr-cache-$$
	done
done
limited=()
[ -z "$group" ] || {
	dd if=/dev/zero of="$W/d/big" bs=1M count=128 conv=fsync 2>/dev/null
	python3 -c 'import os, sys; os.posix_fadvise(os.open(sys.argv[1], os.O_RDONLY), 0, 0, os.POSIX_FADV_DONTNEED)' "$W/d/big"
	limited=("$W/d/big")
}
recorder_start --set sampler.collectors= --set probes.streams=fs,cache \
	--set "probes.mechanism=$mechanism" --set ring.memory=128MiB || exit 1
recorder_says >"$W/status.1"
perf stat -a -x, -o "$W/perf" -e filemap:mm_filemap_add_to_page_cache \
	-e filemap:mm_filemap_delete_from_page_cache -e writeback:writeback_dirty_folio -- \
	sh -c '[ -z "$1" ] || echo $$ >"$1/cgroup.procs"; shift; exec python3 tests/kernel/cache_work.py "$@"' - \
	"$group" "$W/d/file" "${limited[@]+"${limited[@]}"}" >"$W/did" 2>"$W/said"
check "the program did all it wanted" [ -s "$W/did" ]
tail -n 2 "$W/said"
recorder_says >"$W/status.2"
client dump >/dev/null
wait_snapshots 1
snap=$(snapshots | tail -n 1)
"$FR" show -O csv --stream cache -f ts,op,ino,index,count,weight,path,pid "$snap" >"$W/rows"
attached() { # of a probe
	python3 - "$W/status.2" "$1" <<-'PY'
		import json, sys
		def find(v, path=()):
		    if isinstance(v, dict):
		        if "hits" in v and "records" in v: yield path, v
		        for k in v: yield from find(v[k], path + (k,))
		sys.exit(not any(p[-2:] == ("cache", sys.argv[2]) and v.get("attached") in (1, "1", "yes", True)
		                 for p, v in find(json.load(open(sys.argv[1])))))
	PY
}
can=none
attached hit && can=$can,hit
attached wbstart && attached wbend && can=$can,writeback
echo "  this kernel also shows: $can"
check "pages that came and went are those that mincore saw, and of the right kind" \
	python3 tests/kernel/cache_check.py "$W/did" "$W/rows" "$can"
counted() {
	python3 - "$W/perf" "$W/status.1" "$W/status.2" <<-'PY'
		import json, sys
		perf = [l.split(",") for l in open(sys.argv[1]) if l[0] != "#" and "," in l]
		perf = {f[2].split(":")[1]: int(f[0]) for f in perf if f[0].isdigit()}
		def find(v, path=()):
		    if isinstance(v, dict):
		        if "hits" in v and "records" in v: yield path, v
		        for k in v: yield from find(v[k], path + (k,))
		def counts(name):
		    return {p[-1]: v for p, v in find(json.load(open(name))) if p[-2:-1] == ("cache",)}
		a, b = counts(sys.argv[2]), counts(sys.argv[3])
		bad = 0
		for probe, event in (("add", "mm_filemap_add_to_page_cache"), ("delete", "mm_filemap_delete_from_page_cache"),
		                     ("dirty", "writeback_dirty_folio")):
		    if event not in perf: continue
		    hits = int(b[probe]["hits"]) + int(b[probe]["misses"]) - int(a[probe]["hits"]) - int(a[probe]["misses"])
		    lost = int(b[probe]["lost"])
		    print(f"  {event}: perf {perf[event]}, hits {hits}, lost {lost}")
		    # ours counts a little longer than perf does, and others work meanwhile
		    bad |= hits < perf[event] or lost
		sys.exit(bad)
	PY
}
check "no fewer than perf counts, none lost" counted
recorder_stop
rm -f "$SNAP"/*.frs

# one in 8: the sum of the weights is what there was, within five deviations
recorder_start --set sampler.collectors= --set probes.streams=fs,cache --set probes.sample=cache=8 \
	--set "probes.mechanism=$mechanism" || exit 1
dd if=/dev/zero of="$W/d/many" bs=4k count=16384 2>/dev/null
ino=$(stat -c %i "$W/d/many")
client dump >/dev/null
wait_snapshots 1
"$FR" show -O csv --stream cache -f op,ino,count,weight "$(snapshots | tail -n 1)" >"$W/rows"
sampled() {
	python3 - "$W/rows" "$ino" <<-'PY'
		import csv, math, sys
		rows = [r for r in csv.DictReader(open(sys.argv[1])) if r["ino"] == sys.argv[2] and r["op"] == "dirty"]
		n = sum(int(r["count"]) * int(r["weight"]) for r in rows)
		size = sum(int(r["count"]) for r in rows) / max(len(rows), 1)
		events = 16384 / size
		sd = size * math.sqrt(events * 7)
		print(f"  16384 pages dirtied, {len(rows)} rows of 1 in 8 stand for {n}, deviation {sd:.0f}")
		sys.exit(not rows or any(r["weight"] != "8" for r in rows) or abs(n - 16384) > 5 * sd)
	PY
}
check "one in 8 stands for all" sampled
finish
