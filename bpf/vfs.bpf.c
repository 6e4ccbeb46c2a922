// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfs.bpf.c - file operations below system calls: what the kernel itself does
 * with files, for nfsd, io_uring, exec, loop devices, core dumps, overlayfs.
 *
 * Part of the fs stream: the thread's in-flight entry is taken as for a system
 * call.  Where it is taken already, by a recorded system call or by an operation
 * around this one, the operation is part of that and is counted as filtered.  So
 * everything is recorded once, as the outermost of its kind.
 *
 * vfs_read and vfs_write are not here: they take a program's memory, so only
 * system calls call them.
 *
 * An entry and its exit belong together by the place of the function's frame on
 * the kernel's stack.  An entry whose exit was missed (kretprobes run out) is
 * given up at the next operation that begins no deeper.
 */
/* Two programs for each function: what the kernel has to check of each is kept
 * short. */
#define RING_TRIES     8
#define PATH_DEPTH_MAX 32
#include "fs_entry.bpf.h"
#include "fs_record.bpf.h"
#include "hist.bpf.h"
#define LIMIT_PATHS
#include "limit.bpf.h"
#include "policy.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)
struct kiocb___vfs {
	struct file *ki_filp;
	s64 ki_pos;
	int ki_flags;
};
struct iov_iter___vfs {
	u8 data_source;
	unsigned long count;
};
struct renamedata___vfs {
	struct dentry *old_dentry;
};
struct iattr___vfs {
	unsigned int ia_valid;
	s64 ia_size;
};
struct delegated_inode___vfs {
	struct inode *di_inode;
};
#pragma clang attribute pop

#define IOCB_DIRECT (1 << 17)
#define ATTR_SIZE   (1 << 3)

/* ids of calls.def */
enum vfs_call {
	VFS_GETATTR = 217,
	VFS_COPY,
	VFS_ITER_READ = 220,
	VFS_ITER_WRITE,
	VFS_KERNEL_READ,
	VFS_KERNEL_WRITE,
	VFS_FILEMAP_READ,
	VFS_PERFORM_WRITE,
	VFS_DIO_READ,
	VFS_DIO_WRITE,
	VFS_SPLICE_READ,
	VFS_FSYNC,
	VFS_OPEN,
	VFS_CREATE,
	VFS_UNLINK,
	VFS_RMDIR,
	VFS_MKDIR,
	VFS_RENAME,
	VFS_SETATTR,
	VFS_TRUNCATE,
	VFS_FALLOCATE,
	VFS_READDIR,
	VFS_END
};

/* What the arguments are. */
enum vfs_shape {
	ARGS_FILE,          /* file */
	ARGS_FILE_ITER_POS, /* file, iov_iter, loff_t * */
	ARGS_FILE_IOCB,     /* file, kiocb, iov_iter */
	ARGS_FILE_BUF_POS,  /* file, buffer, size, loff_t * */
	ARGS_IOCB,          /* kiocb, iov_iter */
	ARGS_SPLICE,        /* file, loff_t *, pipe, size */
	ARGS_FSYNC,         /* file, datasync */
	ARGS_FSYNC_RANGE,   /* file, start, end, datasync */
	ARGS_PATH_FILE,     /* path, file */
	ARGS_PATH,          /* path */
	ARGS_DIR_DENTRY,    /* idmap, directory, dentry */
	ARGS_CREATE,        /* the same; since 6.19 idmap, dentry */
	ARGS_RENAME,        /* struct renamedata */
	ARGS_ATTR,          /* idmap, dentry, iattr */
	ARGS_FALLOCATE,     /* file, mode, offset, length */
	ARGS_COPY, /* file, offset, file, offset (length is the fifth) */
};

/* What is returned. */
enum vfs_result {
	RESULT_LONG,
	RESULT_INT,
	RESULT_MKDIR, /* int, since 6.15 a dentry or ERR_PTR */
};

/* In e->args while an operation is in flight */
#define ARG_DENTRY VFS_ARG_DENTRY
#define ARG_MNT    VFS_ARG_MNT /* 0: not known */
#define ARG_SIZE   2
#define ARG_FLAGS  3
#define ARG_PROBE  5 /* which one noted it */
#define ARG_AT     6 /* its frame */
#define ARG_SPARE  7

