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
recorder_start --set sampler.collectors= || exit 1

counter() { perf stat -a -x, -o "$1" -e raw_syscalls:sys_enter -e raw_syscalls:sys_exit \
	-- "${@:2}"; }
# The inner count lies within the two statuses, these within the outer count:
# inner <= flightrec <= outer.
cat >"$W/inner.sh" <<'IN'
"$FR" status --run-folder "$RUN" --json >"$W/status.1"
perf stat -a -x, -o "$W/inner" -e raw_syscalls:sys_enter -e raw_syscalls:sys_exit \
	-- "$writer" "$W/file" 2 3 >"$W/numbers"
"$FR" status --run-folder "$RUN" --json >"$W/status.2"
IN
export FR RUN W writer
counter "$W/outer" bash "$W/inner.sh"
check "perf's counts bracket each probe's, and the sums close" \
	python3 tests/kernel/balance_check.py "$W/status.1" "$W/status.2" \
	"$W/inner" "$W/outer" fs_enter=raw_syscalls:sys_enter \
	fs_exit=raw_syscalls:sys_exit

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
