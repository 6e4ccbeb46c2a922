#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sampler_hotplug.sh [TIMES] - a loop device, a network interface, a cgroup and
# processes come and go between and during ticks (of 2 ms), 40 times unless told
# otherwise.  The kernel's own lists are the witness of what there was.
. "$(dirname "$0")/private_recorder.bash"
times=${1:-40}
need_kernel
need python3 ip losetup
scratch
T=tests/kernel
memory=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }
	$3 == "cgroup2" { two = $2 } END { if (!f) print two }' /proc/self/mounts | head -n 1)
[ -d "$memory" ] || skip "no cgroup hierarchy is mounted"
name=frhot$$
truncate -s 1M "$W/disk"
ip link add ${name}a type dummy 2>/dev/null && kind=dummy
[ -n "${kind:-}" ] || { ip link add ${name}a type veth peer name ${name}b 2>/dev/null && kind=veth; }
[ -z "${kind:-}" ] || ip link del ${name}a
loop=$(losetup -f 2>/dev/null) && losetup "$loop" "$W/disk" 2>/dev/null &&
	losetup -d "$loop" || loop=''
echo "interface: ${kind:-none to be had}; loop device: ${loop:-none to be had}; cgroups in $memory"
[ -n "${kind:-}${loop:-}" ] || skip "neither a loop device nor an interface can be made"
at_end "rmdir '$memory'/${name}_* 2>/dev/null; [ -z '${kind:-}' ] || ip link del ${name}a 2>/dev/null; true"

recorder_start --set sampler.period=2ms --set ring.user_memory=64MiB \
	--set "sampler.collectors=disks,net,processes@10ms,cgroups" --set probes.profile=minimal \
	--set state.processes_period=0 || exit 1
value() { recorder_says | python3 $T/status_value.py sampler "$1"; }

for ((i = 0; i < times; i++)); do
	mkdir "$memory/${name}_$i" || exit 1
	if [ -n "${kind:-}" ]; then
		if [ $kind = veth ]; then
			ip link add ${name}a type veth peer name ${name}b || exit 1
		else
			ip link add ${name}a type dummy || exit 1
		fi
	fi
	if [ -n "$loop" ]; then
		at=$(losetup -f --show "$W/disk") || exit 1
		dd if="$at" of=/dev/null bs=64k count=1 iflag=direct 2>/dev/null
		losetup -d "$at"
	fi
	# a process in the cgroup, for a moment
	sh -c "echo \$\$ >$memory/${name}_$i/cgroup.procs; :"
	[ -z "${kind:-}" ] || ip link del ${name}a
	for _ in $(seq 100); do # until the process is gone there, too
		rmdir "$memory/${name}_$i" 2>/dev/null && break
		sleep 0.01
	done
	[ $((i % 20)) != 19 ] || [ "$i" -gt 20 ] || metrics=$(value metrics)
done
sleep 0.1
recorder_says >"$W/says"
check "the recorder is there" [ $? = 0 ]
check "no value that could not be read" [ "$(value errors)" = 0 ]
check "nothing was lost" [ "$(value lost)" = 0 ]
check "metrics: no more than at first ($metrics)" [ "$(value metrics)" = "$metrics" ]
fds=$(ls "/proc/$daemon/fd" | wc -l)
client dump >/dev/null
check "descriptors of what is gone are closed ($fds open)" [ "$fds" -lt 1500 ]
file=$(snapshots | tail -n 1)
"$FR" show --stream cgroups -O jsonl "$file" >"$W/rows"
python3 - "$W/rows" "$name" "$times" <<'PY'
import collections, json, sys
prefix, times = "/" + sys.argv[2] + "_", int(sys.argv[3])
seen, ended, last = set(), collections.Counter(), {}
for line in open(sys.argv[1]):
    r = json.loads(line)
    path = r["cgroup_path"] or ""
    if not path.startswith(prefix):
        continue
    seen.add(path)
    ended[path] += r["ended"]
    last[path] = r["ended"]
print(f"{len(seen)} of {times} cgroups have rows")
assert seen and len(seen) <= times
assert all(n == 1 for n in ended.values()), ended
assert all(last.values()), last
PY
check "each cgroup that was seen ended once, and nothing came behind" [ $? = 0 ]
if [ -n "${kind:-}" ]; then
	"$FR" show --stream sample -O csv -f metric "$file" | sort -u >"$W/names"
	check "the interface was seen" grep -q "net.${name}a.rx_bytes" "$W/names"
fi
finish