#define NO_CALL 0xff /* the exit of no system call is ours */

static __always_inline int is_vfs(struct fr_inflight *e)
{
	u32 id = FR_CALL_ID(e->call);

	return id >= VFS_GETATTR && id < VFS_END;
}

/* A number made of a pointer to the context: in memory it is only that. */
static __always_inline u64 frame_of(struct fr_inflight *e, u64 at)
{
	WRITE_ONCE(e->args[ARG_SPARE], at);
	return READ_ONCE(e->args[ARG_SPARE]);
}

/* Is the thread in an operation already, a recorded one or one left out? */
static __always_inline int is_inside(struct fr_inflight *e, u64 at)
{
	if (e->left_out)
		return 1;
	if (!e->ts)
		return 0;
	return !is_vfs(e) || frame_of(e, at) < e->args[ARG_AT];
}

static __always_inline struct fr_inflight *vfs_take(u32 probe, u64 at)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct fr_probe_counts *n = counts_of(probe);
	struct fr_inflight *e;

	if (!n)
		return 0;
	e = inflight_take(t->pid, (u64)t, probe);
	if (!e) {
		n->lost++;
		return 0;
	}
	if (e->task == (u64)t && is_inside(e, at)) {
		n->filtered++;
		return 0;
	}
	if (!entry_is_current(e, t))
		entry_describe(e, probe);
	if (!e->in_scope) {
		n->filtered++;
		return 0;
	}
	e->ts = 0;
	return e;
}

/* ---- entry ---------------------------------------------------------------- */
/* What is known of an operation when it begins. */
struct vfs_op {
	u64 file, path, dentry, mnt, inode;
	u64 offset, size, flags;
};

static __always_inline u64 number_at(u64 ptr)
{
	u64 v = ~0ULL;

	if (ptr)
		bpf_probe_read_kernel(&v, sizeof(v), (void *)ptr);
	return v;
}

static __always_inline void note_iter(struct vfs_op *op, u64 iter)
{
	struct iov_iter___vfs *it = (void *)iter;

	op->size = BPF_CORE_READ(it, count);
}

static __always_inline void note_iocb(struct fr_inflight *e, struct vfs_op *op,
				      u64 iocb, u64 iter)
{
	struct iov_iter___vfs *it = (void *)iter;
	struct kiocb___vfs *k = (void *)iocb;

	op->file = (u64)BPF_CORE_READ(k, ki_filp);
	op->offset = BPF_CORE_READ(k, ki_pos);
	note_iter(op, iter);
	e->direct = (BPF_CORE_READ(k, ki_flags) & IOCB_DIRECT) != 0;
	/* one function for both directions */
	if (e->call == VFS_DIO_READ && BPF_CORE_READ(it, data_source) & 1)
		e->call = VFS_DIO_WRITE;
}

static __always_inline void note_data(struct fr_inflight *e, struct vfs_op *op,
				      u32 shape)
{
	const u64 *a = e->args;

	op->file = a[0];
	switch (shape) {
	case ARGS_FILE_ITER_POS:
		note_iter(op, a[1]);
		op->offset = number_at(a[2]);
		break;
	case ARGS_FILE_IOCB:
		note_iocb(e, op, a[1], a[2]);
		break;
	case ARGS_FILE_BUF_POS:
		op->size = a[2];
		op->offset = number_at(a[3]);
		break;
	case ARGS_IOCB:
		note_iocb(e, op, a[0], a[1]);
		break;
	case ARGS_SPLICE:
		op->size = a[3];
		op->offset = number_at(a[1]);
		break;
	case ARGS_FALLOCATE:
		op->flags = (u32)a[1];
		op->offset = a[2];
		op->size = a[3];
		break;
	case ARGS_COPY:
		op->offset = a[1];
		op->size = a[4];
		break;
	case ARGS_FSYNC:
		op->flags = (u32)a[1];
		break;
	case ARGS_FSYNC_RANGE:
		op->flags = (u32)a[3];
		break;
	}
}

