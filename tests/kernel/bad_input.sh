#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bad_input.sh - damaged files, commands that are not there, full folders, a
# second recorder: a clear error with its own exit code, never a crash or a
# wrong row.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch
RECORD=("$FR" record --set ring.pin_folder= --set "run.folder=$W/record" --set "dump.fallback=")

one_line() { # what the last check_exit printed on stderr
	[ "$(wc -l <"$W/err")" -le "${1:-1}" ] && [ -s "$W/err" ]
}

# ---- record passes on, and has its own -----------------------------------------
check_exit "record passes on a status" 3 "${RECORD[@]}" -o "$W/a.frs" -- sh -c 'exit 3'
check_exit "record: no such command" 127 "${RECORD[@]}" -o "$W/b.frs" -- /no/such/command
check "it says so in one line" one_line
check_exit "record: a command that cannot run" 126 "${RECORD[@]}" -o "$W/c.frs" -- /etc/passwd
check_exit "record: a file that cannot be written" 125 "${RECORD[@]}" \
	-o "$W/no/such/folder/d.frs" -- true
check "it says so in one line" one_line
check "and nothing is left of it" [ ! -e "$W/no" ]

# ---- reading -------------------------------------------------------------------
check_exit "record for the tests below" 0 "${RECORD[@]}" -o "$W/good.frs" -- \
	bash -c 'for i in $(seq 40); do cat /etc/passwd /etc/group >/dev/null; done; ! ls /no/such'
check_exit "verify of a whole file" 0 "$FR" verify "$W/good.frs"
check_exit "an empty time range" 5 "$FR" show --begin +1h "$W/good.frs"
check_exit "a column that is not there" 2 "$FR" show -f ts,colour "$W/good.frs"
check_exit "an option that is not there" 2 "$FR" show --colour "$W/good.frs"
check_exit "no such file" 1 "$FR" show "$W/absent.frs"
check "it says so in one line" one_line
printf 'not a snapshot' >"$W/text.frs"
check_exit "not a snapshot" 7 "$FR" show "$W/text.frs"
: >"$W/empty.frs"
check_exit "an empty file" 7 "$FR" info "$W/empty.frs"
check_exit "status without a recorder" 3 client status
check_exit "dump without a recorder" 3 client dump
damage() {
	python3 tests/kernel/damage.py "$FR" "$W/good.frs" "$W/damaged.frs" "$1"
}
check "cut and changed files: exit 7, no crash, no wrong row" damage "${DAMAGES:-60}"

# ---- the recorder --------------------------------------------------------------
check_exit "an unknown setting" 2 "$FRD" -n "${SETS[@]}" --set ring.memroy=1MiB
check "it suggests the right one" grep -q 'mean .*memory' "$W/err"
printf '[ring]\nmemory = 64 apples\n' >"$W/bad.conf"
check_exit "a bad value in a file" 2 "$FRD" -n -c "$W/bad.conf"
check "it names file and line" grep -q 'bad.conf:2' "$W/err"
if command -v setpriv >/dev/null; then
	mkdir "$W/nobody" && chmod 777 "$W/nobody"
	# it refuses, or goes on with what needs none; in both cases it says so
	timeout 3 setpriv --reuid=65534 --clear-groups \
		--bounding-set=-all --inh-caps=-all "$FRD" --set "run.folder=$W/nobody" \
		--set "dump.folder=$W/nobody" --set "ring.pin_folder=$PIN" >"$W/out" 2>"$W/err"
	status=$?
	check "a recorder without rights: exit 6, or it goes on ($status)" \
		[ $status = 6 -o $status = 124 -o $status = 0 ]
	check "it says what is missing" grep -qiE 'no kernel probes: .*(root|CAP_|permi|right)' "$W/err"
fi

mkdir "$W/full" "$W/second"
mount -t tmpfs -o size=16k none "$W/full" || skip "no tmpfs can be mounted"
at_end "umount -l '$W/full'"
recorder_start --set "dump.folder=$W/full" --set "dump.fallback=$W/second" || exit 1
check_exit "a second recorder" 1 "$FRD" "${SETS[@]}"
check "it names the first one's pid" grep -q "\\b$daemon\\b" "$W/err"
cat /etc/passwd /etc/group >/dev/null
client dump >/dev/null 2>&1
for _ in $(seq 100); do
	ls "$W/second" | grep -q . && break
	sleep 0.1
done
check "a full folder: the snapshot goes to the second one" \
	[ "$(find "$W/second" -name '*.frs' | wc -l)" = 1 ]
check "and it is whole" "$FR" verify "$W/second"/*.frs
check "nothing half-written stays in the full one" [ -z "$(ls -A "$W/full")" ]
check "the recorder goes on" recorder_says >/dev/null
recorder_stop
recorder_start --set "dump.folder=$W/full" --set "dump.fallback=" || exit 1
client dump >"$W/out" 2>"$W/err"
check "no folder at all: dump fails" [ $? != 0 ]
check "it names the folder" grep -rq "$W/full" "$W/err" "$W/out" "$W/log"
check "the recorder goes on without" recorder_says >/dev/null
finish
