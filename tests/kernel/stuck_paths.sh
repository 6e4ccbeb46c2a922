#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# stuck_paths.sh - rules about operations in flight with `path = GLOB`: each finds the
# calls that hang, while they hang, whose path matches by Python's fnmatch: given whole,
# in part or as a descriptor, on FIFOs, locked files and a frozen file system.  The
# back-test of the snapshot says the same.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3 mkfs.ext4 fsfreeze
scratch /var/tmp
mkdir -p "$W/one" "$W/two" "$W/disk"
mount -t tmpfs -o size=20m tmpfs "$W/two" || skip "cannot mount tmpfs"
at_end "umount -l '$W/two'"
modprobe loop 2>/dev/null
truncate -s 16M "$W/image" && mkfs.ext4 -q "$W/image"
disk=$W/disk
if mount -o loop "$W/image" "$disk" 2>"$W/err"; then
	at_end "umount '$disk'"
	at_end "fsfreeze -u '$disk' 2>/dev/null"
else
	echo "  without a frozen file system: $(head -n 1 "$W/err")"
	disk=''
fi

python3 tests/kernel/stuck_paths.py "$W/one" "$W/two" "$disk" - "$W/rules.conf" || exit 1
recorder_start -c "$W/rules.conf" --set sampler.collectors= --set "scope.pids=$$" \
	--set ring.memory=32MiB --set probes.streams=fs || exit 1
mkfifo "$W/go" "$W/said"
python3 tests/kernel/stuck_paths.py "$W/one" "$W/two" "$disk" "$W/list" <"$W/go" >"$W/said" &
program=$!
at_end "kill -9 $program 2>/dev/null"
exec 8>"$W/go" 9<"$W/said"
read -r -t 120 word <&9
if [ "$word" = freeze ]; then
	fsfreeze -f "$disk" || exit 1
	echo go >&8
	read -r -t 120 word <&9
fi
check "$(wc -l <"$W/list") calls hang" [ "$word" = hanging ]

# Until no rule has been hit any more for a second; a call is found within 10 ms of its
# limit, on an emulated machine within more.
seen() {
	recorder_says >"$W/status.json"
	python3 -c 'import json, sys
print(sum(t["hits"] for t in json.load(sys.stdin)["trigger"].values()))' <"$W/status.json"
}
last='' quiet=0
for _ in $(seq 300); do
	now=$(seen)
	quiet=$((quiet + 1))
	[ "$now" = "$last" ] || quiet=0
	last=$now
	[ $quiet -lt 10 ] || break
	sleep 0.1
done
# test NAME: the back-test of the newest snapshot
agrees() {
	local status
	"$FR" trigger test --all -O jsonl "$W/rules.conf" "$(snapshots | tail -n 1)" >"$W/test.jsonl"
	status=$?
	check "$1: all is decided (exit $status)" [ $status = 0 ]
	[ $status = 0 ] || grep -m 3 reason "$W/test.jsonl"
	check "$1: found as fnmatch has them, and in the back-test" python3 tests/kernel/paths_check.py \
		"$W/rules.conf.globs" "$W/list" "$W/status.json" "$W/test.jsonl"
}
client dump >/dev/null || exit 1
agrees 'while they hang'
[ -z "$disk" ] || fsfreeze -u "$disk"
exec 8>&-
wait $program
client dump >/dev/null || exit 1
agrees 'when they have ended'
finish
