#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# join.sh - hits while a snapshot is written: they join its incident, the file lists
# them although it was begun before, and none fires anew.  What comes after it is on
# disk is an incident of its own.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch /var/tmp
cat >"$W/rules.conf" <<'CONF'
[trigger "leads"]
when = fs.open error ENOENT where comm = leader
cooldown = 0

[trigger "joins"]
when = fs.open error ENOENT where comm = joiner
cooldown = 0

[trigger "apart"]
when = fs.open error ENOENT where comm = other
cooldown = 0
CONF
recorder_start -c "$W/rules.conf" --set ring.memory=64MiB --set sampler.collectors= \
	--set dump.hold_limit=10m || exit 1
cat >"$W/hit.py" <<'PY'
import ctypes, os, sys
ctypes.CDLL(None).prctl(15, sys.argv[1].encode()) # PR_SET_NAME
for i in range(int(sys.argv[2])):
    try: os.open("/no/such/file", os.O_RDONLY)
    except FileNotFoundError: pass
PY
# stop PID: waits for the dumper among its children, stops it, says its number
cat >"$W/stop.py" <<'PY'
import os, signal, sys, time
pid, end = sys.argv[1], time.monotonic() + 300
print("ready", flush=True)
while time.monotonic() < end:
    for child in open(f"/proc/{pid}/task/{pid}/children").read().split():
        try:
            if open(f"/proc/{child}/comm").read() == "fr-dumper\n":
                os.kill(int(child), signal.SIGSTOP)
                print(child)
                sys.exit(0)
        except (FileNotFoundError, ProcessLookupError):
            pass
sys.exit(1)
PY
counts() { # TRIGGER: hits fired merged suppressed
	recorder_says | python3 -c '
import json, sys
t = json.load(sys.stdin)["trigger"][sys.argv[1]]
print(t["hits"], t["fired"], t["merged"], t["suppressed"])' "$1"
}
until_counts() { # TRIGGER WORDS
	for _ in $(seq 200); do
		[ "$(counts "$1")" = "$2" ] && return 0
		sleep 0.05
	done
	echo "$1: $(counts "$1"), not $2"
	return 1
}
python3 "$W/hit.py" filler 200000 # so that writing takes a while
mkfifo "$W/said"
python3 "$W/stop.py" "$daemon" >"$W/said" &
stopper=$!
exec 3<"$W/said"
read -r _ <&3
python3 "$W/hit.py" leader 1
read -r dumper <&3
wait $stopper
check "the dumper was stopped at its work" [ -n "$dumper" ]
at_end "kill -CONT ${dumper:-0} 2>/dev/null"
python3 "$W/hit.py" joiner 3
python3 "$W/hit.py" leader 2
check "hits of another rule merge" until_counts joins "3 0 3 0"
check "hits of its own, too" until_counts leads "3 1 2 0"
check "nothing is on disk yet" [ "$(snapshots | wc -l)" = 0 ]
kill -CONT "$dumper"
check "then it is" wait_snapshots 1
file=$(snapshots | head -n 1)
until_done() { # the engine heard of it
	for _ in $(seq 200); do
		recorder_says | grep -q '"state": *"dumping"' || return 0
		sleep 0.05
	done
	return 1
}
check "and the recorder knows" until_done
"$FR" info -O json "$file" >"$W/info.json"
check "the file lists who joined, and how often" python3 - "$W/info.json" <<'PY'
import json, sys
def walk(x, at=""):
    if isinstance(x, dict):
        for k, v in x.items():
            yield from walk(v, f"{at}.{k}" if at else k)
    else:
        yield at, x
facts = dict(walk(json.load(open(sys.argv[1]))))
joined = {k: v for k, v in facts.items() if ".joined." in k or k.endswith("joined")}
lines = sorted(str(v) for v in joined.values())
assert any(l.startswith("joins: 3 hits") for l in lines), lines
assert any(l.startswith("leads: 2 ") for l in lines), lines
assert facts["facts.trigger.joined_hits"] == 5, facts["facts.trigger.joined_hits"]
PY
check "report, too" eval '"$FR" report "$file" | grep -q "joins: 3 hits"'
python3 "$W/hit.py" other 1
check "what comes later is its own incident" wait_snapshots 2
check "and fired" until_counts apart "1 1 0 0"
second=$(snapshots | tail -n 1)
joined_none() { "$FR" info -O json "$second" | grep -q '"joined_hits": 0,'; }
check "nobody joined that" joined_none
finish
