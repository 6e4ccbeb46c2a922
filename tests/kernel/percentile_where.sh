#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# percentile_where.sh - percentiles of operations of one command, one process, or on
# some paths.  A program makes known numbers of calls of each kind within one window;
# for each filter one rule asks for so many, and its twin for one more.  Twice: with all
# that is recorded, and with policies that leave everything out of the ring.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch "${VMRUN_DISK:-/var/tmp}"
calls=100 window=5
[ -z "${VMRUN:-}" ] || calls=30 window=30
uring=$(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo 0)
[ "$uring" = 0 ] || {
	echo 0 >/proc/sys/kernel/io_uring_disabled
	at_end "echo $uring >/proc/sys/kernel/io_uring_disabled"
}
prog=$(helper uring) || exit 1
mkdir "$W/uring"
# how many completions a run of it gets; 0: this kernel has no io_uring
completions() { "$prog" "$W/uring" 2>/dev/null | wc -l; }
requests=$(completions)

cat >"$W/work.py" <<'PY'
# work.py FOLDER CALLS PROGRAM...: waits for a line, then makes CALLS of each kind, and
# becomes PROGRAM.
import fcntl, mmap, os, select, sys, time
folder, calls = sys.argv[1], int(sys.argv[2])
go, went, back, done = *os.pipe(), *os.pipe()
epoll = select.epoll()
buf = mmap.mmap(-1, 4096)


def holder():
    """Holds the lock 5 ms each time it is told to; by another name of the file."""
    with open("/proc/self/comm", "w") as f:
        f.write("holder")
    fd = os.open(folder + "/holder", os.O_RDWR)
    while os.read(go, 1):
        fcntl.flock(fd, fcntl.LOCK_EX)
        os.write(done, b"x")
        time.sleep(0.005)
        fcntl.flock(fd, fcntl.LOCK_UN)
    os._exit(0)


slow = os.open(folder + "/slow", os.O_RDWR | os.O_CREAT)
os.link(folder + "/slow", folder + "/holder")
quick = os.open(folder + "/quick", os.O_RDWR | os.O_CREAT)
if os.fork() == 0:
    os.close(went)
    holder()
direct = os.open(folder + "/direct", os.O_RDWR | os.O_CREAT | os.O_DIRECT)
os.posix_fallocate(direct, 0, 4096)
mapped = os.open(folder + "/mapped", os.O_RDWR | os.O_CREAT)
os.pwrite(mapped, bytes(64 * 4096), 0)
os.fsync(mapped)
os.symlink(folder + "/opened", folder + "/link")
print("ready", flush=True)
sys.stdin.readline()
for i in range(calls):
    os.write(went, b"x")
    os.read(back, 1)
    fcntl.flock(slow, fcntl.LOCK_EX)
    fcntl.flock(slow, fcntl.LOCK_UN)
    fcntl.flock(quick, fcntl.LOCK_EX)
    fcntl.flock(quick, fcntl.LOCK_UN)
    epoll.poll(0)
    os.close(os.open(folder + "/link", os.O_RDWR | os.O_CREAT))
    os.pwritev(direct, [buf], 0)
os.posix_fadvise(mapped, 0, 0, os.POSIX_FADV_DONTNEED)
with mmap.mmap(mapped, 0) as m:
    m.madvise(mmap.MADV_RANDOM)
    for i in range(64):
        m[i * 4096]
os.execv(sys.argv[3], sys.argv[3:])
PY

# when NAME RULE: not in force, as no snapshot is wanted
when() { printf '[trigger "%s"]\nwhen = %s\nenabled = no\n' "$1" "$2" >>"$W/rules.conf"; }
# exact NAME NUMBER OPERATION PERCENTILE LIMIT FILTER: fires if so many are counted; its
# twin asks for one more, and does not.
exact() {
	local rule="$3 $4 latency > $5 over ${window}s, min"
	when "$1" "$rule $2 where $6"
	when "$1-more" "$rule $(($2 + 1)) where $6"
	exact+=("$1")
}
never() { # NAME RULE
	when "$1" "$2"
	never+=("$1")
}

