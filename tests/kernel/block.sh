#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# block.sh - fio with O_DIRECT on a loop device: requests, bytes and latencies
# as /proc/diskstats and fio say.  With THROTTLED=FOLDER (the VM: a disk slowed
# to a fixed time per request) the median there instead.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need fio losetup python3
scratch "${VMRUN_DISK:-/var/tmp}"
columns=dev,op,sector,size,moved,dur,queue_dur
compare=tests/kernel/block_compare.py

# ---- a disk that takes a fixed time for each request --------------------------
if [ -n "${THROTTLED:-}" ]; then
	# written before: then nothing but the device's time is in a write
	dd if=/dev/zero of="$THROTTLED/slow" bs=1M count=4 conv=fsync status=none
	recorder_start --set sampler.collectors= || exit 1
	fio --name=slow --filename="$THROTTLED/slow" --rw=randwrite --bs=4k \
		--size=4M --io_size=400k --direct=1 --ioengine=psync \
		--write_lat_log="$W/slow" --output="$W/slow.out" || skip "fio failed"
	client dump >/dev/null
	wait_snapshots 1
	"$FR" show -O csv --stream block -f $columns,comm "$(snapshots | tail -n 1)" >"$W/slow.csv"
	dev=$(stat -c %d "$THROTTLED")
	check "median on a throttled disk within 5 % of fio's" python3 $compare median \
		"$W/slow.csv" "$((dev >> 8)):$((dev & 255))" "$W/slow_lat.1.log"
	finish
fi

# ---- a loop device -------------------------------------------------------------
modprobe loop 2>/dev/null
truncate -s 64M "$W/image"
loop=$(losetup -f --show "$W/image") || skip "no loop device can be had"
at_end "losetup -d $loop"
line() { grep " ${loop#/dev/} " /proc/diskstats; }
dev=$(cat "/sys/block/${loop#/dev/}/dev")
sleep 0.5 # who looks at new devices has looked

recorder_start --set sampler.collectors= || exit 1
before=$(line)
fio --name=direct --filename="$loop" --rw=randrw --bs=4k --size=8M --direct=1 \
	--ioengine=psync --write_lat_log="$W/fio" --log_offset=1 \
	--output-format=json --output="$W/fio.json" >/dev/null || skip "fio failed"
after=$(line)
client dump >/dev/null
wait_snapshots 1
"$FR" show -O csv --stream block -f $columns "$(snapshots | tail -n 1)" >"$W/rows.csv"
check "random 4k reads and writes, one at a time" python3 $compare device \
	"$W/rows.csv" "$dev" "$before" "$after" "$W/fio.json" "$W/fio_lat.1.log"

rm -f "$SNAP"/*.frs
before=$(line)
fio --name=large --filename="$loop" --rw=write --bs=1M --size=48M --direct=1 \
	--ioengine=libaio --iodepth=8 --output-format=json --output="$W/fio2.json" \
	>/dev/null
after=$(line)
client dump >/dev/null
wait_snapshots 1
"$FR" show -O csv --stream block -f $columns "$(snapshots | tail -n 1)" >"$W/rows2.csv"
only_new() { # requests and bytes of the second run alone
	python3 - "$W/rows.csv" "$W/rows2.csv" "$dev" "$before" "$after" <<-'PY'
		import csv, sys
		old, new = ([r for r in csv.DictReader(open(p)) if r["dev"] == sys.argv[3]
		             and r["op"] == "write"] for p in sys.argv[1:3])
		a, b = ([int(x) for x in s.split()[3:]] for s in sys.argv[4:6])
		got = (len(new) - len(old), sum(int(r["moved"]) for r in new) -
		       sum(int(r["moved"]) for r in old))
		want = (b[4] - a[4], (b[6] - a[6]) * 512)
		print("  requests, bytes: flightrec", got, "diskstats", want)
		sys.exit(got != want)
	PY
}
check "sequential 1M writes, eight at once" only_new

finish
