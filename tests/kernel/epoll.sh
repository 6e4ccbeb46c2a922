#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# epoll.sh - epoll, poll and select in all their forms: under strace each value,
# at full speed the counts of perf stat; the same of a 32-bit program.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need strace perf python3
scratch "${VMRUN_DISK:-/var/tmp}"
compare=tests/kernel/epoll_compare.py
program=$(helper epoll) || exit 1
columns=stream,ts,op,call,tid,comm,ret,errno,fd,fd2,ctl_op,ctl_op_text,events
columns+=,events_text,asked_events,asked_events_text,flags_text,max_events
columns+=,timeout_ns,looked

record() { # NAME COMMAND...
	local name=$1
	shift
	"$FR" record -o "$W/$name.frs" --streams +epoll --set ring.pin_folder= \
		--set ring.memory=96MiB --set run.folder="$W/record" \
		--set sampler.collectors= -- "$@" >"$W/$name.out" 2>&1 || {
		tail -n 3 "$W/$name.out"
		return 1
	}
	"$FR" show -O jsonl --stream epoll,proc -f $columns "$W/$name.frs" >"$W/$name.rows"
}

values() { # NAME PROGRAM CALL...
	local name=$1 what=$2
	shift 2
	record "$name" strace -f -v -s 300 -o "$W/$name.log" "$what" 1 &&
		python3 $compare values "$W/$name.log" "$W/$name.rows" "$@"
}

both="epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 poll ppoll select pselect6"
# shellcheck disable=SC2086 # several words
check "each value as strace saw it" values native "$program" $both epoll_create

counts() {
	local events=() e
	for e in $both epoll_create; do
		[ ! -d /sys/kernel/tracing/events/syscalls/sys_exit_"$e" ] ||
			events+=(-e "syscalls:sys_exit_$e")
	done
	record fast perf stat -x, -o "$W/fast.perf" "${events[@]}" -- "$program" "${ROUNDS:-100}" &&
		python3 $compare counts "$W/fast.perf" "$W/fast.rows" epoll
}
check "counts at full speed as perf counted" counts

if gcc -m32 -O2 -D_GNU_SOURCE -o "$W/epoll32" tests/kernel/epoll.c 2>/dev/null &&
	"$W/epoll32" 1; then
	# shellcheck disable=SC2086 # several words
	check "a 32-bit program: each value as strace saw it" values bits32 "$W/epoll32" \
		$both epoll_create ppoll_time64 pselect6_time64 _newselect
else
	echo "skip: no 32-bit program can be built and run here"
fi
finish
