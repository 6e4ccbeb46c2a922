#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# collide.sh - threads that share a place in the table of calls in flight (numbers
# 65536 apart, where pid_max is larger than the table): every call of both is
# recorded once, as its own.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch
collide=$(helper collide) || skip "the helper cannot be built"
old=$(cat /proc/sys/kernel/pid_max)
at_end "echo $old >/proc/sys/kernel/pid_max"
echo 4194304 >/proc/sys/kernel/pid_max 2>/dev/null || skip "pid_max cannot be raised here"
N=2000
"$FR" record -o "$W/c.frs" --set ring.memory=16MiB -- "$collide" "$W" $N >"$W/pids" 2>"$W/err"
status=$?
[ $status = 77 ] && skip "the numbers wanted were taken"
check "the program ran" [ $status = 0 ]
read -r first second <"$W/pids"
"$FR" show -O csv --stream fs --call pwrite64 -f tid,offset,ret "$W/c.frs" >"$W/rows.csv"
once_each() { # TID FROM: 2 N numbers from there, each once
	awk -F, -v t="$1" -v from="$2" -v n=$((2 * N)) '
		$1 == t && $2 >= from && $2 < from + n { seen[$2]++; if ($3 != 1) bad++ }
		END { for (i = from; i < from + n; i++) if (seen[i] != 1) bad++; exit bad != 0 }' "$W/rows.csv"
}
check "each call of process $first is there once" once_each "$first" 0
check "each call of process $second, 65536 above, is there once" once_each "$second" 1000000
waits() { # TID: its two reads of the pipe, which lasted while the other one worked
	"$FR" show -O csv --stream fs --call read --tid "$1" -f ret,path "$W/c.frs" |
		grep -c '^1,"\?pipe:' | grep -qx 2
}
check "the waits of $first are there" waits "$first"
check "the waits of $second are there" waits "$second"
finish
