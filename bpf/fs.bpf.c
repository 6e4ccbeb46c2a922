// SPDX-License-Identifier: GPL-2.0-only
/*
 * fs.bpf.c - file operations at system-call level.
 *
 * sys_enter notes the call in the thread's in-flight entry, together with what
 * will be gone when it returns (the file behind a descriptor, strings); sys_exit
 * turns the entry into one record.  calls.def says which argument is what.
 *
 * Each side exists in several programs made from one body: as tp_btf and as
 * classic tracepoint (which does not lose events where programs can be
 * preempted), with typed loads (6.2 and later) and with probe reads.  The
 * loader takes one of each.
 */
#include "names.bpf.h"

char LICENSE[] SEC("license") = "GPL";

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
static __always_inline struct fr_inflight *inflight_take(u32 tid, u64 task)
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
	return inflight_more_get(tid, FR_PROBE_FS_ENTER);
}

static __always_inline int entry_is_current(struct fr_inflight *e,
					    struct task_struct *t)
{
	return e->task == (u64)t && e->start_boottime == t->start_boottime &&
	       e->cred == (u64)t->cred && !names_stale(e->names_ordinal);
}

__noinline int entry_describe(struct fr_inflight *e)
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
		e->names_ordinal = name_task(FR_PROBE_FS_ENTER);
	return 0;
}

/* ---- entry -------------------------------------------------------------------- */
static __always_inline u64 arg(struct fr_inflight *e, u32 number)
{
	return number ? e->args[(number - 1) & 7] : 0;
}

static __always_inline void note_file(const int cast, struct fr_inflight *e,
				      struct task_struct *t, u32 fd,
				      const volatile struct fr_call_info *ci,
				      u32 props)
{
	struct file *f = KPTR(cast, struct file, file_of_fd(cast, t, fd));
	struct file_id id = {};
	u64 inode, dentry, mnt;
	u32 flags;

	if (!f)
		return;
	inode = (u64)KREAD(cast, f, f_inode);
	dentry = (u64)KREAD(cast, f, f_path.dentry);
	mnt = (u64)KREAD(cast, f, f_path.mnt);
	if (props & (FR_CP_FPOS | FR_CP_FPOS_M1))
		e->offset = KREAD(cast, f, f_pos);
	flags = KREAD(cast, f, f_flags);
	e->direct = (flags & FR_O_DIRECT) != 0;
	if ((props & FR_CP_FSIZE) ||
	    ((props & FR_CP_APPENDS) && (flags & FR_O_APPEND))) {
		struct inode *in = KPTR(cast, struct inode, inode);

		if (in)
			e->offset = KREAD(cast, in, i_size);
	}
	if (file_identify(cast, FR_PROBE_FS_ENTER, dentry, mnt, inode, &id))
		return;
	e->ino = id.ino;
	e->dev = id.dev;
	e->pkey = id.pkey;
}

/* The directory that a relative path starts at. */
__noinline int note_dir(u32 probe, struct fr_inflight *e, u32 dirfd_arg,
			u32 second)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct file_id id = {};
	u64 dentry, mnt;
	s32 fd = AT_FDCWD;

	if (!e)
		return 0;
	if (dirfd_arg)
		fd = (s32)e->args[(dirfd_arg - 1) & 7];
	if (fd == AT_FDCWD) {
		struct fs_struct *fs = t->fs;

		if (!fs)
			return 0;
		dentry = (u64)BPF_CORE_READ(fs, pwd.dentry);
		mnt = (u64)BPF_CORE_READ(fs, pwd.mnt);
	} else {
		struct file *f = (void *)file_of_fd(0, t, fd);

		if (!f)
			return 0;
		dentry = (u64)BPF_CORE_READ(f, f_path.dentry);
		mnt = (u64)BPF_CORE_READ(f, f_path.mnt);
	}
	if (!dentry)
		return 0;
	if (file_identify(0, probe, dentry, mnt,
			  (u64)BPF_CORE_READ((struct dentry *)dentry, d_inode),
			  &id))
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
	return 0;
}

/* Strings and directories of path calls, at entry or, for strings that could
 * not be read then, at exit. */
