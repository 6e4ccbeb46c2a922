#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# selftest.sh - the fire drill, without a daemon and beside one: it passes, leaves
# nothing, and disturbs nobody; and it fails, with the right step and exit code,
# where something is wrong: settings, rights, folders, streams, scope, a stopped
# recorder, a file system that hangs.
#
# TIMEOUT=300s, DELAY_MS=2000: what a step may take, and how long an operation is
# delayed, on a slow machine.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3 setpriv
scratch
export TMPDIR=$W/tmp
mkdir -p "$TMPDIR"
chmod 1777 "$TMPDIR"
few=()
delay_ms=${DELAY_MS:-200}
patience=${TIMEOUT:-30s}
before=$(echo /run/flightrec-selftest.*)

drill() { # ARGS...: exit code in $code, its object in $W/json
	"$FR" selftest --json --timeout "$patience" --delay "${delay_ms}ms" "$@" >"$W/json" 2>"$W/err" </dev/null
	code=$?
}
private() { # ARGS...
	drill -c "$conf" --set "dump.folder=$SNAP" --set dump.fallback= "${few[@]}" "$@"
}
daemon() { drill --run-folder "$RUN" "$@"; }
# of $W/json: says PYTHON-EXPRESSION over j, and step, the steps by their names
says() {
	python3 - "$W/json" "$1" <<-'PY'
		import json, sys
		j = json.load(open(sys.argv[1]))
		step = {s["name"]: s for s in j["steps"]}
		sys.exit(not eval("(" + sys.argv[2] + ")"))
	PY
}
explain() { # what it said, if a check failed
	[ $bad = "$seen" ] || cat "$W/json" "$W/err"
	seen=$bad
}
seen=0
nothing_left() {
	[ -z "$(ls -A "$TMPDIR")" ] && [ -z "$(find "$SNAP" -name '*selftest*')" ] &&
		[ "$(echo /run/flightrec-selftest.*)" = "$before" ]
}
fails() { # WHAT STEP PATTERN: the last drill failed at that step, and says so
	check "$1: exit 1" [ "$code" = 1 ]
	check "... at the step $2" says "j['failed'] == '$2' and not j['ok']"
	check "... for the reason $3" says \
		"__import__('re').search('$3', step['$2']['what'] + step['$2']['next'])"
	check "... and leaves nothing" nothing_left
	explain
}

# --- without a daemon; after the first time with few probes, which is quicker
conf=$W/flightrec.conf
cat >"$conf" <<CONF
[ring]
memory = 8MiB
[trigger "everything"]
when = fs.* latency > 1us
CONF
private
check "a recorder of its own: exit 0" [ $code = 0 ]
check "... all steps are right" says "j['ok'] and j['recorder'] == 'private' and
	[s['state'] for s in j['steps']] == ['ok'] * 11"
check "... each took its time" says "all(s['took_ns'] > 0 for s in j['steps']) and
	sum(step[s]['took_ns'] for s in ('recorder', 'operation')) < j['took_ns']"
check "... the operation took as long as it was delayed" says \
	"${delay_ms}e6 <= step['operation']['took_ns'] < j['took_ns']"
check "... a rule of the file did not fire" [ -z "$(snapshots)" ]
check "... nothing is left" nothing_left
explain
few=(--set probes.streams=fs)
private --keep
check "--keep: exit 0" [ $code = 0 ]
kept=$(snapshots)
check "... one snapshot stays, the one that it names" says "j['snapshot'] == '$kept'"
check "... it is whole" "$FR" verify -q "$kept"
check "... of the rule of the drill" \
	eval '"$FR" info "$kept" | grep -qE "^trigger +selftest-[0-9]+ .latency"'
# what the drill says of the row, against the rows themselves
"$FR" show -O csv --no-header -f dur --op flock --path "$TMPDIR/*" "$kept" >"$W/rows"
check "... with the operation, as long as it says" says "sum(1 for l in open('$W/rows')
	if '%.3f ms,' % (int(l) / 1e6) == ' '.join(step['row']['what'].split()[:2])) == 1"
check "... and the 1,000 writes before it" [ "$("$FR" show -O csv -f offset --no-header \
	--op write --path "$TMPDIR/flightrec-selftest.*" "$kept" | sort -n | uniq |
	paste -sd' ')" = "$(seq -s' ' 0 999)" ]
rm -f "$kept"
explain
private --set dump.anonymize=yes
check "dump.anonymize: exit 0" [ $code = 0 ]
explain
private --set probes.above=fs=50ms
check "probes.above: exit 4, as the writes cannot be told" [ $code = 4 ]
check "... and says why" says "step['history']['state'] == 'left_out' and
	step['row']['state'] == 'ok' and 'fs=50ms' in step['history']['what']"
explain

# --- what is wrong without a daemon
setpriv --reuid 65534 --regid 65534 --clear-groups "$FR" selftest --json --private >"$W/json" 2>"$W/err"
code=$?
if [ $code = 126 ]; then
	echo "not tried: $FR may not be run by others"
else
	check "without rights: exit 6" [ $code = 6 ]
	check "... at the step recorder" says "j['failed'] == 'recorder' and 'root' in step['recorder']['next']"
	explain
