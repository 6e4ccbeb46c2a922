#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# balance.sh - nothing is unaccounted for: for each probe, what ran is what was
# recorded, filtered, unmatched or lost; and perf, counting on its own, saw the
# kernel hit the same tracepoints as often.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need perf python3
scratch "${VMRUN_DISK:-/var/tmp}"
writer=$(helper selfnumber) || exit 1
: >"$W/file"
stats=$(cat /proc/sys/kernel/bpf_stats_enabled 2>/dev/null || echo 0)
echo 1 >/proc/sys/kernel/bpf_stats_enabled # the kernel counts runs of programs
at_end "echo $stats >/proc/sys/kernel/bpf_stats_enabled"
recorder_start --set sampler.collectors= || exit 1

events='-e raw_syscalls:sys_enter -e raw_syscalls:sys_exit -e block:block_rq_issue
	-e block:block_rq_complete -e sched:sched_process_fork
	-e sched:sched_process_exec -e sched:sched_process_exit'
# shellcheck disable=SC2086 # several words
counter() { perf stat -a -x, -o "$1" $events -- "${@:2}"; }
# The inner count lies within the two statuses, these within the outer count:
# inner <= flightrec <= outer.
cat >"$W/inner.sh" <<'IN'
"$FR" status --run-folder "$RUN" --json >"$W/status.1"
perf stat -a -x, -o "$W/inner" $events -- bash -c '"$writer" "$W/file" 2 3 &
	for i in 1 2 3 4 5 6 7 8; do
		dd if=/dev/zero of="$W/direct" bs=4k count=200 oflag=direct conv=fsync status=none
	done
	wait' >"$W/numbers"
"$FR" status --run-folder "$RUN" --json >"$W/status.2"
IN
export FR RUN W writer events
counter "$W/outer" bash "$W/inner.sh"
check "perf's counts bracket each probe's, and the sums close" \
	python3 tests/kernel/balance_check.py "$W/status.1" "$W/status.2" \
	"$W/inner" "$W/outer" fs_enter=raw_syscalls:sys_enter \
	fs_exit=raw_syscalls:sys_exit block_issue=block:block_rq_issue \
	proc_fork=sched:sched_process_fork proc_exec=sched:sched_process_exec \
	proc_exit=sched:sched_process_exit

# A known number of calls, one program, nobody else in scope: exact.
exact() {
	"$FR" record -o "$W/exact.frs" --set ring.pin_folder= \
		--set run.folder="$W/record" --set sampler.collectors= -- \
		"$writer" "$W/file" 1 1 20000 >"$W/numbers" || return 1
	local tid want got
	read -r _ tid want < <(grep '^done' "$W/numbers")
	got=$("$FR" show -O csv --stream fs -f tid,call "$W/exact.frs" |
		grep -c "^$tid,pwrite64\$")
	echo "  the program made $want writes, $got are recorded"
	[ "$got" = "$want" ]
}
check "a known number of calls is recorded, each once" exact
finish
