#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# drift.sh [TICKS [PERIOD_MS]] - the sampler's timer never drifts.
#
# Two busy loops take the CPUs, one collector overruns again and again, strace
# notes the deadlines that the timer process passes to the kernel; beside
# it a naive sleep loop runs under the same load.  2,000 ticks of 10 ms unless told
# otherwise.  Needs no recorder and no root, but strace and python3.
cd "$(dirname "$0")/../.." || exit 1
ticks=${1:-2000} period=${2:-10}
prog=${O:-build}/tests/kernel/drift_timer
for tool in strace python3; do
	command -v $tool >/dev/null || { echo "skip: needs $tool"; exit 77; }
done
[ -x "$prog" ] || { echo "$prog is not built: run make test-programs first"; exit 1; }
W=$(mktemp -d) || exit 1
busy=()
cleanup() {
	[ ${#busy[@]} = 0 ] || kill "${busy[@]}" 2>/dev/null
	rm -rf "$W"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# As many as there are CPUs, two at least; they end on their own, should we
# not be able to end them.
for ((i = 0; i < $(nproc) || i < 2; i++)); do
	timeout $((ticks * period / 1000 + 60)) sh -c 'while :; do :; done' &
	busy+=($!)
done
"$prog" naive "$ticks" "$period" >"$W/naive" &
naive=$!
strace -f -qq -e trace=clock_nanosleep -e signal=none -o "$W/strace" \
	"$prog" sampler "$ticks" "$period" >"$W/ticks" || {
	echo "FAILED: drift_timer under strace"
	echo "0 passed, 1 failed"
	exit 1
}
wait $naive
python3 tests/kernel/drift.py "$W/strace" "$W/ticks" "$W/naive" $((period * 1000000)) "$ticks"
