/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fs_entry.bpf.h - what is noted of a system call when it begins: the thread's
 * in-flight entry, the file behind a descriptor, strings and directories, the
 * arguments of 32-bit programs.
 */
#ifndef FS_ENTRY_BPF_H
#define FS_ENTRY_BPF_H

#include "kind.bpf.h"
#include "policy.bpf.h"

/* Set by the loader from calls.def and the kernel's system call numbers. */
const volatile __u8 fr_nr[512] = {};   /* native number -> id of calls.def */
const volatile __u8 fr_nr32[512] = {}; /* 32-bit number -> id */
const volatile struct fr_call_info fr_calls[FR_CALLS_MAX] = {};

#define MAX_U32 0xffffffffULL

/* ---- the in-flight entry ---------------------------------------------------- */
/* A place for a thread that has none; NULL if the overflow table is full. */
static __noinline struct fr_inflight *inflight_more_get(u32 tid, u32 probe)
{
	struct fr_inflight *e = bpf_map_lookup_elem(&inflight_more, &tid);
	struct fr_probe_counts *n = counts_of(probe);
	struct record_buf *zero = scratch_of(probe, 0);

	if (e || !n || !zero)
		return e;
	__builtin_memset(zero, 0, sizeof(struct fr_inflight));
	n->overflow++;
	bpf_map_update_elem(&inflight_more, &tid, zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&inflight_more, &tid);
}

/* The entry that the current thread may write; its ts is 0 or its own. */
static __always_inline struct fr_inflight *inflight_take(u32 tid, u64 task,
							 u32 probe)
{
	u32 key = tid & fr_cfg.inflight_mask;
	struct fr_inflight *e = bpf_map_lookup_elem(&inflight, &key);
	u64 owner;

	if (!e || !fr_cfg.inflight_collides)
		return e; /* a tid of its own, a place of its own */
	owner = READ_ONCE(e->task);
	if (owner == task)
		return e;
	/* Colliding threads: the place belongs to the first for as long as it
	 * lives (proc_exit clears it); all others use the overflow table. */
	if (!owner && !__sync_val_compare_and_swap(&e->task, 0, task))
		return e;
	return inflight_more_get(tid, probe);
}

static __always_inline int entry_is_current(struct fr_inflight *e,
					    struct task_struct *t)
{
	return e->task == (u64)t && e->start_boottime == t->start_boottime &&
	       e->cred == (u64)t->cred && !names_stale(e->names_ordinal);
}

__noinline int entry_describe(struct fr_inflight *e, u32 probe)
{
	struct task_struct *t = bpf_get_current_task_btf();

	if (!e)
		return 0;
	e->task = (u64)t;
	e->tid = t->pid;
	e->pid = t->tgid;
	e->start_boottime = t->start_boottime;
	e->cred = (u64)t->cred;
	e->born = born_of(t->group_leader->start_boottime);
	e->in_scope = task_in_scope(t);
	e->names_ordinal = names_ordinal();
	e->ts = 0;
	if (e->in_scope)
		e->names_ordinal = name_task(probe);
	return 0;
}

/* ---- entry -------------------------------------------------------------------- */
static __always_inline u64 arg(struct fr_inflight *e, u32 number)
{
	return number ? e->args[(number - 1) & 7] : 0;
}

/* read and its kin on a socket are records of net, its close is one of conn,
 * where these are on. */
