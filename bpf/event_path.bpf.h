/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event_path.bpf.h - the filter `path = GLOB` of triggers: the paths of an
 * operation as text, and a glob that looks at each byte once.
 *
 * The text is what readers print as `path` and `path2`: that of the file where
 * the operation had one, else what the program asked for behind the directory it
 * was relative to.  It is put together only when it decides whether some slot takes
 * an operation that is slow, failed, or counted.  What is not a path (a pipe), is not whole (longer
 * than PATH_TEXT, on a detached mount) or is not known any more passes no
 * `path = GLOB`.
 */
#ifndef EVENT_PATH_BPF_H
#define EVENT_PATH_BPF_H

#include "fs_entry.bpf.h"

#define PATH_TEXT 1024 /* bytes of a path at most */
#define PATH_NONE PATH_TEXT

/* Where an operation of the vfs layer keeps them among its arguments. */
#define VFS_ARG_DENTRY 0
#define VFS_ARG_MNT    1

struct event_paths {
	u32 start[2]; /* the text goes from there to PATH_TEXT; PATH_NONE: none */
	/* filled from the end, leaf first; the verifier knows offset and length
	 * each by itself, so behind it lies what both together could reach */
	u8 text[2][2 * PATH_TEXT];
};

/* As scratch: a program's own, since one may preempt another. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1); /* set by the loader */
	__type(key, u32);
	__type(value, struct event_paths);
} event_paths SEC(".maps");

static __always_inline struct event_paths *event_paths_of(u32 probe)
{
	u32 key = fr_cfg.scratch[probe & 127];

	return bpf_map_lookup_elem(&event_paths, &key);
}

/* Puts the path of (dentry, mnt) before what begins at p->start[which]: false if
 * there is none, or no room. */
__noinline int path_before(struct event_paths *p, u32 which, u64 dentry,
			   u64 vfsmnt)
{
	struct dentry *d = (void *)dentry, *parent, *root;
	struct mount *m, *up;
	u32 at, len;

	if (!p || !dentry || !vfsmnt)
		return 0;
	which &= 1;
	at = p->start[which];
	m = (void *)(vfsmnt - bpf_core_field_offset(struct mount, mnt));
	root = BPF_CORE_READ(m, mnt.mnt_root);
	for (int i = 0; i < PATH_DEPTH_MAX; i++) {
		/* masked, so that the verifier sees one range in all rounds */
		at &= 2 * PATH_TEXT - 1;
		if (d == root) {
			up = BPF_CORE_READ(m, mnt_parent);
			if (up == m || !up) {
				p->start[which] = at;
				return !mount_is_detached(m);
			}
			d = BPF_CORE_READ(m, mnt_mountpoint);
			m = up;
			root = BPF_CORE_READ(m, mnt.mnt_root);
			continue;
		}
		parent = BPF_CORE_READ(d, d_parent);
		len = BPF_CORE_READ(d, d_name.hash_len) >> 32;
		if (parent == d || len >= NAME_BYTES || at > PATH_TEXT ||
		    len + 1 > at)
			return 0;
		at -= len;
		len &= NAME_BYTES - 1;
		if (bpf_probe_read_kernel(&p->text[which][at & (PATH_TEXT - 1)],
					  len, BPF_CORE_READ(d, d_name.name)))
			return 0;
		at--;
		p->text[which][at & (PATH_TEXT - 1)] = '/';
		d = parent;
	}
	return 0;
}

/* The path of a file.  ${ino}, ${dev}: what was noted of it, or a freed dentry's
 * place would tell the name of somebody else's file. */
