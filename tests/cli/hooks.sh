#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hooks.sh - `exec` of triggers: hooks that work, fail, hang, fork and print much,
# what they are told, and what they are allowed.  As root they must run as someone
# else; without root they run as who we are.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
case $O in /*) ;; *) O=$PWD/$O ;; esac
FRD=$O/flightrecd FR=$O/flightrec
W=$(mktemp -d /tmp/flightrec-hooks.XXXXXX)
passed=0 failed=0 daemon= turn=0
root=$([ "$(id -u)" = 0 ] && echo yes || echo no)
mark=9$(printf %06d $$) # of this run's sleeps

finish() {
	[ -z "$daemon" ] || { kill -KILL "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; }
	rm -rf "$W"
}
trap finish EXIT
chmod 755 "$W"

check() { # TEXT COMMAND...
	local text=$1
	shift
	if "$@" >"$W/out" 2>&1; then
		passed=$((passed + 1)) && echo "ok    $text"
	else
		failed=$((failed + 1))
		echo "FAIL  $text (exit $?)"
		sed 's/^/      /' "$W/out" "$W/log" | cut -c 1-200 | tail -15
	fi
}
wait_for() { # COMMAND...: up to 10 s
	local i
	for ((i = 0; i < 200; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	return 1
}
log_says() { grep -q -- "$1" "$W/log"; }
log_says_not() { ! log_says "$1"; }
nobody_sleeps() { ! pgrep -f "sleep $mark" >/dev/null; }
somebody_sleeps() { pgrep -f "sleep $mark" >/dev/null; }

# rule NAME EXEC [KEY=VALUE]...: the one trigger; it fires at the first look, as no
# machine has so much memory.  Each turn is another rule.
rule() {
	local name=$1 exec=$2 key
	shift 2
	turn=$((turn + 1))
	{
		echo "[trigger \"$name\"]"
		echo "when = meminfo.MemFree < $((1000 + turn))TiB"
		echo "cooldown = 0"
		echo "exec = $exec"
		for key; do echo "${key%%=*} = ${key#*=}"; done
	} >"$W/conf"
}
up() { # [--as USER] OPTIONS...: starts with $W/conf, waits until it is ready
	local i as=()
	[ "${1-}" != --as ] || { as=(setpriv "--reuid=$2" --clear-groups) && shift 2; }
	: >"$W/log"
	"${as[@]}" "$FRD" -c "$W/conf" --set "run.folder=$W/run" \
		--set "dump.folder=$W/snap" --set dump.fallback= \
		--set ring.pin_folder= --set ring.memory=4MiB \
		--set sampler.period=50ms "$@" >>"$W/log" 2>&1 &
	daemon=$!
	wait_for log_says ': recording'
}
down() {
	local code
	kill -TERM "$daemon" && wait "$daemon"
	code=$?
	daemon=
	return $code
}
# fire NAME EXEC [KEY=VALUE]...: until its hook has ended.
fire() {
	rule "$@"
	: >"$W/log"
	kill -HUP "$daemon"
	wait_for log_says "the hook of trigger $1 "
}
# What the hook that prints "KEY value" lines said of KEY.
said() { sed -n "s/^flightrecd: hook [a-z]*: $1 //p" "$W/log"; }
is() { [ "$1" = "$2" ] || { echo "'$1', not '$2'"; return 1; }; }
like() { [[ "$1" =~ ^$2$ ]] || { echo "'$1' is not like '$2'"; return 1; }; }

# --- what is refused
bad() { # TEXT KEY=VALUE...
	local text=$1
	shift
	rule bad true "$@"
	"$FRD" -n -c "$W/conf" 2>&1 | tee "$W/said" | grep -q -- "$text" ||
		{ cat "$W/said"; return 1; }
}
check "exec-limit = 0 is refused" bad 'at least 100ms' exec-limit=0
check "exec-limit = -1s is refused" bad 'not a duration' exec-limit=-1s
check "max-per-day = -1 is refused" bad 'not a whole number' max-per-day=-1
check "priority = 101 is refused" bad 'at most 100' priority=101
check "min-history = 200h is refused" bad 'at most 168h' min-history=200h
check "a merge time within the tail is refused" bad 'not longer than tail' tail=5s merge=5s
rule good 'true'
check "a rule with a hook is none" "$FRD" -n -c "$W/conf"

# --- one that works
rule first 'echo hello'
check "starts" up
check "the hook runs" wait_for log_says 'hook first: hello'
check "... and its end is said" wait_for log_says 'the hook of trigger first is done after'

fire env 'env | sed "s/=/ /"'
check "it knows the file" like "$(said FLIGHTREC_FILE)" "$W/snap/flightrec-.*-env.frs"
check "... which is on disk" test -s "$(said FLIGHTREC_FILE)"
check "it knows the trigger" is "$(said FLIGHTREC_TRIGGER)" env
check "it knows the reason" like "$(said FLIGHTREC_REASON)" 'meminfo.MemFree is .*, limit < .*'
check "it knows the rule" like "$(said FLIGHTREC_WHEN)" 'meminfo.MemFree < [0-9]*TiB'
check "it knows the value" like "$(said FLIGHTREC_VALUE)" '[0-9]+'
check "it knows the metric" is "$(said FLIGHTREC_METRIC)" meminfo.MemFree
check "it knows when" like "$(said FLIGHTREC_TIME)" '20..-..-..T..:..:..\....Z'
check "it knows the process, if there is one" is "$(said FLIGHTREC_PID)" 0
check "it has no variable of ours" is "$(said HOOKS_TEST)$(said USER)$(said LOGNAME)" ""
names=$(sed -n 's/^flightrecd: hook env: \([A-Z_]*\) .*/\1/p;s/^flightrecd: hook env: \([A-Z_]*\)$/\1/p' "$W/log" | sort | tr '\n' ' ')
check "its environment is this and no more" is "$names" "FLIGHTREC_COMM FLIGHTREC_FILE \
FLIGHTREC_INCIDENT FLIGHTREC_KIND FLIGHTREC_MERGED FLIGHTREC_MERGED_TRIGGERS FLIGHTREC_METRIC \
FLIGHTREC_PID FLIGHTREC_REASON FLIGHTREC_TID FLIGHTREC_TIME FLIGHTREC_TRIGGER FLIGHTREC_VALUE \
FLIGHTREC_WHEN HOME LANG PATH PWD SHELL "

