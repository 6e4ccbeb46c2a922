#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# triggers_cmd.sh - flightrec trigger on a running recorder: each verb, bad input, too
# large and too many rules, several at once, what outlives a reload, and files
# that change under way.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
case $O in /*) ;; *) O=$PWD/$O ;; esac
FRD=$O/flightrecd FR=$O/flightrec
[ "$(id -u)" = 0 ] || { echo "skip: needs root"; exit 77; }
W=$(mktemp -d /tmp/flightrec-triggers.XXXXXX)
passed=0 failed=0 daemon=
C=$W/etc/my.conf

finish() {
	[ -z "$daemon" ] || { kill -KILL "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; }
	rm -rf "$W"
}
trap finish EXIT

check() { # TEXT COMMAND...
	local text=$1
	shift
	if "$@" >"$W/out" 2>&1; then
		passed=$((passed + 1)) && echo "ok    $text"
	else
		failed=$((failed + 1))
		echo "FAIL  $text (exit $?)"
		sed 's/^/      /' "$W/out" "$W/log" | tail -20
	fi
}
exits() { # CODE COMMAND...
	local want=$1 got
	shift
	"$@"
	got=$?
	[ $got = "$want" ] || { echo "exit $got, not $want: $*"; return 1; }
}
says() { # PATTERN COMMAND...
	local pattern=$1
	shift
	"$@" >"$W/said" 2>&1
	grep -q -- "$pattern" "$W/said" || { cat "$W/said"; return 1; }
}
fails_with() { # CODE PATTERN COMMAND...
	local want=$1 pattern=$2 got
	shift 2
	"$@" >"$W/said" 2>&1
	got=$?
	cat "$W/said"
	[ $got = "$want" ] && grep -q -- "$pattern" "$W/said"
}
wait_for() { # COMMAND...
	local i
	for ((i = 0; i < 100; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	return 1
}
up() { # OPTIONS...: starts, waits until it is ready
	: >"$W/log"
	"$FRD" --set "run.folder=$W/run" --set "dump.folder=$W/snap" --set dump.fallback= \
		--set ring.pin_folder= --set ring.memory=4MiB "$@" >>"$W/log" 2>&1 &
	daemon=$!
	wait_for grep -q recording "$W/log"
}
down() {
	local code
	kill -TERM "$daemon" && wait "$daemon"
	code=$?
	daemon=
	return $code
}
fr() { "$FR" "$@" --run-folder "$W/run"; }
add() { fr trigger add -q "$@"; }
value() { # NAME KEY: of trigger list
	fr trigger list --json | python3 -c '
import json, sys
for t in json.load(sys.stdin):
    if t["name"] == sys.argv[1]: print(t.get(sys.argv[2], ""))' "$1" "$2"
}
is() { # NAME KEY VALUE
	local got
	got=$(value "$1" "$2")
	[ "$got" = "$3" ] || { echo "$1.$2 is '$got', not '$3'"; return 1; }
}
there() { [ -n "$(value "$1" name)" ]; }
gone() { ! there "$1"; }
log_has() { grep -q -- "$1" "$W/log"; }
times_in_log() { [ "$(grep -c -- "$1" "$W/log")" = "$2" ]; }
rule() { printf '[trigger "%s"]\nwhen = fs.fsync latency > %s\n' "$1" "$2"; }

check "without a recorder: exit 3" exits 3 fr trigger list
check "... also to add" exits 3 add x 'fs.fsync latency > 1s'
mkdir "$W/etc"
rule file 10s >"$C"
check "starts" up -c "$C"
number=$(value file number)
check "a name with points" add a.b.c 'fs.fsync latency > 9s'
check "... is one name in the status, too" eval 'fr status --json | python3 -c "
import json, sys
t = json.load(sys.stdin)[\"trigger\"]
sys.exit(t[\"a.b.c\"][\"state\"] != \"armed\" or \"a\" in t)"'
check "... and goes" fr trigger remove a.b.c

# --- add
check "add" exits 0 add one 'fs.fsync latency > 1s'
check "... it is armed" is one state armed
check "... by hand" is one origin "by hand"
check "... and said" log_has "trigger one added by process [0-9]* of user 0"
check "words of a rule are put together" exits 0 add two fs.fsync latency '>' 2s where comm = db
check "... to what was meant" is two when 'fs.fsync latency > 2s where comm = db'
check "one that is there is refused" fails_with 1 "there is a trigger one already (when = fs.fsync latency > 1s)" \
	add one 'fs.fsync latency > 3s'
check "... and is as it was" is one when 'fs.fsync latency > 1s'
check "--replace" exits 0 add one 'fs.fsync latency > 3s' --replace --tail 1s --cooldown 1h
check "... it is another one" is one when 'fs.fsync latency > 3s'
check "--disabled" exits 0 add off 'fs.fsync latency > 3s' --disabled
check "... it is" is off state disabled
check "a name with points" exits 0 add off.name 'fs.fsync latency > 4s'
check "... is another one, in the list too" is off.name when 'fs.fsync latency > 4s'
fr trigger remove off.name
check "... and goes alone" there off
check "the others are not touched" is file number "$number"

# --- wrong rules: nothing is sent, and nothing happens
before=$(fr trigger list --no-header | wc -l)
check "an unknown operation: place, nearest" fails_with 2 "when:1:1: unknown operation 'fs.fsnyc'; did you mean fs.fsync" \
	add x 'fs.fsnyc latency > 20ms'
check "... and a caret" grep -q '^    ^$' "$W/said"
check "... where it is" fails_with 2 '^ *fs.fsync latency > 20$' add x 'fs.fsync latency > 20'
check "an empty rule" fails_with 2 "flightrec" add x ''
check "a limit of 0" fails_with 2 "limit of 0" add x 'fs.fsync latency > 0'
check "a negative limit" fails_with 2 "when:1:20" add x 'fs.fsync latency > -1s'
check "a wrong name" fails_with 2 "made of letters" add 'x y' 'fs.fsync latency > 1s'
check "a name with a slash" fails_with 2 "made of letters" add ../x 'fs.fsync latency > 1s' --save
check "a long name" fails_with 2 "1 to 32" add "$(printf 'x%.0s' {1..33})" 'fs.fsync latency > 1s'
check "a name that is taken for ever" fails_with 1 "always there" add manual 'fs.fsync latency > 1s' --replace
check "a wrong key" fails_with 2 "nearest is --cooldown" add x 'fs.fsync latency > 1s' --coldown 1s
check "a wrong value" fails_with 2 "not a duration" add x 'fs.fsync latency > 1s' --tail soon
check "a newline" fails_with 2 "control character" add x $'fs.fsync latency\n> 1s'
check "no rule" fails_with 2 "rule is missing" add x
check "no name" fails_with 2 "a name and a rule are missing" add
long=$(printf 'fs.fsync latency > 1s%*s' 102400 '')
check "a rule of 100 KB" fails_with 2 "4096 bytes" add x "$long"
raw() { # LINE: straight to the socket
	printf '%s\n' "$1" | timeout 10 python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1] + "/control.sock")
try: s.sendall(sys.stdin.buffer.read())
except BrokenPipeError: pass
while True:
    try: part = s.recv(65536)
    except ConnectionResetError: break
    if not part: break
    sys.stdout.write(part.decode())
' "$W/run"
}
check "... past the client" says "error 2 the request is longer than 16384 bytes" raw "trigger-add name=x when=${long// /%20}"
check "a wrong rule past the client: the caret too" fails_with 0 '^    ^$' raw 'trigger-add name=x when=fs.nothing%20latency'
check "a rule without when" says "error 2 .*no condition" raw 'trigger-add name=x tail=1s'
check "an unknown key" says "error 2 .*no key 'wehn'; did you mean when" raw 'trigger-add name=x wehn=1'
check "nothing came of all that" [ "$(fr trigger list --no-header | wc -l)" = "$before" ]

# --- too many
many() {
	local i
	for ((i = 0; i < 70; i++)); do
		raw "trigger-add name=many$i when=fs.fsync%20latency%20%3E%2090s" || return
	done
}
many >"$W/many"
check "more than 64 are refused" grep -q "error 1 there are 64 triggers already" "$W/many"
check "... those before are there" [ "$(grep -c '^ok' "$W/many")" = 60 ]
check "... and counted" [ "$(fr trigger list --no-header | grep -c 'fs.fsync')" = 64 ]
for i in {0..59}; do echo "trigger-remove name=many$i"; done | while read -r l; do raw "$l"; done >"$W/many"
check "all can be removed again" [ "$(grep -c '^ok' "$W/many")" = 60 ]
for ((i = 0; i < 10000; i++)); do rule "t$i" 5s; done >"$W/big.conf"
check "a file of 10,000 rules is refused" fails_with 2 "big.conf:[0-9]*:[0-9]*: more than" "$FRD" -n -c "$W/big.conf"

# --- several at once
pids=
for i in {0..19}; do add "at$i" "fs.fsync latency > ${i}00s" >"$W/at$i" 2>&1 & pids="$pids $!"; done 2>/dev/null
bad=0
for p in $pids; do wait "$p" || bad=$((bad + 1)); done
check "twenty at once: all but the limit of 0 are taken" [ $bad = 1 ]
pids=
for i in {0..9}; do add same "fs.fsync latency > 1${i}s" >/dev/null 2>&1 & pids="$pids $!"; done
good=0
for p in $pids; do wait "$p" && good=$((good + 1)); done
check "ten of one name at once: one is taken" [ $good = 1 ]
check "several are removed at once" exits 0 fr trigger remove same at{1..19}

# --- remove, enable, disable
check "remove" exits 0 fr trigger remove two
check "... it is gone" gone two
check "one that is not there: nearest" fails_with 2 "no trigger has the name 'fil'; did you mean file" fr trigger remove fil
check "... or all" fails_with 2 "there are signal, manual, file" fr trigger enable zzzzzzzzzz
check "built-in ones stay" fails_with 1 "always there" fr trigger remove signal
check "which?" fails_with 2 "which trigger" fr trigger remove
check "disable" exits 0 fr trigger disable file
check "... it is" is file state disabled
check "enable" exits 0 fr trigger enable file
check "... it is" is file state armed
check "signal can be disabled" exits 0 fr trigger disable signal
check "an unknown verb" fails_with 2 "did you mean 'remove'" "$FR" trigger remov x

# --- fire
check "fire prints the path" says "^$W/snap/flightrec-.*-file.frs" fr trigger fire file --reason 'just so'
check "the snapshot names rule and reason" says "just so" "$FR" info "$W"/snap/*-file.frs
check "... the rule itself" says "fs.fsync latency > 10s" "$FR" info "$W"/snap/*-file.frs
check "it cools then" is file state cooling
check "... and says how long" says "cooling for 5[0-9]" fr trigger list
check "fires while cooling" says "^$W/snap/" fr trigger fire -q file
fr trigger disable file
check "fires while disabled" says "^$W/snap/" fr trigger fire -q file
check "... three times" is file fired 3
check "... and stays disabled" is file state disabled
check "the tail is waited for" eval 's=$(date +%s%N); says "-one.frs" fr trigger fire one; [ $(($(date +%s%N) - s)) -gt 1000000000 ]'
check "without a name" says "^$W/snap/.*-manual.frs" fr trigger fire
check "an unknown name" fails_with 2 "did you mean file" fr trigger fire fille
fr trigger disable manual
check "manual that is disabled says so" fails_with 1 "trigger manual is disabled" fr trigger fire
check "... dump too" fails_with 1 "flightrec trigger enable manual" fr dump
fr trigger enable manual
check "... and works again" says "^$W/snap/" fr dump -q

# --- warnings
check "true at once is said" says "warning: was true at the first look" fr trigger add full 'meminfo.MemFree > 1' --cooldown 0
check "... in the log" log_has "trigger full: its condition is true already"
check "... and in the list" says "was true at the first look" fr trigger list
check "limits that exclude each other" says "can never fire: its conditions exclude" add no1 'meminfo.Dirty > 5GiB and meminfo.Dirty < 1GiB'
check "... a clear is no reason" exits 0 add no2 'meminfo.Dirty > 5GiB or meminfo.Dirty < 1GiB'
check "... and nothing is said" [ -z "$(value no2 note)" ]
check "a device that is not there" says "there is no device sdzz now" add no3 'fs.fsync latency > 1s where device = sdzz'
check "a process that is not there" says "there is no process 4194300 now" add no4 'fs.fsync latency > 1s where pid = 4194300'
check "a metric that is not sampled" says "warning: no metric that is sampled is named meminfo.MemFre$" \
	fr trigger add no6 'meminfo.MemFre > 9'
check "... the nearest in the log" log_has "trigger no6: no metric .*meminfo.MemFre; did you mean meminfo.MemFree"
check "a stream that is not recorded" says "cannot fire\|epoll is not recorded" add no5 'epoll.* latency > 5s'
fr trigger remove full no1 no2 no3 no4 no5 no6

# --- who may
if command -v setpriv >/dev/null; then
	chmod 755 "$W"
	for verb in "add x fs.fsync latency > 1s" "remove one" "disable one" "fire"; do
		# shellcheck disable=SC2086
		check "others are refused: $verb" exits 6 setpriv --reuid 65534 --regid 65534 \
			--clear-groups "$FR" trigger $verb --run-folder "$W/run"
	done
fi

# --- the file changes
check "a file that changes is read" eval "rule file 9s >'$C'; rule second 1s >>'$C'; wait_for there second"
check "... once" times_in_log "settings read again" 1
check "... what was added stays" is one when 'fs.fsync latency > 3s'
check "... what is new in it counts" is file state armed
check "a broken one" eval "echo 'when = nonsense' >>'$C'; wait_for log_has 'my.conf:5:1'"
check "... leaves the rules" is second state armed
sleep 1
check "... and is said once" times_in_log "the settings in force stay" 1
check "... and in the status" says "broken, those in force stay.*my.conf:5:1" fr status
echo >>"$W/etc/unrelated.conf"
sleep 0.7
check "other files do not matter" times_in_log "files changed" 2
check "an editor renames over it" eval "rule third 1s >'$W/etc/.new'; mv '$W/etc/.new' '$C'; wait_for there third"
check "... it is well again" eval '! fr status | grep -q broken'
check "... what is not in it is gone" gone second
number=$(value third number)
check "a file that goes" eval "mv '$C' '$W/etc/away'; wait_for log_has 'my.conf: No such file'"
check "... leaves the rules" is third state armed
check "... and is read when it is back" eval "rule fourth 1s >>'$W/etc/away'; mv '$W/etc/away' '$C'; wait_for there fourth"
check "... the same ones are the same" is third number "$number"
check "a drop-in, and its folder" eval "mkdir '$W/etc/conf.d' && rule drop 1s >'$W/etc/conf.d/a.conf'; wait_for there drop"
check "... that goes" eval "rm '$W/etc/conf.d/a.conf'; wait_for gone drop"
fr trigger remove third
fr trigger disable fourth
fr trigger add -q fourth2 'fs.fsync latency > 1s'
kill -HUP "$daemon"
sleep 0.5
check "what was removed stays away after SIGHUP" gone third
check "... what was disabled is" is fourth state disabled
check "... what was added is there" is fourth2 state armed
check "a file that has a rule of that name" eval "rule fourth2 7s >>'$C'; wait_for is fourth2 when 'fs.fsync latency > 7s'"
check "... counts from then on" is fourth2 origin files

# --- save
check "--save" exits 0 add saved 'fs.fsync latency > 1s where comm = "a b"' --cooldown 1h --save
check "... the files are right" "$FRD" -n -c "$C"
check "... and have it" grep -q 'when = fs.fsync latency > 1s where comm = "a b"' "$W/etc/conf.d/trigger-saved.conf"
number=$(value saved number)
check "... it is theirs" wait_for is saved origin files
check "... and the same trigger" is saved number "$number"
check "remove --save" exits 0 fr trigger remove saved --save
check "... the file is gone" [ ! -e "$W/etc/conf.d/trigger-saved.conf" ]
check "one of the main file" fails_with 4 "still has it" fr trigger remove fourth --save
rule mine 1s >"$W/etc/conf.d/trigger-mine.conf"
wait_for there mine
check "a file of somebody else is not overwritten" fails_with 4 "File exists" add mine 'fs.fsync latency > 3s' --replace --save
check "... nor removed" fails_with 4 "still has it" fr trigger remove mine --save
check "ends" down

# --- other ways to be configured
check "starts without watching" up -c "$C" --set run.watch=no
rule unwatched 1s >>"$C"
sleep 1
check "... does not see it" gone unwatched
kill -HUP "$daemon"
check "... but by SIGHUP" wait_for there unwatched
check "ends" down
check "starts without a file" up -c /dev/null
check "--save has nowhere to go" fails_with 4 "reads no configuration file" add x 'fs.fsync latency > 1s' --save
check "... the trigger is there" is x state armed
check "ends" down
check "starts with a link" eval "ln -s real '$W/etc/link.conf'; rule linked 1s >'$W/etc/real'; up -c '$W/etc/link.conf'"
check "... sees what it leads to" eval "rule more 1s >>'$W/etc/real'; wait_for there more"
check "ends" down
if command -v setpriv >/dev/null && setpriv --bounding-set -dac_read_search,-dac_override \
	--inh-caps -dac_read_search,-dac_override true 2>/dev/null; then
	rule read 1s >"$W/etc/own.conf"
	up_bounded() {
		: >"$W/log"
		setpriv --bounding-set -dac_read_search,-dac_override --inh-caps -dac_read_search,-dac_override \
			"$FRD" -c "$W/etc/own.conf" --set "run.folder=$W/run" --set "dump.folder=$W/snap" \
			--set dump.fallback= --set ring.pin_folder= --set ring.memory=4MiB >>"$W/log" 2>&1 &
		daemon=$!
		wait_for grep -q recording "$W/log"
	}
	check "starts without the right to read all" up_bounded
	chmod 0 "$W/etc/own.conf"
	check "a file that it may not read is said" wait_for log_has "own.conf: Permission denied"
	check "... and the rules stay" is read state armed
	check "ends" down
fi

echo "$passed passed, $failed failed"
[ $failed = 0 ]
