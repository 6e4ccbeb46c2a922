#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# stuck.sh - a call that hangs is noticed while it hangs, with 50,000 others in flight
# that only wait, and pid_max at 4 million: the snapshot lists it with its age, its
# owner and its file.  Its twin that just misses the limit fires nothing.
#
# THREADS: how many others; ROUNDS: how often (5).  LATE_MS: how long after its limit it
# may be noticed; without it that is only said.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch
stuck=$(helper stuck) || exit 1
threads=${THREADS:-50000} rounds=${ROUNDS:-5}
[ -z "${VMRUN:-}" ] || threads=2000 rounds=2
old=$(cat /proc/sys/kernel/pid_max) most=$(cat /proc/sys/kernel/threads-max)
[ "$most" -gt $((threads + 2000)) ] || skip "this machine may have $most threads"
at_end "echo $old >/proc/sys/kernel/pid_max"
echo 4194304 >/proc/sys/kernel/pid_max || skip "pid_max cannot be raised"
# a cgroup of this shell's that allows fewer
pids=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/pids.max
[ ! -e "$pids" ] || [ "$(cat "$pids")" = max ] || [ "$(cat "$pids")" -gt $((threads + 2000)) ] ||
	skip "this cgroup may have $(cat "$pids") threads"
recorder_start --set sampler.collectors= --set dump.max_files=100 --set "scope.pids=$$" \
	--set "trigger.hung.when=fs.flock inflight > 500ms where comm = stuck" \
	--set trigger.hung.cooldown=0s --set trigger.hung.tail=0s \
	--set "trigger.missed.when=fs.flock inflight > 1800ms where comm = stuck" || exit 1
mkfifo "$W/go" "$W/said"
(ulimit -u unlimited 2>/dev/null; exec "$stuck" "$W" "$threads" 1500) <"$W/go" >"$W/said" 2>"$W/err" &
program=$!
at_end "kill -9 $program 2>/dev/null"
exec 8>"$W/go" 9<"$W/said"
read -r -t 120 word <&9
check "$threads threads wait in a call at once" [ "$word" = waiting ]
[ "$word" = waiting ] || tail -n 1 "$W/err"
for ((i = 0; i < rounds; i++)); do
	echo go >&8
	read -r -t 60 line <&9 && echo "$line" >>"$W/calls"
	wait_snapshots $((i + 1)) 60
done
exec 8>&- # the threads that wait go with it
n=0
for f in $(snapshots); do
	n=$((n + 1))
	"$FR" info -O json "$f" >"$W/info.$n"
	"$FR" show --stream inflight -O csv --no-header -f tid,call,age,pid,comm,path "$f" |
		grep ",flock," >>"$W/inflight"
done
seen() {
	python3 - "$W" "$rounds" "${LATE_MS:-}" "$threads" <<-'PY'
		import glob, json, sys
		folder, rounds, limit = sys.argv[1], int(sys.argv[2]), sys.argv[3]
		calls = [tuple(map(int, l.split())) for l in open(folder + "/calls")]
		rows = [l.strip().split(",") for l in open(folder + "/inflight")]
		facts = [json.load(open(p))["facts"] for p in glob.glob(folder + "/info.*")]
		hits = sorted(int(f["trigger"]["hit_ns"]) for f in facts)
		bad = len(calls) != rounds or len(hits) != rounds or len(rows) != rounds
		for f in facts:
		    n, left = int(f["inflight"]["records"]), int(f["inflight"]["left_out"])
		    if n <= int(sys.argv[4]) or left:
		        print(f"  BAD: {n} operations in flight are listed, {left} are not")
		        bad = True
		late = []
		for (tid, begin, end), hit, row in zip(calls, hits, rows):
		    late.append((hit - begin - 500_000_000) / 1e6)
		    mine = row[0] == str(tid) and row[4] == "stuck" and row[5] == folder + "/stuck"
		    if not begin + 500_000_000 <= hit < end or not mine or int(row[2]) < 500_000_000:
		        print(f"  BAD: call of {tid} from {begin} to {end}, noticed at {hit}: {row}")
		        bad = True
		print(f"  {len(hits)} calls noticed while they hung, after their limit by "
		      + ", ".join(f"{ms:.1f}" for ms in late) + " ms")
		if limit and max(late) > float(limit):
		    bad = True
		sys.exit(bad)
	PY
}
check "each is noticed while it hangs, and listed with age, owner and file" seen
check "what just misses its limit fires nothing" [ "$(recorder_says | python3 tests/kernel/status_value.py missed hits)" = 0 ]
finish