# --- what it may do
caged='sed -n "s/:[[:space:]]/ /;/^Cap/p;/^NoNew/p" /proc/self/status; echo uid $(id -u); echo gids $(id -G); echo cwd $(pwd); echo fds $(ls /proc/self/fd); read -r _ _ _ _ pg s _ </proc/$$/stat; echo group $((pg - $$)) $((s - $$)); echo nice $(nice); echo oom $(cat /proc/self/oom_score_adj); cat "$FLIGHTREC_FILE" >/dev/null && echo reads yes; echo x >"${FLIGHTREC_FILE%/*}/x" && echo writes yes'
fire caged "$caged"
[ $root = no ] || check "it is not root" is "$(said uid)" "$(id -u nobody)"
[ $root = no ] || check "... and in none of root's groups" is "$(said gids)" "$(id -G nobody)"
[ $root = no ] || check "... and cannot read the snapshot" is "$(said reads)" ""
[ $root = no ] || check "... nor write its folder" is "$(said writes)" ""
for set in Inh Prm Eff Amb; do
	check "it has no capability (Cap$set)" is "$(said Cap$set)" 0000000000000000
done
[ $root = no ] || check "... and can get none (CapBnd)" is "$(said CapBnd)" 0000000000000000
check "it gets no new privileges" is "$(said NoNewPrivs)" 1
check "it has a session of its own" is "$(said group)" "0 0"
check "it has no descriptor of ours" is "$(said fds)" "0 1 2 3"
check "it is in /" is "$(said cwd)" /
check "it is nicer than we are" is "$(said nice)" 10
check "it is killed first for want of memory" is "$(said oom)" 0

# --- those that go wrong
fire fails 'echo oops >&2; exit 3'
check "its exit code is said" log_says 'the hook of trigger fails failed with exit code 3 after'
check "... and what it printed" log_says 'hook fails: oops'
fire killed 'kill -SEGV $$'
check "its signal is said" log_says 'the hook of trigger killed was ended by a signal (Segmentation'
fire absent '/nonexistent/program'
check "a program that is not there is said" log_says 'exit code 127'
check "... in the shell's words" log_says 'hook absent: .*not found'
fire syntax 'if then ('
check "what is no shell command is said" log_says 'trigger syntax failed with exit code 2'

# --- those that hang
rule hangs "trap '' TERM HUP INT; sleep ${mark}1; sleep ${mark}2" exec-limit=2s
: >"$W/log"
kill -HUP $daemon
check "one that hangs runs" wait_for somebody_sleeps
check "... and is not waited for" timeout 2 "$FR" dump --run-folder "$W/run"
check "... and shows in the status" eval '"$FR" status --json --run-folder "$W/run" | tr -d " \n" | grep -q "\"running\":1"'
check "... and is killed after its limit" wait_for log_says 'trigger hangs took too long (exec-limit) and was killed after 2'
check "... with what it started" wait_for nobody_sleeps
fire forks "for i in 1 2 3; do (sleep ${mark}3 & sleep ${mark}4 & sleep ${mark}5) & done; sleep ${mark}6" exec-limit=500ms
check "one that forks is killed" log_says 'took too long'
check "... with all its grandchildren" wait_for nobody_sleeps
fire leaves "sleep ${mark}7 & nohup sleep ${mark}8 >/dev/null 2>&1 & exit 0"
check "one that leaves something behind is done" log_says 'trigger leaves is done'
check "... and that ends with it" wait_for nobody_sleeps
fire stops 'kill -STOP $$' exec-limit=300ms
check "one that stopped itself is killed too" log_says 'took too long'

