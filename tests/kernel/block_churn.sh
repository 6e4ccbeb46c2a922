#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# block_churn.sh - a busy machine whose kernel keeps some completions from everybody's
# programs (those in the time of a process that is not to be traced): still each of fio's
# reads has one record, with a duration or marked as one whose end was not shown, none
# looks as if it hung, and no trigger takes one for a disk that hangs.  Tracers of others
# come and go meanwhile.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need fio perf python3
scratch "${VMRUN_DISK:-/var/tmp}"
reads=${READS:-40000}
[ -z "${VMRUN:-}" ] || reads=${READS:-1500}
recorder_start --set sampler.collectors= --set ring.memory=256MiB \
	--set 'trigger.hangs.when=block inflight > 300ms' || exit 1
fio --name=f --filename="$W/file" --size=16M --rw=write --bs=1M --end_fsync=1 \
	--output=/dev/null
while :; do
	perf stat -a -e block:block_rq_complete,block:block_rq_issue sleep 0.05
done >/dev/null 2>&1 &
churn=$!
fio --name=f --filename="$W/file" --size=16M --rw=randread --direct=1 --bs=4k \
	--iodepth=1 --io_size=$((reads * 4))k --norandommap --output="$W/fio" \
	--output-format=json
status=$?
kill $churn
[ $status = 0 ] || skip "this file system takes no direct I/O"
client dump >/dev/null 2>&1
client status --json >"$W/status"
recorder_stop
"$FR" show -O csv -f stream,op,dur,ts,comm,path,mark \
	"$(snapshots | tail -n 1)" >"$W/rows.csv"
check "each of fio's reads has one record; none hangs" \
	python3 - "$W/fio" "$W/rows.csv" "$W/status" "$W/file" <<'PY'
import csv, json, sys
fio, rows, status, path = sys.argv[1:]
want = json.load(open(fio))["jobs"][0]["read"]["total_ios"]
mine = [r for r in csv.DictReader(open(rows)) if r["path"] == path]
reads = [r for r in mine if r["stream"] == "block" and r["op"] == "read" and r["comm"] == "fio"]
hung = [r for r in mine if r["stream"] == "inflight"]
ended = sum(1 for r in reads if r["dur"] and r["mark"] != "end_unseen")
probes = json.load(open(status))["probe"]["block"]
unfinished = sum(int(p.get("unfinished", 0)) for p in probes.values())
odd = [r for r in reads if not r["dur"] and r["mark"] != "end_unseen"]
print(f"  fio read {want} times; records: {len(reads)}, {len(reads) - ended} of them without"
      f" an end; the recorder counted {unfinished} of all requests; {len(hung)} in flight", odd[:1] or "")
sys.exit(not want or len(reads) != want or len(reads) - ended > unfinished or bool(odd) or bool(hung))
PY
check "no trigger took one for a disk that hangs" [ "$(snapshots | wc -w)" = 1 ]
finish
