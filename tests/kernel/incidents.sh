#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# incidents.sh - real incidents, and what a person reads of them: each must be in
# the first lines of the report, with the names of who, what and how long.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3 timeout
scratch

report() { # FILE: its part IN SHORT, as a terminal of 24 lines shows it
	"$FR" report "$1" >"$W/report" 2>"$W/err"
	head -n 24 "$W/report" | sed -n '/^IN SHORT/,/^$/p' >"$W/short"
}
short() { # WHAT PATTERN
	check "$1" grep -qE "$2" "$W/short"
}
record() { # NAME COMMAND...: a private recorder around a command
	"$FR" record -q -o "$W/$1.frs" -- "${@:2}" >/dev/null 2>&1
	report "$W/$1.frs"
}

# ---- a storm of files that are not there --------------------------------------
record storm python3 -c "
import os
for i in range(3000):
    try: os.stat('$W/conf.d/%d.conf' % (i % 50))
    except OSError: pass"
short "a storm of missing files: who, where, how often" \
	"^. getattr by python3 \([0-9]+\) failed with ENOENT in $W/conf.d, 3000 times$"

# ---- a full disk ---------------------------------------------------------------
mkdir "$W/tiny"
if mount -t tmpfs -o size=256k none "$W/tiny"; then
	at_end "umount -l '$W/tiny'"
	record full dd if=/dev/zero of="$W/tiny/log" bs=64k count=8
	short "a full disk: the file and the error" \
		"^. write of $W/tiny/log by dd \([0-9]+\) failed with ENOSPC$"
fi

# ---- a storm of processes, and one that crashes ---------------------------------
record forks bash -c 'for i in {1..150}; do (:); done; bash -c "kill -SEGV \$\$"; :'
short "a storm of processes: whose" "^. bash \([0-9]+\) started 15[0-9] processes or threads"
short "a crash: who and how" "^. bash \([0-9]+\) died of SIGSEGV"

# ---- a call that does not return ------------------------------------------------
recorder_start --set "scope.pids=$$" || exit 1
mkfifo "$W/fifo"
cat "$W/fifo" &
cat=$!
sleep 0.5
hang=$(client dump -q --name hang)
echo >"$W/fifo" # lets it go
wait $cat
recorder_stop
report "$hang"
short "an open that hangs: the file, who, how long" \
	"^. open of $W/fifo by (cat|bash) \($cat\) had not returned after [0-9.]+ (ms|s)"
check "it has an age in the table too" \
	grep -qE "^ *[0-9.]+ m?s +open .* $cat +(cat|bash) +$W/fifo$" "$W/report"
waits_are_told_apart() { ! grep -q 'pipe:\[' "$W/short"; }
check "who waits for a pipe is not slow" waits_are_told_apart

# ---- a slow write, and only waiting beside it ------------------------------------
if [ -e /dev/fuse ] && slowfs=$(helper slowfs "$(pkg-config --cflags --libs fuse3 2>/dev/null)" 2>/dev/null); then
	mkdir "$W/slow"
	"$slowfs" "$W/slow" 60 1000 2>/dev/null &
	at_end "umount -l '$W/slow'"
	for _ in $(seq 100); do
		[ -e "$W/slow/data" ] && break
		sleep 0.05
	done
	record slow bash -c "sleep 0.3 | cat & python3 -c \"
import os
fd = os.open('$W/slow/data', os.O_WRONLY)
os.pwrite(fd, b'x', 1000)\"; wait"
	short "the slowest on a file, though a pipe was waited for longer" \
		"^. write of $W/slow/data by python3 \([0-9]+\) took [67][0-9.]+ ms"
	check "the wait has a table of its own" \
		grep -qE '^LONGEST WAITS FOR PIPES' "$W/report"
fi

# ---- words in tables, numbers for programs ---------------------------------------
record words bash -c 'echo a >"'"$W"'/made"; ln "'"$W"'/made" "'"$W"'/linked"; exec sh -c "exit 3"'
table() { "$FR" show "$@" "$W/words.frs" 2>/dev/null; }
flags_are_words() { table --op open --path "$W/made" -f flags | grep -qE '^O_WRONLY\|O_CREAT\|O_TRUNC'; }
flags_are_numbers() { table --op open --path "$W/made" -f flags -O csv | grep -qE '^[0-9]+$'; }
link_names_both() { table --op link | grep -qF "$W/made -> $W/linked"; }
arguments_as_typed() { table --op exec -f args | grep -qF "sh -c 'exit 3'"; }
status_is_words() { table --op exit -f status | grep -q '^exit 3$'; }
check "flags are words in a table" flags_are_words
check "flags are numbers in CSV" flags_are_numbers
check "two paths are old -> new" link_names_both
check "arguments are quoted as one would type them" arguments_as_typed
check "a wait status is in words" status_is_words
finish
