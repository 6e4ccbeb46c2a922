#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh [--check] [--peers] - what recording costs, beside its peers, in one run
# with alternating rounds (ROUNDS, 5); then a real build: bytes per event, dump
# speed, history held.  --peers: without flightrec.  --check: against `limits`.
# The JSON lines at the end are the figures.
. "$(dirname "$0")/../kernel/private_recorder.bash"
checked='' peers=''
for a in "$@"; do
	case $a in
	--check) checked=1 ;;
	--peers) peers=1 ;;
	*) echo "usage: run.sh [--check] [--peers]" >&2 && exit 2 ;;
	esac
done
[ -n "$peers" ] && FR=/bin/true FRD=/bin/true
need_kernel
need python3
scratch
tracefs=/sys/kernel/tracing
rounds=${ROUNDS:-5}
calls_one=${CALLS_ONE:-1000000} calls_many=${CALLS_MANY:-500}

program() { # NAME [LDLIBS]: as built by make, or built here
	if [ -x "$O/tests/bench/$1" ]; then echo "$O/tests/bench/$1" && return; fi
	# shellcheck disable=SC2086
	cc -O2 -D_GNU_SOURCE -o "$W/$1" "tests/bench/$1.c" ${2:-} >&2 && echo "$W/$1"
}
reads=$(program reads) || exit 1
empty=$(program empty_pair -lbpf) || exit 1
mkdir -p "$W/files"
mountpoint -q /dev/shm && files=$(mktemp -d /dev/shm/fr-bench.XXXXXX) || files=$W/files
at_end "rm -rf '$files'"

# ---- recorders: on, off ------------------------------------------------------
on_base() { :; }
off_base() { :; }
on_empty() {
	"$empty" >"$W/empty.out" &
	empty_pid=$!
	for _ in $(seq 50); do
		grep -q attached "$W/empty.out" && return 0
		sleep 0.05
	done
	return 1
}
off_empty() { kill $empty_pid && wait $empty_pid 2>/dev/null; }
# In its first second the recorder lets the kernel time its programs, for `status`;
# the timing itself costs about as much as they do, so it is over before we measure.
on_flightrec() { recorder_start && sleep 1.5; }
off_flightrec() { recorder_stop; }
on_ftrace() {
	mkdir "$tracefs/instances/flightrec-bench" && cd "$tracefs/instances/flightrec-bench" &&
		echo 1 >options/overwrite && echo 16384 >buffer_size_kb &&
		echo 1 >events/raw_syscalls/sys_enter/enable &&
		echo 1 >events/raw_syscalls/sys_exit/enable && echo 1 >tracing_on
	local status=$?
	cd - >/dev/null || return
	return $status
}
off_ftrace() {
	local i=$tracefs/instances/flightrec-bench
	[ -d $i ] || return 0
	echo 0 >$i/tracing_on && echo 0 >$i/events/enable && rmdir $i
}
on_perf() {
	perf record --overwrite -q -a -m 16M -e raw_syscalls:sys_enter \
		-e raw_syscalls:sys_exit -o "$W/perf.data" >"$W/perf.log" 2>&1 &
	perf_pid=$!
	sleep 1
	kill -0 $perf_pid 2>/dev/null
}
off_perf() {
	kill -9 $perf_pid 2>/dev/null # its file is not wanted
	wait $perf_pid 2>/dev/null
}
at_end off_ftrace

recorders=(base empty)
[ -n "$peers" ] || recorders+=(flightrec)
recorders+=(ftrace)
command -v perf >/dev/null && recorders+=(perf) || echo "perf is missing: left out"

for ((k = 0; k < rounds; k++)); do
	for ((i = 0; i < ${#recorders[@]}; i++)); do
		r=${recorders[$(((i + k) % ${#recorders[@]}))]}
		if ! "on_$r"; then
			echo "$r cannot be started here: left out"
			"off_$r"
			continue
		fi
		echo "$k one $r $("$reads" one /dev/zero "$calls_one")" >>"$W/cost"
		echo "$k many $r $("$reads" many "$files" 10000 1000 "$calls_many")" >>"$W/cost"
		"off_$r"
	done
done
python3 tests/bench/table.py cost "$W/cost" | tee "$W/figures"

# ---- a real build --------------------------------------------------------------
build_here() { # compiles this tree into a scratch folder
	mkdir -p "$W/tree"
	{ git ls-files -z 2>/dev/null || find Makefile LICENSE recorder bpf triggers dump \
		include tests man -type f -print0; } | xargs -0 cp --parents -t "$W/tree" &&
		make -C "$W/tree" -j"$(nproc)" all >"$W/build.log" 2>&1
}
if [ -z "$peers" ]; then
	recorder_start || exit 1
	build_here || tail -n 5 "$W/build.log"
	recorder_says >"$W/status.json"
	began=$(date +%s.%N)
	client dump >/dev/null
	wait_snapshots 1 60
	seconds=$(echo "$(date +%s.%N) - $began" | bc 2>/dev/null ||
		python3 -c "import time; print(time.time() - $began)")
	file=$(snapshots | tail -n 1)
	"$FR" info -O json "$file" >"$W/info.json"
	echo
	echo "this tree compiled, 64 MiB of ring:"
	python3 tests/bench/table.py snapshot "$W/info.json" "$(stat -c %s "$file")" \
		"$seconds" "$W/status.json" | tee -a "$W/figures"
	recorder_stop
fi
# The column encoder alone, one core: on that snapshot, else on made-up records.
if [ -x "$O/tests/bench/encode" ]; then
	"$O/tests/bench/encode" ${file:+"$file"} | python3 tests/bench/table.py encode |
		tee -a "$W/figures"
fi
[ -z "$checked" ] || python3 tests/bench/table.py check tests/bench/limits "$W/figures"