rules_for() { # PID
	local n=$calls over="over ${window}s, min"
	exact slow $((2 * n)) fs.flock p70 3ms 'path = "*/slow"'
	exact quick $((2 * n)) fs.flock p50 10ns "path = \"$W/qui*\""
	exact comm $((4 * n)) fs.flock p50 10ns "comm = python*, path = \"$W/*\""
	exact holder $((2 * n)) fs.flock p50 10ns 'comm = holder'
	exact pid $((4 * n)) fs.flock p50 10ns "pid = $1"
	exact both $((2 * n)) fs.flock p50 10ns "comm = python*, path = \"*/quick\", pid = $1"
	exact device $((2 * n)) fs.flock p50 10ns \
		"path = \"$W/quick\", device = \"$(stat -c %Hd:%Ld "$W")\""
	exact epoll "$n" epoll.epoll_wait p50 10ns "pid = $1"
	exact open "$n" fs.open p50 10ns 'path = "*/opened"'
	exact uring "$requests" uring p50 10ns "pid = $1"
	exact fault 64 fault p50 1ns "path = \"$W/mapped\""
	never open-link "fs.open p50 latency > 10ns $over 1 where path = \"*/link\""
	never device-gone "fs.* p50 latency > 10ns $over 1 where pid = $1, device = gone"
	never quick-3ms "fs.flock p70 latency > 3ms $over $n where path = \"*/quick\""
	never not-slow "fs.flock p70 latency > 3ms $over $n where path != \"*/slow\""
	never nobody "fs.flock p50 latency > 10ns $over 1 where comm = nobody"
	never elsewhere "fs.flock p50 latency > 10ns $over 1 where comm = python*, path = \"/elsewhere/*\""
	when block "block.write p50 latency > 1us $over $n where pid = $1"
	never block-more "block.write p50 latency > 1us $over $((50 * n)) where pid = $1"
	when uring-path "uring p50 latency > 10ns $over 10 where path = \"$W/uring/*\""
	never uring-elsewhere "uring p50 latency > 10ns $over 1 where path = \"$W/elsewhere/*\""
}

hits() { python3 tests/kernel/status_value.py "$1" hits <"$W/status.json"; }
# How many page faults on the file were recorded with their durations, which some
# kernels do not tell; noted while they are recorded.
count_faults() {
	client dump >/dev/null || return
	faults=$("$FR" show -O csv --no-header --stream fault -f path,dur "$(snapshots | tail -n 1)" |
		grep -c "^\"*$W/mapped\"*,[1-9]")
}

# same LEAST: of the rules, so many at least are decided, and all those as live
same() {
	python3 - "$W/status.json" "$W/test.jsonl" "$1" <<-'PY'
		import json, sys
		live = {n: t["hits"] for n, t in json.load(open(sys.argv[1]))["trigger"].items()}
		rules = [r for r in map(json.loads, open(sys.argv[2])) if r["record"] == "rule"]
		decided = [r for r in rules if r["verdict"] != "undecidable"]
		bad = [r for r in decided if r["hits"] != live[r["rule"]]]
		for r in bad:
		    print(f"  {r['rule']}: {r['hits']} hits in the back-test, {live[r['rule']]} live")
		fs = sum(" fs." in " " + r["when"] for r in decided)
		print(f"  {len(decided)} of {len(rules)} rules are decided, {fs} of them about files")
		least = int(sys.argv[3])
		sys.exit(len(bad) > 0 or len(decided) < least or (least == 0 and fs > 0))
	PY
}

round() { # WORDS SETTING...
	local words=$1 name pid want exact=() never=()
	shift
	rm -f "$W"/{rules.conf,link,slow,holder,quick,direct,mapped,opened,go,said}
	mkfifo "$W/go" "$W/said"
	python3 "$W/work.py" "$W" $calls "$prog" "$W/uring" <"$W/go" >"$W/said" &
	pid=$!
	exec 8>"$W/go" 9<"$W/said"
	read -r -t 60 _ <&9
	rules_for $pid
	recorder_start -c "$W/rules.conf" --set probes.profile=deep --set probes.streams=-cache --set sampler.collectors= --set ring.memory=256MiB "$@" || exit 1
	sleep $((window + 2)) # a window is over before the program begins
	echo >&8
	cat <&9 >"$W/completions" # until it ends
	exec 8>&- 9<&-
	[ "$requests" = "$(wc -l <"$W/completions")" ] || requests=0 # it varies
	sleep $((window / 5 + 1)) # a tenth of a window later it is looked at
	recorder_says >"$W/status.json"
	[ -n "$faults" ] || count_faults
	for name in "${exact[@]}"; do
		want=1
		[ "$name" != fault ] || [ "$faults" != 0 ] || want=0
		[ "$name" != uring ] || [ "$requests" -gt 0 ] || continue
		check "$words: $name: $want" [ "$(hits "$name")" = $want ]
		check "$words: $name, one more: 0" [ "$(hits "$name-more")" = 0 ]
	done
	for name in "${never[@]}"; do
		check "$words: $name: 0" [ "$(hits "$name")" = 0 ]
	done
	[ "$requests" = 0 ] || check "$words: uring-path: 1" [ "$(hits uring-path)" = 1 ]
	# a tmpfs has no disk
	[ "$(stat -f -c %T "$W")" = tmpfs ] || check "$words: block: 1" [ "$(hits block)" = 1 ]
	client dump >/dev/null || exit 1
	"$FR" trigger test --all -O jsonl "$W/rules.conf" "$(snapshots | tail -n 1)" >"$W/test.jsonl"
	[ "$words" != recorded ] ||
		check "$words: the back-test finds the same, as far as the snapshot goes back" same 20
	[ "$words" != "left out" ] ||
		check "$words: the back-test says what was left out" same 0
	recorder_stop
}
faults=''
if [ -n "${VMRUN:-}" ]; then # one of the two, as it takes minutes there
	round "in part" --set probes.above=fs=1ms,uring=30s
	finish
fi
round recorded
round "left out" --set probes.above=fs=30s,epoll=30s,fault=30s,uring=30s
finish