__noinline int path_of_file(u32 probe, u64 dentry, u64 vfsmnt, u64 ino, u32 dev)
{
	struct event_paths *p = event_paths_of(probe);
	struct inode *in =
		dentry ? BPF_CORE_READ((struct dentry *)dentry, d_inode) : 0;
	u32 at;

	if (!p)
		return 0;
	p->start[0] = p->start[1] = PATH_NONE;
	if (!in || BPF_CORE_READ(in, i_ino) != ino ||
	    BPF_CORE_READ(in, i_sb, s_dev) != dev)
		return 0;
	switch (BPF_CORE_READ(in, i_sb, s_magic)) {
	case PIPEFS_MAGIC:
	case SOCKFS_MAGIC:
	case ANON_INODE_MAGIC:
	case PIDFS_MAGIC:
		return 0; /* names of these are no paths */
	}
	if (!path_before(p, 0, dentry, vfsmnt)) {
		p->start[0] = PATH_NONE;
		return 0;
	}
	at = p->start[0];
	if (at == PATH_NONE) { /* a root: of no components */
		p->text[0][PATH_TEXT - 1] = '/';
		p->start[0] = PATH_TEXT - 1;
	}
	return 1;
}

/* What the program asked for, at the end of the text: 0 if it cannot be read now,
 * or has no room. */
__noinline int path_asked(struct event_paths *p, u32 which, u64 ptr)
{
	u32 len;
	long n;

	if (!p || !ptr)
		return 0;
	which &= 1;
	/* twice: where it begins is only known once its length is */
	n = bpf_probe_read_user_str(p->text[which], PATH_TEXT, (void *)ptr);
	if (n < 0 || n >= PATH_TEXT)
		return 0;
	len = n ? (u32)n - 1 : 0;
	len &= PATH_TEXT - 1;
	if (bpf_probe_read_user(&p->text[which][PATH_TEXT - len], len,
				(void *)ptr))
		return 0;
	p->start[which] = PATH_TEXT - len;
	return 1;
}

/* One of the paths that a call names, as a whole. */
__noinline int path_named(struct event_paths *p, struct fr_inflight *e,
			  u32 which)
{
	const volatile struct fr_call_info *ci;
	u64 dentry = 0, mnt = 0;
	u32 at, number, dirfd;

	if (!p || !e)
		return 0;
	which &= 1;
	ci = &fr_calls[e->call & (FR_CALLS_MAX - 1)];
	number = which ? ci->path2 : ci->path;
	dirfd = which ? ci->dirfd2 : ci->dirfd;
	if (!number || !path_asked(p, which, arg(e, number)))
		return 0;
	at = p->start[which];
	if (p->text[which][at & (PATH_TEXT - 1)] == '/' && at < PATH_TEXT)
		return 1;
	if (!which && ci->props & FR_CP_TEXT1)
		return 0; /* a text that is relative to nothing */
	if (at < PATH_TEXT) {
		if (!at)
			return 0;
		at--;
		/* or the compiler, which knows its range, leaves the mask out */
		asm volatile("" : "+r"(at));
		at &= PATH_TEXT - 1;
		p->text[which][at] = '/';
		p->start[which] = at;
	}
	return dir_of(e, dirfd, &dentry, &mnt) &&
	       path_before(p, which, dentry, mnt);
}

/* The file of a call that was given its path. */
static __always_inline int path_opened(struct fr_inflight *e, u32 probe,
				       const volatile struct fr_call_info *ci,
				       s64 ret)
{
	u64 dentry = 0, mnt = 0;
	struct inode *in;
	struct file *f;

	if (ci->props & FR_CP_NEWFD) {
		f = (void *)file_of_fd(0, bpf_get_current_task_btf(), (u32)ret);
		in = f ? BPF_CORE_READ(f, f_inode) : 0;
		if (!in)
			return 0;
		dentry = (u64)BPF_CORE_READ(f, f_path.dentry);
		mnt = (u64)BPF_CORE_READ(f, f_path.mnt);
		/* no number was noted of a file whose open is left out */
		return path_of_file(probe, dentry, mnt,
				    BPF_CORE_READ(in, i_ino),
				    BPF_CORE_READ(in, i_sb, s_dev));
	}
	if (!dir_of(e, ci->dirfd, &dentry, &mnt))
		return 0;
	return path_of_file(probe, dentry, mnt, e->ino, e->dev);
}

