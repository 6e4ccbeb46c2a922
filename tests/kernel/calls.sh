#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# calls.sh - flightrec calls: counts beside those of strace, exit status, signals,
# wrong arguments, no rights.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need strace python3 setpriv
scratch
export LC_ALL=C

has() { grep -q -- "$1" "$2"; }
lacks() { ! grep -q -- "$1" "$2"; }
same_as_strace() { # WHAT PROGRAM
	strace -f -c -o "$W/strace" "$2" </dev/null >"$W/out" 2>&1
	check_exit "$1: its own exit status" 7 \
		"$FR" calls -O csv -o "$W/csv" -- "$2"
	check "$1: calls and errors as strace counts" \
		python3 tests/kernel/calls_compare.py "$W/csv" "$W/strace"
}

# 4 processes of 4 threads, 500 rounds each
mix=$(helper callmix) || exit 1
same_as_strace "threads and processes" "$mix"
check "reads of the work, half of them errors" \
	awk -F, '$1 == "read" && $2 >= 16000 && $3 == 8000 { ok = 1 }
		END { exit !ok }' "$W/csv"
check "a number without a name" has '^call_1000,16,16,' "$W/csv"
check "a number beyond all counts" has '^call_other,16,16,' "$W/csv"
if gcc -m32 -O2 -D_GNU_SOURCE -o "$W/mix32" tests/kernel/callmix.c -lpthread \
	2>/dev/null && { "$W/mix32"; [ $? = 7 ]; }; then
	same_as_strace "32-bit" "$W/mix32"
	check "32-bit calls are marked" has '^getppid/32,8000,0,' "$W/csv"
	check "and are not native ones" lacks '^getppid,' "$W/csv"
else
	echo "skip: no 32-bit program can be built and run here"
fi

# ---- what is printed ------------------------------------------------------------
check_exit "a table on standard error" 7 "$FR" calls "$mix"
check "with a line of sums" has ' total$' "$W/err"
check "nothing on standard output" [ ! -s "$W/out" ]
check_exit "sorted by calls, two names" 7 \
	"$FR" calls -S calls -e 'get[p]pid,access' -O jsonl -o "$W/json" "$mix"
check "the larger first, nothing else" python3 -c '
import json, sys
rows = [json.loads(l) for l in open(sys.argv[1])]
assert [(r["syscall"], r["calls"]) for r in rows][0] == ("getppid", 8000), rows
assert [r["syscall"] for r in rows] == ["getppid", "access"], rows' "$W/json"
others() { # calls of others meanwhile
	sh -c 'while :; do getconf PATH >&-; done' 2>/dev/null &
	noise=$!
	at_end "kill $noise 2>/dev/null"
	"$FR" calls -e getppid -O csv -o "$W/csv" "$mix"
	kill "$noise"
	wait "$noise" 2>/dev/null
	has '^getppid,8000,0,' "$W/csv"
}
check "what others do does not count" others

# ---- functions of a library -------------------------------------------------------
functions() { # the work calls each as often as it says
	"$FR" calls --lib libc.so.6:access,syscall,pthread_create,fork \
		-O csv -o "$W/csv" "$mix"
	[ $? = 7 ] && printf '%s\n' function,calls syscall,8032 access,1600 \
		pthread_create,12 fork,4 | cmp - "$W/csv"
}
check "functions of the C library, each call once" functions
check_exit "a function of the program itself" 7 \
	"$FR" calls --lib "$mix:ma[i]n" -O jsonl -o "$W/json" "$mix"
