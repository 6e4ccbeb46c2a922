#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# daemon.sh - flightrecd as a person meets it: start, status, dump, reload, a
# second one, full and read-only folders, stale files, kill -9 and recovery.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
case $O in /*) ;; *) O=$PWD/$O ;; esac
FRD=$O/flightrecd FR=$O/flightrec
[ "$(id -u)" = 0 ] || { echo "skip: needs root"; exit 77; }
W=$(mktemp -d /tmp/flightrec-daemon.XXXXXX)
PIN=/sys/fs/bpf/flightrec-test-$$
passed=0 failed=0 daemon=

finish() {
	[ -z "$daemon" ] || { kill -KILL "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; }
	rm -rf "$PIN" 2>/dev/null
	thaw
	for m in tiny ro disk; do umount "$W/$m" 2>/dev/null; done
	rm -rf "$W"
}
thaw() { [ ! -d "$W/disk" ] || fsfreeze -u "$W/disk" 2>/dev/null; }
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
	"$@" 2>&1 | tee "$W/said" | grep -q -- "$pattern" || { cat "$W/said"; return 1; }
}
up() { # OPTIONS...: starts, waits until it is ready
	local i
	: >"$W/log" # the last one's words are not this one's
	"$FRD" -c /dev/null --set "run.folder=$W/run" --set "dump.folder=$W/snap" \
		--set dump.fallback= --set "ring.pin_folder=$pin" \
		--set ring.memory=4MiB "$@" >>"$W/log" 2>&1 &
	daemon=$!
	for ((i = 0; i < 100; i++)); do
		grep -q recording "$W/log" && return 0
		kill -0 $daemon 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}
down() {
	local code
	kill -TERM "$daemon" && wait "$daemon"
	code=$?
	daemon=
	return $code
}
value() { # KEY: of the status
	printf 'status\n' | timeout 10 python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1] + "/control.sock")
s.sendall(sys.stdin.buffer.read())
data = b""
while True:
    part = s.recv(65536)
    if not part: break
    data += part
for line in data.decode().splitlines():
    if line.startswith(sys.argv[2] + "="): print(line.split("=", 1)[1])
' "$W/run" "$1"
}
dump() { "$FR" dump --run-folder "$W/run" "$@"; }
nr_snapshots() { ls "$1" 2>/dev/null | grep -c '\.frs$'; }
no_rubbish() { ! ls -A "$1" | grep -v '^flightrec-.*\.frs$'; }
wait_for() { # COMMAND...: up to 10 s
	local i
	for ((i = 0; i < 100; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	return 1
}
count_is() { [ "$(nr_snapshots "$1")" = "$2" ]; }
log_says() { grep -q -- "$1" "$W/log"; }
whole() { "$FR" show -O csv "$1" >"$W/csv" && [ "$(wc -l <"$W/csv")" -gt 1 ]; }
pin=

# --- the command line
check "--help has examples" says EXAMPLES "$FRD" --help
check "--version" says flightrecd "$FRD" --version
check "-n accepts the defaults" exits 0 "$FRD" -n -c /dev/null
check "-nv prints what is in force" says 'memory = 128MiB' "$FRD" -nv -c /dev/null \
	--set ring.memory=128MiB
check "a wrong option is usage" exits 2 "$FRD" --frobnicate
check "... with the nearest one" says 'did you mean --version' "$FRD" --verson
check "a wrong setting is usage" exits 2 "$FRD" -n -c /dev/null --set ring.memry=1MiB
check "... with the nearest one" says memory "$FRD" -n -c /dev/null --set ring.memry=1MiB
check "a missing file is named" says "$W/none.conf" "$FRD" -n -c "$W/none.conf"
"$FRD" --print-example >"$W/example.conf"
check "the example is a configuration" exits 0 "$FRD" -n -c "$W/example.conf"
check "no daemon: exit 3" exits 3 "$FR" status --run-folder "$W/run"

# --- start, status, dump
check "starts" up
no_admin() { # no thread has CAP_SYS_ADMIN (21), which start has
	awk '/^Cap(Prm|Eff)/ { n++; if (substr($2, length($2) - 5, 1) ~ /[2367abef]/) bad = 1 }
		END { exit bad || n < 4 }' /proc/$daemon/task/*/status
}
check "every thread has dropped its rights" no_admin
timer=$(value sampler.timer_pid)
check "the timer has another group" [ "$(awk '/^Gid/ { print $2 }' /proc/$timer/status)" != 0 ]
# libbpf keeps one page of its own, of the ring that wakes the recorder.
check "the timer cannot write what probes use" python3 -c '
import sys
sizes = []
for line in open(sys.argv[1]):
    if "rw-s" in line and "bpf-map" in line:
        a, b = line.split()[0].split("-")
        sizes.append(int(b, 16) - int(a, 16))