__noinline int note_paths(u32 probe, struct fr_inflight *e)
{
	const volatile struct fr_call_info *ci;

	if (!e)
		return 0;
	ci = &fr_calls[e->call & (FR_CALLS_MAX - 1)];
	if (ci->path && !e->asked && !e->args[(ci->path - 1) & 7]) {
		/* utimensat(fd, NULL): the file is the descriptor's */
		note_dir(probe, e, ci->dirfd, 0);
		e->ino = e->dir_ino;
		e->dev = e->dir_dev;
		e->pkey = e->dir_pkey;
		e->asked = ~0ULL;
	} else if (ci->path && !e->asked) {
		e->asked = name_str(probe, e->args[(ci->path - 1) & 7]);
		if (HASH_RELATIVE(e->asked) && !(ci->props & FR_CP_TEXT1))
			note_dir(probe, e, ci->dirfd, 0);
	}
	if (ci->path2 && !e->asked2) {
		e->asked2 = name_str(probe, e->args[(ci->path2 - 1) & 7]);
		if (HASH_RELATIVE(e->asked2))
			note_dir(probe, e, ci->dirfd2, 1);
	}
	return 0;
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

__noinline u64 sum_iovec(u64 iov, u64 count, u32 compat)
{
	u64 sum = 0;

	for (u32 i = 0; i < 64; i++) { /* longer ones: what the first 64 ask */
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
		}
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

#define MAP_ANONYMOUS 0x20

/* mmap ignores the descriptor of an anonymous mapping, whatever it is. */
static __always_inline int is_anonymous_map(struct fr_inflight *e,
					    const volatile struct fr_call_info *ci)
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

static __always_inline int fs_enter(const int cast, struct task_struct *t,
				    struct pt_regs *regs,
				    struct sys_enter_ctx *ctx, long nr)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_FS_ENTER);
	const volatile struct fr_call_info *ci;
	u32 compat = task_is_compat(t), id, props, tid = t->pid;
	struct fr_inflight *e;

	if (!n)
		return 0;
	id = compat ? fr_nr32[nr & 511] : fr_nr[nr & 511];
	if (!id || (u64)nr > 511) {
		n->filtered++;
		return 0;
	}
	e = inflight_take(tid, (u64)t);
	if (!e) {
		n->lost++;
		return 0;
	}
	if (!entry_is_current(e, t))
		entry_describe(e);
	if (!e->in_scope) {
		n->filtered++;
		return 0;
	}
	n->pending++;
	ci = &fr_calls[id & (FR_CALLS_MAX - 1)];
	props = ci->props;
	note_args(e, regs, ctx, compat);
	e->call = id | (compat ? FR_CALL_COMPAT : 0);
	e->ino = ~0ULL;
	e->dev = ~0U;
	e->pkey = 0xffff;
	e->direct = 0;
	if (compat)
		widen_args(e);
	if (props & FR_CP_OPENHOW) /* now: the program may change it */
		note_open_how(e);
	e->offset = ci->offset ? arg(e, ci->offset) : ~0ULL;
	if (ci->fd && (s32)arg(e, ci->fd) >= 0 && !is_anonymous_map(e, ci))
		note_file(cast, e, t, (u32)arg(e, ci->fd), ci,
			  (props & FR_CP_FPOS_M1) && e->offset != ~0ULL ?
				  props & ~FR_CP_FPOS_M1 :
				  props);
	if (ci->cls >= FR_CLS_PATH) {
		clear_path_call(e);
		note_paths(FR_PROBE_FS_ENTER, e);
	}
	if (props & FR_CP_IOVEC)
		e->file_size = sum_iovec(e->args[1], e->args[2], compat);
	barrier();
	WRITE_ONCE(e->ts, bpf_ktime_get_ns());
	return 0;
}

/* ---- exit ----------------------------------------------------------------------- */
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

