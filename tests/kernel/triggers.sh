#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# triggers.sh - conditions that the kernel decides: errors, latencies, their filters,
# and what must hold beside them.  For each a program causes it a known number of
# times, and a twin that just misses it; hits are counted to the last one.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch /var/tmp
mkdir "$W/full" && mount -t tmpfs -o size=64k tmpfs "$W/full" || skip "cannot mount tmpfs"
at_end "umount -l '$W/full'"
small=$(stat -c %d "$W/full")
small=$((small >> 8 & 0xfff)):$((small & 0xff | small >> 12 & 0xfff00))

# fail N: opens of a file that is not there; under a name of its own
cat >"$W/fail.py" <<'PY'
import ctypes, os, sys
ctypes.CDLL(None).prctl(15, sys.argv[1].encode()) # PR_SET_NAME
for i in range(int(sys.argv[2])):
    try: os.open("/no/such/file", os.O_RDONLY)
    except FileNotFoundError: pass
PY
# waits FILE N: a lock that somebody else holds for 60 ms
cat >"$W/waits.py" <<'PY'
import fcntl, os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
for i in range(int(sys.argv[2])):
    r, w = os.pipe()
    if os.fork() == 0:
        other = os.open(sys.argv[1], os.O_RDWR)
        fcntl.flock(other, fcntl.LOCK_EX)
        os.write(w, b"x")
        time.sleep(0.06)
        os._exit(0)
    os.read(r, 1)
    fcntl.flock(fd, fcntl.LOCK_EX)
    fcntl.flock(fd, fcntl.LOCK_UN)
    os.wait()
    os.close(r); os.close(w)
PY
cgroup=''
for c in /sys/fs/cgroup /sys/fs/cgroup/unified; do
	[ -e $c/cgroup.procs ] && [ "$(stat -f -c %T $c)" = cgroup2fs ] && cgroup=$c
done
[ -z "$cgroup" ] || {
	mkdir -p "$cgroup/frtest$$/below" || cgroup=''
	at_end "rmdir $cgroup/frtest$$/below $cgroup/frtest$$"
}

# rule NAME WHEN: hits are only counted, but for the one that comes first
rules=()
rule() { rules+=(--set "trigger.$1.when=$2" --set "trigger.$1.enabled=${3:-no}"); }
rule comm 'fs.open error ENOENT where comm = failer'
rule comm-begin 'fs.open error ENOENT where comm = "fail*"'
rule comm-any 'fs.open error ENOENT where comm = "fai?er2"'
rule comm-other 'fs.* error ENOENT where comm != failer2 and op = open, read'
rule errno 'fs.open error ENOSPC,EACCES where comm = failer'
rule any 'fs.open error any where comm = failer'
rule op 'fs.read error any where comm = failer'
rule full 'fs.write error ENOSPC where mount = "'"$W/full"'"'
rule full-dev 'fs.write error ENOSPC where device = "'"$small"'"'
rule not-full 'fs.write error ENOSPC where mount != "'"$W/full"'"'
rule slow 'fs.flock latency > 30ms where comm = waiter'
rule too-slow 'fs.flock latency > 2s where comm = waiter'
rule gate-open 'fs.flock latency > 30ms where comm = waiter and load.load1 < 100000'
rule gate-shut 'fs.flock latency > 30ms where comm = waiter and load.load1 > 100000'
rule gate-not 'fs.flock latency > 30ms where comm = waiter and not load.load1 > 100000'
rule either 'fs.flock latency > 30ms where comm = waiter or fs.open error ENOENT where comm = failer'
rule cgroup "fs.open error ENOENT where cgroup = /frtest$$"
rule cgroup-other "fs.open error ENOENT where cgroup = /frtest$$/no, comm = failer"
rule fires 'fs.write error ENOSPC where comm = filler' yes
recorder_start --set sampler.period=100ms --set "scope.pids=$$" "${rules[@]}" || exit 1

# the gates that are to be open are so once the sampler has seen the load
first_sample() {
	for _ in $(seq 100); do
		[ "$(recorder_says | python3 tests/kernel/status_value.py recorder ticks 2>/dev/null || echo 1)" != 0 ] && return
		sleep 0.05
	done
}
first_sample
sleep 1
python3 "$W/fail.py" failer 500
python3 "$W/fail.py" failer2 30
exec 9>"$W/full/file"
python3 - <<-'PY'
	import ctypes, os
	ctypes.CDLL(None).prctl(15, b"filler")
	n = 0
	for i in range(40):
	    try: os.write(9, b"x" * 8192)
	    except OSError: n += 1
	os.close(9)
	assert n == 32, n # 8 fit
PY
exec 9>&-
python3 - "$W" <<-'PY'
	import ctypes, runpy, sys
	ctypes.CDLL(None).prctl(15, b"waiter")
	sys.argv = ["waits", sys.argv[1] + "/lock", "5"]
	runpy.run_path(sys.argv[1].rsplit("/", 1)[0] + "/waits.py")
PY
[ -z "$cgroup" ] || (
	echo $BASHPID >"$cgroup/frtest$$/below/cgroup.procs"
	exec python3 "$W/fail.py" inside 70
)
recorder_says >"$W/status.json"
hits() { python3 tests/kernel/status_value.py "$1" hits <"$W/status.json"; }
expect() { # NAME HITS
	local n
	n=$(hits "$1")
	check "$1: $2 hits" [ "$n" = "$2" ]
	[ "$n" = "$2" ] || echo "  $n"
}
expect comm 500
expect comm-begin 530
expect comm-any 30
expect errno 0
expect any 500
expect op 0
expect full 32
expect full-dev 32
expect not-full 0
expect slow 5
expect too-slow 0
expect gate-open 5
expect gate-shut 0
expect gate-not 5
expect either 505
[ -z "$cgroup" ] || {
	n=$(hits cgroup)
	check "cgroup: the one below is in it ($n, 70 and what python looks for)" [ "$n" -ge 70 ]
	expect cgroup-other 0
}
# python itself looks for files that are not there
n=$(hits comm-other)
check "comm-other: without failer2 ($n)" [ "$n" -ge 500 ]
expect fires 32
wait_snapshots 1
file=$(snapshots | head -n 1)
check "one snapshot, of the trigger that is on" [ "$(snapshots | wc -l)" = 1 ]
"$FR" info "$file" >"$W/info"
check "it says what was seen" grep -q 'failed with ENOSPC' "$W/info"
"$FR" show -O csv --errno ENOSPC -f comm,path,size "$file" >"$W/rows"
check "and holds the write that failed" grep -q "filler,.*full/file.*,8192" "$W/rows"
finish
