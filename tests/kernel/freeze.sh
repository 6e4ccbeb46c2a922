#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# freeze.sh [FREEZES] - two writers at full speed number their own writes while
# the ring is frozen at random gaps; each snapshot must have every number once,
# or count what is missing.  1,000 freezes: make soak.
. "$(dirname "$0")/private_recorder.bash"
freezes=${1:-30}
scratch "${VMRUN_DISK:-/var/tmp}"

# The checker must see what it is there to see.
checker_test() { # WANT ROWS GAPS
	printf 'lane,cpu,tid,call,offset,seq,ts,dur\n%b' "$2" >"$W/rows.csv"
	echo "{\"gaps\": [$3], \"coverage\":
		[{\"lane\": \"fs\", \"cpu\": 0, \"from_ns\": 4}]}" >"$W/info.json"
	python3 tests/kernel/freeze_check.py --rows "$W/rows.csv" "$W/info.json" 9 \
		>/dev/null
	[ $? = "$1" ]
}
need python3
row='fs,0,9,pwrite64'
gap='{"lane": "fs", "cpu": 0, "from_seq": 2, "to_seq": 700, "lost": 3}'
check "the checker accepts whole rows" checker_test 0 "$row,1,1,5,1\n$row,2,2,6,1\n" ''
check "the checker sees a number twice" checker_test 1 \
	"$row,1,1,5,1\n$row,2,2,6,1\n$row,2,3,6,1\n" ''
check "the checker sees a hole" checker_test 1 "$row,1,1,5,1\n$row,3,2,6,1\n" ''
check "the checker accepts a counted hole" checker_test 0 \
	"$row,1,2,5,1\n$row,5,700,6,1\n" "$gap"
check "the checker sees a hole counted too small" checker_test 1 \
	"$row,1,2,5,1\n$row,6,700,6,1\n" "$gap"
check "the checker accepts what outlived the rest" checker_test 0 \
	"$row,1,1,1,2\n$row,3,2,6,1\n" ''
check "the checker sees a coverage told too short" checker_test 1 \
	"$row,1,1,1,1\n$row,2,2,1,2\n$row,3,3,6,1\n" ''

need_kernel
many=$(helper selfnumber) || exit 1
: >"$W/file"
recorder_start --set ring.memory=4MiB --set sampler.collectors= \
	--set "dump.max_files=100000" || exit 1
# emulated: who checks goes first, or a freeze takes a minute
lower=()
[ -z "${VMRUN:-}" ] || lower=(nice -n 15)
"${lower[@]}" "$many" "$W/file" 2 0 0 >"$W/writers" &
writers=$!
at_end "kill $writers 2>/dev/null"
for _ in $(seq 100); do
	[ "$(grep -c '^writer' "$W/writers")" = 2 ] && break
	sleep 0.05
done
sleep 0.3
mapfile -t tids < <(awk '/^writer/ { print $2 }' "$W/writers")
check "$freezes freezes: every number once, or counted" \
	python3 tests/kernel/freeze_check.py "$FR" "$daemon" "$SNAP" "$freezes" \
	"${tids[@]}"
kill $writers
check "the recorder is still there" recorder_says >/dev/null
finish