print(sizes)
sys.exit(len(sizes) > 1 or sum(sizes) > 4096)
' "/proc/$timer/maps"
sleep 1.1
kill -KILL "$timer"
new_timer() { local t; t=$(value sampler.timer_pid); [ "$t" != "$timer" ] && [ "$t" != 0 ]; }
check "a killed timer is replaced" wait_for new_timer
ticks=$(value sampler.ticks)
more_ticks() { [ "$(value sampler.ticks)" -gt $((ticks + 1)) ]; }
check "... and samples go on" wait_for more_ticks
check "... and it is said" log_says "timer ended (Killed)"
check "status answers" exits 0 "$FR" status --run-folder "$W/run"
check "status has history of a lane" [ -n "$(value lane.sample.history_s)" ]
check "dump prints the path" says "^$W/snap/flightrec-.*-manual.frs" dump
check "the snapshot can be read" whole "$W"/snap/*-manual.frs
check "it has the clocks' offsets" says 'mono_to_real_ns=[0-9]' "$FR" show -O jsonl \
	--stream meta "$W"/snap/*-manual.frs
check "its mode is 0640" [ "$(stat -c %a "$W"/snap/*-manual.frs)" = 640 ]
check "dump takes a name" says 'Z-a_b.frs' dump --name 'a/b' --reason 'why not'
if "$FR" info --help >/dev/null 2>&1; then
	check "the reason is in the file" says 'why not' "$FR" info "$W"/snap/*-a_b.frs
fi
check "the dumper was confined" says 'capabilities none.*seccomp yes' value dump.confined
check "doctor shows the running one" says "pid $daemon" "$FR" doctor --run-folder "$W/run"
check "recover leaves the running one alone" exits 5 "$FR" recover \
	--run-folder "$W/run" --set ring.pin_folder= -d "$W/snap"
kill -USR1 "$daemon"
check "SIGUSR1 takes a snapshot" wait_for eval "ls '$W'/snap/*-signal.frs"
before=$(nr_snapshots "$W/snap")
dump -q >/dev/null & one=$!
dump -q >/dev/null & two=$!
dump -q >/dev/null & three=$!
check "three at once are queued" eval "wait $one && wait $two && wait $three"
check "... and each gets its own" count_is "$W/snap" $((before + 3))

check "times of all dumps are measured" eval \
	'[ $(value dump.hit_to_hold_min_ns) -gt 0 ] &&
	[ $(value dump.hit_to_disk_min_ns) -le $(value dump.hit_to_disk_median_ns) ] &&
	[ $(value dump.hit_to_disk_median_ns) -le $(value dump.hit_to_disk_max_ns) ]'
check "... and shown" says 'on disk after: least .* median .* most' \
	"$FR" status --run-folder "$W/run"

# --- who may ask
if command -v setpriv >/dev/null; then
	chmod 755 "$W"
	check "others are refused with 6" exits 6 setpriv --reuid 65534 --regid 65534 \
		--clear-groups "$FR" status --run-folder "$W/run"
fi
check "a second one is refused" exits 1 "$FRD" -c /dev/null --set "run.folder=$W/run"
check "... with the pid of the first" says "pid $daemon" "$FRD" -c /dev/null \
	--set "run.folder=$W/run"
check "the first goes on" exits 0 "$FR" status --run-folder "$W/run"
check "SIGTERM ends it in order" down
check "it takes its files with it" [ -z "$(ls -A "$W/run")" ]

# --- reload
cat >"$W/my.conf" <<IN
[trigger "one"]
when = fs.fsync latency > 10s
IN
check "starts with a rule" up -c "$W/my.conf"
check "the rule is armed" says armed value trigger.one.state
echo 'when = nonsense >' >>"$W/my.conf"
kill -HUP "$daemon"
check "a broken file is named" wait_for log_says "$W/my.conf:3"
check "... and the old rule stays" says armed value trigger.one.state
printf '[trigger "two"]\nwhen = fs.fsync latency > 9s\n' >"$W/my.conf"
kill -HUP "$daemon"
check "a good file is taken" wait_for says armed value trigger.two.state
check "... and the gone rule is gone" [ -z "$(value trigger.one.state)" ]
check "ends" down
# A hit that waits while its rule is changed counts: the recorder is stopped, so
# that it sees the request to reload before the hit.
rm -rf "$W/snap"
printf '[trigger "one"]\nwhen = fs.fsync latency > 1ns\n' >"$W/my.conf"
check "starts with a rule that will change" up -c "$W/my.conf" --set "scope.pids=$$"
if [ "$(value probes)" = on ]; then
	kill -STOP "$daemon"
	printf '[trigger "one"]\nwhen = fs.fsync latency > 10s\n' >"$W/my.conf"
	kill -HUP "$daemon"
	dd if=/dev/zero of="$W/synced" bs=1 count=1 conv=fsync 2>/dev/null
	kill -CONT "$daemon"
	check "a hit under way is not lost by a reload" wait_for eval "ls '$W'/snap/*-one.frs"
fi
check "ends" down

# --- folders that cannot be written
mkdir -p "$W/tiny" "$W/ro" "$W/second"
rm -rf "$W/snap"
if mount -t tmpfs -o size=64k none "$W/tiny" 2>/dev/null; then
	check "starts with a full folder" up --set "dump.folder=$W/tiny"
	check "dump fails" exits 1 dump
	check "... naming the folder" says "$W/tiny" dump
	check "nothing half-written is left" no_rubbish "$W/tiny"
	check "the hold is released" [ "$(value lane.sample.chunks_held)" = 0 ]
	check "the failure is counted" [ "$(value count.dumps_failed)" = 2 ]
	check "it goes on" exits 0 "$FR" status --run-folder "$W/run"
	check "ends" down
	check "starts with a second folder" up --set "dump.folder=$W/tiny" \
		--set "dump.fallback=$W/second"
	check "the second folder is used" says "^$W/second/" dump
	check "... once" count_is "$W/second" 1
	check "... and said" log_says "$W/tiny (trying $W/second)"
	check "ends" down
fi
if mount -t tmpfs -o ro none "$W/ro" 2>/dev/null; then
	check "starts with a read-only folder" up --set "dump.folder=$W/ro"
	check "dump fails" says "Read-only" dump
	check "ends" down
fi
echo >"$W/file"
check "starts with a file for a folder" up --set "dump.folder=$W/file"
check "dump fails" exits 1 dump
check "ends" down

# --- a disk that hangs: who waits for it cannot even be killed
mkdir -p "$W/disk"
if truncate -s 32M "$W/disk.img" && mkfs.ext4 -q "$W/disk.img" 2>/dev/null &&
	mount -o loop "$W/disk.img" "$W/disk" 2>/dev/null; then
	rm -rf "$W/second"
	check "starts with a disk that will hang" up --set "dump.folder=$W/disk/snap" \
		--set "dump.fallback=$W/second" --set dump.hold_limit=1s
	check "the disk is used while it is well" says "^$W/disk/snap/" dump
	fsfreeze -f "$W/disk"
	dump -q >"$W/hung" 2>&1 & asked=$!
	sleep 0.5
	check "status answers while the dumper hangs" [ "$(value dump.state)" = dumping ]
	check "after dump.hold_limit the second folder is used" eval "wait $asked"
	check "... says the answer" grep -q "^$W/second/" "$W/hung"
	check "... with a snapshot that is whole" eval 'whole "$W"/second/*.frs'
	check "the hung folder is not tried again" says "^$W/second/" timeout 1 "$FR" dump --run-folder "$W/run"
	check "... and that is said" log_says "still hangs there"
	check "the killed dump is counted" [ "$(value dump.killed)" = 1 ]
	check "SIGTERM ends it all the same" timeout 5 bash -c "kill -TERM $daemon; while kill -0 $daemon; do sleep 0.1; done"
	wait "$daemon" 2>/dev/null
	thaw
	check "starts again" up --set "dump.folder=$W/disk/snap" \
		--set "dump.fallback=$W/second" --set dump.hold_limit=1s
	fsfreeze -f "$W/disk"
	dump -q >/dev/null 2>&1
	thaw
	check "a disk that is well again is noticed" wait_for log_says "that hung in $W/disk/snap has ended"
	check "... and used again" says "^$W/disk/snap/" dump
	check "ends" down
	check "starts without a second folder" up --set "dump.folder=$W/disk/snap"
	fsfreeze -f "$W/disk"
	dump -q >"$W/hung" 2>&1 & asked=$!
	check "a dumper is killed" wait_for pkill -KILL -P "$daemon" -x fr-dumper
	thaw
	wait $asked
	check "... which the answer says" grep -q "a signal ended the dumper" "$W/hung"
	check "... and the next one works" says "^$W/disk/snap/" dump
	check "ends" down
else
	echo "skip  a disk that hangs: no loop devices here"
fi

# --- a folder put there by someone else, where anyone can write
mkdir -m 1777 "$W/anyone"
mkdir -m 777 "$W/anyone/trap"
chown 65534 "$W/anyone/trap"
ln -s "$W" "$W/anyone/link"
for name in trap trap/below link; do
	check "starts with $name" up --set "dump.folder=$W/anyone/$name"
	check "$name in a folder of all is refused" exits 1 dump
	check "ends" down
done
check "nothing was written there" [ -z "$(ls -A "$W/anyone/trap" | grep -v below)" ]
check "starts with one of its own there" up --set "dump.folder=$W/anyone/mine"
check "a folder of root's there is used" says "^$W/anyone/mine/" dump
check "ends" down

# --- retention
check "starts with max_files = 2" up --set dump.max_files=2
for _ in 1 2 3 4; do dump -q >/dev/null; done
check "the newest two are kept" count_is "$W/snap" 2
check "ends" down
rm -rf "$W/snap"

# --- stale files, kill -9, recovery
echo 999999999 >"$W/run/flightrecd.pid"
python3 -c 'import socket,sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$W/run/control.sock"
check "stale pid and socket are taken over" up
check "... and answers" exits 0 "$FR" status --run-folder "$W/run"
sleep 1.2
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
check "after kill -9 the next one starts" up
check "... and saves what was left" count_is "$W/snap" 1
check "... as recovered" whole "$W"/snap/*-recovered.frs
check "ends" down
check "ring of the sampler is gone" [ -z "$(ls -A "$W/run")" ]
rm -rf "$W/snap"
if mountpoint -q /sys/fs/bpf || mount -t bpf none /sys/fs/bpf 2>/dev/null; then
	pin=$PIN
	check "starts with pins" up
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
	daemon=
	echo after the kill >"$W/witness-after-kill"
	if [ -n "$(ls -A "$PIN" 2>/dev/null)" ]; then
		check "recover saves it" exits 0 "$FR" recover -o "$W/after.frs" \
			--run-folder "$W/run" --set "ring.pin_folder=$PIN"
		check "what came after the kill is in it" \
			eval "'$FR' show -O csv '$W/after.frs' | grep -q witness-after-kill"
		check "the pins are gone" [ -z "$(ls -A "$PIN")" ]
		check "a second recover finds nothing" exits 5 "$FR" recover \
			-d "$W/snap" --run-folder "$W/run" --set "ring.pin_folder=$PIN"
		check "starts with pins again" up
		check "... and a killed one" eval "kill -KILL $daemon; ! wait $daemon 2>/dev/null"
		daemon=
		if command -v bpftool >/dev/null; then
			mkdir "$PIN/0123456789abcdef"
			bpftool map create "$PIN/0123456789abcdef/map_ring" type array \
				key 4 value 16384 entries 4 name ring flags 0x400
		fi
		check "starts where nothing can be saved" up --set "dump.folder=$W/file"
		check "... a strange ring is taken away" [ ! -e "$PIN/0123456789abcdef" ]
		check "... what is left stays, without its probes" eval \
			"[ \$(ls -d '$PIN'/*/map_ring | wc -l) = 2 ] && [ \$(ls '$PIN'/*/link_* | xargs -n1 dirname | sort -u | wc -l) = 1 ]"
		check "recover saves it beside a running one" says "recovered" "$FR" recover \
			-d "$W/late" --run-folder "$W/run" --set "ring.pin_folder=$PIN"
		check "... and takes it away" [ "$(ls "$PIN" | wc -l)" = 1 ]
		if command -v setpriv >/dev/null; then
			check "recover without rights is 6" exits 6 setpriv --reuid 65534 \
				--regid 65534 --clear-groups "$FR" recover \
				--run-folder "$W/other" --set "ring.pin_folder=$PIN"
			check "... also where it has a run folder" exits 6 setpriv --reuid 65534 \
				--regid 65534 --clear-groups "$FR" recover \
				--run-folder "/tmp/fr-nobody-$$" --set "ring.pin_folder=$PIN"
			rm -rf "/tmp/fr-nobody-$$"
		fi
		check "ends" down
		pin=$PIN.with.dots
		check "starts with a pin folder of a wrong name" up
		check "... and says what is wrong" log_says "takes no dots in names.*will not survive"
		check "... with its probes on" says on value probes
		check "ends" down
	else
		echo "skip  pins: there are no kernel probes here"
	fi
	pin=
fi

# --- record
check "record passes on the status" exits 7 "$FR" record -q -o "$W/a.frs" -- sh -c 'exit 7'
check "... a signal as 128 + N" exits 143 "$FR" record -q -o "$W/b.frs" -- sh -c 'kill -TERM $$'
check "... 127 for no command" exits 127 "$FR" record -o "$W/c.frs" -- "$W/nothing"
check "... 126 for what cannot run" exits 126 "$FR" record -o "$W/c.frs" -- /etc/passwd
check "... 125 for its own failure" exits 125 "$FR" record -o "$W/a.frs" -- true
check "... 125 for a wrong setting" exits 125 "$FR" record -o "$W/c.frs" --set a.b=1 -- true
check "no snapshot of a command that never ran" [ ! -e "$W/c.frs" ]
check "the snapshot is whole" whole "$W/a.frs"
check "... 0 where SIGCHLD is ignored" timeout 20 python3 -c '
import signal, subprocess, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
import os
os.execv(sys.argv[1], [sys.argv[1], "record", "-q", "-o", sys.argv[2], "--", "true"])
' "$FR" "$W/d.frs"
ignoring() { # the command ignores SIGINT as its shell did
	(trap "" INT && "$FR" record -q -o "$W/e.frs" -- grep SigIgn /proc/self/status) | tee /dev/stderr |
		awk '{ exit substr($2, length($2)) !~ /[2367abef]/ }'
}
check "a signal that was ignored stays so" ignoring
check "^C while it starts: 130, and nothing is left" timeout 20 python3 -c '
import os, signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.mkdir(sys.argv[2])
p = subprocess.Popen([sys.argv[1], "record", "-q", "-o", sys.argv[2] + "/x.frs", "--", "sleep", "5"],
                     start_new_session=True)
def children():
    with open(f"/proc/{p.pid}/task/{p.pid}/children") as f: return f.read().split()
while len(children()) < 2: time.sleep(0.001)
os.killpg(p.pid, signal.SIGINT)
code = p.wait()
print(code, os.listdir(sys.argv[2]))
sys.exit(code != 130 or os.listdir(sys.argv[2]) != [])
' "$FR" "$W/ctrl-c"
mkdir "$W/my folder # 1"
check "folders of a setting with blanks are seen" exits 0 "$FR" record -q \
	-o "$W/f.frs" --set "run.folder = $W/my run" --set "dump.folder = $W/my folder # 1" -- true
check "... and used" [ -z "$(ls -A "$W/my run")" ]
check "record goes into such a folder" exits 0 "$FR" record -q -o "$W/my folder # 1/g.frs" -- true
mkdir -m 700 "$W/home"
chown 65534 "$W/home"
check "record works below a home of mode 0700" exits 0 "$FR" record -q -o "$W/home/a.frs" -- true
check "it leaves no folder behind" [ -z "$(ls -A "$W" | grep '^\.flightrec')" ]

echo "$passed passed, $failed failed"
[ $failed = 0 ]