check "it is called once" cmp "$W/json" - <<<'{"function":"main","calls":1}'
names_of_nm() { # a witness for which names there are: one of each place
	nm -D --defined-only /lib/*-linux-gnu/libc.so.6 |
		awk '$2 ~ /^[TW]$/ && $3 ~ /^pthread_mutex_/ { print $1 }' |
		sort -u | wc -l
}
if command -v nm >/dev/null; then
	"$FR" calls -d 1s -O csv -o "$W/rows" --lib 'libc.so.6:pthread_mutex_*' true
	check "as many as nm knows, in rows of calls alone" [ "$(names_of_nm)" = \
		"$(head -1 "$W/rows" | tr , '\n' | grep -c '[.]calls$')" ]
	check "functions have no time" lacks '[.]ns' "$W/rows"
fi
check_exit "functions in a table" 7 "$FR" calls --lib libc.so.6:fork "$mix"
check "with its own columns" has '^ 100.00 *4 fork$' "$W/err"
check_exit "no such library" 2 "$FR" calls --lib libnone.so.9 true
check "what to write is said" has 'write its whole path' "$W/err"
check_exit "no library" 2 "$FR" calls --lib /etc/passwd true
check_exit "no such function" 2 "$FR" calls --lib libc.so.6:acess true
check "the nearest function is named" has 'the nearest is access;' "$W/err"
check_exit "one of two is not there" 2 "$FR" calls --lib libc.so.6:fork,acess true
check "it is named" has "no function 'acess'" "$W/err"
check_exit "chosen at run time" 2 "$FR" calls --lib libc.so.6:memcpy true
check "that is said" has 'memcpy of .* is chosen at run time' "$W/err"
check_exit "no such file" 2 "$FR" calls --lib /nonexistent:main true
check "what is wrong with it" has 'cannot read /nonexistent: No such file' "$W/err"
check_exit "functions have no errors" 2 "$FR" calls -S errors --lib libc.so.6:fork true
check_exit "too many functions" 2 "$FR" calls --lib libc.so.6 true
check "and how many there may be" has 'at most 512' "$W/err"
check_exit "-e is for system calls" 2 "$FR" calls --lib libc.so.6:fork -e read true

# ---- a thread that is not the first runs another program --------------------------
cat >"$W/execs.c" <<'C'
#include <pthread.h>
#include <unistd.h>
static void *run(void *arg) { execl("/bin/true", "true", (char *)0); return arg; }
int main(void)
{
	pthread_t t;
	return pthread_create(&t, 0, run, 0) || pthread_join(t, 0);
}
C
if cc -o "$W/execs" "$W/execs.c" -lpthread; then
	"$FR" calls -e execve -O csv -o "$W/csv" "$W/execs"
	check "its execve is counted, too" has '^execve,2,0,' "$W/csv"
fi

# ---- told apart -------------------------------------------------------------------
check_exit "by process" 7 \
	"$FR" calls --by pid -e getppid -O csv -o "$W/csv" "$mix"
check "four processes, each with its calls" awk -F, '
	NR == 1 { bad = $0 != "syscall,calls,errors,total_ns,max_ns,comm,pid" }
	NR > 1 { n++; pids[$7]; bad += $2 != 2000 || $6 != "\"callmix\"" }
	END { exit bad || n != 4 || length(pids) != 4 }' "$W/csv"
"$FR" calls --by comm -e getppid -O jsonl -o "$W/json" \
	sh -c '"$0"; cp "$0" "$1/a\"b"; "$1/a\"b"' "$mix" "$W"
check "by name, one that needs quotes" python3 -c '
import json, sys
rows = [json.loads(l) for l in open(sys.argv[1])]
got = {r["comm"]: r["calls"] for r in rows if r["calls"] >= 100}
assert got == {"callmix": 8000, "a\"b": 8000}, rows' "$W/json"
check_exit "by something else" 2 "$FR" calls --by uid true
check_exit "no rows of that" 2 "$FR" calls --by pid -d 1s true

# ---- a process that runs ----------------------------------------------------------
until_rows() { # PID: it counts since
	until [ -s "$W/rows" ] && [ "$(wc -l <"$W/rows")" -gt 1 ]; do
		kill -0 "$1" || return
		read -r -t 0.02 _ <>"$W/never"
	done
	return 0
}
attached() { # OPTIONS: to a shell that then starts the work
	rm "$W/rows"
	mkfifo "$W/go"
	bash -c 'read -r _ <"$0"; "$1"; exit 0' "$W/go" "$mix" &
	local shell=$!
	"$FR" calls -p $shell -d 20ms -e getppid -o "$W/rows" "$@" &
	local counter=$!
	at_end "kill $counter 2>/dev/null"
	until_rows $counter || return
	echo go >"$W/go"
	wait $shell
	wait $counter
	local code=$?
	rm "$W/go"
	return $code
}
mkfifo "$W/never"
check "attached, until it ends" attached
check "what it starts later is counted" awk -F, '
	NR > 1 { n += $2 } END { exit !(n >= 8000 && n <= 8010) }' "$W/rows"
interrupted() {
	rm "$W/rows"
	sleep 600 &
	local sleeper=$!
	"$FR" calls -p $sleeper -d 20ms -e read -o "$W/rows" &
	local counter=$!
	at_end "kill $counter 2>/dev/null"
	until_rows $counter || return
	kill -INT $counter
	wait $counter || return
	kill $sleeper # it was left running
}
check "^C ends the counting alone" interrupted
check_exit "no such process" 1 "$FR" calls -p 4194304
check "that is said" has 'cannot watch process 4194304: No such process' "$W/err"
check_exit "no number" 2 "$FR" calls -p self
check_exit "a process and a command" 2 "$FR" calls -p $$ true

# ---- rows -------------------------------------------------------------------------
rows_add_up() { # FORMAT: the work takes longer than an interval; three times over
	"$FR" calls -d 10ms -e getppid,read -O "$1" -o "$W/rows" \
		sh -c '"$0"; "$0"; "$0"' "$mix"
	python3 - "$1" "$W/rows" <<-'END'
		import csv, json, sys
		f = open(sys.argv[2])
		if sys.argv[1] == "csv":
		    rows = list(csv.DictReader(f))
		elif sys.argv[1] == "jsonl":
		    rows = [json.loads(l) for l in f]
		else:
		    rows = [dict(p.split("=") for p in l.split()) for l in f]
		times = [float(r["time"]) for r in rows]
		calls = sum(int(r.get("getppid.calls", 0)) for r in rows)
		spent = sum(int(r.get("getppid.ns", 0)) for r in rows)
		assert len(rows) >= 2 and times == sorted(times), times
		assert 24000 <= calls <= 24010 and spent > calls, (calls, spent)
		if sys.argv[1] != "kv":
		    want = ["time"] + [f"{n}.{w}" for n in ("getppid", "getppid/32",
		            "read", "read/32") for w in ("calls", "ns")]
		    assert all(list(r) == want for r in rows), rows[0]
	END
}
for format in csv jsonl kv; do
	check "rows of $format add up" rows_add_up $format
done
check_exit "no period" 2 "$FR" calls -d 0 true
check_exit "not a period" 2 "$FR" calls -d nan true
check_exit "rows are no table" 2 "$FR" calls -d 1s -O table true

# ---- how it ends ------------------------------------------------------------------
check_exit "no such command" 127 "$FR" calls -- "$W/none"
check "no counts of what did not run" lacks total "$W/err"
check_exit "a folder is no command" 126 "$FR" calls -- "$W"
check_exit "a command that dies of a signal" 137 "$FR" calls sh -c 'kill -9 $$'
check "its counts are printed" has ' kill$' "$W/err"
check_exit "SIGINT reaches the command" 9 "$FR" calls sh -c \
	'trap "exit 9" INT; kill -INT $PPID; while :; do :; done'
check "and the table is there" has ' total$' "$W/err"
check_exit "a file that cannot be written" 1 \
	"$FR" calls -o "$W/none/x" touch "$W/ran"
check "before the command runs" [ ! -e "$W/ran" ]
check_exit "no command" 2 "$FR" calls
check_exit "an unknown call" 2 "$FR" calls -e reed true
check "the nearest is named" has 'nearest is read$\|nearest is read;' "$W/err"
check_exit "an unknown format" 2 "$FR" calls -O xml true
check_exit "an unknown order" 2 "$FR" calls -S size true
check_exit "no rights" 6 setpriv --reuid 65534 --regid 65534 --clear-groups \
	"$FR" calls touch "$W/ran"
check "what to do is said" has 'run it as root' "$W/err"
check "nothing has run" [ ! -e "$W/ran" ]

finish
