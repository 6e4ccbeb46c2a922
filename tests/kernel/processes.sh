#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# processes.sh - rows of processes beside /proc and ps: an idle process that used
# known amounts, with BPF and without; what began and ended, chosen by top=, comm=
# and cgroup=; flightrec top, with wait4(2) as the witness.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3 ps
scratch
T=tests/kernel

# ticks N: until so many more rounds were served
ticks() {
	local from now
	from=$(recorder_says | python3 $T/status_value.py sampler ticks)
	for _ in $(seq 600); do
		now=$(recorder_says | python3 $T/status_value.py sampler ticks)
		[ "$((now - from))" -ge "$1" ] && return
		sleep 0.05
	done
	echo "no ticks any more"
	return 1
}

# start COLLECTORS
start() {
	rm -f "$SNAP"/*
	recorder_start --set sampler.period=100ms --set "sampler.collectors=$1" \
		--set probes.profile=minimal --set state.processes_period=0 || exit 1
}

dump() {
	client dump >"$W/dump.log" 2>&1 || cat "$W/dump.log"
	snapshots | tail -n 1
}

# work [SECONDS]: an idle process with known use; fd 7 ends it
work() {
	rm -f "$W/ready" "$W/gate"
	mkfifo "$W/gate"
	python3 $T/processes_work.py "$W" "${1:-0}" <"$W/gate" &
	worker=$!
	exec 7>"$W/gate"
	for _ in $(seq 600); do
		[ -e "$W/ready" ] && return
		sleep 0.05
	done
	exit 1
}

for way in processes processes:all+nobpf; do
	start "$way"
	work 0.2
	ticks 2
	python3 $T/processes_witness.py $worker >"$W/said" || exit 1
	file=$(dump)
	"$FR" show --stream processes --pid $worker -O jsonl "$file" >"$W/rows"
	python3 $T/processes_check.py "$W/ready" "$W/said" "$W/rows" >"$W/out"
	check "$way: the idle process is as /proc and ps say" [ $? = 0 ]
	grep FAILED "$W/out"
	python3 - "$W/rows" <<-'PY'
		import json, sys
		rows = [json.loads(l) for l in open(sys.argv[1])]
		idle = [r for r in rows if r["ts"] > rows[0]["ts"]]
		same = [a["cpu_ns"] == b["cpu_ns"] and a["rss_bytes"] == b["rss_bytes"] and
		        a["switches"] == b["switches"] and a["minor_faults"] == b["minor_faults"] and
		        a["state"] == b["state"] for a, b in zip(rows, rows[1:])]
		print("rows that repeat what was known:", sum(same))
		sys.exit(sum(same) > 1)
	PY
	check "$way: it has no rows while it is idle" [ $? = 0 ]
	exec 7>&-
	wait $worker
	ticks 2
	file=$(dump)
	"$FR" show --stream processes --pid $worker -O jsonl "$file" >"$W/rows"
	check "$way: that it ended is there, once" \
		[ "$(grep -c '"ended":1' "$W/rows")" = 1 ]
	check "$way: nothing comes behind the end" sh -c "tail -n 1 $W/rows | grep -q '\"ended\":1'"
	check "$way: the recorder has no errors" \
		[ "$(recorder_says | python3 $T/status_value.py sampler lost)" = 0 ]
	recorder_stop
done

# ---- who did it: wait4 is the witness -----------------------------------------------
start processes
ticks 2
cat >"$W/spawn.py" <<'PY'
import json, os, sys
def run(code):
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ)
    _, _, u = os.wait4(pid, 0)
    return {"pid": pid, "cpu": u.ru_utime + u.ru_stime}
burn = "import time\nwhile time.process_time() < %s: pass"
write = "import os\nf = open('%s', 'wb', 0)\nfor i in range(8): f.write(b'x' * (1 << 20)); os.fsync(f.fileno())"
json.dump({"busy": run(burn % 0.6), "brief": run(burn % 0.03),
           "writer": run(write % sys.argv[2])}, open(sys.argv[1], "w"))
PY
python3 "$W/spawn.py" "$W/spawned" "$W/data"
ticks 2
file=$(dump)
"$FR" top --csv -n 10000 "$file" >"$W/top.csv" 2>/dev/null
disk=$(python3 -c "import json; print(int(json.load(open('$W/said'))['io']['write_bytes'] > 0))")
python3 - "$W/spawned" "$W/top.csv" "$disk" <<'PY'
import csv, json, sys
said = json.load(open(sys.argv[1]))
rows = {int(r["pid"]): r for r in csv.DictReader(open(sys.argv[2]))}
bad = 0
for what in "busy", "brief", "writer":
    r = rows.get(said[what]["pid"])
    if not r or r["ended"] != "1" or r["began"] != "1":
        print("FAILED:", what, "began and ended", r)
        bad += 1
        continue
    got, want = int(r["cpu_ns"]) / 1e9, said[what]["cpu"]
    if abs(got - want) > 0.03:
        print("FAILED:", what, "CPU time", got, "wait4:", want)
        bad += 1
r = rows.get(said["writer"]["pid"])
if sys.argv[3] == "1" and (not r or int(r["write_bytes"]) < 8 << 20):
    print("FAILED: bytes written", r)
    bad += 1
sys.exit(bad)
PY
check "top: what began and ended within has the CPU time that wait4 says" [ $? = 0 ]
[ "$disk" = 0 ] || check "top --by write: the writer comes first" \
	grep -q "^$(python3 -c "import json;print(json.load(open('$W/spawned'))['writer']['pid'])")," \
	<("$FR" top --csv --by write -n 1 "$file" 2>/dev/null)
check_exit "top: a span without samples" 5 "$FR" top --from -2h --to -1h "$file"
check_exit "top: an unknown order" 2 "$FR" top --by cpuu "$file"
check "top: the nearest is named" grep -q 'nearest is cpu' "$W/err"
recorder_stop

# ---- only those chosen -----------------------------------------------------------------
work
start "processes:comm=no_such_name+pid=$worker"
ticks 2
file=$(dump)
check "pid=: rows of one process" \
	[ "$("$FR" show --stream processes -O csv -f pid "$file" | sort -u | tr '\n' ' ')" = "$worker pid " ]
recorder_stop
start "processes:top=1.cpu+nokernel"
sh -c 'while :; do :; done' &
busy=$!
ticks 6
file=$(dump)
"$FR" show --stream processes -O csv -f pid --no-header "$file" | sort | uniq -c | sort -rn >"$W/top"
check "top=1.cpu: a few have rows, not all" [ "$(wc -l <"$W/top")" -lt 8 ]
kill $busy
recorder_stop
exec 7>&-
wait
check_exit "a word that is none" 2 "$FRD" -n --set sampler.collectors=processes:tpo=3.cpu
check "the nearest word is named" grep -q "nearest is 'top'" "$W/err"
finish