/* The paths of a system call that ended: 1 if there is one. */
__noinline int paths_of_call(struct fr_inflight *e, u32 probe, s64 ret)
{
	const volatile struct fr_call_info *ci;
	struct event_paths *p = event_paths_of(probe);
	int some = 0;

	asm volatile("" ::"r"(ret));
	if (!e || !p)
		return 0;
	ci = &fr_calls[e->call & (FR_CALLS_MAX - 1)];
	if (ci->cls < FR_CLS_PATH)
		return e->pkey != 0xffff &&
		       path_of_file(probe, e->args[ARG_FILE_DENTRY],
				    e->args[ARG_FILE_MNT], e->ino, e->dev);
	if (e->pkey != 0xffff || (ci->props & FR_CP_NEWFD && ret >= 0))
		return path_opened(e, probe, ci, ret);
	for (u32 which = 0; which < 2; which++) {
		if (path_named(p, e, which))
			some = 1;
		else
			p->start[which] = PATH_NONE;
	}
	return some;
}

/* Does any slot filter by path? */
static __always_inline int paths_wanted(void)
{
	u32 zero = 0;
	struct fr_limits *l = bpf_map_lookup_elem(&limits, &zero);

	return l && READ_ONCE(l->paths);
}

/* Puts the paths of the operation together; for limit_event.paths. */
static __always_inline u32 paths_of_operation(struct fr_inflight *e, u32 probe,
					      s64 ret)
{
	int some;

	if (probe == FR_PROBE_FS_EXIT)
		some = paths_of_call(e, probe, ret);
	else /* of vfs: as it noted them */
		some = path_of_file(probe, e->args[VFS_ARG_DENTRY],
				    e->args[VFS_ARG_MNT], e->ino, e->dev);
	return some ? probe + 1 : 0;
}

/* The same of a file of somebody else's operation. */
static __always_inline u32 paths_of_open_file(u32 probe, struct file *f)
{
	struct inode *in = f ? BPF_CORE_READ(f, f_inode) : 0;

	if (!in)
		return 0;
	return path_of_file(probe, (u64)BPF_CORE_READ(f, f_path.dentry),
			    (u64)BPF_CORE_READ(f, f_path.mnt),
			    BPF_CORE_READ(in, i_ino),
			    BPF_CORE_READ(in, i_sb, s_dev)) ?
		       probe + 1 :
		       0;
}

/* ---- the glob ---------------------------------------------------------------- */

/*
 * All ways to match at once: bit n of `now` says that the bytes so far match the
 * first n tokens of the glob.  A byte moves a bit on if token n + 1 accepts it,
 * and leaves it where a * follows token n.  No step back, one turn per byte.
 */
__noinline int path_matches(u32 probe, u32 slot, u32 which)
{
	u32 zero = 0, pos;
	struct fr_limits *l = bpf_map_lookup_elem(&limits, &zero);
	struct event_paths *p = event_paths_of(probe);
	u64 low = 1, high = 0, moved_low, moved_high;
	const u64 *accepts;
	struct fr_glob *g;

	if (!l || !p || slot >= FR_TRIGGER_SLOTS)
		return 0;
	g = &l->globs[slot];
	pos = p->start[which & 1];
	if (pos >= PATH_TEXT)
		return 0;
	for (u32 i = 0; i < PATH_TEXT; i++) {
		/* or the compiler would check i and use pos, or the other way
		 * round, and the verifier not know the one by the other */
		asm volatile("" : "+r"(pos));
		if (pos >= PATH_TEXT)
			break;
		accepts = g->accepts[p->text[which & 1][pos]];
		pos++;
		moved_low = low << 1 & accepts[0];
		moved_high = (high << 1 | low >> 63) & accepts[1];
		low = moved_low | (low & g->stays[0]);
		high = moved_high | (high & g->stays[1]);
	}
	return ((low & g->ends[0]) | (high & g->ends[1])) != 0;
}

/* Does a path of the event match that slot's?  ${paths} as limit_event has it. */
static __always_inline int event_path_matches(u32 paths, u32 slot)
{
	if (!paths)
		return 0;
	return path_matches(paths - 1, slot, 0) ||
	       path_matches(paths - 1, slot, 1);
}

#endif
