/* SPDX-License-Identifier: GPL-2.0-only */
/* fs_record.bpf.h - an in-flight entry and a result become a record. */
#ifndef FS_RECORD_BPF_H
#define FS_RECORD_BPF_H

#include "fs_entry.bpf.h"

/* In place of a record's sequence number: the file is of a kind left out. */
#define PUT_FILTERED (~0ULL)

static __always_inline u32 fd_or_none(struct fr_inflight *e, u32 number)
{
	return number ? (u32)arg(e, number) : ~0U;
}

/* What was asked for, in bytes; all ones: the call has no such thing. */
static __always_inline u64 asked_size(struct fr_inflight *e,
				      const volatile struct fr_call_info *ci)
{
	if (ci->props & FR_CP_IOVEC)
		return e->file_size;
	if (!ci->size || ci->props & FR_CP_LLSEEK)
		return ~0ULL;
	return arg(e, ci->size);
}

/* Do duration, size and result fit fs_io?  There a size of all ones is none:
 * one that a program really asked for goes to fs_wide. */
static __always_inline int fits_io(const volatile struct fr_call_info *ci,
				   u64 dur, u64 size, s64 ret)
{
	if (ci->cls != FR_CLS_IO || dur >= MAX_U32 || ret != (s32)ret)
		return 0;
	return size < MAX_U32 ||
	       (size == ~0ULL && (!ci->size || ci->props & FR_CP_IOVEC));
}

__noinline u64 put_wide(struct fr_inflight *e, s64 ret, u64 dur)
{
	struct record_buf *buf = scratch_of(FR_PROBE_FS_EXIT, 0);
	struct fr_fs_wide *r = (void *)buf;
	const volatile struct fr_call_info *ci;

	if (!buf || !e)
		return 0;
	ci = &fr_calls[e->call & (FR_CALLS_MAX - 1)];
	r->ts = e->ts;
	r->dur = dur;
	r->tid = e->tid;
	r->pid = e->pid;
	r->born = e->born;
	r->pkey = e->pkey;
	r->dev = e->dev;
	r->ino = e->ino;
	r->offset = e->offset;
	r->size = asked_size(e, ci);
	r->ret = ret;
	r->fd = fd_or_none(e, ci->fd);
	r->fd2 = fd_or_none(e, ci->fd2);
	r->flags = ci->flags ? arg(e, ci->flags) : ~0ULL;
	if (ci->addr && ci->mode) /* mmap: protection in the upper half */
		r->flags = (u32)r->flags | arg(e, ci->mode) << 32;
	r->address = ci->addr ? arg(e, ci->addr) : ~0ULL;
	r->file_size = ~0ULL;
	return ring_put(buf, sizeof(*r), FR_LANE_FS,
			TYPE_AUX(FR_T_fs_wide, e->call));
}

/* The file behind a descriptor that an open returned.  1: such are left out. */
__noinline int note_new_fd(struct fr_inflight *e, u32 fd)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct file *f = (void *)file_of_fd(0, t, fd);
	struct file_id id = {};
	struct inode *in;

	if (!f || !e)
		return 0;
	in = BPF_CORE_READ(f, f_inode);
	if (is_left_out(0, (u64)in))
		return 1;
	if (BPF_CORE_READ(f, f_flags) & FR_O_DIRECT)
		e->call |= FR_CALL_DIRECT;
	e->file_size = BPF_CORE_READ(in, i_size);
	if (file_identify(0, FR_PROBE_FS_EXIT,
			  (u64)BPF_CORE_READ(f, f_path.dentry),
			  (u64)BPF_CORE_READ(f, f_path.mnt), (u64)in, &id))
		return 0;
	e->ino = id.ino;
	e->dev = id.dev;
	e->pkey = id.pkey;
	return 0;
}

/* Only the device of that file.  1: such files are left out. */
static __always_inline int note_new_dev(struct fr_inflight *e, u32 fd)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct file *f = (void *)file_of_fd(0, t, fd);
	struct inode *in;

	if (!f)
		return 0;
	in = BPF_CORE_READ(f, f_inode);
	e->dev = BPF_CORE_READ(in, i_sb, s_dev);
	return is_left_out(0, (u64)in);
}

/* A renamed directory gives all files below it other paths.  Which of them are
 * named is not known here, so the names of all are written again, at most ten
 * times a second (files themselves need no epoch: their own name is in their
 * hash, and that of the folder they lie in). */
#define RENAME_EPOCH_NS 100000000ULL
__noinline int rename_epoch_next(u32 renamed)
{
	u32 zero = 0;
	struct fr_globals *g = bpf_map_lookup_elem(&globals, &zero);
	u64 now;

	if (!g || !(renamed || READ_ONCE(g->rename_pending)))
		return 0;
	now = bpf_ktime_get_ns();
	if (now - g->rename_bumped_ns < RENAME_EPOCH_NS) {
		g->rename_pending = 1; /* the next path call after that time */
		return 0;
	}
	g->rename_bumped_ns = now;
	g->rename_pending = 0;
	__sync_fetch_and_add(&g->rename_epoch, 1);
	return 0;
}

