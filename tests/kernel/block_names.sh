#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# block_names.sh - block requests carry the name of the file whose data they move:
# written back by fsync (page cache) and written directly (O_DIRECT), as the inode
# that stat shows and by the path that the program used.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
scratch /var/tmp
case $(stat -f -c %T "$W") in
ext2/ext3 | xfs | btrfs | ext4) ;;
*) # a file system on no block device: one of our own, on a loop device
	truncate -s 64M "$W/image" && mkfs.ext4 -q "$W/image" && mkdir "$W/mnt" &&
		mount -o loop "$W/image" "$W/mnt" || skip "no file system on a block device"
	at_end "umount '$W/mnt'"
	W2=$W/mnt
	;;
esac
dir=${W2:-$W}
"$FR" record -o "$W/b.frs" --set ring.memory=16MiB -- sh -c "
	dd if=/dev/zero of='$dir/cached' bs=64k count=16 conv=fsync 2>/dev/null
	dd if=/dev/zero of='$dir/direct' bs=64k count=16 oflag=direct 2>/dev/null" 2>"$W/err"
check "the programs ran" [ $? = 0 ]
"$FR" show -O csv --stream block --op write -f path,ino,moved "$W/b.frs" >"$W/rows.csv"
all_of() { # FILE: 1 MiB was written under its name and inode
	awk -F, -v p="$dir/$1" -v ino="$(stat -c %i "$dir/$1")" '
		$1 == p && $2 == ino { sum += $3 } END { exit sum != 1048576 }' "$W/rows.csv"
}
check "what fsync wrote back has the file's name and inode" all_of cached
check "direct writes have the file's name and inode" all_of direct
[ $bad = 0 ] || head -n 20 "$W/rows.csv"
finish
