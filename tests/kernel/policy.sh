#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# policy.sh - what is kept: one in N, only what took longer, other rules for a
# cgroup.  The witness is the program itself, which knows how many calls it makes.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch /var/tmp

calls=40000 waits=7
cat >"$W/writes.py" <<'PY'
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
for i in range(int(sys.argv[2])):
    os.pwrite(fd, b"x", i & 4095)
PY
# Reads that wait for the other end of a pipe, among many that do not.
cat >"$W/waits.py" <<'PY'
import os, sys, time
r, w = os.pipe()
print(os.getpid(), "pipe:[%d]" % os.fstat(r).st_ino)
zero = os.open("/dev/zero", os.O_RDONLY)
for i in range(int(sys.argv[1])):
    for _ in range(500):
        os.read(zero, 1)
    if os.fork() == 0:
        time.sleep(0.12)
        os.write(w, b"x")
        os._exit(0)
    os.read(r, 1)
PY

record() { # NAME SETTING COMMAND...
	local name=$1 set=$2
	shift 2
	"$FR" record -q -o "$W/$name.frs" --set ring.pin_folder= --set "$set" \
		--set probes.slow_limit=0 --set run.folder="$W/record" \
		--set sampler.collectors= --set ring.memory=128MiB -- "$@" >"$W/$name.out" 2>&1
}
rows() { # NAME ARG...
	local name=$1
	shift
	"$FR" show -O csv -f op,call,dur,weight,pid,path --stream fs "$@" "$W/$name.frs"
}
# filtered and records of the probe that writes fs rows
counted() { "$FR" info "$W/$1.frs" | grep -A0 'fs *exit'; }

sampled() {
	record sampled probes.sample=fs=8 python3 "$W/writes.py" "$W/f" $calls || return 1
	rows sampled --op write >"$W/sampled.csv"
	python3 - "$W/sampled.csv" $calls 8 <<-'PY'
		import csv, math, sys
		rows = [r for r in csv.DictReader(open(sys.argv[1])) if r["call"] == "pwrite64"]
		calls, n = int(sys.argv[2]), int(sys.argv[3])
		off = abs(len(rows) - calls / n) / math.sqrt(calls / n * (1 - 1 / n))
		print("  of %d calls %d are kept: %.1f standard deviations from 1 in %d" % (calls, len(rows), off, n))
		sys.exit(off > 6 or any(r["weight"] != str(n) for r in rows))
	PY
}
above() {
	record above probes.above=fs=60ms python3 "$W/waits.py" $waits || return 1
	rows above >"$W/above.csv"
	python3 - "$W/above.csv" $waits "$W/above.out" <<-'PY'
		import csv, sys
		rows = list(csv.DictReader(open(sys.argv[1])))
		who = open(sys.argv[3]).read().split()
		reads = [r for r in rows if r["op"] == "read" and [r["pid"], r["path"]] == who[:2]]
		short = [r for r in rows if int(r["dur"]) <= 60_000_000]
		print("  reads that waited: %d of %s; rows below the limit: %d" % (len(reads), sys.argv[2], len(short)))
		sys.exit(len(reads) != int(sys.argv[2]) or len(short) > 0)
	PY
}

# ---- by cgroup --------------------------------------------------------------------
cgroups() {
	local root=/sys/fs/cgroup
	mountpoint -q $root || mount -t cgroup2 none $root 2>/dev/null
	[ -e $root/cgroup.procs ] || root=$root/unified
	[ -e $root/cgroup.procs ] || {
		echo "skip: no cgroup v2"
		return 0
	}
	mkdir "$root/${W##*/}" "$root/${W##*/}/quiet" "$root/${W##*/}/loud" || return 1
	at_end "rmdir $root/${W##*/}/quiet $root/${W##*/}/loud $root/${W##*/}"
	# shellcheck disable=SC2016 # expanded by the inner shell
	record cgroups "probes.cgroups=/${W##*/}/quiet:fs=off" bash -c '
		for g in quiet loud; do
			(echo $BASHPID >"$1/$g/cgroup.procs"
			 exec python3 "$2/writes.py" "$2/$g" 3000)
		done' _ "$root/${W##*/}" "$W" || return 1
	rows cgroups --op write >"$W/cgroups.csv"
	local quiet loud
	quiet=$(grep -c "pwrite64.*/quiet" "$W/cgroups.csv")
	loud=$(grep -c "pwrite64.*/loud" "$W/cgroups.csv")
	echo "  writes of 3000: quiet $quiet, loud $loud"
	[ "$quiet" = 0 ] && [ "$loud" = 3000 ]
}

check "one in 8, with its weight" sampled
check "only operations above a limit" above
check "a cgroup with a rule of its own" cgroups
check "a rule for a cgroup that is not there does not stop the recorder" \
	recorder_start --set probes.cgroups=/no/such:fs=off
check "but it says so" grep -q 'no cgroup /no/such' "$W/log"
recorder_stop
check_exit "a sample that is no power of 2 is refused" 125 "$FR" record -q \
	-o "$W/no.frs" --set probes.sample=fs=3 -- true
finish