# --- those that talk
fire talks 'i=0; while [ $i -lt 3000 ]; do echo "line $i of many"; i=$((i + 1)); done'
check "one that prints much is done" log_says 'trigger talks is done'
check "... and the log says that there was more" log_says 'hook talks: it prints more than 16384 bytes'
check "... which is not there" [ "$(wc -c <"$W/log")" -lt 65536 ]
fire floods 'head -c 300000000 /dev/zero; echo ended $? >&2'
check "one that prints megabytes loses its output" log_says 'hook floods: its output is closed after'
check "... and the log stays small" [ "$(wc -c <"$W/log")" -lt 65536 ]
fire binary 'printf "a\001\033[31mb\n\nlast"'
check "control characters do not reach the log" log_says 'hook binary: a??.31mb'
check "... a line without end does" log_says 'hook binary: last'
fire quiet 'exec >&- 2>&-; sleep 0.2; exit 5'
check "one that closed its output is noticed all the same" log_says 'exit code 5'

# --- what is recorded
"$FR" dump --run-folder "$W/run" >"$W/path" 2>/dev/null
"$FR" show -O jsonl --stream meta "$(cat "$W/path")" >"$W/meta"
check "the ring has how hooks ended" grep -q 'hook of trigger fails failed with exit code 3' "$W/meta"
check "... with the code" eval 'grep "trigger fails failed" "$W/meta" | grep -q "\"value\":\"*3[\",}]"'
check "it ends at once" down
check "... and nothing is left" nobody_sleeps

# --- at the end, and after failures
rule late "sleep ${mark}9"
check "starts with one that hangs" up
check "... which runs" wait_for somebody_sleeps
check "the recorder does not wait for it" timeout 8 bash -c "kill -TERM $daemon; while kill -0 $daemon 2>/dev/null; do sleep 0.05; done"
wait $daemon
daemon=
check "... but kills it" wait_for nobody_sleeps
check "... and says so" log_says 'trigger late was killed, as the recorder is ending'
rule orphan "exec sleep ${mark}9"
up
wait_for somebody_sleeps
kill -KILL $daemon
wait $daemon 2>/dev/null
daemon=
check "the shell of a killed recorder's hook ends too" wait_for nobody_sleeps
rule none 'echo must not run'
echo x >"$W/file"
up --set "dump.folder=$W/file/snap"
check "no snapshot" wait_for log_says 'cannot write a snapshot'
sleep 0.3
check "... no hook" log_says_not 'must not run'
down

# --- limits of the trigger
rule often 'echo ran' min-history=1h
up
held() { "$FR" status --json --run-folder "$W/run" | grep -q "$1"; }
check "min-history: it does not fire" wait_for log_says 'holds less than its min-history = 1h'
check "... and the status says why" held 'held back: the ring holds less than min-history = 1h'
check "... and no hook runs" log_says_not 'hook often'
down

# --- one that leads, one that joins
rule low 'echo low' tail=1s merge=20s
{
	printf '[trigger "high"]\nwhen = meminfo.MemAvailable < 900TiB\npriority = 60\n'
	echo 'exec = echo leads with $FLIGHTREC_MERGED_TRIGGERS $FLIGHTREC_MERGED'
} >>"$W/conf"
rm -rf "$W/snap"
up
check "the hook of the higher priority runs" wait_for log_says 'hook high: leads with low 1'
check "... and no other" log_says_not 'hook low'
"$FR" info "$W"/snap/*-high.frs >"$W/info"
check "the snapshot lists who joined" grep -q 'low: 1 hit, the first .*: meminfo.MemFree is' "$W/info"
check "... and so does the status" held '"joined": "low 1"'
down

# --- whom they run as
if [ $root = yes ]; then
	rule user "$caged"
	up --set run.user=daemon
	check "with run.user, it runs" wait_for log_says 'the hook of trigger user '
	check "... as that user" is "$(said uid)" "$(id -u daemon)"
	check "... with that user's groups" is "$(said gids)" "$(id -G daemon)"
	down
	rule user "$caged"
	up --set run.user=root
	wait_for log_says 'the hook of trigger user '
	check "never as root, even if run.user is" is "$(said uid)" "$(id -u nobody)"
	down
	rm -rf "$W/run" "$W/snap"
	mkdir "$W/run" "$W/snap"
	chown nobody "$W/run" "$W/snap"
	rule user "$caged"
	check "a recorder without rights starts" up --as nobody
	check "... and runs hooks" wait_for log_says 'the hook of trigger user '
	check "... as who it is" is "$(said uid)" "$(id -u nobody)"
	check "... without new privileges" is "$(said NoNewPrivs)" 1
	fire hangs "sleep ${mark}9" exec-limit=300ms
	check "... and kills them" wait_for nobody_sleeps
	down
fi

echo "$passed passed, $failed failed"
[ $failed = 0 ]
