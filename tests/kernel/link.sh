#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# link.sh - a link's record carries the inode that got another name, as stat says;
# only where the kernel lets us look into vfs_link (fentry or kprobe).
. "$(dirname "$0")/private_recorder.bash"
need_kernel
scratch
"$FRD" --doctor 2>/dev/null | grep -qE '^link +target +attached' ||
	skip "this kernel refuses fentry and kprobes: the target of a link is not known"
echo x >"$W/a"
echo y >"$W/other"
"$FR" record -o "$W/l.frs" --set ring.memory=8MiB -- \
	sh -c "ln '$W/a' '$W/b'; ln '$W/other' '$W/c'; ln '$W/a' '$W/c' 2>/dev/null; true" 2>"$W/err"
check "the program ran" [ $? = 0 ]
"$FR" show -O csv --op link -f path,path2,ino,ret "$W/l.frs" >"$W/rows.csv"
linked() { # FROM TO RESULT
	grep -qx "$W/$1,$W/$2,$(stat -c %i "$W/$1"),$3" "$W/rows.csv"
}
check "the first link has its target's inode" linked a b 0
check "the second has the other's" linked other c 0
check "each link is there once, the failed one too" [ "$(tail -n +2 "$W/rows.csv" | wc -l)" = 3 ]
[ $bad = 0 ] || cat "$W/rows.csv"
finish
