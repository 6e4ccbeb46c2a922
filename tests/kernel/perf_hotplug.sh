#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# perf_hotplug.sh - probes that are perf's events belong to a CPU: one that was away,
# be it for a moment or for longer, is recorded again when it is back.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3 taskset
plug=/sys/devices/system/cpu/cpu1/online
echo 1 2>/dev/null >$plug || skip "this machine's CPUs cannot be switched off"
scratch "${VMRUN_DISK:-/var/tmp}"
paranoid=$(cat /proc/sys/kernel/perf_event_paranoid)
[ "$paranoid" -le 2 ] || { # Debian's 3 leaves perf to CAP_SYS_ADMIN
	echo 2 >/proc/sys/kernel/perf_event_paranoid
	at_end "echo $paranoid >/proc/sys/kernel/perf_event_paranoid"
}
head -c 65536 /dev/zero >"$W/mapped"
recorder_start --set sampler.collectors= --set probes.streams=fault \
	--set probes.mechanism=perf_event || exit 1
at_end "echo 1 >$plug"

# A fault on CPU 1, now; is there a record of it?
touched() {
	local at snap
	at=$(taskset -c 1 python3 -c '
import mmap, sys, time
f = open(sys.argv[1], "rb")
at = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)[0]
print(at)' "$W/mapped") || return
	client dump >/dev/null 2>&1
	snap=$(snapshots | tail -n 1)
	"$FR" show -O csv --stream fault -f cpu,ts,path "$snap" |
		awk -F, -v at="$at" -v path="$W/mapped" '$1 == 1 && $2 >= at && $3 == path { n++ }
			END { exit n != 1 }'
	local found=$?
	rm -f "$SNAP"/*.frs
	return $found
}
again() { # SECONDS
	local end=$((SECONDS + $1))
	while [ $SECONDS -lt $end ]; do
		touched && return
	done
	return 1
}
check "a fault on CPU 1 is recorded" touched
# its event goes with it
echo 0 >$plug && echo 1 >$plug
check "gone and back within a moment: it is recorded again" again "${PLUG_SECONDS:-40}"
echo 0 >$plug
check "without the CPU the recorder goes on" recorder_says >/dev/null
sleep 12 # a round of the recorder's looks at CPUs
echo 1 >$plug
check "gone for longer: it is recorded again" again "${PLUG_SECONDS:-40}"
[ $bad = 0 ] || tail -n 5 "$W/log"
finish
