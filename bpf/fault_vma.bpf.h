/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fault_vma.bpf.h - the mapping that an address of the current process lies in.
 *
 * For programs that run at the end of a page fault and are not told.  The kernel
 * holds the mapping then: by the lock of the process's mappings, or from 6.4 on by
 * the mapping's own.  So we take no lock; where we read is the kernel's affair: the
 * tree of mappings from 6.1 on, before that the cache of the thread, which has the
 * mapping because the fault has just looked it up.  What was read is believed only
 * if it is a mapping of this process around this address.
 */
#ifndef FAULT_VMA_BPF_H
#define FAULT_VMA_BPF_H

#include "kind.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)
struct inode___fault {
	unsigned int i_flags;
};
struct file___fault {
	unsigned int f_mode;
};
struct vfsmount___fault {
	struct super_block *mnt_sb;
};
struct dentry___fault {
	struct super_block *d_sb;
};
/* from 6.5 on; with user_path from 6.7 on */
struct backing_file___fault {
	struct path user_path;
};
struct vm_area_struct___fault {
	unsigned long vm_start, vm_end;
	struct mm_struct *vm_mm;
	void *vm_ops;
	unsigned long vm_pgoff;
	struct file *vm_file;
};
struct maple_tree___fault {
	void *ma_root;
};
struct maple_range_64___fault {
	unsigned long pivot[15];
	void *slot[16];
};
struct maple_arange_64___fault {
	unsigned long pivot[9];
	void *slot[10];
};
/* from 6.1 on */
struct mm_struct___tree {
	struct maple_tree___fault mm_mt;
};
/* With locks per mapping, from 6.4 on: counts changes of the mappings. */
struct mm_struct___count {
	int mm_lock_seq;
};
struct seqcount___fault {
	unsigned int sequence;
};
/* from 6.13 on; odd: a change is under way */
struct mm_struct___seqcount {
	struct seqcount___fault mm_lock_seq;
};
/* until 6.0 */
struct vmacache___fault {
	void *vmas[4];
};
struct task_struct___fault {
	struct vmacache___fault vmacache;
	u64 self_exec_id;
};
#pragma clang attribute pop

enum maple_type { /* their numbers are the kernel's */
	maple_leaf_64 = 1,
	maple_arange_64 = 3,
};

#define MAPLE_NODE_BYTES 256
#define MAPLE_NODE_WORDS (MAPLE_NODE_BYTES / 8)
#define TREE_DEPTH_MAX   8
#define FR_S_PRIVATE     512 /* i_flags: nobody can open it */
#define FR_FMODE_BACKING \
	(1 << 25 | 1 << 24) /* 24: from 6.14 on; then 25 is another */

/* The word at ${at} of the node in buf. */
static __always_inline u64 node_word(struct record_buf *buf, u32 at)
{
	return buf->w[at & (MAPLE_NODE_WORDS - 1)];
}

/* Which of the ${pivots} ranges of the node in buf the address lies in. */
static __always_inline u32 node_range(struct record_buf *buf, u32 first,
				      u32 pivots, u64 address)
{
	u32 i;

	for (i = 0; i < MAPLE_NODE_WORDS; i++) {
		u64 last;

		if (i >= pivots)
			break;
		last = node_word(buf, first + i);
		/* the last range in use ends where its parent's does: 0 */
		if (last >= address || (i && !last))
			break;
	}
	return i;
}

#define WORD_OF(type, member) (bpf_core_field_offset(type, member) / 8)

static __always_inline u64 vma_in_tree(struct record_buf *buf, u64 entry,
				       u64 address)
{
	if ((entry & 3) != 2) /* no node: the only mapping, or none */
		return entry;
	for (int depth = 0; depth < TREE_DEPTH_MAX; depth++) {
		u32 type = entry >> 3 & 15, pivot, slot;

		if (bpf_probe_read_kernel(buf, MAPLE_NODE_BYTES,
					  (void *)(entry &
						   ~(MAPLE_NODE_BYTES - 1ULL))))
			return 0;
		if (type ==
		    bpf_core_enum_value(enum maple_type, maple_arange_64)) {
			pivot = WORD_OF(struct maple_arange_64___fault, pivot);
			slot = WORD_OF(struct maple_arange_64___fault, slot);
		} else {
			pivot = WORD_OF(struct maple_range_64___fault, pivot);
			slot = WORD_OF(struct maple_range_64___fault, slot);
		}
		entry = node_word(buf,
				  slot + node_range(buf, pivot, slot - pivot,
						    address));
		if (type == bpf_core_enum_value(enum maple_type, maple_leaf_64))
			return entry;
	}
	return 0;
}

static __always_inline int vma_has(const int cast, u64 vma, u64 mm, u64 address)
{
	struct vm_area_struct___fault *v =
		KPTR(cast, struct vm_area_struct___fault, vma);

	return vma > 4096 && KREAD(cast, v, vm_start) <= address &&
	       address < KREAD(cast, v, vm_end) &&
	       (u64)KREAD(cast, v, vm_mm) == mm;
}

static __always_inline u64 vma_in_cache(struct task_struct___fault *t, u64 mm,
					u64 address)
{
	u64 vmas[4] = {};

	bpf_probe_read_kernel(vmas, sizeof(vmas), &t->vmacache.vmas);
	for (int i = 0; i < 4; i++)
		if (vma_has(0, vmas[i], mm, address))
			return vmas[i];
	return 0;
}

