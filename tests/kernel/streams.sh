#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# streams.sh - all streams at once: a program does a known number of operations of
# each at a steady rate while snapshots are taken; the snapshots together hold every
# one of them, and nothing was lost.  Prints a table.
#
# ROUNDS: how long (16,000), RATE: rounds a second (4,000), 8 events or so each: RATE
# 12000 is 100,000 events a second.  Other tracers that come or go meanwhile make the
# kernel drop events for everybody: run it alone.
# MECHANISM: the way into the kernel that is forced; then what the kernel itself
# keeps from us (misses) may explain what is missing.  HOTPLUG=1: meanwhile CPUs go
# away and come back.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3 perf
scratch "${VMRUN_DISK:-/var/tmp}"
busy=$(helper allstreams) || exit 1
uring=$(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo 0)
[ "$uring" = 0 ] || {
	echo 0 >/proc/sys/kernel/io_uring_disabled
	at_end "echo $uring >/proc/sys/kernel/io_uring_disabled"
}

mechanism=${MECHANISM:-auto}
memory=64MiB
[ -z "${HOTPLUG:-}" ] || memory=256MiB # snapshots take longer then
recorder_start --set probes.profile=deep --set sampler.collectors= \
	--set "probes.mechanism=$mechanism" --set dump.max_files=1000 \
	--set "ring.memory=$memory" || exit 1

# All CPUs but the first, off and on, for as long as ${1} lives.
hotplug() {
	local times=0 c
	while kill -0 "$1" 2>/dev/null; do
		for c in /sys/devices/system/cpu/cpu[1-9]*/online; do
			echo 0 >"$c" && echo 1 >"$c" && times=$((times + 1))
		done
	done
	echo "  CPUs went away and came back $times times"
	[ $times -gt 2 ]
}
if [ -n "${HOTPLUG:-}" ]; then
	echo 1 2>/dev/null >/sys/devices/system/cpu/cpu1/online ||
		skip "this machine's CPUs cannot be switched off"
fi
client status --json >"$W/status.1"
"$busy" "$W" "${ROUNDS:-16000}" "${RATE:-4000}" >"$W/did" 2>"$W/said" &
program=$!
if [ -n "${HOTPLUG:-}" ]; then
	hotplug $program &
	plug=$!
fi
n=0
# Each snapshot reaches back over the one before: so none may be late.
while kill -0 $program 2>/dev/null; do
	client dump >/dev/null 2>&1 && n=$((n + 1))
done
wait $program || {
	echo "FAILED: the program: $(tail -n 1 "$W/said")"
	exit 1
}
[ -z "${HOTPLUG:-}" ] || check "CPUs were switched off and on" wait $plug
client dump >/dev/null 2>&1
client status --json >"$W/status.2"
recorder_stop
echo "  $n snapshots were taken meanwhile"
# shellcheck disable=SC2046 # names without blanks
"$FR" show -O csv -f stream,op,call,ts,dur,pid,tid,ret,direct,sector,size,comm,cpu,path $(snapshots) >"$W/rows.csv"
"$FRD" --doctor >"$W/doctor" 2>/dev/null
preempted=0
grep -q '^programs preempted *yes' "$W/doctor" && preempted=1
check "every operation is there once, of every stream; nothing lost" \
	python3 tests/kernel/streams_table.py "$W/did" "$W/rows.csv" \
	"$W/status.1" "$W/status.2" "$mechanism" "${HOTPLUG:-0}" $preempted

# Where programs can be preempted, those that lose nothing are chosen.
careful() {
	[ $preempted = 1 ] || {
		echo "  programs are not preempted here"
		return 0
	}
	awk '$3 == "attached" && ($4 == "fentry" || $4 == "fexit") { print "  lossy: " $0; n++ }
		$1 == "fs" && $3 == "attached" && $4 != "tracepoint" { print "  lossy: " $0; n++ }
		END { exit n > 0 }' "$W/doctor"
}
[ "$mechanism" != auto ] || check "the choice avoids mechanisms that lose events" careful
finish