/* The file behind a descriptor that an open returned. */
__noinline int note_new_fd(struct fr_inflight *e, u32 fd)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct file *f = (void *)file_of_fd(0, t, fd);
	struct file_id id = {};
	struct inode *in;

	if (!f || !e)
		return 0;
	in = BPF_CORE_READ(f, f_inode);
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
		g->rename_pending =
			1; /* the next path call after that time */
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
	if ((props & FR_CP_NEWFD) && ret >= 0)
		note_new_fd(e, (u32)ret);
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
		note_paths(FR_PROBE_FS_EXIT, e);
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

#include "limit.bpf.h"

__noinline int exit_slow(struct fr_inflight *e, u64 ts, u64 dur, u64 seq)
{
	if (!e)
		return 0;
	limit_hit(FR_PROBE_FS_EXIT, e->call & 0xff, ts, dur, FR_LANE_FS, seq,
		  e->pid, e->tid);
	return 0;
}

static __always_inline int fs_exit(struct task_struct *t, long nr, s64 ret)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_FS_EXIT);
	const volatile struct fr_call_info *ci;
	u32 tid = t->pid, zero = 0, id;
	struct fr_inflight *e;
	struct fr_limits *l;
	u64 ts, dur, size, seq;

	if (!n)
		return 0;
	e = inflight_find(tid, (u64)t);
	id = task_is_compat(t) ? fr_nr32[nr & 511] : fr_nr[nr & 511];
	/* another call than the one noted: its own entry or exit was missed */
	if (!e || !e->ts || (e->call & 0xff) != id) {
		if (e)
			e->ts = 0;
		if (!id || (u64)nr > 511 || (e && !e->in_scope))
			n->filtered++;
		else
			n->unmatched++;
		return 0;
	}
	ts = e->ts;
	dur = bpf_ktime_get_ns() - ts;
	ci = &fr_calls[e->call & (FR_CALLS_MAX - 1)];
	size = asked_size(e, ci);
	if (ci->cls == FR_CLS_IO && dur < MAX_U32 &&
	    (size < MAX_U32 || size == ~0ULL) && ret == (s32)ret)
		seq = put_io(e, ci, ret, (u32)dur, size);
	else if (ci->cls >= FR_CLS_PATH)
		seq = put_path_call(e, ret, dur);
	else
		seq = put_wide(e, ret, dur);
	e->ts = 0;
	if (seq)
		n->records++;
	else
		n->lost++;
	l = bpf_map_lookup_elem(&limits, &zero);
	/* 0 means never: it wraps round to the largest number */
	if (l && l->min_ns[e->call & (FR_KEYS - 1)] - 1 < dur)
		exit_slow(e, ts, dur, seq);
	return 0;
}

/* ---- the programs ---------------------------------------------------------------- */
static __always_inline int enter_btf(const int cast, struct pt_regs *regs,
				     long nr)
{
	return fs_enter(cast, bpf_get_current_task_btf(), regs, 0, nr);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(fs_enter_tp_btf_cast, struct pt_regs *regs, long nr)
{
	return enter_btf(1, regs, nr);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(fs_enter_tp_btf_read, struct pt_regs *regs, long nr)
{
	return enter_btf(0, regs, nr);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(fs_exit_tp_btf, struct pt_regs *regs, long ret)
{
	return fs_exit(bpf_get_current_task_btf(), REGS_NR(regs), ret);
}

/* Classic tracepoints return 1: after a 0 the kernel would keep the event from
 * everybody else who counts it with perf. */
static __always_inline int enter_tp(const int cast, struct sys_enter_ctx *ctx)
{
	fs_enter(cast, bpf_get_current_task_btf(), 0, ctx, ctx->id);
	return 1;
}

SEC("tracepoint/raw_syscalls/sys_enter")
int fs_enter_tracepoint_cast(struct sys_enter_ctx *ctx)
{
	return enter_tp(1, ctx);
}

SEC("tracepoint/raw_syscalls/sys_enter")
int fs_enter_tracepoint_read(struct sys_enter_ctx *ctx)
{
	return enter_tp(0, ctx);
}

SEC("tracepoint/raw_syscalls/sys_exit")
int fs_exit_tracepoint(struct sys_exit_ctx *ctx)
{
	fs_exit(bpf_get_current_task_btf(), ctx->id, ctx->ret);
	return 1;
}
