#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# demo.sh - a small incident, recorded: a service appends to its journal and
# fsyncs; a backup freezes the file system under it for half a second; somebody
# notices, sends SIGUSR1, and reads what happened before.
#
# The recorder is a private one: its folders are under a scratch folder, and a
# flightrecd of this machine is not disturbed.
set -u
cd "$(dirname "$0")/.." || exit 1
O=${O:-build}
case $O in /*) ;; *) O=$PWD/$O ;; esac
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null && exec sudo O="$O" "$0" "$@"
	echo "demo: the kernel lets only root record it; run: sudo make demo" >&2
	exit 6
fi
W=$(mktemp -d "${TMPDIR:-/var/tmp}/flightrec-demo-XXXXXX") || exit 1
disk=$W/disk pin=/sys/fs/bpf/${W##*/}
recorder='' service=''
sets=(--set "run.folder=$W/run" --set "dump.folder=$W/snapshots"
	--set "dump.fallback=" --set "ring.pin_folder=$pin"
	--set sampler.period=100ms)

leave() {
	[ -z "$service" ] || kill "$service" 2>/dev/null
	fsfreeze -u "$disk" 2>/dev/null
	if [ -n "$recorder" ]; then
		kill "$recorder" 2>/dev/null
		wait "$recorder" 2>/dev/null
	fi
	wait 2>/dev/null
	umount "$disk" 2>/dev/null
	[ ! -d "$pin" ] || find "$pin" -depth -delete 2>/dev/null
	rm -rf "$W"
}
trap leave EXIT
trap 'exit 130' INT TERM
say() { printf '\n>>> %s\n' "$*"; }
mkdir -p "$disk" "$W/run" "$W/snapshots"

say "A file system of its own for the service"
freezes=yes
truncate -s 64M "$W/image" && mkfs.ext4 -qF "$W/image" &&
	mount -o loop "$W/image" "$disk" || {
	freezes=''
	echo "no loop device here: a storm of fsync on $W has to do"
}

say "flightrecd starts, and records everything into 64 MiB of memory"
"$O/flightrecd" "${sets[@]}" >"$W/log" 2>&1 &
recorder=$!
for _ in $(seq 100); do
	"$O/flightrec" status --run-folder "$W/run" >/dev/null 2>&1 && break
	kill -0 $recorder 2>/dev/null || break
	sleep 0.1
done
if ! kill -0 $recorder 2>/dev/null; then
	recorder=''
	echo "the recorder did not start:"
	cat "$W/log"
	exit 1
fi

say "The service: a record appended to its journal and fsynced, again and again"
(while :; do
	dd if=/dev/urandom of="$disk/journal" bs=4k count=1 oflag=append \
		conv=notrunc,fsync status=none
done) &
service=$!
sleep 1.5
if [ -n "$freezes" ]; then
	say "A backup freezes the file system for half a second"
	fsfreeze -f "$disk" && sleep 0.5
	fsfreeze -u "$disk"
else
	dd if=/dev/zero of="$disk/bulk" bs=1M count=200 conv=fsync status=none
fi
sleep 0.7

say "Somebody notices: kill -USR1"
kill -USR1 "$recorder"
file=''
for _ in $(seq 200); do
	file=$(find "$W/snapshots" -name '*.frs' | head -n 1)
	[ -z "$file" ] || break
	sleep 0.1
done
if [ -z "$file" ]; then
	echo "no snapshot was written:"
	cat "$W/log"
	exit 1
fi
kill "$service" 2>/dev/null

say "flightrec report ${file##*/}"
"$O/flightrec" report "$file"
status=$?
say "flightrec show --stream fs --path '*/journal' --min-latency 100ms"
"$O/flightrec" show --stream fs --path '*/journal' --min-latency 100ms "$file" |
	head -n 20
exit $status