static __always_inline void note_name(struct fr_inflight *e, struct vfs_op *op,
				      u32 shape)
{
	const u64 *a = e->args;
	struct renamedata___vfs *rename;
	struct iattr___vfs *attr;
	struct file *f;

	switch (shape) {
	case ARGS_PATH_FILE:
		f = (void *)a[1];
		op->flags = BPF_CORE_READ(f, f_flags);
		op->path = a[0];
		break;
	case ARGS_PATH:
		op->path = a[0];
		break;
	case ARGS_DIR_DENTRY:
		op->dentry = a[2];
		break;
	case ARGS_CREATE:
		op->dentry =
			bpf_core_type_exists(struct delegated_inode___vfs) ?
				a[1] :
				a[2];
		break;
	case ARGS_RENAME:
		rename = (void *)a[0];
		op->dentry = (u64)BPF_CORE_READ(rename, old_dentry);
		break;
	case ARGS_ATTR:
		op->dentry = a[1];
		attr = (void *)a[2];
		op->flags = BPF_CORE_READ(attr, ia_valid);
		if (op->flags & ATTR_SIZE) {
			e->call = VFS_TRUNCATE;
			op->offset = BPF_CORE_READ(attr, ia_size);
		}
		break;
	}
}

/* Where the file is, from what the arguments were. */
static __always_inline void note_place(struct fr_inflight *e, struct vfs_op *op)
{
	struct file *f = (void *)op->file;
	struct path *path = (void *)op->path;
	struct dentry *d;

	if (f) {
		op->dentry = (u64)BPF_CORE_READ(f, f_path.dentry);
		op->mnt = (u64)BPF_CORE_READ(f, f_path.mnt);
		op->inode = (u64)BPF_CORE_READ(f, f_inode);
		if (BPF_CORE_READ(f, f_flags) & FR_O_DIRECT)
			e->direct = 1;
		return;
	}
	if (path) {
		op->dentry = (u64)BPF_CORE_READ(path, dentry);
		op->mnt = (u64)BPF_CORE_READ(path, mnt);
	}
	d = (void *)op->dentry;
	op->inode = (u64)BPF_CORE_READ(d, d_inode);
}

/* Turns the arguments in e->args into what the record needs. */
__noinline int vfs_note(struct fr_inflight *e, u32 probe, u32 shape)
{
	struct fr_probe_counts *n = counts_of(probe);
	struct vfs_op op = { .offset = ~0ULL, .size = ~0ULL, .flags = ~0ULL };
	struct file_id id = {};

	if (!e || !n)
		return 0;
	e->stream = FR_STREAM_FS;
	e->direct = 0;
	e->ino = ~0ULL;
	e->dev = ~0U;
	e->pkey = 0xffff;
	if (shape >= ARGS_PATH_FILE && shape <= ARGS_ATTR)
		note_name(e, &op, shape);
	else
		note_data(e, &op, shape);
	note_place(e, &op);
	if (is_left_out(0, op.inode)) {
		n->filtered++;
		return 0;
	}
	if (!file_identify(0, probe, op.dentry, op.mnt, op.inode, &id)) {
		e->ino = id.ino;
		e->dev = id.dev;
		e->pkey = id.pkey;
	}
	e->offset = op.offset;
	e->args[ARG_DENTRY] = op.dentry;
	e->args[ARG_MNT] = op.mnt;
	e->args[ARG_SIZE] = op.size;
	e->args[ARG_FLAGS] = op.flags;
	n->pending++;
	barrier();
	WRITE_ONCE(e->ts, bpf_ktime_get_ns());
	return 0;
}

static __always_inline int in_fentry(u64 *ctx, u32 probe, u32 call, u32 nr,
				     u32 shape)
{
	struct fr_inflight *e = vfs_take(probe, (u64)ctx);

	if (!e)
		return 0;
	for (u32 i = 0; i < nr; i++)
		bpf_get_func_arg(ctx, i, &e->args[i]);
	e->call = call;
	e->entered = NO_CALL;
	e->args[ARG_PROBE] = probe;
	e->args[ARG_AT] = (u64)ctx;
	return vfs_note(e, probe, shape);
}