__noinline u64 put_path(struct fr_inflight *e, s64 ret, u64 dur)
{
	struct record_buf *buf = scratch_of(FR_PROBE_FS_EXIT, 0);
	struct fr_fs_path *r = (void *)buf;
	const volatile struct fr_call_info *ci;
	u64 flags = ~0ULL;
	u32 props;

	if (!buf || !e)
		return 0;
	ci = &fr_calls[e->call & (FR_CALLS_MAX - 1)];
	props = ci->props;
	if ((props & FR_CP_NEWFD) && ret >= 0 && note_new_fd(e, (u32)ret))
		return PUT_FILTERED;
	if (ci->flags)
		flags = arg(e, ci->flags);
	r->mode = ci->mode ? (u16)arg(e, ci->mode) : 0xffff;
	if (props & FR_CP_OPENHOW) {
		flags = e->args[6];
		r->mode = (u16)e->args[7];
	}
	if (props & FR_CP_CREAT)
		flags = 01101; /* O_CREAT | O_WRONLY | O_TRUNC */
	r->ts = e->ts;
	r->dur = dur;
	r->tid = e->tid;
	r->pid = e->pid;
	r->born = e->born;
	r->pkey = e->pkey;
	r->dev = e->dev;
	r->ino = e->ino;
	r->asked = e->asked ?: ~0ULL;
	r->dir_ino = e->dir_ino;
	r->dir_dev = e->dir_dev;
	r->dir_pkey = e->dir_pkey;
	r->flags = flags;
	r->file_size = ci->offset ? e->offset : e->file_size;
	r->fd = (props & FR_CP_NEWFD) ? (ret >= 0 ? (s32)ret : -1) :
					(s32)fd_or_none(e, ci->dirfd);
	r->ret = (s32)ret;
	return ring_put(buf, sizeof(*r), FR_LANE_FS,
			TYPE_AUX(FR_T_fs_path, e->call));
}

__noinline u64 put_path2(struct fr_inflight *e, s64 ret, u64 dur)
{
	struct record_buf *buf = scratch_of(FR_PROBE_FS_EXIT, 0);
	struct fr_fs_path2 *r = (void *)buf;
	const volatile struct fr_call_info *ci;

	if (!buf || !e)
		return 0;
	ci = &fr_calls[e->call & (FR_CALLS_MAX - 1)];
	r->ts = e->ts;
	r->dur = dur;
	r->tid = e->tid;
	r->pid = e->pid;
	r->born = e->born;
	r->mode = 0xffff;
	r->ret = (s32)ret;
	r->asked = e->asked ?: ~0ULL;
	r->dir_ino = e->dir_ino;
	r->asked2 = e->asked2 ?: ~0ULL;
	r->dir2_ino = e->dir2_ino;
	r->dir_dev = e->dir_dev;
	r->dir2_dev = e->dir2_dev;
	r->dir_pkey = e->dir_pkey;
	r->dir2_pkey = e->dir2_pkey;
	r->dev = e->dev;
	r->ino = e->ino;
	r->flags = ci->flags ? arg(e, ci->flags) : ~0ULL;
	return ring_put(buf, sizeof(*r), FR_LANE_FS,
			TYPE_AUX(FR_T_fs_path2, e->call));
}

__noinline u64 put_path_call(struct fr_inflight *e, s64 ret, u64 dur)
{
	const volatile struct fr_call_info *ci;
	struct fr_probe_counts *n = counts_of(FR_PROBE_FS_EXIT);

	if (!e || !n)
		return 0;
	ci = &fr_calls[e->call & (FR_CALLS_MAX - 1)];
	if (!e->asked || (ci->path2 && !e->asked2)) {
		if (note_paths(FR_PROBE_FS_EXIT, e))
			return PUT_FILTERED;
		if (!e->asked || (ci->path2 && !e->asked2))
			n->unreadable++;
	}
	rename_epoch_next((ci->props & FR_CP_RENAMES) && !ret);
	if (ci->cls == FR_CLS_PATH2)
		return put_path2(e, ret, dur);
	return put_path(e, ret, dur);
}

/* The hot case: one slot, filled in place. */
static __always_inline u64 put_io(struct fr_inflight *e,
				  const volatile struct fr_call_info *ci,
				  s64 ret, u32 dur, u64 size)
{
	struct fr_fs_io *r;
	struct place p;

	if (ring_reserve(FR_LANE_FS, 1, &p))
		return 0;
	r = place_slot(&p, 0);
	r->ts = e->ts;
	r->dur = dur;
	r->tid = e->tid;
	r->pid = e->pid;
	r->born = e->born;
	r->pkey = e->pkey;
	r->ino = e->ino;
	r->dev = e->dev;
	r->fd = fd_or_none(e, ci->fd);
	r->offset = e->offset;
	r->size = (u32)size;
	r->ret = (s32)ret;
	ring_commit(&p, &r->head, FR_T_fs_io, e->call, 1, FR_LANE_FS);
	return FR_HEAD_SEQ(
		FR_HEAD(FR_POS_ORDINAL(p.pos), FR_POS_OFF(p.pos), 0, 0));
}

#endif
