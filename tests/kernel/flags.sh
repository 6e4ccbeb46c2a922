#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# flags.sh - a program that tries each flag and value of each call, under strace
# and flightrec at once: the words must be equal.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need strace python3
scratch "${VMRUN_DISK:-/var/tmp}"
program=$(helper flags) || exit 1
mkdir "$W/folder"

# what the program calls, so that none goes missing
calls="open openat openat2 creat dup3 close_range mmap mremap msync madvise
	fadvise64 fallocate flock sync_file_range preadv2 pwritev2 splice tee
	vmsplice copy_file_range fsetxattr fchmod newfstatat statx access faccessat
	faccessat2 fchownat utimensat unlinkat linkat renameat2 fchmodat chmod
	umount2 setxattr lsetxattr mknod mknodat mkdir mkdirat epoll_create1
	epoll_ctl poll getsockopt setsockopt socket shutdown accept4 sendto recvfrom
	sendmsg recvmsg sendmmsg recvmmsg"

under_strace() {
	"$FR" record -o "$W/flags.frs" --profile deep --set probes.sockopt=all \
		--set ring.pin_folder= --set run.folder="$W/record" \
		--set sampler.collectors= -- \
		strace -f -s 4 -o "$W/log" "$program" "$W/folder" >"$W/out" 2>&1 || {
		tail -n 3 "$W/out"
		return 1
	}
	"$FR" show -O jsonl "$W/flags.frs" >"$W/rows"
	# shellcheck disable=SC2086 # several words
	python3 tests/kernel/flags_compare.py "$W/log" "$W/rows" $calls
}
check "each word of each call as strace says" under_strace
finish
