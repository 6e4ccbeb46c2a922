#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sockopt.sh - socket options: under strace each value, byte by byte; at full speed
# the counts of perf stat; the same of a 32-bit program; what is left out by default.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need strace perf python3
scratch "${VMRUN_DISK:-/var/tmp}"
program=$(helper sockopt) || exit 1
columns=stream,ts,op,call,tid,comm,ret,errno,fd,level,level_text,option
columns+=,option_text,value,value_len,option_len

record() { # NAME LEVELS COMMAND...
	local name=$1 levels=$2
	shift 2
	"$FR" record -o "$W/$name.frs" --streams +sockopt --set "probes.sockopt=$levels" \
		--set ring.pin_folder= --set run.folder="$W/record" --set ring.memory=96MiB \
		--set ring.shares=other=50,names=20 \
		--set sampler.collectors= -- "$@" >"$W/$name.out" 2>&1 || {
		tail -n 3 "$W/$name.out"
		return 1
	}
	"$FR" show -O jsonl --stream sockopt,proc -f $columns "$W/$name.frs" >"$W/$name.rows"
}

values() { # NAME LEVELS PROGRAM
	record "$1" "$2" strace -f -v -s 300 -xx -o "$W/$1.log" "$3" 1 &&
		python3 tests/kernel/sockopt_compare.py "$W/$1.log" "$W/$1.rows" "$2"
}
check "each value as strace saw it, all levels" values all all "$program"
check "by default SOL_SOCKET and IPPROTO_TCP" values some default "$program"

counts() {
	record fast all perf stat -x, -o "$W/fast.perf" -e syscalls:sys_exit_setsockopt \
		-e syscalls:sys_exit_getsockopt -- "$program" "${ROUNDS:-100}" &&
		python3 tests/kernel/epoll_compare.py counts "$W/fast.perf" \
			"$W/fast.rows" sockopt
}
check "counts at full speed as perf counted" counts

if gcc -m32 -O2 -D_GNU_SOURCE -o "$W/sockopt32" tests/kernel/sockopt.c 2>/dev/null &&
	"$W/sockopt32" 1; then
	check "a 32-bit program: each value as strace saw it" values bits32 all "$W/sockopt32"
else
	echo "skip: no 32-bit program can be built and run here"
fi
finish
