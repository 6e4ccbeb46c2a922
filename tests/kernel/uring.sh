#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# uring.sh - io_uring requests: a row for each completion that a program got, with
# what it asked for and what came of it; as many as perf counts; and fio's.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3 perf
scratch "${VMRUN_DISK:-/var/tmp}"
uring=$(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo 0)
[ "$uring" = 0 ] || {
	echo 0 >/proc/sys/kernel/io_uring_disabled
	at_end "echo $uring >/proc/sys/kernel/io_uring_disabled"
}
prog=$(helper uring) || exit 1
recorder_start --set sampler.collectors= --set probes.streams=uring || exit 1
mkdir "$W/a"
perf stat -a -x, -o "$W/perf" -e io_uring:io_uring_complete -- \
	sh -c 'echo $$ >"$2/pid"; exec "$1" "$2/a" >"$2/did" 2>"$2/said"' - "$prog" "$W"
status=$?
[ $status != 77 ] || skip "$(cat "$W/said")"
check "the program did all it wanted" [ $status = 0 ]
[ $status = 0 ] || cat "$W/said"
recorder_says >"$W/status"
client dump >/dev/null
wait_snapshots 1
snap=$(snapshots | tail -n 1)
"$FR" show -O jsonl --stream uring "$snap" >"$W/rows"
check "each completion is one row" python3 tests/kernel/uring_compare.py \
	"$W/did" "$W/rows" "$(cat "$W/pid")" "$W/a/file"
counted_by_duration() {
	"$FR" show -O jsonl --stream hist "$snap" >"$W/hist"
	[ "$(wc -l <"$W/hist")" -gt 0 ] &&
		python3 tests/kernel/hist_check.py stream uring "$W/rows" "$W/hist"
}
check "the histograms have each of them" counted_by_duration
words() { # of the table for people
	"$FR" show --stream uring "$snap" >"$W/table"
	grep -q "read .*IOSQE_ASYNC\|read .*ASYNC" "$W/table" && grep -q "fsync" "$W/table" &&
		grep -q "ETIME" "$W/table" && grep -q "ECANCELED" "$W/table"
}
check "words for operations, flags and errors" words
counted() {
	local n
	n=$(grep -v '^#' "$W/perf" | cut -d, -f1 | tail -n 1)
	python3 - "$W/status" "$n" <<-'PY'
		import json, sys
		def find(v, path=()):
		    if isinstance(v, dict):
		        if "hits" in v and "records" in v:
		            yield path, v
		        for k in v:
		            yield from find(v[k], path + (k,))
		p = {path[-1]: v for path, v in find(json.load(open(sys.argv[1]))) if path[-2:-1] == ("uring",)}
		d = p["done"]
		print(f"  perf counted {sys.argv[2]} completions, the probe {d['hits']}: {d['records']} records, "
		      f"{d['filtered']} filtered, {d['unmatched']} unmatched, {d['lost']} lost, {d['misses']} missed")
		sys.exit(int(d["hits"]) + int(d["misses"]) != int(sys.argv[2]) or int(d["lost"]) != 0)
	PY
}
check "as many completions as perf counts" counted
recorder_stop
if command -v fio >/dev/null; then
	rm -f "$SNAP"/*.frs
	recorder_start --set sampler.collectors= --set probes.streams=uring || exit 1
	fio --name=x --filename="$W/a/fio" --size=4M --bs=4k --rw=randrw --ioengine=io_uring \
		--iodepth=16 --output-format=json --output="$W/fio" >/dev/null 2>&1
	client dump >/dev/null
	wait_snapshots 1
	"$FR" show -O csv --stream uring --comm fio -f op,ret,path "$(snapshots | tail -n 1)" >"$W/rows"
	as_fio() {
		python3 - "$W" <<-'PY'
			import csv, json, sys
			j = json.load(open(sys.argv[1] + "/fio"))["jobs"][0]
			rows = [r for r in csv.DictReader(open(sys.argv[1] + "/rows")) if r["path"].endswith("/fio")]
			bad = 0
			for op in ("read", "write"):
			    mine = [r for r in rows if r["op"].startswith(op)]
			    n, b = len(mine), sum(int(r["ret"]) for r in mine)
			    print(f"  fio: {j[op]['total_ios']} {op}s, {j[op]['io_bytes']} bytes; rows {n}, {b}")
			    bad |= n != j[op]["total_ios"] or b != j[op]["io_bytes"]
			sys.exit(bad)
		PY
	}
	check "fio's requests and bytes" as_fio
fi
finish
