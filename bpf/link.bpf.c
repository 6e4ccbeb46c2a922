// SPDX-License-Identifier: GPL-2.0-only
/*
 * link.bpf.c - which inode link(2) gave a second name.
 *
 * System calls name the target by path only, and a path may mean another file a
 * moment later.  Where the kernel lets us (fentry, else kprobe), vfs_link tells the
 * inode itself; it goes into the caller's in-flight entry, and from there into the
 * record of the call.  Part of the fs stream; writes no record of its own.
 */
#include "names.bpf.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline int note_target(struct dentry *target)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct fr_inflight *e = inflight_find(t->pid, (u64)t);
	struct fr_probe_counts *n = counts_of(FR_PROBE_LINK_TARGET);
	struct inode *in;

	if (!n)
		return 0;
	if (!e || !e->ts) { /* not by a call we record: nfsd, overlayfs */
		n->filtered++;
		return 0;
	}
	in = BPF_CORE_READ(target, d_inode);
	if (in) {
		e->ino = BPF_CORE_READ(in, i_ino);
		e->dev = BPF_CORE_READ(in, i_sb, s_dev);
	}
	n->pending++;
	return 0;
}

SEC("fentry/vfs_link")
int BPF_PROG(link_target_fentry, struct dentry *target)
{
	return note_target(target);
}

SEC("kprobe/vfs_link")
int link_target_kprobe(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return note_target((struct dentry *)BPF_CORE_READ(regs, di));
#else
	return note_target((struct dentry *)BPF_CORE_READ(regs, regs[0]));
#endif
}
