#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# percentile.sh - percentile rules over the kernel's histograms: a program waits 5 ms
# in 15 of each 100 calls, so that p90 is 5 ms and p80 next to nothing; rules on both
# sides of that, by operation, cgroup, number and limit.  What it waits is measured by
# the program itself, and is what the report must say.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch /var/tmp
cgroup=''
for c in /sys/fs/cgroup /sys/fs/cgroup/unified; do
	[ -e $c/cgroup.procs ] && [ "$(stat -f -c %T $c)" = cgroup2fs ] && cgroup=$c
done
where=''
[ -z "$cgroup" ] || {
	mkdir -p "$cgroup/frtest$$/below" && where="where cgroup = /frtest$$"
	at_end "rmdir $cgroup/frtest$$/below $cgroup/frtest$$"
}
cat >"$W/mix.py" <<'PY'
# for so many seconds: of 100 calls of epoll_wait 15 wait 5 ms.  Prints what those took
import select, sys, time
e = select.epoll()
took, end = [], time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    for i in range(100):
        a = time.monotonic_ns()
        e.poll(0.005 if i % 7 == 3 and i < 105 else 0)
        took.append(time.monotonic_ns() - a)
took.sort()
print(took[int(len(took) * 0.9)])
PY
rules=()
rule() { rules+=(--set "trigger.$1.when=$2" --set "trigger.$1.enabled=${3:-no}"); }
few='over 1s, min 50'
rule p90 "epoll.epoll_wait p90 latency > 3ms $few $where" yes
rule p80 "epoll.epoll_wait p80 latency > 3ms $few $where"
rule higher "epoll.epoll_wait p90 latency > 2s $few $where"
rule other "epoll.epoll_create p90 latency > 3ms $few $where"
rule many "epoll.epoll_wait p90 latency > 3ms over 1s, min 100000000 $where"
rule with "epoll.epoll_wait p90 latency > 3ms $few $where and load.load1 < 100000"
rule without "epoll.epoll_wait p90 latency > 3ms $few $where and load.load1 > 100000"
[ -z "$where" ] || {
	rule elsewhere "epoll.epoll_wait p90 latency > 3ms $few where cgroup = /frtest$$/none"
	rule above "epoll.epoll_wait p90 latency > 3ms $few where cgroup = /"
}

recorder_start --set probes.profile=deep --set sampler.period=100ms "${rules[@]}" || exit 1
sleep 1.5 # a window is over before the program begins
(
	[ -z "$where" ] || echo $BASHPID >"$cgroup/frtest$$/below/cgroup.procs"
	exec python3 "$W/mix.py" 4
) >"$W/took"
sleep 2 # and after it
recorder_says >"$W/status.json"
hits() { python3 tests/kernel/status_value.py "$1" hits <"$W/status.json"; }
expect() { # NAME HITS
	local n
	n=$(hits "$1")
	check "$1: $2 hits" [ "$n" = "$2" ]
	[ "$n" = "$2" ] || echo "  $n"
}
expect p90 1
expect p80 0
expect higher 0
expect other 0
expect many 0
expect with 1
expect without 0
[ -z "$where" ] || expect elsewhere 0
wait_snapshots 1
file=$(snapshots | head -n 1)
check "one snapshot, of the rule that is on" [ "$(snapshots | wc -l)" = 1 ]
"$FR" info "$file" >"$W/info"
said=$(grep -oE 'p90 of epoll.epoll_wait is [^ ]+ ?[a-z]* over 1s \([0-9]+ operations\)' "$W/info" | head -n 1)
check "it says what was seen: $said" [ -n "$said" ]
check "as the program measured it ($(cat "$W/took") ns), within a bucket and the call's own time" \
	python3 -c "
import sys
text = '$said'.split(' is ')[1].split(' over')[0].replace(' ', '')
value = float(text.rstrip('nmuµs')) * {'ms': 1e6, 'us': 1e3, 'ns': 1}[text.lstrip('0123456789.')]
took = int(open('$W/took').read())
sys.exit(not took * 0.8 < value < took * 1.05)"
finish