static __always_inline int in_kprobe(struct pt_regs *regs, u32 probe, u32 call,
				     u32 shape)
{
	u64 at = BPF_CORE_READ(regs, sp);
	struct fr_inflight *e = vfs_take(probe, at);

	if (!e)
		return 0;
#if defined(__TARGET_ARCH_x86)
	e->args[0] = BPF_CORE_READ(regs, di);
	e->args[1] = BPF_CORE_READ(regs, si);
	e->args[2] = BPF_CORE_READ(regs, dx);
	e->args[3] = BPF_CORE_READ(regs, cx);
	e->args[4] = BPF_CORE_READ(regs, r8);
#else
	for (u32 i = 0; i < 5; i++)
		e->args[i] = BPF_CORE_READ(regs, regs[i]);
#endif
	e->call = call;
	e->entered = NO_CALL;
	e->args[ARG_PROBE] = probe;
	e->args[ARG_AT] = at;
	return vfs_note(e, probe, shape);
}

/* ---- exit ------------------------------------------------------------------- */
static __always_inline s64 result_of(u64 raw, u32 result)
{
	if (result == RESULT_INT)
		return (s32)raw;
	if (result == RESULT_MKDIR) /* a pointer that is no error: done */
		return raw >> 32 && raw >> 32 != MAX_U32 ? 0 : (s32)raw;
	return (s64)raw;
}

static __always_inline u64 put_vfs(struct fr_inflight *e, u32 probe, s64 ret,
				   u64 dur, u32 weight)
{
	struct record_buf *buf = scratch_of(probe, 0);
	struct fr_fs_wide *r = (void *)buf;

	if (!buf)
		return 0;
	r->ts = e->ts;
	r->dur = dur;
	r->tid = e->tid;
	r->pid = e->pid;
	r->born = e->born;
	r->pkey = e->pkey;
	r->dev = e->dev;
	r->ino = e->ino;
	r->offset = e->offset;
	r->size = e->args[ARG_SIZE];
	r->ret = ret;
	r->fd = r->fd2 = -1;
	r->flags = e->args[ARG_FLAGS];
	r->address = ~0ULL;
	r->file_size = ~0ULL;
	return ring_put(buf, sizeof(*r), FR_LANE_FS,
			TYPE_AUX(FR_T_fs_wide,
				 e->call | policy_aux(weight) |
					 (e->direct ? FR_CALL_DIRECT : 0)));
}

/* What was made just now: its number (whoever uses it next tells its name). */
static __always_inline void note_made(struct fr_inflight *e)
{
	struct dentry *d = (void *)e->args[ARG_DENTRY];
	struct inode *in = d ? BPF_CORE_READ(d, d_inode) : 0;

	if (!in)
		return;
	e->ino = BPF_CORE_READ(in, i_ino);
	e->dev = BPF_CORE_READ(in, i_sb, s_dev);
}

/* The end of the operation that is noted in e. */
__noinline int vfs_end(struct fr_inflight *e, u32 probe, s64 ret)
{
	struct fr_probe_counts *n = counts_of(probe);
	u32 zero = 0, wanted, weight;
	struct fr_limits *l = bpf_map_lookup_elem(&limits, &zero);
	u64 dur, seq;

	asm volatile("" ::"r"(ret));
	if (!e || !n || !l)
		return 0;
	dur = bpf_ktime_get_ns() - e->ts;
	if (e->ino == ~0ULL && !ret)
		note_made(e);
	if (e->call == VFS_RENAME)
		rename_epoch_next(!ret);
	hist_add(e->call & (FR_KEYS - 1), FR_STREAM_FS, e->dev,
		 hist_cgroup(bpf_get_current_task_btf()), dur);
	wanted =
		exit_wanted(l, FR_STREAM_FS, e->call & (FR_KEYS - 1), dur, ret);
	if (wanted & WANTED_COUNT)
		exit_event(e, probe, dur, SEQ_COUNT, ret);
	weight = policy_weight(FR_STREAM_FS, dur);
	if (!weight && !(wanted & WANTED_OVER)) {
		n->filtered++;
		e->ts = 0;
		return 0;
	}
	seq = put_vfs(e, probe, ret, dur, weight);
	if (seq)
		n->records++;
	else
		n->lost++;
	if (wanted & WANTED_OVER)
		exit_event(e, probe, dur, seq, ret);
	e->ts = 0;
	return 0;
}

