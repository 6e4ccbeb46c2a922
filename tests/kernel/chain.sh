#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# chain.sh - what is written back later is put down to those who wrote it: two
# processes in two cgroups dirty files of an ext4 image, by write(2) and through a
# mapping; then sync.  Witnesses: the programs themselves, stat, filefrag, io.stat of
# the cgroups; and of an fsync /proc/diskstats, for what `flightrec chain` finds.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need mkfs.ext4 losetup filefrag python3 perf
scratch "${VMRUN_DISK:-/var/tmp}"
modprobe loop 2>/dev/null
truncate -s 128M "$W/image"
mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$W/image" || skip "mkfs.ext4 failed"
loop=$(losetup -f --show "$W/image") || skip "no loop device can be had"
at_end "losetup -d $loop"
mkdir "$W/mnt" && mount "$loop" "$W/mnt" || skip "ext4 cannot be mounted"
at_end "umount '$W/mnt'"

# ---- two cgroups, with the controllers that charge writeback if they can be had --
cg=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
if [ -z "$cg" ]; then
	cg=$W/cgroup
	mkdir "$cg" && mount -t cgroup2 none "$cg" || skip "no cgroup2"
	at_end "umount '$cg'"
fi
for c in memory io; do
	grep -qw $c "$cg/cgroup.subtree_control" && continue
	echo +$c >"$cg/cgroup.subtree_control" 2>/dev/null &&
		at_end "echo -$c >'$cg/cgroup.subtree_control'"
done
for name in a b; do
	mkdir "$cg/fr$$-$name" || skip "no cgroup can be made"
	at_end "rmdir '$cg/fr$$-$name'"
done
charged=no
[ -e "$cg/fr$$-a/io.stat" ] && [ -e "$cg/fr$$-a/memory.current" ] && charged=yes
echo "  writeback is charged to cgroups here: $charged"

recorder_start --set sampler.collectors= --set probes.streams=fs,block || exit 1
event=writeback:writeback_dirty_folio
[ -e /sys/kernel/tracing/events/writeback/writeback_dirty_folio ] ||
	event=writeback:writeback_dirty_page
dev=$(cat "/sys/block/${loop#/dev/}/dev")
io_stat() { cat "$cg/fr$$-$1/io.stat" 2>/dev/null; }
io_stat a >"$W/io.a.1"
io_stat b >"$W/io.b.1"
cat >"$W/inner.sh" <<'IN'
client status --json >"$W/status.1"
perf stat -a -x, -o "$W/inner" -e $event -- bash -c '
	run() { python3 tests/kernel/chain_dirty.py "$@"; }
	run "$cg/fr$owner-a" "$W/mnt/written" 1048576 write >"$W/pid.written" &&
	run "$cg/fr$owner-b" "$W/mnt/mapped" 2097152 mmap >"$W/pid.mapped" &&
	for i in 0 1 2 3 4 5 6 7; do
		head -c 4096 /dev/zero >"$W/mnt/small$i"
	done'
echo $? >"$W/dirtied"
client status --json >"$W/status.2"
IN
export -f client
export FR RUN W cg event owner=$$
perf stat -a -x, -o "$W/outer" -e $event -- bash "$W/inner.sh"
check "the files were dirtied" [ "$(cat "$W/dirtied")" = 0 ]
sync -f "$W/mnt"
io_stat a >"$W/io.a.2"
io_stat b >"$W/io.b.2"
python3 tests/kernel/chain_fsync.py "$W/mnt/synced" 300000 "${loop#/dev/}" >"$W/fsync"
client dump >/dev/null
wait_snapshots 1
snap=$(snapshots | tail -n 1)
"$FR" show -O jsonl --stream block "$snap" >"$W/rows"
"$FR" chain --op fsync --path "$W/mnt/synced" --json "$snap" >"$W/chain" ||
	check "flightrec chain" false
for f in "$W"/mnt/*[a-z0-9]; do
	[ -f "$f" ] || continue
	echo "file ${f##*/} $(stat -c %i "$f") $(stat -c %s "$f")"
	filefrag -v -b512 "$f"
done >"$W/files"
stat -c %i "$cg" "$cg/fr$$-a" "$cg/fr$$-b" >"$W/cgroups"
chain_check() { python3 tests/kernel/chain_check.py "$W" "$dev" "$charged" "$1"; }
check "as many pages as perf saw become dirty" chain_check perf
check "whole files were written back, put down to who dirtied them" chain_check dirtier
check "the cgroup charged is that of the data" chain_check cgroup
check "requests of several files say of how many" chain_check mixed
check "an fsync is followed to the requests of the disk meanwhile" chain_check fsync
"$FR" chain --op fsync --path "$W/mnt/synced" --slowest 1 "$snap" >"$W/text"
check "as a tree, too" grep -q "fsync .*/synced by" "$W/text"
[ $bad = 0 ] || { head -n 5 "$W/rows"; cat "$W/text"; }
finish
