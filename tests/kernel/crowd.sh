#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# crowd.sh - more files, processes and threads in calls at once than the tables of
# the recorder hold: names go, the oldest first, and that is counted; every event stays.
#
# FILES (200,000), PROCESSES (8,000), THREADS (9,000, and as many again whose numbers
# share their places): how many.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch
program=$(helper crowd) || exit 1
look() { python3 tests/kernel/crowd_check.py "$@"; }
mkdir "$W/f" && mount -t tmpfs -o size=1g,nr_inodes=1m none "$W/f" || skip "no tmpfs can be mounted"
at_end "umount -l '$W/f'"
FILES=${FILES:-200000} PROCESSES=${PROCESSES:-8000} THREADS=${THREADS:-9000}
RECORD=("$FR" record -q --set ring.pin_folder= --set run.folder="$W/record"
	--set sampler.collectors= --set probes.streams=fs,proc)
rows() { "$FR" show -O csv --comm 'crowd' -f "$2" "$W/$1.frs" >"$W/$1.csv"; }

# ---- files: about 256 bytes of events and 200 of names each -------------------------
check "$FILES files" "${RECORD[@]}" -o "$W/files.frs" \
	--set ring.memory=$((FILES * 320 + (8 << 20))) \
	--set ring.shares=fs=90,names=5,proc=3,slow=1 -- "$program" files "$W/f" "$FILES"
rows files call,offset,path,mark,ret
check "each event is there, its name is right or gone" look files "$W/files.csv" "$W/f" "$FILES"
"$FR" info -O json "$W/files.frs" >"$W/info"
check "names were overwritten, nothing else was" look names "$W/info"

# ---- processes ------------------------------------------------------------------------
check "$PROCESSES processes" "${RECORD[@]}" -o "$W/processes.frs" \
	--set ring.memory=$((PROCESSES * 640 + (4 << 20))) \
	--set ring.shares=fs=30,proc=65,names=3,slow=1 -- "$program" processes "$W/f" "$PROCESSES"
"$FR" show -O csv -f op,call,offset,comm,ppid,status "$W/processes.frs" >"$W/processes.csv"
check "each event is there, its process is right or not known" look processes \
	"$W/processes.csv" "$PROCESSES"
"$FR" info -O json "$W/processes.frs" >"$W/info"
check "names were overwritten, nothing else was" look names "$W/info"
rm -f "$W"/*.frs

# ---- threads ----------------------------------------------------------------------------
old=$(cat /proc/sys/kernel/pid_max) most=$(cat /proc/sys/kernel/threads-max)
at_end "echo $old >/proc/sys/kernel/pid_max"
[ "$most" -gt $((THREADS * 2 + 2000)) ] && echo 4194304 2>/dev/null >/proc/sys/kernel/pid_max || {
	echo "skip: threads: pid_max cannot be raised, or threads-max is $most"
	finish
}
recorder_start --set sampler.collectors= --set probes.streams=fs \
	--set ring.memory=$((THREADS * 8192 + (16 << 20))) || exit 1
mkfifo "$W/go" "$W/said"
"$program" threads "$W/f" "$THREADS" <"$W/go" >"$W/said" 2>"$W/err" &
program_pid=$!
exec 8>"$W/go" 9<"$W/said"
read -r -t 60 word <&9
check "$((2 * THREADS)) threads wait in a call at once" [ "$word" = waiting ]
client dump >/dev/null
check "a snapshot of them" wait_snapshots 1 60
echo go >&8
check "they go on" wait $program_pid
client dump >/dev/null
wait_snapshots 2 60
first=$(snapshots | head -n 1)
"$FR" show -O csv --stream inflight -f call,tid "$first" >"$W/inflight.csv"
"$FR" info -O json "$first" >"$W/info"
last=$(snapshots | tail -n 1)
"$FR" show -O csv --pid $program_pid -f call,offset,ret,tid "$last" >"$W/threads.csv"
check "each of their calls is there, in flight and ended" look threads \
	"$W/threads.csv" "$W/inflight.csv" "$W/info" "$THREADS"
nothing_lost() {
	"$FR" info -O json "$last" >"$W/info" && ! grep -oE '"lost": [1-9][0-9]*|[^_]lost=[1-9][0-9]*' "$W/info"
}
check "nothing was lost" nothing_lost
finish
