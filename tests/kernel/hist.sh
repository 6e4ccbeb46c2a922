#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hist.sh - the histograms count every operation: their counts, sums and quantiles
# beside those that another program computes from all events; counts beside perf's
# and the programs' own, where the rows do not suffice, where policies thin the
# records out, and when the recorder was killed; OpenMetrics beside another parser.
# PARTS="exact policies overflow status" chooses; each start of a recorder takes a
# minute on an emulated machine.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch "${VMRUN_DISK:-/var/tmp}"
work=tests/kernel/hist_work.py compare=tests/kernel/hist_check.py
rounds=200 reads=20000 opens=300 devices=40
[ -z "${VMRUN:-}" ] || rounds=60 reads=1500 opens=40 devices=20
mkdir -p "$W/disk" "$W/memory"
mount -t tmpfs tmpfs "$W/memory" && at_end "umount $W/memory"

# where /dev/zero lies
zero=$(python3 -c 'import os
d = os.stat("/dev/zero").st_dev
print(f"{os.major(d)}:{os.minor(d)}")')

part() { case " ${PARTS:-exact policies overflow status} " in *" $1 "*) ;; *) return 1 ;; esac }

record() { # NAME [--set X]... -- COMMAND...
	local name=$1
	shift
	"$FR" record -q -o "$W/$name.frs" --set ring.pin_folder= \
		--set run.folder="$W/record" --set sampler.collectors= \
		--set ring.memory=128MiB "$@" >"$W/$name.out" 2>"$W/$name.err" || {
		tail -n 3 "$W/$name.err"
		return 1
	}
	"$FR" show -O jsonl --stream hist "$W/$name.frs" >"$W/$name.hist" 2>"$W/$name.err" ||
		grep -q 'no row' "$W/$name.err"
}
sum_of() { python3 $compare sum "$W/$1.hist" "${@:2}"; }

# ---- beside all events ---------------------------------------------------------
quantiles() {
	record mix --set probes.profile=deep --set probes.streams=-cache,-drop,-proc,-fault,-uring -- \
		bash -c 'python3 "$1" mix "$2/disk" "$2/memory" "$3"
			dd if="$2/disk/file" of=/dev/null iflag=direct bs=4k count=20 status=none
			sync "$2/disk/file"' _ "$work" "$W" $rounds || return 1
	"$FR" show -O jsonl -f stream,op,call,dev,cgroup,dur "$W/mix.frs" >"$W/mix.rows"
	if "$FR" info "$W/mix.frs" | grep -iE '[1-9][0-9]* *(lost|torn)'; then
		echo "  not all events are there"
		return 1
	fi
	python3 $compare events "$W/mix.rows" "$W/mix.hist"
}

if part exact; then
	check "counts, sums and quantiles are those of all events" quantiles
	report() { "$FR" report "$W/mix.frs" | grep -A 4 'ALL OPERATIONS' | grep -q '^fs '; }
	check "the report says what is usual" report
	exported() {
		"$FR" export --to csv -q -o "$W/csv" "$W/mix.frs" &&
			[ "$(grep -c . "$W/csv/hist/hist_events.csv")" -gt 10 ]
	}
	check "they are exported" exported
fi

# ---- beside perf and the program ---------------------------------------------------
if command -v perf >/dev/null && [ -e /sys/kernel/tracing/events/syscalls/sys_exit_pwrite64 ]; then
	witness=(perf stat -x, -o "$W/witness" -e syscalls:sys_exit_pwrite64 --)
	witness_count() { grep sys_exit_pwrite64 "$W/witness" | cut -d, -f1; }
else
	need strace
	witness=(strace -f -qq -e trace=pwrite64 -o "$W/witness")
	witness_count() { grep -c 'pwrite64(' "$W/witness"; }
fi
counts() {
	record count -- "${witness[@]}" python3 $work count $reads $opens "$W/memory" ||
		return 1
	local dev
	dev=$(tail -n 1 "$W/count.out")
	[ "$(witness_count)" = "$reads" ] && sum_of count call=pwrite64 = "$reads" &&
		sum_of count call=pread64 "dev=$zero" = "$reads" &&
		sum_of count call=openat "dev=$dev" = $opens
}
part policies && check "counts are those of ${witness[0]} and of the program" counts

