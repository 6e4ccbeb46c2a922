#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# broken_disks.sh - rules on disks that are slow, that fail, that hang: device mapper's
# delay, flakey and suspend, null_blk and scsi_debug.  For each the cause is found in
# the snapshot, hits are counted to the last one, and a twin of a higher limit or of
# another error fires nothing.  Needs modules that most machines have and this one may
# not: tests/vm runs it.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3 dmsetup losetup
[ -z "${VMRUN:-}" ] || PATH=$PATH:/sbin:/usr/sbin
modprobe -a dm_mod loop 2>/dev/null
[ -e /dev/mapper/control ] || dmsetup version >/dev/null 2>&1 || skip "this kernel has no device mapper"
scratch "${VMRUN_DISK:-/var/tmp}"
hits() { recorder_says | python3 tests/kernel/status_value.py "$1" hits; }
expect() { # NAME HITS
	local n
	n=$(hits "$1")
	check "$1: $2 hits" [ "$n" = "$2" ]
	[ "$n" = "$2" ] || echo "  $n"
}
wait_hit() {
	for _ in $(seq 300); do
		[ "$(hits "$1")" != 0 ] && return
		sleep 0.1
	done
	return 1
}
# reader DEVICE COUNT [OFFSET]: direct reads; prints the errors it got
cat >"$W/reader.py" <<'PY'
import ctypes, errno, mmap, os, sys
ctypes.CDLL(None).prctl(15, b"dmreader")
fd, b = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT), mmap.mmap(-1, 4096)
for i in range(int(sys.argv[2])):
    try: os.preadv(fd, [b], int(sys.argv[3]) if len(sys.argv) > 3 else i * 4096)
    except OSError as e: print(errno.errorcode[e.errno])
PY
reader() { python3 "$W/reader.py" "$@"; }
mine='where comm = dmreader'
truncate -s 16M "$W/image"
loop=$(losetup -f --show "$W/image" 2>/dev/null) || skip "no loop device to build on"
at_end "losetup -d $loop"
sectors=$((16 * 2048))
# table NAME TARGET...: a device mapped to the loop device
table() {
	modprobe "dm_${2//-/_}" 2>/dev/null
	dmsetup create "$1" --table "0 $sectors ${*:2}" 2>"$W/err" || {
		echo "skip: $2: $(tail -n 1 "$W/err")"
		return 1
	}
	at_end "dmsetup remove -f $1"
	for _ in $(seq 50); do
		[ -e "/dev/mapper/$1" ] && return
		dmsetup mknodes "$1"
		sleep 0.1
	done
}
started() { recorder_start --set sampler.collectors= --set dump.max_files=50 "$@"; }
rule() { rules+=(--set "trigger.$1.when=$2" --set "trigger.$1.enabled=${3:-no}"); }
# The snapshot of a rule has a row of the reader with those words.
holds() { # RULE GREP SHOW-OPTION...
	local file
	wait_snapshots 1 60
	file=$(snapshots | grep -- "-$1" | head -n 1)
	[ -n "$file" ] && "$FR" show -O csv "${@:3}" "$file" >"$W/rows" && grep -qE "$2" "$W/rows"
}
fresh() {
	recorder_stop
	rm -f "$SNAP"/*.frs
	rules=()
}

# ---- device mapper -----------------------------------------------------------------
fresh
if table frdelay delay "$loop" 0 300; then
	rule delayed "fs.read latency > 200ms $mine" yes
	rule longer "fs.read latency > 30s $mine"
	started "${rules[@]}" || exit 1
	reader /dev/mapper/frdelay 4
	expect delayed 4
	expect longer 0
	check "delay: the snapshot has the slow read" \
		holds delayed 'read,dmreader,[3-9][0-9]{8},.*dm-|frdelay' -f op,comm,dur,path --min-latency 200ms
fi
fresh
if table frflakey flakey "$loop" 0 0 3600 1 error_reads || { dmsetup remove -f frflakey 2>/dev/null; table frflakey flakey "$loop" 0 0 3600; }; then
	rule fails "fs.read error EIO $mine" yes
	rule full "fs.read error ENOSPC $mine"
	started "${rules[@]}" || exit 1
	check "flakey: reads fail" [ "$(reader /dev/mapper/frflakey 7 | grep -c EIO)" = 7 ]
	expect fails 7
	expect full 0
	check "flakey: the snapshot has the failed read" holds fails 'read,dmreader,EIO' -f op,comm,errno
fi
fresh
if table frhang linear "$loop" 0; then
	rule hangs "fs.read inflight > 500ms $mine" yes
	rule hangs-more "fs.read inflight > 10m $mine"
	started "${rules[@]}" || exit 1
	dmsetup suspend frhang
	reader /dev/mapper/frhang 1 &
	reading=$!
	check "suspend: noticed while it hangs" wait_hit hangs
	check "suspend: the read still hangs" kill -0 $reading
	check "suspend: the snapshot lists it in flight, with its age" \
		holds hangs 'read,dmreader,[0-9]{9,},' -f op,comm,age,path --stream inflight
	dmsetup resume frhang
	wait $reading
	expect hangs-more 0
fi

# ---- devices that take their time ---------------------------------------------------------
fresh
if modprobe null_blk nr_devices=1 irqmode=2 completion_nsec=80000000 gb=1 2>/dev/null && [ -e /dev/nullb0 ]; then
	at_end "modprobe -r null_blk"
	rule slow-disk "block.read latency > 40ms where device = nullb0" yes
	rule slower "block.read latency > 30s where device = nullb0"
	rule others "block.read latency > 40ms where device != nullb0, comm = dmreader"
	started "${rules[@]}" || exit 1
	reader /dev/nullb0 5
	expect slow-disk 5
	expect slower 0
	expect others 0
	check "null_blk: the snapshot has the slow request" \
		holds slow-disk 'block,read,dmreader,(8|9|[1-9][0-9]+)[0-9]{7},' -f stream,op,comm,dur,sector --stream block
else
	echo "skip: null_blk: this kernel has no such module"
fi
fresh
disk=''
if modprobe sd_mod 2>/dev/null && modprobe scsi_debug dev_size_mb=8 opts=2 2>/dev/null; then
	at_end "modprobe -r scsi_debug"
	for _ in $(seq 100); do
		disk=$(grep -l scsi_debug /sys/block/sd*/device/model 2>/dev/null | head -n 1 | cut -d/ -f4)
		[ -n "$disk" ] && [ -b "/dev/$disk" ] && break
		sleep 0.1
	done
fi
if [ -n "$disk" ]; then
	rule bad-sector "block.read error any where device = $disk" yes
	rule bad-read "fs.read error any $mine"
	rule no-space "block error ENOSPC where device = $disk"
	started "${rules[@]}" || exit 1
	# the medium has an error at sector 0x1234 (opts=2)
	errors=$(reader "/dev/$disk" 1 $((0x1234 / 8 * 4096)))
	check "scsi_debug: the read of the bad sector fails ($errors)" [ -n "$errors" ]
	check "scsi_debug: the request that failed is noticed" [ "$(hits bad-sector)" -ge 1 ]
	expect bad-read 1
	expect no-space 0
	check "scsi_debug: the snapshot has the failed request" \
		holds bad-sector 'block,read,dmreader,E[A-Z]+,' -f stream,op,comm,errno,sector --stream block
else
	echo "skip: scsi_debug: no such disk can be had here"
fi
[ $((good + bad)) -gt 0 ] || skip "none of the modules is here"
finish
