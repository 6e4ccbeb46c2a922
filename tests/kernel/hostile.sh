#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hostile.sh - a program that does everything wrong on purpose: memory that is not
# there, names of a megabyte, of a hundred folders, of bytes that are no text, sizes
# and descriptors at the ends of their ranges, arguments without end.  Each call is
# recorded, whole or with a mark, and the same bytes come out of each format.
#
# DEPTH (100): folders below each other, and mounts on one place.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch "${VMRUN_DISK:-/var/tmp}"
program=$(helper hostile) || exit 1
look() { python3 tests/kernel/hostile_check.py "$@"; }
export TZ=UTC LC_ALL=C.UTF-8
mkdir "$W/f"
record() {
	"$FR" record -q -o "$W/h.frs" --set ring.memory=32MiB --set ring.pin_folder= \
		--set run.folder="$W/record" --set sampler.collectors= \
		--set probes.streams=fs,proc,net \
		--set probes.exec_env=HOSTILE,HOSTILE_TOO \
		-- "$program" "$W/f" "${DEPTH:-100}" >"$W/did" 2>"$W/err" || {
		head -n 3 "$W/err"
		return 1
	}
}
check "the program ran, and was recorded" record
columns=stream,ts,dur,op,call,comm,asked,asked2,path,path2,args,args_total,env,cut,mark
columns+=,size,offset,fd,ret
"$FR" show -O jsonl -f $columns "$W/h.frs" >"$W/rows.jsonl"
"$FR" show -O csv -f $columns "$W/h.frs" >"$W/rows.csv"
nothing_lost() {
	"$FR" info -O json "$W/h.frs" >"$W/info" && grep -q '"lost": 0' "$W/info" &&
		! grep -o '"lost": [1-9][0-9]*' "$W/info"
}
check "nothing was lost" nothing_lost
check "each call is there, whole or marked" look rows "$W/did" "$W/rows.jsonl"
check "environment and names of programs" look starts "$W/rows.jsonl"
check "the same bytes in CSV" look csv "$W/rows.jsonl" "$W/rows.csv"
"$FR" export -q --to csv -o "$W/csv" "$W/h.frs"
check "and in the exported files" look export "$W/rows.jsonl" "$W/csv"
"$FR" show "$W/h.frs" >"$W/text"
"$FR" report "$W/h.frs" >>"$W/text"
check "nothing of it moves a terminal's cursor" look terminal "$W/text"
check "the file is whole" "$FR" verify "$W/h.frs"

# ---- a program that wants its name to be taken for another one ---------------------
# Strings are known by a hash: it is another one each time, so that none can be made
# that is equal to another's.
numbers() {
	"$FR" record -q -o "$W/$1.frs" --set ring.pin_folder= \
		--set run.folder="$W/record" --set probes.streams=fs -- cat /etc/passwd /etc/group >"$W/out" &&
		"$O/tests/kernel/name_numbers" "$W/$1.frs" | sort -u >"$W/$1.numbers"
}
if [ -x "$O/tests/kernel/name_numbers" ]; then
	check "two recordings of one program" eval 'numbers one && numbers two'
	check "have names" [ "$(wc -l <"$W/one.numbers")" -gt 5 ]
	check "whose numbers differ" [ "$(comm -12 "$W/one.numbers" "$W/two.numbers" |
		grep -vc 0000000000000003)" = 0 ]
fi
finish