/* The mapping of the current process at ${address}, 0 if it was not found. */
static __always_inline u64 fault_vma(const int cast, u32 probe, u64 address)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct mm_struct___tree *mm = (void *)t->mm;
	struct record_buf *buf = scratch_of(probe, 1);
	u64 vma;

	if (!mm || !buf)
		return 0;
	if (!bpf_core_field_exists(mm->mm_mt))
		return vma_in_cache((void *)t, (u64)mm, address);
	for (int i = 0; i < 2; i++) { /* the tree may change meanwhile */
		vma = vma_in_tree(buf, (u64)BPF_CORE_READ(mm, mm_mt.ma_root),
				  address);
		if (vma_has(cast, vma, (u64)mm, address))
			return vma;
	}
	return 0;
}

/*
 * A number that changes with each change of the thread's mappings, and differs
 * between threads; 0: this kernel has none, or a change is under way.
 */
static __always_inline u64 mappings_version(struct task_struct *t)
{
	struct mm_struct___count *count = (void *)t->mm;
	struct mm_struct___seqcount *seq = (void *)t->mm;
	u32 version;

	if (!count)
		return 0;
	if (bpf_core_field_exists(seq->mm_lock_seq.sequence)) {
		version = seq->mm_lock_seq.sequence;
		if (version & 1)
			return 0;
	} else if (bpf_core_field_exists(count->mm_lock_seq)) {
		version = (u32)count->mm_lock_seq;
	} else {
		return 0;
	}
	/* a thread changes its mappings for others by exec only */
	return mix64(t->start_boottime ^
			     ((struct task_struct___fault *)t)->self_exec_id
				     << 48,
		     version) |
	       1;
}

/* The file of a mapping, 0 if it has none: then it is the program's own memory.
 * So is what is shared without a file that could be opened (MAP_ANONYMOUS, SysV). */
static __always_inline u64 vma_file(const int cast, u64 vma)
{
	struct vm_area_struct___fault *v =
		KPTR(cast, struct vm_area_struct___fault, vma);
	u64 file = (u64)KREAD(cast, v, vm_file);
	struct inode___fault *in;
	struct file *f;

	/* private mappings of /dev/zero keep the file, but not what it does */
	if (!file || !KREAD(cast, v, vm_ops))
		return 0;
	f = KPTR(cast, struct file, file);
	in = KPTR(cast, struct inode___fault, (u64)KREAD(cast, f, f_inode));
	if (!in || KREAD(cast, in, i_flags) & FR_S_PRIVATE)
		return 0;
	return file;
}

/* Is the mapping's file, or what the thread does, left out? */
static __always_inline int fault_left_out(const int cast, u64 file)
{
	struct file *f = KPTR(cast, struct file, file);

	if (!task_in_scope(bpf_get_current_task_btf()))
		return 1;
	return fr_cfg.leave_out &&
	       is_left_out(cast, (u64)KREAD(cast, f, f_inode));
}

/* The byte of the file at ${address}. */
static __always_inline u64 vma_offset(const int cast, u64 vma, u64 address)
{
	struct vm_area_struct___fault *v =
		KPTR(cast, struct vm_area_struct___fault, vma);

	return ((u64)KREAD(cast, v, vm_pgoff) << fr_cfg.page_shift) + address -
	       KREAD(cast, v, vm_start);
}

/* Each branch loads on its own: the verifier takes no load that is of one kind of
 * pointer here and of another there. */
#define LOADED(v) asm volatile("" : "+r"(v))

/* Below overlayfs a mapping is of another file than the program opened, which is
 * noted beside it.  1: so it is here. */
static __always_inline int vma_user_path(const int cast, u64 file, u64 *ret_mnt,
					 u64 *ret_dentry)
{
	struct file___fault *f = KPTR(cast, struct file___fault, file);
	struct backing_file___fault *backing = (void *)file;
	struct vfsmount___fault *mnt;
	struct dentry___fault *dentry;
	struct super_block *sb;

	if (!bpf_core_field_exists(backing->user_path) ||
	    !(KREAD(cast, f, f_mode) & FR_FMODE_BACKING))
		return 0;
	mnt = (void *)BPF_CORE_READ(backing, user_path.mnt);
	dentry = (void *)BPF_CORE_READ(backing, user_path.dentry);
	sb = BPF_CORE_READ(mnt, mnt_sb);
	/* the bit may mean something else: then this is no path */
	if (!sb || sb != BPF_CORE_READ(dentry, d_sb))
		return 0;
	*ret_mnt = (u64)mnt;
	*ret_dentry = (u64)dentry;
	LOADED(*ret_mnt);
	LOADED(*ret_dentry);
	return 1;
}

static __always_inline int vma_identify(const int cast, u32 probe, u64 file,
					struct file_id *ret)
{
	struct file *f = KPTR(cast, struct file, file);
	u64 mnt = 0, dentry = 0;
	struct vfsmount *m;
	struct dentry *d;

	if (!vma_user_path(cast, file, &mnt, &dentry)) {
		mnt = (u64)KREAD(cast, f, f_path.mnt);
		LOADED(mnt);
		dentry = (u64)KREAD(cast, f, f_path.dentry);
		LOADED(dentry);
	}
	m = KPTR(cast, struct vfsmount, mnt);
	d = KPTR(cast, struct dentry, dentry);
	if (!d)
		return -1;
	return file_identify(cast, probe, (u64)d, (u64)m,
			     (u64)KREAD(cast, d, d_inode), ret);
}

#endif
