#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# files.sh [PROGRAM...] - real programs under strace and flightrec at once, then
# at full speed under perf stat and flightrec: what they saw must be equal.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need strace perf python3 git sqlite3 gcc tar
scratch "${VMRUN_DISK:-/var/tmp}"
def=include/flightrec/calls.def
compare=tests/kernel/files_compare.py
columns=$(python3 $compare columns)
calls=$(python3 $compare calls $def)
export HOME=$W GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a \
	GIT_COMMITTER_EMAIL=a@b LC_ALL=C.UTF-8

# ---- the programs, each in an empty folder -----------------------------------
tree=$PWD
prog_tar() {
	tar cf a.tar -C "$tree" include && tar xf a.tar && tar czf b.tgz include
}
prog_git() {
	git init -q . && cp "$tree/Makefile" . && git add Makefile &&
		git commit -qm one && git log --stat >/dev/null && git gc -q
}
prog_sqlite3() {
	sqlite3 a.db 'create table t(a, b); begin;
		with recursive n(i) as (select 1 union all select i + 1 from n
		where i < 5000) insert into t select i, hex(randomblob(40)) from n;
		commit; create index i on t(b); select count(*) from t where b > "8";
		delete from t where a % 3; vacuum;'
}
prog_gcc() {
	printf '#include <stdio.h>\nint main(void){return puts("x") < 0;}\n' >a.c &&
		gcc -O2 -g -o a a.c && ./a
}
prog_dd_direct() {
	dd if=/dev/zero of=f bs=64k count=40 oflag=direct conv=fsync status=none &&
		dd if=f of=/dev/null bs=64k iflag=direct status=none
}
prog_threads() { "$many" "$PWD"; }
prog_bits32() { "$many32" "$PWD"; }

many=$(helper manycalls) || exit 1
programs=(tar git sqlite3 gcc dd_direct threads)
many32=$W/manycalls32
if gcc -m32 -O2 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -o "$many32" \
	tests/kernel/manycalls.c -lpthread 2>/dev/null && "$many32" "" ||
	[ $? = 2 ]; then
	programs+=(bits32)
else
	echo "skip: no 32-bit program can be built and run here"
fi
[ $# = 0 ] || programs=("$@")
export -f prog_tar prog_git prog_sqlite3 prog_gcc prog_dd_direct prog_threads \
	prog_bits32
export tree many many32

record() { # NAME COMMAND...
	local name=$1
	shift
	"$FR" record -o "$W/$name.frs" --set ring.pin_folder= --set run.folder="$W/record" \
		--set sampler.collectors= -- "$@" >"$W/$name.out" 2>&1 || {
		echo "  record: exit $?:"
		tail -n 3 "$W/$name.out"
		return 1
	}
	"$FR" show -O jsonl -f "$columns" "$W/$name.frs" >"$W/$name.rows"
}

under_strace() {
	local p=$1
	mkdir -p "$W/$p.strace" && cd "$W/$p.strace" || return
	record "$p-strace" strace -f -qqq -s 8192 -xx -X raw -y \
		-e "trace=execve,execveat,vfork,$calls" -o "$W/$p.log" \
		bash -c "prog_$p" || { cd "$tree" && return 1; }
	cd "$tree" || return
	python3 $compare strace $def "$W/$p.log" "$W/$p-strace.rows"
}

events=()
for e in $(python3 $compare events $def); do
	[ ! -d /sys/kernel/tracing/events/syscalls/sys_exit_"$e" ] ||
		events+=(-e "syscalls:sys_exit_$e")
done

at_full_speed() {
	local p=$1
	mkdir -p "$W/$p.fast" && cd "$W/$p.fast" || return
	record "$p-fast" perf stat -x, -o "$W/$p.perf" "${events[@]}" -- \
		bash -c "prog_$p" || { cd "$tree" && return 1; }
	cd "$tree" || return
	python3 $compare counts $def "$W/$p.perf" "$W/$p-fast.rows"
}

for p in "${programs[@]}"; do
	check "$p: each operation as strace saw it" under_strace "$p"
	# perf's system call events leave 32-bit calls out
	[ "$p" = bits32 ] ||
		check "$p: counts at full speed as perf counted" at_full_speed "$p"
done
finish