/* Frames of one function are further apart than what is pushed at its entry. */
#define FRAME_SLACK 64

static __always_inline int vfs_out(u64 at, u32 probe, u32 in, u64 raw,
				   u32 result)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct fr_probe_counts *n = counts_of(probe);
	struct fr_inflight *e;

	if (!n)
		return 0;
	e = inflight_find(t->pid, (u64)t);
	if (!e || (!e->ts && e->in_scope && !e->left_out)) {
		/* filtered when it began: the file is of a kind left out */
		if (fr_cfg.leave_out)
			n->filtered++;
		else
			n->unmatched++;
		return 0;
	}
	if (!e->ts || !is_vfs(e) || e->args[ARG_PROBE] != in ||
	    frame_of(e, at) - e->args[ARG_AT] > FRAME_SLACK) {
		n->filtered++;
		return 0;
	}
	return vfs_end(e, probe, result_of(raw, result));
}

static __always_inline int out_fexit(u64 *ctx, u32 probe, u32 in, u32 result)
{
	u64 raw = 0;

	bpf_get_func_ret(ctx, &raw);
	return vfs_out((u64)ctx, probe, in, raw, result);
}

static __always_inline int out_kretprobe(struct pt_regs *regs, u32 probe,
					 u32 in, u32 result)
{
#if defined(__TARGET_ARCH_x86)
	u64 raw = BPF_CORE_READ(regs, ax);
#else
	u64 raw = BPF_CORE_READ(regs, regs[0]);
#endif
	return vfs_out(BPF_CORE_READ(regs, sp), probe, in, raw, result);
}

