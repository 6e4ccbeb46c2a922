#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# retention.sh - list, rm, prune and pin; limits as the recorder applies them: a
# file system that is nearly full, snapshots that become too old, a noisy trigger.
set -u
O=${O:-build}
case $O in /*) ;; *) O=$PWD/$O ;; esac
fr=$O/flightrec
made=$O/tests/bench/made_snapshot
W=$(mktemp -d /tmp/flightrec-retention.XXXXXX) || exit 1
passed=0 failed=0 daemon=
export LC_ALL=C.UTF-8 TZ=UTC

finish() {
	[ -z "$daemon" ] || { kill -KILL "$daemon" && wait "$daemon"; } 2>/dev/null
	for m in small second disk; do umount "$W/$m" 2>/dev/null; done
	rm -rf "$W"
}
trap finish EXIT

check() { # WHAT COMMAND...: the command succeeds
	local what=$1
	shift
	if "$@" >"$W/check.log" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $what"
		sed 's/^/    /' "$W/check.log" | tail -20
	fi
}
exits() { # CODE ARGUMENT...: flightrec ends with that code
	local want=$1 got
	shift
	"$fr" "$@" >"$W/out" 2>"$W/err"
	got=$?
	[ $got = "$want" ] || {
		echo "exit $got, not $want"
		cat "$W/out" "$W/err"
		return 1
	}
}
says() { # CODE PATTERN ARGUMENT...: one line of complaint
	local code=$1 pattern=$2
	shift 2
	exits "$code" "$@" && [ "$(wc -l <"$W/err")" = 1 ] &&
		grep -q -- "$pattern" "$W/err" || {
		cat "$W/err"
		return 1
	}
}
prints() { # CODE PATTERN ARGUMENT...
	local code=$1 pattern=$2
	shift 2
	exits "$code" "$@" && grep -qE -- "$pattern" "$W/out" || {
		cat "$W/out" "$W/err"
		return 1
	}
}
there() { # NAMES: exactly these are in the folder
	[ "$(cd "$D" && echo *)" = "$*" ] || {
		(cd "$D" && ls -l)
		return 1
	}
}
name() { printf 'flightrec-202601%02dT000000.000Z-%s.frs' "$1" "$2"; }
# put NAME...: snapshots, all alike (made once)
put() {
	local n
	[ -e "$W/made.frs" ] || "$made" "$W" made 300 || exit 1
	for n in "$@"; do cp "$W/made.frs" "$D/$n"; done
}
fresh() {
	D=$W/snap
	rm -rf "$D"
	mkdir "$D"
}
fresh
put "$(name 1 a)"
bytes=$(stat -c %s "$D/$(name 1 a)")
A=$(name 1 a) B=$(name 2 b) C=$(name 3 c) E=$(name 4 a) AP=$(name 1 a.pin)
none=(-c /dev/null)

# --- usage
for c in rm prune pin; do
	check "$c --help has examples" prints 0 '^EXAMPLES' $c --help
	check "$c: unknown option" says 2 'unknown option' $c --nonsense
done
check "rm of nothing" says 2 'nothing named' rm
check "rm: names and a choice" says 2 'name snapshots, or' rm --trigger a "$A"
check "rm: no time" says 2 'is not a time' rm --before soon
check "list: no time" says 2 'not a time' list --since soon
check "pin of nothing" says 2 'no snapshot named' pin
check "prune takes no names" says 2 'too much' prune "$A"
check "prune: a wrong number" says 2 -- '--max-files: .*out of range' prune -d "$D" --max-files 0
check "prune: a wrong time" says 2 -- '--max-age: .*is not a time' prune -d "$D" --max-age 30d
check "prune: a wrong share" says 2 -- '--max-share: .*out of range' prune -d "$D" --max-share 101%
check "prune: a wrong room" says 2 -- '--keep-free: .*no size and no percentage' prune -d "$D" --keep-free 100%
check "prune: no such settings" says 2 'none.conf' prune -c "$W/none.conf"
check "prune: no such folder" says 1 'name the folder with -d' prune "${none[@]}" -d "$W/none"

# --- pin
fresh
put "$A" "$B"
check "pin prints the new path" prints 0 "^$D/$AP\$" pin "${none[@]}" -d "$D" "$A"
check "... and that is the name" there "$AP" "$B"
check "pinned again, by the old name" prints 0 "^$D/$AP\$" pin "${none[@]}" -d "$D" "$A"
check "pin by path" prints 0 "^$D/$(name 2 b.pin)\$" pin "$D/$B"
check "both are pinned" there "$AP" "$(name 2 b.pin)"
check "unpin, by the old name" prints 0 "^$D/$B\$" pin -r "$D/$B"
check "unpin again" exits 0 pin --remove -d "$D" "$B"
put "$A"
check "a pin overwrites nothing" says 1 'File exists' pin "$D/$A"
check "no such snapshot" says 1 "no $C in $D" pin "${none[@]}" -d "$D" "$C"
check "no such path" says 1 'No such file' pin "$D/$C"
echo precious >"$W/notes.frs"
check "not named as ours" says 1 'left alone' pin "$W/notes.frs"
ln -s "$W/notes.frs" "$D/$C"
check "no link is followed" says 1 'not a regular file' pin "$D/$C"
check "two at once, one missing" exits 1 pin "$D/$B" "$D/$E"
check "... the other is pinned" [ -e "$D/$(name 2 b.pin)" ]
check "what is pinned can be read by its old name" exits 0 info "$D/$B"

# --- rm
fresh
put "$A" "$B" "$C" "$E"
ln -s "$W/notes.frs" "$D/$(name 5 a)"
mkdir "$D/$(name 6 a)"
cp "$W/notes.frs" "$D/notes.frs"
rest="$(name 5 a) $(name 6 a) notes.frs"
check "rm: a dry run" prints 0 "^would remove $D/$A\$" rm -n -d "$D" "$A"
check "... removes nothing" there "$A" "$B" "$C" "$E" $rest
check "rm by name" prints 0 "^removed $D/$A\$" rm -d "$D" "$A"
check "... is gone" there "$B" "$C" "$E" $rest
check "rm by path" exits 0 rm -q "$D/$B"
check "rm -q says nothing" [ ! -s "$W/out" ]
check "rm of what is gone" says 1 "no $B in" rm -d "$D" "$B"
check "rm of a foreign name" says 1 'not named like a snapshot' rm -f "$D/notes.frs"
check "rm of a link" says 1 'not a regular file' rm -f "$D/$(name 5 a)"
check "rm of a folder" says 1 'not a regular file' rm -f "$D/$(name 6 a)"
check "rm does not look elsewhere for a name" eval "(cd '$D' && says 1 'needs its path' rm -d '$W' '$C')"
check "... but takes a path there" eval "(cd '$D' && exits 0 rm './$C')"
check "rm of a broken one" eval "echo broken >'$D/$C' && exits 0 rm '$D/$C'"
put "$A" "$B"
"$fr" pin -q "$D/$A" || exit 1
check "rm of a pinned one" says 1 'is pinned' rm "$D/$AP"
check "... by its old name" says 1 'is pinned' rm "$D/$A"
check "rm --trigger" prints 0 '^removed .*-a.frs$' rm -d "$D" --trigger a
check "... says that a pinned one stays" grep -q '^1 snapshots.*1 pinned stay' "$W/out"
check "... leaves links, folders, others" there "$AP" "$B" $rest
check "rm --trigger --before: both must fit" exits 5 rm -d "$D" --trigger b --before 2026-01-02
check "rm --before: all that are older" prints 0 '^1 snapshots' rm -d "$D" --before 2026-01-03
check "... only them" there "$AP" $rest
check "rm --before --force: pinned, too" prints 0 '^1 snapshots' rm -f -d "$D" --before -24h
check "... all the same no link" there $rest
check "nothing left to remove" exits 5 rm -d "$D" --before -24h

# --- prune
fresh
put "$A" "$B" "$C" "$E" "$(name 5 a)" "$(name 6 a)"
check "prune: nothing to do" prints 0 '0 snapshots removed.*; 6 left' prune "${none[@]}" -d "$D"
check "prune -n: the noisy one" prints 0 "^would remove $D/$A .*dump.max_files, above dump.max_share" \
	prune -n "${none[@]}" -d "$D" --max-files 5
check "... removes nothing" there "$A" "$B" "$C" "$E" "$(name 5 a)" "$(name 6 a)"
check "prune: the noisy one" exits 0 prune "${none[@]}" -d "$D" --max-files 4
check "... not the rest" there "$B" "$C" "$(name 5 a)" "$(name 6 a)"
check "prune: a share of 100%: the oldest" prints 0 "^removed $D/$B .*dump.max_files\$" \
	prune "${none[@]}" -d "$D" --max-files 3 --max-share 100%
fresh
put "$A" "$B" "$C"
truncate -s 700K "$D/$A" "$D/$B"
check "prune by size" prints 0 "^removed $D/$A .*dump.max_use" prune "${none[@]}" -d "$D" --max-use 1MiB
check "... no more than needed" there "$B" "$C"
check "prune by age" prints 0 "^removed $D/$C .*dump.max_age" prune "${none[@]}" -d "$D" --max-age 24h
check "... all of them" there "*"
put "$A" "$B" "$C"
"$fr" pin -q "$D/$A" "$D/$B" || exit 1
check "prune never takes a pinned one" says 4 '2 pinned take' prune "${none[@]}" -q -d "$D" --max-files 1
check "... nor the newest" there "$AP" "$(name 2 b.pin)" "$C"
cat >"$W/a.conf" <<IN
[dump]
folder = $D
fallback = $W/second
max_age = 24h
IN
mkdir -p "$W/second"
cp "$W/made.frs" "$W/second/$A"
check "prune: settings of the file" prints 0 "^removed $W/second/$A .*dump.max_age" prune -c "$W/a.conf"
check "... in both folders" there "$AP" "$(name 2 b.pin)"
rmdir "$W/second"
check "prune: a second folder need not be there" exits 0 prune -c "$W/a.conf"
check "what cannot be had costs nothing" eval "put '$E' && says 4 'dump.keep_free' prune -q '${none[0]}' '${none[1]}' -d '$D' --keep-free 99.99%"
check "... indeed" [ -e "$D/$E" ]

fresh
for i in {10..29}; do put "$(name $i a)" "$(name $i b)" "$(name $i c)"; done
together() { # two at the same time, and a pin between them: who comes second does not mind
	local codes=0 p
	for p in 1 2; do
		"$fr" prune -q "${none[@]}" -d "$D" --max-files 20 &
	done
	"$fr" pin -q "$D/$(name 10 a)" 2>/dev/null && pinned=1 || pinned=0
	for p in $(jobs -p); do wait "$p" || codes=1; done
	ls "$D"
	# one that was pinned when it was to go stays beside the others
	[ $codes = 0 ] && [ "$(ls "$D" | wc -l)" -ge 20 ] &&
		[ "$(ls "$D" | wc -l)" -le $((20 + pinned)) ]
}
check "two prune at the same time" together
fresh
put "$A" "$B" "$C"
if [ "$(id -u)" = 0 ] && chattr +i "$D/$A" 2>/dev/null; then
	check "one that cannot be removed is said" exits 6 prune "${none[@]}" -d "$D" --max-files 2
	check "... and another goes in its place" there "$A" "$C"
	chattr -i "$D/$A"
fi

# --- list
fresh
put "$A" "$B" "$C" "$E"
"$fr" pin -q "$D/$B" || exit 1
head -c 9000 "$W/made.frs" >"$D/$C"
echo rubbish >"$D/$E"
cat >"$W/a.conf" <<IN
[dump]
folder = $D
max_files = 5
fallback = $W/second
IN
check "a damaged one is a line, not a failure" exits 0 list -c "$W/a.conf"
check "... and no complaint" [ ! -s "$W/err" ]
check "... the cut one" grep -q "$C .*DAMAGED: " "$W/out"
check "... what is none at all, with time and trigger of its name" \
	grep -q "^2026-01-04 00:00:00  a .*$E .*DAMAGED: not a snapshot" "$W/out"
check "the pinned one is marked" grep -qE " pin +$(name 2 b.pin) " "$W/out"
check "the sums are right" grep -q "^$D: 4 snapshots, .* 1 pinned, .*; nearest limit: dump.max_files: 4 of 5\$" "$W/out"
check "a trigger above its share" grep -q '^  a: 40% of dump.max_files, above dump.max_share (25%)' "$W/out"
mkdir "$W/second"
cp "$W/made.frs" "$W/second/$(name 9 z)"
check "the second folder is listed, with its path" prints 0 " $W/second/$(name 9 z) " list -c "$W/a.conf"
check "... with a sum of its own" grep -q "^$W/second: 1 snapshots" "$W/out"
check "rm finds it" prints 0 "^would remove $W/second" rm -n -c "$W/a.conf" "$(name 9 z)"
rm -r "$W/second"
json() { # PROGRAM: over the list of objects
	"$fr" list -c "$W/a.conf" -O jsonl "${@:2}" >"$W/out" || return 1
	python3 -c '
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
assert eval(sys.argv[2], {"rows": rows}), rows' "$W/out" "$1"
}
check "jsonl: one object each, the oldest first" json 'len(rows) == 4 and [r["real_ns"] for r in rows] == sorted(r["real_ns"] for r in rows)'
check "jsonl: pinned" json '[r["pinned"] for r in rows].count(True) == 1'
check "jsonl: damage" json '[r["damage"] is None for r in rows].count(False) == 2'
check "jsonl: sizes" json "sorted(r['bytes'] for r in rows) == [8, 9000, $bytes, $bytes]"
check "--trigger" json 'len(rows) == 1' --trigger 'a'
check "--trigger: a pattern" json 'len(rows) == 2' --trigger 'slow-*'
check "--since" json 'len(rows) == 2' --since 2026-01-05
check "--since: a moment" json 'len(rows) == 2' --since 2026-11-20T13:06
check "... and a second later" says 5 'no such snapshot' list -c "$W/a.conf" --since 2026-11-20T13:06:01
check "nothing of the kind" says 5 'no such snapshot' list -c "$W/a.conf" --trigger none
echo 'nonsense' >"$W/bad.conf"
check "a broken file of settings is named" says 2 'bad.conf:1' list -c "$W/bad.conf"

# A thousand: the blocks of rows are not read.
fresh
python3 -c '
import os, sys
for i in range(1000):
    os.link(sys.argv[1], f"{sys.argv[2]}/flightrec-20260101T00{i // 60:02}{i % 60:02}.000Z-x.frs")
' "$W/made.frs" "$D"
began=$(date +%s%N)
check "a thousand are listed" json 'len(rows) == 1000' -d "$D"
echo "1,000 snapshots of $bytes bytes: $((($(date +%s%N) - began) / 1000000)) ms"
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	fresh
	"$made" "$D" "$(basename "$A" .frs)" 100000 || exit 1
	strace -e trace=pread64 -o "$W/trace" "$fr" list "$D/$A" >/dev/null
	# Rubbish in the longest stretch that list did not read: the rows.
	check "there is a stretch that list does not read" python3 -c '
import re, sys
path, trace = sys.argv[1:]
data = bytearray(open(path, "rb").read())
at, gap = 0, (0, 0)
reads = [re.search(r", (\d+), (\d+)\)\s+= \d+", l) for l in open(trace) if "pread64" in l]
spans = sorted((int(m[2]), int(m[2]) + int(m[1])) for m in reads if m)
for begin, end in spans + [(len(data), len(data))]:
    gap = max(gap, (begin - at, at))
    at = max(at, end)
print(len(data), gap)
assert gap[0] > 1000
data[gap[1]:gap[1] + gap[0]] = bytes(gap[0])
open(path, "wb").write(data)' "$D/$A" "$W/trace"
	check "... but verify does" exits 7 verify "$D/$A"
	check "... and list does not see it" json 'rows[0]["damage"] is None' -d "$D"
fi

# --- others' rights
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$W"
	fresh
	put "$A" "$B"
	chgrp 65533 "$D" "$D"/*
	member() { setpriv --reuid 65534 --regid 65533 --clear-groups "$fr" "$@"; }
	is6() { member "$@" >"$W/out" 2>"$W/err"; [ $? = 6 ] && [ "$(wc -l <"$W/err")" = 1 ]; }
	chmod 750 "$D"
	check "a member may not remove where the folder does not allow it" is6 rm "$D/$A"
	check "... nor pin" is6 pin "$D/$A"
	check "... nor prune, which is said once" is6 prune "${none[@]}" -q -d "$D" --max-age 24h
	check "... but list" member list -d "$D"
	chmod 770 "$D"
	check "where it does: pin" member pin "$D/$A"
	check "... and rm" member rm "$D/$B"
	check "... done" there "$AP"
fi

# --- the recorder
sum() {
	echo "$passed passed, $failed failed"
	[ $failed = 0 ]
}
if [ "$(id -u)" != 0 ]; then
	echo "skip  the recorder: needs root"
	sum
	exit
fi
up() { # OPTIONS...
	local i
	: >"$W/log"
	"$O/flightrecd" -c /dev/null --set "run.folder=$W/run" --set "dump.folder=$D" \
		--set dump.fallback= --set ring.pin_folder= --set ring.memory=2MiB \
		--set probes.streams=proc --set "scope.pids=$$" "$@" >>"$W/log" 2>&1 &
	daemon=$!
	for ((i = 0; i < 200; i++)); do
		grep -q recording "$W/log" && return 0
		kill -0 $daemon 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}
down() {
	kill -TERM "$daemon" && wait "$daemon"
	local code=$?
	daemon=
	return $code
}
dump() { "$fr" dump --run-folder "$W/run" "$@"; }
wait_for() { # COMMAND...: up to 20 s
	local i
	for ((i = 0; i < 200; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	cat "$W/log"
	return 1
}
log_says() { grep -q -- "$1" "$W/log" || { cat "$W/log"; return 1; }; }
# What a dump removed is said before the next one begins.
nr_is() { [ "$(ls "$D" | wc -l)" = "$1" ] || { ls "$D"; return 1; }; }

fresh
put "$A" "$B" "$(name 1 z.pin)" "$(name 2 noisy)" "$(name 3 noisy)"
check "starts with max_files" up --set dump.max_files=5 --set dump.max_share=30%
check "dumps" dump -q --name noisy
check "the noisy one goes, not the oldest" wait_for log_says "removed $D/$(name 2 noisy) (dump.max_files, above dump.max_share)"
check "... and only it" eval "[ -e '$D/$A' ] && [ -e '$D/$B' ] && [ -e '$D/$(name 1 z.pin)' ] && nr_is 5"
check "dumps again" dump -q --name quiet
check "the next of them" wait_for log_says "removed $D/$(name 3 noisy)"
check "ends" down

# Too old while nothing is dumped; the first look is at the start.
fresh
put "$A" "$B" "$AP"
mkdir -p "$W/second"
cp "$W/made.frs" "$W/second/$A"
check "starts with max_age" up --set dump.max_age=1s --set "dump.fallback=$W/second"
check "what is too old goes, without a dump" wait_for eval "[ \"\$(ls '$D')\" = '$AP' ]"
check "... in both folders" wait_for eval "! ls '$W/second' | grep ."
check "... which is said" log_says "removed $D/$A (dump.max_age)"
dump -q >/dev/null
check "a new one" nr_is 2
check "goes in its time, too" wait_for nr_is 1
check "no child is left behind" wait_for eval "! pgrep -P $daemon -x fr-pruner"
check "ends" down
rm -rf "$W/second"

# A file system of 32 MiB.
mkdir -p "$W/small" "$W/second"
if mount -t tmpfs -o size=32m none "$W/small" 2>/dev/null; then
	D=$W/small
	fill() { rm -f "$D/filler"; head -c "$1" /dev/zero >"$D/filler"; }
	free() { echo $(($(stat -f -c '%a * %S' "$D"))); }
	put "$A" "$B" "$C"
	for n in "$A" "$B" "$C"; do head -c 4M /dev/zero >>"$D/$n"; done
	check "starts on a small file system" up --set dump.keep_free=10MiB
	check "there is room: nothing goes" dump -q
	check "... nothing went" eval "nr_is 4 && [ -e '$D/$A' ]"
	fill 10M # leaves less than 10 MiB
	check "room is made first" dump -q
	check "... the oldest went" log_says "removed $D/$A (dump.keep_free"
	check "... and no more than needed" [ -e "$D/$B" ]
	check "... so much is free" [ "$(free)" -ge $((10 << 20)) ]
	fill 22M # all of ours would not do
	was=$(ls "$D")
	check "where room cannot be made, there is no dump" eval "! dump -q"
	check "... which says why" eval "dump 2>&1 | grep -q 'dump.keep_free'"
	check "... in the log, with figures" log_says "cannot write a snapshot into $D: .*dump.keep_free.*MiB are free"
	check "... and costs none of the others" [ "$(ls "$D")" = "$was" ]
	check "ends" down
	check "starts with a second folder" up --set dump.keep_free=13MiB --set "dump.fallback=$W/second"
	check "which is used then" eval "dump -q | grep -q '^$W/second/'"
	check "... and costs none of the others" [ "$(ls "$D")" = "$was" ]
	check "prune cannot either" says 4 'more must be free' prune -q -d "$D" --keep-free 13MiB
	rm "$D/filler"
	check "with room again" eval "dump -q | grep -q '^$D/'"
	check "ends" down
	check "pinned ones are never room" eval "'$fr' pin -q '$D/$B' '$D/$C' && fill 12M && says 4 'more must be free' prune -q -d '$D' --keep-free 50%"
	check "starts without a limit" up --set dump.keep_free=0
	check "then there is a dump all the same" dump -q
	check "ends" down
	"$fr" pin -q --remove "$D/$C"
	rm "$D/filler"
	fill $(($(free) - 40000)) # too little even for one more
	check "starts where nothing is free" up --set dump.keep_free=1MiB
	check "an old one makes room for the new one" dump -q
	check "... before it is written" eval "grep -n 'removed $D/$C\|snapshot $D' '$W/log' | head -1 | grep -q removed"
	check "ends" down
else
	echo "skip  a small file system: no mount here"
fi

# A disk that hangs while old snapshots are to go.
mkdir -p "$W/disk"
if truncate -s 64M "$W/disk.img" && mkfs.ext4 -q "$W/disk.img" 2>/dev/null &&
	mount -o loop "$W/disk.img" "$W/disk" 2>/dev/null; then
	D=$W/disk/snap
	mkdir "$D"
	put "$A" "$B"
	fsfreeze -f "$W/disk"
	check "starts beside a disk that hangs" up --set dump.max_age=1h
	check "something looks for old snapshots" wait_for pgrep -P "$daemon" -x fr-pruner
	check "the recorder answers all the same" timeout 5 "$fr" status --run-folder "$W/run"
	fsfreeze -u "$W/disk"
	check "they go when it is well again" wait_for eval "! ls '$D' | grep ."
	fsfreeze -f "$W/disk"
	kill -HUP "$daemon"
	check "ends while it hangs" timeout 5 bash -c "kill -TERM $daemon; while kill -0 $daemon 2>/dev/null; do sleep 0.05; done"
	wait "$daemon" 2>/dev/null
	daemon=
	fsfreeze -u "$W/disk"
else
	echo "skip  a disk that hangs: no loop devices here"
fi
sum
