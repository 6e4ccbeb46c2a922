#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# backtest.sh - `flightrec trigger test` on the snapshots of a recorder whose rings
# lost nothing agrees with what fired live: each firing by time, thread and call,
# and the counts of each rule.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch /var/tmp
mkdir "$W/mem" && mount -t tmpfs -o size=300m tmpfs "$W/mem" || skip "cannot mount tmpfs"
at_end "umount -l '$W/mem'"

# fail NAME N: opens of a file that is not there
cat >"$W/fail.py" <<'PY'
import ctypes, os, sys
ctypes.CDLL(None).prctl(15, sys.argv[1].encode()) # PR_SET_NAME
for i in range(int(sys.argv[2])):
    try: os.open("/no/such/file", os.O_RDONLY)
    except FileNotFoundError: pass
PY
# waits NAME FILE N SECONDS: a lock that somebody else holds, time and again
cat >"$W/waits.py" <<'PY'
import ctypes, fcntl, os, sys, time
ctypes.CDLL(None).prctl(15, sys.argv[1].encode())
fd = os.open(sys.argv[2], os.O_RDWR | os.O_CREAT)
for i in range(int(sys.argv[3])):
    r, w = os.pipe()
    if os.fork() == 0:
        other = os.open(sys.argv[2], os.O_RDWR)
        fcntl.flock(other, fcntl.LOCK_EX)
        os.write(w, b"x")
        time.sleep(float(sys.argv[4]))
        os._exit(0)
    os.read(r, 1)
    fcntl.flock(fd, fcntl.LOCK_EX)
    fcntl.flock(fd, fcntl.LOCK_UN)
    os.wait()
    os.close(r); os.close(w)
PY
# dies HOW N: children that end with exit code 7, or by SIGSEGV
cat >"$W/dies.py" <<'PY'
import ctypes, os, resource, signal, sys
for i in range(int(sys.argv[2])):
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, b"dier")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if sys.argv[1] == "signal":
            os.kill(os.getpid(), signal.SIGSEGV)
        os._exit(7)
    os.wait()
PY

# What Shmem is, so that writing to a tmpfs passes the limit.
shmem=$(awk '/^Shmem:/ { print int($2 / 1024) }' /proc/meminfo)
cat >"$W/rules.conf" <<CONF
[trigger "slow"]
when = fs.flock latency > 30ms where comm = waiter
cooldown = 1500ms

[trigger "too-slow"]
when = fs.flock latency > 2s where comm = waiter

[trigger "storm"]
when = fs.open error ENOENT where comm = failer
tail = 1s
cooldown = 2s

[trigger "off"]
when = fs.open error any where comm = failer2
enabled = no

[trigger "code"]
when = proc exit code 7 where comm = "dier"
cooldown = 1s

[trigger "patient"]
when = proc exit code 7 where comm = "dier"
cooldown = 0
min-history = 8s

[trigger "signal"]
when = proc exit signal SEGV where comm = "dier"

[trigger "memory"]
when = meminfo.Shmem > $((shmem + 60))MiB for 250ms clear $((shmem + 30))MiB
cooldown = 0

[trigger "stuck"]
when = fs.flock inflight > 100ms where comm = stucker
cooldown = 500ms

[trigger "gate-open"]
when = fs.flock latency > 30ms where comm = waiter and load.load1 < 100000
enabled = no

[trigger "gate-memory"]
when = fs.open error ENOENT where comm = failer3 and meminfo.Shmem > $((shmem + 60))MiB
enabled = no

[trigger "gate-not"]
when = fs.open error ENOENT where comm = failer3 and not meminfo.Shmem > $((shmem + 60))MiB
cooldown = 1s

[trigger "either"]
when = fs.open error ENOENT where comm = failer2 or proc exit code 7 where comm = dier
enabled = no
CONF
recorder_start -c "$W/rules.conf" --set sampler.period=100ms \
	--set "scope.pids=$$" --set ring.memory=64MiB || exit 1
sleep 1.5