fi
printf '[ring]\nmemory = much\n' >"$W/bad.conf"
conf=$W/bad.conf private
fails "a bad setting" settings 'bad.conf:2'
mkdir -p "$W/ro" "$W/tiny"
mount -t tmpfs -o size=1M,ro none "$W/ro" && at_end "umount $W/ro"
mount -t tmpfs -o size=16k none "$W/tiny" && at_end "umount $W/tiny"
private --set "dump.folder=$W/ro"
fails "a folder that is mounted read-only" dump 'Read-only file system'
check "... though it fired" says "step['trigger']['state'] == 'ok'"
private --set "dump.folder=$W/tiny"
fails "a full disk" dump 'No space left on device.*make room'
check "... where nothing stays" [ -z "$(ls -A "$W/tiny")" ]
private --set "dump.folder=$W/tiny" --set "dump.fallback=$SNAP"
fails "a full disk, and a second folder" dump "went to dump.fallback, $SNAP"
check "... from which the rest is checked" says "step['report']['state'] == 'ok'"
private --set probes.streams=block
fails "without the stream fs" recorder 'add fs to probes.streams'
sleep 1000 &
other=$!
at_end "kill $other"
private --set scope.pids=$other
fails "a scope of others" trigger "did not fire.*scope.pids = $other"
check "... and no row is there" says "step['row']['state'] == 'failed'"
private --scratch "$W/nowhere"
fails "a scratch folder that is not there" operation 'No such file.*--scratch'

# a signal: it cleans up all the same
"$FR" selftest --private --delay 5s --timeout "$patience" -c "$conf" \
	"${few[@]}" --set "dump.folder=$SNAP" >"$W/out" 2>&1 &
pid=$!
for _ in $(seq 3000); do
	grep -q -- '-> FLOCK' /proc/locks && [ -n "$(ls -A "$TMPDIR")" ] && break
	sleep 0.02
done
kill -TERM $pid
wait $pid
check "SIGTERM while the operation waits: exit 1" [ $? = 1 ]
check "... is said" grep -q 'operation.*FAILED.*signal 15' "$W/out"
check "... and leaves nothing" nothing_left

# a file system that hangs so that not even SIGKILL helps
truncate -s 16M "$W/disk.img"
mkdir -p "$W/disk"
if mkfs.ext4 -q "$W/disk.img" 2>/dev/null && mount -o loop "$W/disk.img" "$W/disk" 2>/dev/null; then
	at_end "umount $W/disk"
	recorder_start --set ring.memory=8MiB "${few[@]}" || exit 1
	fsfreeze -f "$W/disk"
	began=$SECONDS
	timeout 60 "$FR" selftest --json --run-folder "$RUN" --timeout 3s --scratch "$W/disk" >"$W/json" 2>"$W/err"
	code=$?
	took=$((SECONDS - began))
	fsfreeze -u "$W/disk"
	fails "a file system that hangs" operation 'not done within 3s'
	check "... in its time" [ $took -lt 30 ]
	recorder_stop
else
	echo "not tried: a file system that hangs (no loop device or mkfs.ext4)"
fi

# --- with a daemon
drill --run-folder "$RUN"
check "no daemon, but it is asked for: exit 3" [ $code = 3 ]
check_exit "two minds" 2 "$FR" selftest --daemon --private
check_exit "no time for the delay" 2 "$FR" selftest --delay 10s --timeout 11s
recorder_start --set ring.memory=8MiB --set 'trigger.disk.when=fs.fsync latency > 1h' \
	--set 'trigger.any.when=fs.* latency > 1h' || exit 1
client status --json >"$W/status.1"
daemon
check "the recorder that runs: exit 0" [ $code = 0 ]
check "... all steps are right" says "j['ok'] and j['recorder'] == 'daemon' and
	[s['state'] for s in j['steps']] == ['ok'] * 10"
check "... nothing is left" nothing_left
explain
client status --json >"$W/status.2"
check "... its rules are as they were, and ours fired and is gone" python3 - "$W" <<'PY'
import json, sys
a, b = (json.load(open(sys.argv[1] + "/status." + n))["trigger"] for n in "12")
same = all(a[t][k] == b[t][k] for t in ("disk", "any") for k in ("hits", "fired", "when", "state"))
sys.exit(not (same and a.keys() == b.keys() and b["manual"]["fired"] == a["manual"]["fired"]))
PY
private
check "one of its own beside it: exit 0" [ $code = 0 ]
explain
kill -STOP "$daemon"
began=$SECONDS
patience=3s delay_ms=200 daemon
took=$((SECONDS - began))
kill -CONT "$daemon"
fails "a recorder that is stopped" recorder "process $daemon is stopped.*kill -CONT $daemon"
check "... within its time" [ $took -lt 30 ]
recorder_stop
recorder_start --set ring.memory=8MiB --set probes.streams=block || exit 1
daemon
fails "a recorder without the stream fs" recorder 'add fs to probes.streams'
recorder_stop
recorder_start --set ring.memory=8MiB "${few[@]}" --set "scope.pids=$other" || exit 1
daemon
fails "a recorder of others" trigger "did not fire"
recorder_stop
recorder_start --set ring.memory=8MiB "${few[@]}" --set "dump.folder=$W/tiny" || exit 1
daemon
fails "a recorder whose disk is full" dump 'dump.keep_free.*make room'
recorder_stop
finish
