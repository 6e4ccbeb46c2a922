#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sysfs_hotplug.sh [TIMES] - a device of /sys that comes and goes between rounds.
#
# zram devices, as the kernel makes and takes away as many as one likes.  One
# process samples all the time, descriptors open; a device is there in the round
# after it came, and gone in the round after it went, each of TIMES (100) times.
cd "$(dirname "$0")/../.." || exit 1
prog=${O:-build}/tests/kernel/sample_once
control=/sys/class/zram-control
[ -x "$prog" ] || { echo "$prog is not built: run make test-programs first"; exit 1; }
[ "$(id -u)" = 0 ] || { echo "skip: needs root"; exit 77; }
[ -e $control/hot_add ] || modprobe zram 2>/dev/null
[ -e $control/hot_add ] || { echo "skip: this kernel has no zram"; exit 77; }
times=${1:-100}
new=''
coproc "$prog" -i "" zram disks
cleanup() {
	[ -z "$new" ] || echo "$new" >$control/hot_remove
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# Answers of the next round, up to the empty line, in $values.
round() {
	local line
	[ "$1" = first ] || echo >&"${COPROC[1]}"
	values=''
	while IFS= read -r line <&"${COPROC[0]}" && [ -n "$line" ]; do
		values+=$line$'\n'
	done
}

missed=0 stayed=0 wrong=0
round first
for ((i = 0; i < times; i++)); do
	new=$(cat $control/hot_add) || break
	echo $(((i + 1) * 1048576)) >/sys/block/zram"$new"/disksize
	# A page of zeros: it is kept as a number, in same_pages.
	dd if=/dev/zero of=/dev/zram"$new" bs=4096 count=1 oflag=direct status=none
	round
	[[ $values == *"zram.$new.orig_data_bytes "* ]] || missed=$((missed + 1))
	[ "$(sed -n "s/^zram\.$new\.same_pages \([0-9]*\) .*/\1/p" <<<"$values")" = \
		"$(awk '{print $6}' /sys/block/zram"$new"/mm_stat)" ] || wrong=$((wrong + 1))
	echo 1 >/sys/block/zram"$new"/reset
	echo "$new" >$control/hot_remove
	gone=$new new=''
	round
	[[ $values != *"zram.$gone."* ]] || stayed=$((stayed + 1))
done
fds=$(find /proc/"$COPROC_PID"/fd -type l | wc -l)
echo "$i devices: $missed missed, $stayed stayed, $wrong wrong; $fds descriptors open"
good=0 bad=0
for ok in $((i == times)) $((missed == 0)) $((stayed == 0)) $((wrong == 0)) $((fds < 50)); do
	[ "$ok" = 1 ] && good=$((good + 1)) || bad=$((bad + 1))
done
echo "$good passed, $bad failed"
[ $bad = 0 ]