static __always_inline int is_of_socket(const int cast, struct fr_inflight *e,
					u64 inode, u32 props)
{
	struct inode *in = KPTR(cast, struct inode, inode);
	u32 stream = props & FR_CP_FSIZE ? FR_STREAM_CONN : FR_STREAM_NET;
	struct super_block *sb;

	if (!stream_on(FR_STREAM_NET) && !stream_on(FR_STREAM_CONN))
		return 0;
	if (!(props & (FR_CP_FPOS | FR_CP_FPOS_M1 | FR_CP_FSIZE)) || !in ||
	    (KREAD(cast, in, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	sb = KREAD(cast, in, i_sb);
	if (KREAD(cast, sb, s_magic) != SOCKFS_MAGIC ||
	    !(fr_cfg.streams >> stream & 1))
		return 0;
	e->stream = stream;
	return 1;
}

#define RWF_APPEND   0x10
#define RWF_NOAPPEND 0x20

/* Does the write go to the end of the file?  pwritev2 has flags of its own. */
static __always_inline int is_append(struct fr_inflight *e,
				     const volatile struct fr_call_info *ci,
				     u32 file_flags)
{
	u64 flags = arg(e, ci->flags);

	return flags & RWF_APPEND ||
	       (file_flags & FR_O_APPEND && !(flags & RWF_NOAPPEND));
}

/* Of calls on a descriptor, behind their arguments: the file when they began. */
#define ARG_FILE_DENTRY 6
#define ARG_FILE_MNT    7

/* 1: such files are left out. */
static __always_inline int note_file(const int cast, struct fr_inflight *e,
				     struct task_struct *t, u32 fd,
				     const volatile struct fr_call_info *ci,
				     u32 props)
{
	struct file *f = KPTR(cast, struct file, file_of_fd(cast, t, fd));
	struct file_id id = {};
	u64 inode, dentry, mnt;
	u32 flags;

	if (!f)
		return 0;
	inode = (u64)KREAD(cast, f, f_inode);
	if (is_left_out(cast, inode))
		return 1;
	if (is_of_socket(cast, e, inode, props))
		return 0;
	dentry = (u64)KREAD(cast, f, f_path.dentry);
	mnt = (u64)KREAD(cast, f, f_path.mnt);
	if (props & (FR_CP_FPOS | FR_CP_FPOS_M1))
		e->offset = KREAD(cast, f, f_pos);
	flags = KREAD(cast, f, f_flags);
	e->direct = (flags & FR_O_DIRECT) != 0;
	if ((props & FR_CP_FSIZE) ||
	    ((props & FR_CP_APPENDS) && is_append(e, ci, flags))) {
		struct inode *in = KPTR(cast, struct inode, inode);

		if (in)
			e->offset = KREAD(cast, in, i_size);
	}
	if (file_identify(cast, FR_PROBE_FS_ENTER, dentry, mnt, inode, &id))
		return 0;
	e->ino = id.ino;
	e->dev = id.dev;
	e->pkey = id.pkey;
	e->args[ARG_FILE_DENTRY] = dentry;
	e->args[ARG_FILE_MNT] = mnt;
	return 0;
}

/* Where a relative path starts: false if that is not to be had. */
static __always_inline int dir_of(struct fr_inflight *e, u32 dirfd_arg,
				  u64 *ret_dentry, u64 *ret_mnt)
{
	struct task_struct *t = bpf_get_current_task_btf();
	s32 fd = AT_FDCWD;

	if (dirfd_arg)
		fd = (s32)e->args[(dirfd_arg - 1) & 7];
	if (fd == AT_FDCWD) {
		struct fs_struct *fs = t->fs;

		if (!fs)
			return 0;
		*ret_dentry = (u64)BPF_CORE_READ(fs, pwd.dentry);
		*ret_mnt = (u64)BPF_CORE_READ(fs, pwd.mnt);
	} else {
		struct file *f = (void *)file_of_fd(0, t, fd);

		if (!f)
			return 0;
		*ret_dentry = (u64)BPF_CORE_READ(f, f_path.dentry);
		*ret_mnt = (u64)BPF_CORE_READ(f, f_path.mnt);
	}
	return *ret_dentry != 0;
}

/* The directory that a relative path starts at, or the file itself where the
 * path is empty.  1: such files are left out. */
__noinline int note_dir(u32 probe, struct fr_inflight *e, u32 dirfd_arg,
			u32 second)
{
	struct file_id id = {};
	u64 dentry = 0, mnt = 0, inode;

	if (!e || !dir_of(e, dirfd_arg, &dentry, &mnt))
		return 0;
	inode = (u64)BPF_CORE_READ((struct dentry *)dentry, d_inode);
	if (file_identify(0, probe, dentry, mnt, inode, &id))
		return 0;
	if (second) {
		e->dir2_ino = id.ino;
		e->dir2_dev = id.dev;
		e->dir2_pkey = id.pkey;
	} else {
		e->dir_ino = id.ino;
		e->dir_dev = id.dev;
		e->dir_pkey = id.pkey;
	}
	return is_left_out(0, inode);
}

/* The path is the descriptor's file: it is empty or there is none, and the call
 * says so (AT_EMPTY_PATH, utimensat). */
static __always_inline void dir_is_file(struct fr_inflight *e)
{
	e->ino = e->dir_ino;
	e->dev = e->dir_dev;
	e->pkey = e->dir_pkey;
}

#define AT_EMPTY_PATH 0x1000
static __always_inline int
names_the_descriptor(struct fr_inflight *e,
		     const volatile struct fr_call_info *ci)
{
	if (!e->args[(ci->path - 1) & 7] && ci->props & FR_CP_NULLPATH)
		return 1;
	return (e->asked == HASH_EMPTY || e->asked == ~0ULL) && ci->dirfd &&
	       ci->flags && e->args[(ci->flags - 1) & 7] & AT_EMPTY_PATH;
}

/* Strings and directories of path calls, at entry or, for strings that could
 * not be read then, at exit.  1: the file is of a kind that is left out. */
__noinline int note_paths(u32 probe, struct fr_inflight *e)
{
	const volatile struct fr_call_info *ci;
	int left_out = 0;

	if (!e)
		return 0;
	ci = &fr_calls[e->call & (FR_CALLS_MAX - 1)];
	if (ci->path && !e->asked && !e->args[(ci->path - 1) & 7]) {
		e->asked = ~0ULL;
		if (names_the_descriptor(e, ci)) {
			left_out = note_dir(probe, e, ci->dirfd, 0);
			dir_is_file(e);
		}
	} else if (ci->path && !e->asked) {
		e->asked = name_str(probe, e->args[(ci->path - 1) & 7]);
		if (HASH_RELATIVE(e->asked) && !(ci->props & FR_CP_TEXT1))
			left_out = note_dir(probe, e, ci->dirfd, 0);
		if (names_the_descriptor(e, ci))
			dir_is_file(e);
		else
			left_out = 0;
	}
	if (ci->path2 && !e->asked2) {
		e->asked2 = name_str(probe, e->args[(ci->path2 - 1) & 7]);
		if (HASH_RELATIVE(e->asked2))
			note_dir(probe, e, ci->dirfd2, 1);
	}
	return left_out;
}

static __always_inline void clear_path_call(struct fr_inflight *e)
{
	e->asked = e->asked2 = 0;
	e->dir_ino = e->dir2_ino = ~0ULL;
	e->dir_dev = e->dir2_dev = ~0U;
	e->dir_pkey = e->dir2_pkey = 0xffff;
	e->file_size = ~0ULL;
}

/* Takes argument `at` (1 to 5) and the one behind it as one 64-bit value, and
 * moves those behind up. */
static __always_inline void join_halves(struct fr_inflight *e, u32 at, u32 move)
{
	e->args[(at - 1) & 7] |= e->args[at & 7] << 32;
	for (u32 i = 1; move && i < 5; i++)
		if (i >= at)
			e->args[i] = e->args[i + 1];
}

/*
 * Gives the arguments of a 32-bit program the places and widths they have in the
 * 64-bit call, so that nothing behind this needs to know.
 */
__noinline int widen_args(struct fr_inflight *e)
{
	const volatile struct fr_call_info *ci;
	u32 props;

	if (!e)
		return 0;
	ci = &fr_calls[e->call & (FR_CALLS_MAX - 1)];
	props = ci->props;
	if (props & FR_CP_PAGEOFF32) { /* old mmap: a struct of six */
		u32 a[6] = {};

		bpf_probe_read_user(a, sizeof(a), (void *)e->args[0]);
		for (int i = 0; i < 6; i++)
			e->args[i] = a[i];
		e->args[4] = (u64)(s64)(s32)a[4];
	} else if (props & FR_CP_PAGEOFF) {
		e->args[5] <<= 12;
	} else if (props & FR_CP_LLSEEK) {
		e->args[1] = e->args[1] << 32 | e->args[2];
	} else if (props & FR_CP_SPLIT32) {
		/* preadv and its kin have the second half in 64-bit, too */
		join_halves(e, ci->offset, !(props & FR_CP_IOVEC));
		if (props & FR_CP_SIZE64)
			join_halves(e, ci->size, 1);
	} else if (ci->offset) {
		e->args[(ci->offset - 1) & 7] =
			(u64)(s64)(s32)arg(e, ci->offset);
	}
	return 0;
}

/* The most that the kernel takes, in blocks: so the verifier has less to look at. */
#define IOV_MAX   1024
#define IOV_BLOCK 32

/* What a block of iovecs, or as many of it as ${count} says, asks for. */
__noinline u64 sum_iovec_block(u64 iov, u64 count, u32 compat)
{
	u64 sum = 0;

	for (u32 i = 0; i < IOV_BLOCK; i++) {
		struct {
			u64 base, len;
		} v = {};
		struct {
			u32 base, len;
		} v32 = {};

		if (i >= count)
			break;
		if (compat) {
			if (bpf_probe_read_user(&v32, sizeof(v32),
						(void *)(iov + 8ULL * i)))
				return ~0ULL;
			sum += v32.len;
		} else {
			if (bpf_probe_read_user(&v, sizeof(v),
						(void *)(iov + 16ULL * i)))
				return ~0ULL;
			sum += v.len;
			if (sum < v.len)
				return ~0ULL;
		}
	}
	return sum;
}

/* What an array of iovecs asks for; all ones: it cannot be read, it is too long, or
 * the sum is no number of bytes. */
__noinline u64 sum_iovec(u64 iov, u64 count, u32 compat)
{
	u64 sum = 0, block;

	if (count > IOV_MAX)
		return ~0ULL;
	for (u32 i = 0; i < IOV_MAX; i += IOV_BLOCK) {
		if (i >= count)
			break;
		block = sum_iovec_block(iov + (compat ? 8ULL : 16ULL) * i,
					count - i, compat);
		sum += block;
		if (block == ~0ULL || sum < block)
			return ~0ULL;
	}
	return sum;
}

#if defined(__TARGET_ARCH_x86)
static __always_inline void regs_args(struct pt_regs *r, int compat, u64 a[6])
{
	if (compat) {
		a[0] = (u32)r->bx;
		a[1] = (u32)r->cx;
		a[2] = (u32)r->dx;
		a[3] = (u32)r->si;
		a[4] = (u32)r->di;
		a[5] = (u32)r->bp;
		return;
	}
	a[0] = r->di;
	a[1] = r->si;
	a[2] = r->dx;
	a[3] = r->r10;
	a[4] = r->r8;
	a[5] = r->r9;
}
#define REGS_NR(r) ((r)->orig_ax)
#else
static __always_inline void regs_args(struct pt_regs *r, int compat, u64 a[6])
{
	a[0] = r->orig_x0;
	for (int i = 1; i < 6; i++)
		a[i] = r->regs[i];
}
#define REGS_NR(r) ((r)->syscallno)
#endif

/* From where the arguments come is known when the program is compiled. */
static __always_inline void note_args(struct fr_inflight *e,
				      struct pt_regs *regs,
				      struct sys_enter_ctx *ctx, u32 compat)
{
	if (!ctx) {
		regs_args(regs, compat, e->args);
		return;
	}
	e->args[0] = ctx->args[0];
	e->args[1] = ctx->args[1];
	e->args[2] = ctx->args[2];
	e->args[3] = ctx->args[3];
	e->args[4] = ctx->args[4];
	e->args[5] = ctx->args[5];
}

/* socketcall of 32-bit x86: which call it is, and how many arguments it has. */
static const volatile struct {
	u8 id, args;
} socketcalls[32] = {
	[1] = { FR_ID_socket, 3 },      [2] = { FR_ID_bind, 3 },
	[3] = { FR_ID_connect, 3 },     [4] = { FR_ID_listen, 2 },
	[5] = { FR_ID_accept, 3 },      [8] = { FR_ID_socketpair, 4 },
	[9] = { FR_ID_send, 4 },        [10] = { FR_ID_recv, 4 },
	[11] = { FR_ID_sendto, 6 },     [12] = { FR_ID_recvfrom, 6 },
	[13] = { FR_ID_shutdown, 2 },   [14] = { FR_ID_setsockopt, 5 },
	[15] = { FR_ID_getsockopt, 5 }, [16] = { FR_ID_sendmsg, 3 },
	[17] = { FR_ID_recvmsg, 3 },    [18] = { FR_ID_accept4, 4 },
	[19] = { FR_ID_recvmmsg, 5 },   [20] = { FR_ID_sendmmsg, 4 },
};

/* Makes the entry one of the call that it is, with its arguments; those that
 * cannot be read are all ones.  The call's id, 0: it is one not recorded. */
__noinline u32 note_socketcall(struct fr_inflight *e)
{
	u32 a[8] = {}, id, args; /* 8: the verifier sees a mask of 7 */

	if (!e || e->args[0] > 31)
		return 0;
	id = socketcalls[e->args[0] & 31].id;
	args = socketcalls[e->args[0] & 31].args & 7;
	if (!id)
		return 0;
	if (bpf_probe_read_user(a, args * sizeof(u32), (void *)e->args[1]))
		a[0] = a[1] = a[2] = a[3] = a[4] = a[5] = ~0U;
	for (int i = 0; i < 6; i++)
		e->args[i] = a[i];
	e->call = id | FR_CALL_COMPAT;
	return id;
}

#define MAP_ANONYMOUS 0x20

/* mmap ignores the descriptor of an anonymous mapping, whatever it is. */
static __always_inline int
is_anonymous_map(struct fr_inflight *e, const volatile struct fr_call_info *ci)
{
	return ci->addr && ci->flags && (arg(e, ci->flags) & MAP_ANONYMOUS);
}

/* openat2's struct open_how: flags and mode, kept behind the six arguments. */
__noinline int note_open_how(struct fr_inflight *e)
{
	u64 how[2] = {};

	if (!e)
		return 0;
	if (bpf_probe_read_user(how, sizeof(how), (void *)e->args[2]))
		how[0] = how[1] = ~0ULL;
	e->args[6] = how[0];
	e->args[7] = how[1];
	return 0;
}

#endif