/* ---- the programs ----------------------------------------------------------- */
/* nr: how many arguments are looked at, five at most */
#define VFS_IN(fentry, kprobe, ID, call, fn, nr, shape)                        \
	SEC("fentry/" #fn)                                                     \
	int fentry(u64 *ctx)                                                   \
	{                                                                      \
		return in_fentry(ctx, FR_PROBE_VFS_##ID##IN, call, nr, shape); \
	}                                                                      \
	SEC("kprobe/" #fn)                                                     \
	int kprobe(struct pt_regs *regs)                                       \
	{                                                                      \
		return in_kprobe(regs, FR_PROBE_VFS_##ID##IN, call, shape);    \
	}
#define VFS_OUT(fexit, kretprobe, ID, fn, result)                    \
	SEC("fexit/" #fn)                                            \
	int fexit(u64 *ctx)                                          \
	{                                                            \
		return out_fexit(ctx, FR_PROBE_VFS_##ID##OUT,        \
				 FR_PROBE_VFS_##ID##IN, result);     \
	}                                                            \
	SEC("kretprobe/" #fn)                                        \
	int kretprobe(struct pt_regs *regs)                          \
	{                                                            \
		return out_kretprobe(regs, FR_PROBE_VFS_##ID##OUT,   \
				     FR_PROBE_VFS_##ID##IN, result); \
	}

/* clang-format off */
VFS_IN(vfs_iterreadin_fentry, vfs_iterreadin_kprobe, ITERREAD, VFS_ITER_READ, vfs_iter_read, 3, ARGS_FILE_ITER_POS)
VFS_OUT(vfs_iterreadout_fexit, vfs_iterreadout_kretprobe, ITERREAD, vfs_iter_read, RESULT_LONG)
VFS_IN(vfs_iterwritein_fentry, vfs_iterwritein_kprobe, ITERWRITE, VFS_ITER_WRITE, vfs_iter_write, 3, ARGS_FILE_ITER_POS)
VFS_OUT(vfs_iterwriteout_fexit, vfs_iterwriteout_kretprobe, ITERWRITE, vfs_iter_write, RESULT_LONG)
VFS_IN(vfs_iocbreadin_fentry, vfs_iocbreadin_kprobe, IOCBREAD, VFS_ITER_READ, vfs_iocb_iter_read, 3, ARGS_FILE_IOCB)
VFS_OUT(vfs_iocbreadout_fexit, vfs_iocbreadout_kretprobe, IOCBREAD, vfs_iocb_iter_read, RESULT_LONG)
VFS_IN(vfs_iocbwritein_fentry, vfs_iocbwritein_kprobe, IOCBWRITE, VFS_ITER_WRITE, vfs_iocb_iter_write, 3, ARGS_FILE_IOCB)
VFS_OUT(vfs_iocbwriteout_fexit, vfs_iocbwriteout_kretprobe, IOCBWRITE, vfs_iocb_iter_write, RESULT_LONG)
VFS_IN(vfs_kreadin_fentry, vfs_kreadin_kprobe, KREAD, VFS_KERNEL_READ, __kernel_read, 4, ARGS_FILE_BUF_POS)
VFS_OUT(vfs_kreadout_fexit, vfs_kreadout_kretprobe, KREAD, __kernel_read, RESULT_LONG)
VFS_IN(vfs_kwritein_fentry, vfs_kwritein_kprobe, KWRITE, VFS_KERNEL_WRITE, __kernel_write, 4, ARGS_FILE_BUF_POS)
VFS_OUT(vfs_kwriteout_fexit, vfs_kwriteout_kretprobe, KWRITE, __kernel_write, RESULT_LONG)
VFS_IN(vfs_kwriteiterin_fentry, vfs_kwriteiterin_kprobe, KWRITEITER, VFS_KERNEL_WRITE, __kernel_write_iter, 3, ARGS_FILE_ITER_POS)
VFS_OUT(vfs_kwriteiterout_fexit, vfs_kwriteiterout_kretprobe, KWRITEITER, __kernel_write_iter, RESULT_LONG)
VFS_IN(vfs_mapreadin_fentry, vfs_mapreadin_kprobe, MAPREAD, VFS_FILEMAP_READ, filemap_read, 2, ARGS_IOCB)
VFS_OUT(vfs_mapreadout_fexit, vfs_mapreadout_kretprobe, MAPREAD, filemap_read, RESULT_LONG)
VFS_IN(vfs_shmemreadin_fentry, vfs_shmemreadin_kprobe, SHMEMREAD, VFS_FILEMAP_READ, shmem_file_read_iter, 2, ARGS_IOCB)
VFS_OUT(vfs_shmemreadout_fexit, vfs_shmemreadout_kretprobe, SHMEMREAD, shmem_file_read_iter, RESULT_LONG)
VFS_IN(vfs_mapwritein_fentry, vfs_mapwritein_kprobe, MAPWRITE, VFS_PERFORM_WRITE, generic_perform_write, 2, ARGS_IOCB)
VFS_OUT(vfs_mapwriteout_fexit, vfs_mapwriteout_kretprobe, MAPWRITE, generic_perform_write, RESULT_LONG)
VFS_IN(vfs_iomapwritein_fentry, vfs_iomapwritein_kprobe, IOMAPWRITE, VFS_PERFORM_WRITE, iomap_file_buffered_write, 2, ARGS_IOCB)
VFS_OUT(vfs_iomapwriteout_fexit, vfs_iomapwriteout_kretprobe, IOMAPWRITE, iomap_file_buffered_write, RESULT_LONG)
VFS_IN(vfs_dioin_fentry, vfs_dioin_kprobe, DIO, VFS_DIO_READ, iomap_dio_rw, 2, ARGS_IOCB)
VFS_OUT(vfs_dioout_fexit, vfs_dioout_kretprobe, DIO, iomap_dio_rw, RESULT_LONG)
VFS_IN(vfs_splicein_fentry, vfs_splicein_kprobe, SPLICE, VFS_SPLICE_READ, vfs_splice_read, 4, ARGS_SPLICE)
VFS_OUT(vfs_spliceout_fexit, vfs_spliceout_kretprobe, SPLICE, vfs_splice_read, RESULT_LONG)
VFS_IN(vfs_fsyncin_fentry, vfs_fsyncin_kprobe, FSYNC, VFS_FSYNC, vfs_fsync, 2, ARGS_FSYNC)
VFS_OUT(vfs_fsyncout_fexit, vfs_fsyncout_kretprobe, FSYNC, vfs_fsync, RESULT_INT)
VFS_IN(vfs_fsyncrangein_fentry, vfs_fsyncrangein_kprobe, FSYNCRANGE, VFS_FSYNC, vfs_fsync_range, 4, ARGS_FSYNC_RANGE)
VFS_OUT(vfs_fsyncrangeout_fexit, vfs_fsyncrangeout_kretprobe, FSYNCRANGE, vfs_fsync_range, RESULT_INT)
VFS_IN(vfs_openin_fentry, vfs_openin_kprobe, OPEN, VFS_OPEN, vfs_open, 2, ARGS_PATH_FILE)
VFS_OUT(vfs_openout_fexit, vfs_openout_kretprobe, OPEN, vfs_open, RESULT_INT)
VFS_IN(vfs_createin_fentry, vfs_createin_kprobe, CREATE, VFS_CREATE, vfs_create, 3, ARGS_CREATE)
VFS_OUT(vfs_createout_fexit, vfs_createout_kretprobe, CREATE, vfs_create, RESULT_INT)
VFS_IN(vfs_unlinkin_fentry, vfs_unlinkin_kprobe, UNLINK, VFS_UNLINK, vfs_unlink, 3, ARGS_DIR_DENTRY)
VFS_OUT(vfs_unlinkout_fexit, vfs_unlinkout_kretprobe, UNLINK, vfs_unlink, RESULT_INT)
VFS_IN(vfs_rmdirin_fentry, vfs_rmdirin_kprobe, RMDIR, VFS_RMDIR, vfs_rmdir, 3, ARGS_DIR_DENTRY)
VFS_OUT(vfs_rmdirout_fexit, vfs_rmdirout_kretprobe, RMDIR, vfs_rmdir, RESULT_INT)
VFS_IN(vfs_mkdirin_fentry, vfs_mkdirin_kprobe, MKDIR, VFS_MKDIR, vfs_mkdir, 3, ARGS_DIR_DENTRY)
VFS_OUT(vfs_mkdirout_fexit, vfs_mkdirout_kretprobe, MKDIR, vfs_mkdir, RESULT_MKDIR)
VFS_IN(vfs_renamein_fentry, vfs_renamein_kprobe, RENAME, VFS_RENAME, vfs_rename, 1, ARGS_RENAME)
VFS_OUT(vfs_renameout_fexit, vfs_renameout_kretprobe, RENAME, vfs_rename, RESULT_INT)
VFS_IN(vfs_setattrin_fentry, vfs_setattrin_kprobe, SETATTR, VFS_SETATTR, notify_change, 3, ARGS_ATTR)
VFS_OUT(vfs_setattrout_fexit, vfs_setattrout_kretprobe, SETATTR, notify_change, RESULT_INT)
VFS_IN(vfs_getattrin_fentry, vfs_getattrin_kprobe, GETATTR, VFS_GETATTR, vfs_getattr, 1, ARGS_PATH)
VFS_OUT(vfs_getattrout_fexit, vfs_getattrout_kretprobe, GETATTR, vfs_getattr, RESULT_INT)
VFS_IN(vfs_fallocatein_fentry, vfs_fallocatein_kprobe, FALLOCATE, VFS_FALLOCATE, vfs_fallocate, 4, ARGS_FALLOCATE)
VFS_OUT(vfs_fallocateout_fexit, vfs_fallocateout_kretprobe, FALLOCATE, vfs_fallocate, RESULT_INT)
VFS_IN(vfs_readdirin_fentry, vfs_readdirin_kprobe, READDIR, VFS_READDIR, iterate_dir, 1, ARGS_FILE)
VFS_OUT(vfs_readdirout_fexit, vfs_readdirout_kretprobe, READDIR, iterate_dir, RESULT_INT)
VFS_IN(vfs_copyin_fentry, vfs_copyin_kprobe, COPY, VFS_COPY, vfs_copy_file_range, 5, ARGS_COPY)
VFS_OUT(vfs_copyout_fexit, vfs_copyout_kretprobe, COPY, vfs_copy_file_range, RESULT_LONG)
/* clang-format on */
