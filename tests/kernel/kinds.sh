#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kinds.sh - files, pipes, sockets, terminals, devices are told apart as strace
# tells them apart; each kind can be left out, and nothing else goes with it.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3 strace
scratch
kinds=$(helper kinds) || exit 1
compare=tests/kernel/kinds_check.py
block=''
for b in /dev/vd? /dev/sd? /dev/nvme?n1 /dev/loop?; do
	[ -b "$b" ] && head -c 512 "$b" 2>/dev/null | grep -q '' && block=$b && break
done
n=0
run() { # LEAVE_OUT COMMAND...: records it into $W/$n.frs, rows into $W/$n.csv
	local out=$1
	shift
	n=$((n + 1))
	rm -rf "$W/f" && mkdir "$W/f"
	"$FR" record -o "$W/$n.frs" --set ring.memory=16MiB --set ring.pin_folder= \
		--set run.folder="$W/record" --set sampler.collectors= \
		--set probes.streams=fs --set "probes.leave_out=$out" -- \
		"$@" 2>"$W/err" || {
		cat "$W/err"
		return 1
	}
	"$FR" show -O csv --stream fs -f kind,call,moved "$W/$n.frs" >"$W/$n.csv" &&
		"$FR" info -O json "$W/$n.frs" >"$W/$n.json"
}

traced=openat,read,write,pread64,close,dup,newfstatat,fstat
check "under strace" run "" strace -qqq -yy -e trace=$traced -o "$W/log" \
	"$kinds" "$W/f" ${block:+"$block"}
"$FR" show -O csv --stream fs --comm kinds -f kind,call,moved "$W/1.frs" >"$W/1.csv"
check "each operation has the kind that strace shows" \
	python3 $compare strace "$W/log" "$W/1.csv"

check "alone" run "" "$kinds" "$W/f" ${block:+"$block"}
for k in pipe fifo unix socket tty anon chr dir ${block:+blk}; do
	check "without $k" run $k "$kinds" "$W/f" ${block:+"$block"}
	check "$k is gone, all else is there" \
		python3 $compare without $k "$W/2.csv" "$W/$n.csv"
	check "$k is counted as filtered" \
		python3 $compare filtered $k "$W/2.csv" "$W/2.json" "$W/$n.json"
done
check_exit "a kind that is none is refused" 125 "$FR" record -o "$W/x.frs" \
	--set probes.leave_out=pipes -- true
finish