# ---- policies -----------------------------------------------------------------------
policies() { # NAME SETTING
	record "$1" --set "$2" -- python3 $work count $reads $opens "$W/memory" || return 1
	local dev kept
	dev=$(tail -n 1 "$W/$1.out")
	kept=$("$FR" show -O csv --stream fs -f call "$W/$1.frs" | grep -c pread64)
	echo "  of $reads reads $kept have a record"
	[ "$kept" -lt $((reads / 2)) ] && sum_of "$1" call=pread64 dev="$zero" = $reads &&
		sum_of "$1" call=openat "dev=$dev" = $opens
}
part policies && check "one record in 8: every operation is counted" policies sampled probes.sample=fs=8
part policies && check "no record below a second: every operation is counted" policies above probes.above=fs=1s

# ---- more devices than rows --------------------------------------------------------------
overflow() {
	local i folders=()
	for ((i = 0; i < devices; i++)); do
		mkdir -p "$W/many/$i"
		mount -t tmpfs tmpfs "$W/many/$i" || return 1
		at_end "umount $W/many/$i"
		folders+=("$W/many/$i")
	done
	record overflow --set hist.memory=320KiB -- \
		taskset -c 0 python3 $work rows 25 "${folders[@]}" || return 1
	local others
	others=$(python3 -c 'import json, sys
print(sum(r["count"] for r in map(json.loads, open(sys.argv[1]))
          if r["whole"] and r["call"] == "pwrite64" and r["dev"] is None and r["cgroup"] is None))' "$W/overflow.hist")
	echo "  $others writes have no row of their own"
	[ "$others" -gt 0 ] && [ "$others" -lt $((25 * devices)) ] &&
		sum_of overflow call=pwrite64 = $((25 * devices))
}
part overflow && check "more devices than rows: the rest is counted as others" overflow
cgroups() {
	record nocgroups --set hist.cgroups=no --set dump.anonymize=yes -- python3 $work count 100 10 "$W/memory" || return 1
	sum_of nocgroups call=pread64 dev="$zero" cgroup=0 = 100
}
part overflow && check "without cgroups, in an anonymous snapshot" cgroups
none() {
	record none --set hist.memory=0 -- true && [ ! -s "$W/none.hist" ]
}
part overflow && check "without histograms" none

# ---- status, and what a killed recorder leaves ---------------------------------------------
python=$(for p in python3 /usr/bin/python3; do
	"$p" -c 'import prometheus_client' 2>/dev/null && echo $p && break
done)
metrics() {
	client status --json >"$W/status.json" &&
		client status --openmetrics >"$W/metrics" &&
		"$python" $compare metrics "$W/metrics" "$W/status.json"
}
part status || finish
recorder_start --set sampler.collectors= --set "scope.pids=$$" || exit 1
python3 $work mix "$W/disk" "$W/memory" 20
if [ -n "$python" ]; then
	check "another parser reads the OpenMetrics text, and the counts in it" metrics
else
	echo "skip: python3-prometheus-client is not installed"
fi
check "status shows the busiest operations" \
	bash -c '"$1" status --run-folder "$2" | grep -E "^fs\.write .* ([0-9.]+ [num]?s *){6}$"' _ "$FR" "$RUN"
killed() {
	python3 $work count 700 10 "$W/memory" >/dev/null
	kill -9 "$daemon"
	wait "$daemon" 2>/dev/null
	daemon=''
	python3 $work count 300 10 "$W/memory" >/dev/null
	"$FR" recover "${SETS[@]}" >"$W/recover.out" 2>&1 || cat "$W/recover.out"
	wait_snapshots 1 || return 1
	"$FR" show -O jsonl --stream hist "$(snapshots | tail -n 1)" >"$W/killed.hist"
	sum_of killed call=pread64 dev="$zero" = 1000
}
check "a killed recorder's histograms go on, and are recovered" killed
finish