python3 "$W/waits.py" waiter "$W/lock" 3 0.06 # fires, two merged or suppressed
sleep 0.8
python3 "$W/fail.py" failer 500 # a storm within the tail
python3 "$W/fail.py" failer2 30
sleep 2
python3 "$W/fail.py" failer 20 # cooling
python3 "$W/dies.py" code 1
sleep 0.3
python3 "$W/dies.py" code 4 # cooling
sleep 1.5
python3 "$W/fail.py" failer3 5
python3 "$W/dies.py" signal 1
sleep 0.5
head -c 120M /dev/zero >"$W/mem/file" # the level comes true
sleep 1
python3 "$W/fail.py" failer3 7
sleep 0.3
rm "$W/mem/file"
sleep 0.6
head -c 120M /dev/zero >"$W/mem/file" # and again
sleep 1
rm "$W/mem/file"
sleep 0.5
python3 "$W/fail.py" failer 3 # fires again, with a tail
sleep 1.8
python3 "$W/waits.py" waiter "$W/lock" 1 0.06
python3 "$W/dies.py" code 1
sleep 0.5
python3 "$W/waits.py" stucker "$W/lock" 1 0.3 # found while it waits
sleep 0.7
python3 "$W/waits.py" stucker "$W/lock" 1 0.09 # just misses
sleep 0.3
client dump >/dev/null || exit 1
recorder_says >"$W/status.json"
snapshots >"$W/list"
mapfile -t files <"$W/list"
check "snapshots were taken (${#files[@]})" [ "${#files[@]}" -ge 8 ]
for f in "${files[@]}"; do
	"$FR" info -O json "$f"
done >"$W/infos.json"
"$FR" trigger test --all -O jsonl "$W/rules.conf" "${files[@]}" >"$W/test.jsonl"
status=$?
check "all is decided (exit $status)" [ $status = 0 ]
[ $status = 0 ] || grep reason "$W/test.jsonl"
check "test and life agree" python3 tests/kernel/backtest_check.py \
	"$W/test.jsonl" "$W/status.json" "$W/infos.json"
last=${files[-1]}
"$FR" trigger test --all -O jsonl "$W/rules.conf" "$last" >"$W/last.jsonl"
check "the last snapshot alone says the same" python3 tests/kernel/backtest_check.py \
	"$W/last.jsonl" "$W/status.json" "$W/infos.json"
"$FR" trigger test "$W/rules.conf" "$last" >"$W/text"
check "text names each firing" [ "$(grep -c ' fired      ' "$W/text")" = \
	"$(grep -c '"fate":"fired"' "$W/last.jsonl")" ]
check "and why a rule did not fire" grep -q 'nearest: the longest of .* operations took .*limit 2s' "$W/text"
"$FR" trigger suggest "$last" >"$W/suggested.conf"
check "suggest ends well" [ $? = 0 ]
check "what it proposes can be loaded" "$FRD" -n -c "$W/suggested.conf"

# A ring that was overwritten, and records left out: what is gone is not denied.
recorder_stop
find "$SNAP" -name '*.frs' -delete
recorder_start --set "scope.pids=$$" --set ring.memory=2MiB \
	--set probes.streams=fs,net --set probes.above=net=10s || exit 1
sleep 0.2
began=@$(date +%s.%N)
# all on one CPU: a lane is whole from the latest of its CPUs on
taskset -c 0 python3 "$W/fail.py" early 5
taskset -c 0 python3 "$W/fail.py" late 60000
taskset -c 0 "$FR" dump --run-folder "$RUN" >/dev/null || exit 1
small=$(snapshots | tail -n 1)
verdict() { # CODE PATTERN ARGUMENT...
	local code=$1 pattern=$2
	shift 2
	"$FR" trigger test "$@" "$small" >"$W/text"
	[ $? = "$code" ] && grep -q "$pattern" "$W/text" && return
	cat "$W/text"
	return 1
}
early='fs.open error ENOENT where comm = early'
check "of what the ring holds, no" verdict 0 'does not fire' --when "$early"
check "of what it held once, who knows" verdict 4 'undecidable: lane fs goes back to' --when "$early" --begin "$began"
check "but it holds many others" verdict 0 'hits [1-9][0-9][0-9][0-9]*: fired 1' --when 'fs.open error ENOENT where comm = late'
check "histograms know that nothing was so slow" verdict 0 'does not fire' --when 'fs.open latency > 30s' --begin "$began"
check "probes.above left out what may have been slow" verdict 4 'undecidable: records of net were left out' --when 'net.send latency > 1us where comm = nobody'
check "but not what is slower" verdict 0 'does not fire' --when 'net.send latency > 20s'
finish
