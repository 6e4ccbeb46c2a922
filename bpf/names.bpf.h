/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * names.bpf.h - who and what: process facts and paths, each written once to the
 * names lane and referred to by number from then on.
 *
 * A file is referred to by (dev, ino, pkey).  pkey is 16 bits of a hash over the
 * dentry, its parent, their name hashes, the mount and the inode's generation,
 * so that two links of one file, or a file before and after its renaming, are
 * told apart.  The array `seen` remembers the whole hash: a name that is not in
 * it, or whose record will soon be overwritten, is written (again).
 */
#ifndef NAMES_BPF_H
#define NAMES_BPF_H

#include "ring.bpf.h"

/* kfunc from 6.2 on: a typed pointer made from a number; loads through it are
 * plain loads that fault softly.  Only programs for such kernels use it. */
extern void *bpf_rdonly_cast(void *obj, u32 btf_id) __ksym __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct fr_inflight);
} inflight SEC(".maps");

/* Threads whose place in `inflight` belongs to another one.  Takes memory as they
 * come: on a machine with many threads it is half of them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, FR_INFLIGHT_MORE);
	__type(key, u32); /* tid */
	__type(value, struct fr_inflight);
} inflight_more SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct fr_seen);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct fr_globals);
} globals SEC(".maps");

/* tgid -> 1: the recorder's own processes; and those in scope. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 16);
	__type(key, u32);
	__type(value, u32);
} excluded SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries,
	       1 << 20); /* the dead leave when their number is used again */
	__type(key, u32);
	__type(value, u32);
} scope SEC(".maps");

/* Two buffers per program: one for its record, one for names it writes on the
 * way.  Not shared between programs: one may preempt the other. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1); /* set by the loader */
	__type(key, u32);
	__type(value, struct record_buf);
} scratch SEC(".maps");

static __always_inline struct record_buf *scratch_of(u32 probe, u32 which)
{
	u32 key = fr_cfg.scratch[probe & 127] * 2 + which;

	return bpf_map_lookup_elem(&scratch, &key);
}

/* The entry of a thread that has one; its call may be over (ts 0). */
static __always_inline struct fr_inflight *inflight_find(u32 tid, u64 task)
{
	u32 key = tid & fr_cfg.inflight_mask;
	struct fr_inflight *e = bpf_map_lookup_elem(&inflight, &key);

	if (e && e->task == task)
		return e;
	if (!fr_cfg.inflight_collides)
		return 0;
	return bpf_map_lookup_elem(&inflight_more, &tid);
}

static __always_inline u64 mix64(u64 h, u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ (h >> 29);
}

static __always_inline u32 names_ordinal(void)
{
	struct fr_ring_head *h = ring_head();

	return h ? (u32)READ_ONCE(h->lanes[FR_LANE_NAMES].next) : 0;
}

static __always_inline int names_stale(u32 ordinal)
{
	return names_ordinal() - ordinal > fr_cfg.names_again;
}

/* ---- seen ---------------------------------------------------------------- */
static __always_inline struct fr_seen *seen_slot(u64 mix)
{
	u32 key = (u32)(mix >> 8) & fr_cfg.seen_mask;

	return bpf_map_lookup_elem(&seen, &key);
}

static __always_inline int seen_fresh(u64 mix)
{
	struct fr_seen *s = seen_slot(mix);

	return s && READ_ONCE(s->mix) == mix && !names_stale(s->ordinal);
}

static __always_inline void seen_note(u64 mix, u32 ordinal)
{
	struct fr_seen *s = seen_slot(mix);

	if (!s)
		return;
	s->ordinal = ordinal;
	barrier();
	WRITE_ONCE(s->mix, mix);
}

/* ---- processes ------------------------------------------------------------ */
static __always_inline u16 born_of(u64 start_boottime)
{
	return (u16)(start_boottime >> 20);
}

static __always_inline int task_in_scope(struct task_struct *t)
{
	u32 tgid = t->tgid;

	if (bpf_map_lookup_elem(&excluded, &tgid))
		return 0;
	if (fr_cfg.scope == FR_SCOPE_PIDS)
		return bpf_map_lookup_elem(&scope, &tgid) != 0;
	if (fr_cfg.scope == FR_SCOPE_CGROUP)
		return bpf_get_current_ancestor_cgroup_id(
			       (int)fr_cfg.scope_cgroup_level) ==
		       fr_cfg.scope_cgroup;
	return 1;
}

/* The ordinal to remember for a name record: of the chunk it really lies in,
 * which may be an old one of this CPU.  A record that was lost counts as about to
 * age out: it is tried again when the lane has moved on, not at each event. */
static __always_inline u32 ordinal_of(u64 seq)
{
	return seq ? (u32)(seq >> 8) : names_ordinal() - fr_cfg.names_again;
}

/* Writes name_proc of the current task; returns the ordinal to remember. */
__noinline u32 name_task(u32 probe)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct record_buf *buf = scratch_of(probe, 1);
	struct fr_name_proc *r = (void *)buf;
	struct fr_probe_counts *n = counts_of(probe);
	u64 seq;

	if (!buf || !n)
		return 0;
	__builtin_memset(r, 0, sizeof(*r));
	r->ts = bpf_ktime_get_ns();
	r->start = t->group_leader->start_boottime;
	r->thread_start = t->start_boottime;
	r->cgroup = bpf_get_current_cgroup_id();
	r->tid = t->pid;
	r->pid = t->tgid;
	r->ppid = t->real_parent->tgid;
	r->uid = t->cred->uid.val;
	r->gid = t->cred->gid.val;
	r->born = born_of(r->start);
	r->flags = task_is_compat(t) | (t->flags & PF_KTHREAD ? 2 : 0);
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	seq = ring_put(buf, sizeof(*r), FR_LANE_NAMES,
		       TYPE_AUX(FR_T_name_proc, 0));
	if (seq)
		n->names++;
	else
		n->names_lost++;
	return ordinal_of(seq);
}

/* ---- paths ----------------------------------------------------------------- */
struct file_id {
	u64 ino;
	u32 dev;
	u16 pkey;
	u16 pad;
};

/* What is needed to name a file.  It lies behind the record in the scratch
 * buffer of names: stack is scarce on kernels before 6.2. */
struct file_ref {
	u64 dentry, mnt, inode;
	u64 ino;
	u64 mix;
	u32 dev;
	u32 gen;
	u32 mode;
	u32 odd; /* components of its path that are not whole */
};

static __always_inline struct file_ref *file_ref_of(struct record_buf *buf)
{
	return (void *)&buf->w[RECORD_BYTES / 8 + 32];
}

#define PIPEFS_MAGIC     0x50495045
#define SOCKFS_MAGIC     0x534F434B
#define ANON_INODE_MAGIC 0x09041934
#define PIDFS_MAGIC      0x50494446
#define FR_AF_UNIX       1
#define NAME_CUT         1
#define NAME_DELETED     2
#define NAME_NOT_A_PATH  4

#define PATH_BYTES_MAX 4096
#define NAME_BYTES     256 /* of a component, its NUL included */
#ifndef PATH_DEPTH_MAX
#define PATH_DEPTH_MAX 64
#endif

/* The root of a mount that was detached while its files are open: what it was
 * mounted on is not known any more.  (Mounts of the kernel's own have an ERR_PTR
 * for name space.) */
static __always_inline u32 mount_is_detached(struct mount *m)
{
	return !BPF_CORE_READ(m, mnt_ns);
}

/* Appends the components of (dentry, mnt), leaf first, to buf behind `off`;
 * returns the offset behind them, bit 31 set if the path was cut. */
__noinline u32 path_parts(struct record_buf *buf, u64 dentry, u64 vfsmnt)
{
	struct dentry *d = (void *)dentry, *parent, *root;
	struct mount *m;
	u32 off = sizeof(struct fr_name_path);
	long n;

	if (!buf)
		return 0;
	m = (void *)(vfsmnt - bpf_core_field_offset(struct mount, mnt));
	root = BPF_CORE_READ(m, mnt.mnt_root);
	for (int i = 0; i < PATH_DEPTH_MAX; i++) {
		if (d == root) {
			struct mount *up = BPF_CORE_READ(m, mnt_parent);

			if (up == m || !up)
				return off | mount_is_detached(m) << 31;
			d = BPF_CORE_READ(m, mnt_mountpoint);
			m = up;
			root = BPF_CORE_READ(m, mnt.mnt_root);
			continue;
		}
		parent = BPF_CORE_READ(d, d_parent);
		if (off > PATH_BYTES_MAX - 257)
			return off | 1U << 31;
		/* masked, so that the verifier sees one range in all rounds */
		off &= 4095;
		n = bpf_probe_read_kernel_str((u8 *)buf + off, NAME_BYTES,
					      BPF_CORE_READ(d, d_name.name));
		if (n > 0 && n <= NAME_BYTES)
			off = (off + (u32)n) & 4095;
		/* some file systems have longer names than most: vfat, FUSE;
		 * noted in memory: the verifier has less to tell apart */
		if (n <= 0 || n == NAME_BYTES)
			file_ref_of(buf)->odd +=
				n <= 0 || BPF_CORE_READ(d, d_name.hash_len) >>
						  32 >= NAME_BYTES;
		if (parent == d)
			return off; /* a root that is mounted nowhere */
		d = parent;
	}
	return off | 1U << 31;
}

/* Address family of the socket with that inode; null if it is none any more. */
static __always_inline u16 socket_family(u64 inode)
{
	struct socket_alloc *a =
		(void *)(inode -
			 bpf_core_field_offset(struct socket_alloc, vfs_inode));
	struct sock *sk = BPF_CORE_READ(a, socket.sk);

	return sk ? BPF_CORE_READ(sk, __sk_common.skc_family) : 0xffff;
}

/* Writes the name of the file that file_ref_of(scratch_of(probe, 1)) describes. */
__noinline int name_path(u32 probe)
{
	struct record_buf *buf = scratch_of(probe, 1);
	struct fr_name_path *r = (void *)buf;
	struct fr_probe_counts *n = counts_of(probe);
	u32 len, cut;
	u64 seq;
	struct dentry *dentry;
	struct inode *inode;
	struct file_ref *f;

	if (!buf || !n)
		return 0;
	f = file_ref_of(buf);
	dentry = (void *)f->dentry;
	inode = (void *)f->inode;
	len = path_parts(buf, f->dentry, f->mnt);
	cut = len >> 31;
	len &= 0xffff;
	if (len < sizeof(*r) || len > RECORD_BYTES)
		return 0;
	r->ts = bpf_ktime_get_ns();
	r->ino = f->ino;
	r->dev = f->dev;
	r->gen = f->gen;
	r->pkey = (u16)(f->mix >> 48);
	r->mode = (u16)f->mode;
	r->fs_magic = BPF_CORE_READ(inode, i_sb, s_magic);
	/* without a mount it begins at the root of the file system */
	r->flags = cut || f->odd || !f->mnt ? NAME_CUT : 0;
	if (!BPF_CORE_READ(dentry, d_hash.pprev) &&
	    dentry != BPF_CORE_READ(dentry, d_parent))
		r->flags |= NAME_DELETED;
	if (r->fs_magic == PIPEFS_MAGIC || r->fs_magic == SOCKFS_MAGIC ||
	    r->fs_magic == ANON_INODE_MAGIC)
		r->flags = NAME_NOT_A_PATH;
	r->rdev = BPF_CORE_READ(inode, i_rdev) ?: ~0U;
	r->family = 0xffff;
	r->spare = 0;
	if (r->fs_magic == SOCKFS_MAGIC)
		r->family = socket_family((u64)inode);
	seq = ring_put(buf, len, FR_LANE_NAMES,
		       TYPE_AUX(FR_T_name_path, len - sizeof(*r)));
	if (seq)
		n->names++;
	else
		n->names_lost++;
	seen_note(f->mix, ordinal_of(seq));
	return 0;
}

static __always_inline u64 rename_epoch(void)
{
	u32 zero = 0;
	struct fr_globals *g = bpf_map_lookup_elem(&globals, &zero);

	return g ? READ_ONCE(g->rename_epoch) : 0;
}

/* Two ways to load a member of a kernel object that we only know as a number:
 * through a typed pointer (kernels from 6.2 on) or by probe read. */
#define KPTR(cast, type, ptr)                                              \
	((cast) ? (type *)bpf_rdonly_cast((void *)(ptr),                   \
					  bpf_core_type_id_kernel(type)) : \
		  (type *)(ptr))
#define KREAD(cast, ptr, member) \
	((cast) ? (ptr)->member : BPF_CORE_READ(ptr, member))

/* Identity of the file at (dentry, mnt); writes its name if it is not known. */
static __always_inline int file_identify(const int cast, u32 probe, u64 dentry,
					 u64 vfsmnt, u64 inode,
					 struct file_id *ret)
{
	struct dentry *d = KPTR(cast, struct dentry, dentry), *parent;
	struct inode *in = KPTR(cast, struct inode, inode);
	struct super_block *sb;
	struct record_buf *buf;
	struct file_ref *f;
	u32 gen;
	u64 h;

	if (!dentry || !inode)
		return -1;
	ret->ino = KREAD(cast, in, i_ino);
	gen = KREAD(cast, in, i_generation);
	sb = KREAD(cast, in, i_sb);
	ret->dev = KREAD(cast, sb, s_dev);
	parent = KREAD(cast, d, d_parent);
	/* Differences of addresses, not addresses: the verifier lets us compute
	 * with a typed pointer only after it was subtracted from another. */
	h = mix64(rename_epoch() ^ (dentry - (u64)parent),
		  KREAD(cast, d, d_name.hash_len));
	h = mix64(h ^ (dentry - inode), KREAD(cast, parent, d_name.hash_len));
	h = mix64(h ^ (vfsmnt - dentry), (u64)gen << 32 ^ ret->ino) | 1;
	if (h >> 48 == 0xffff) /* all ones means: not captured */
		h ^= 1ULL << 48;
	ret->pkey = (u16)(h >> 48);
	if (seen_fresh(h))
		return 0;
	buf = scratch_of(probe, 1);
	if (!buf)
		return 0;
	f = file_ref_of(buf);
	f->dentry = dentry;
	f->mnt = vfsmnt;
	f->inode = inode;
	f->ino = ret->ino;
	f->mix = h;
	f->dev = ret->dev;
	f->gen = gen;
	f->mode = KREAD(cast, in, i_mode);
	f->odd = 0;
	name_path(probe);
	return 0;
}

static __always_inline u64 file_of_fd(const int cast, struct task_struct *t,
				      u32 fd)
{
	struct files_struct *files = t->files;
	struct fdtable *fdt;
	u64 file = 0;

	if (!files)
		return 0;
	fdt = files->fdt;
	if (fd >= fdt->max_fds)
		return 0;
	if (cast) {
		struct hlist_head *at =
			KPTR(1, struct hlist_head, (u64)fdt->fd + 8ULL * fd);

		return (u64)at->first;
	}
	bpf_probe_read_kernel(&file, sizeof(file),
			      (void *)((u64)fdt->fd + 8ULL * fd));
	return file;
}

/* ---- strings ---------------------------------------------------------------- */
#define STR_BYTES_MAX 4096
#define HASH_EMPTY    3ULL /* of the empty string */

/* Hash over the whole bytes of the string at buf behind struct fr_name_str. */
__noinline u64 text_hash(struct record_buf *buf, u32 len)
{
	u64 h = fr_cfg.hash_seed ^ len;

	if (!buf)
		return 0;
	if (!len)
		return HASH_EMPTY;
	record_end(buf, sizeof(struct fr_name_str) + len); /* whole words */
	for (u32 i = 0; i < STR_BYTES_MAX / 8; i++) {
		if (i * 8 >= len)
			break;
		h = mix64(h, buf->w[sizeof(struct fr_name_str) / 8 + i]);
	}
	return h | 1;
}

#define STR_RELATIVE   1 /* in the low bits of the value returned below */
#define STR_UNREADABLE 2
#define STR_EMPTY      4

/* Writes name_str of the ${len} bytes behind the head in scratch_of(probe, 1) if
 * it is not known, and returns its hash.  ${cut}: there was more. */
__noinline u64 name_text(u32 probe, u32 len, u32 cut)
{
	struct record_buf *buf = scratch_of(probe, 1);
	struct fr_name_str *r = (void *)buf;
	struct fr_probe_counts *c = counts_of(probe);
	u64 hash, seq;

	if (!buf || !c || len > STR_BYTES_MAX)
		return 0;
	hash = text_hash(buf, len);
	/* bit 1: whether it is relative, so that records need not ask again */
	hash &= ~2ULL;
	if (*((u8 *)buf + sizeof(*r)) != '/')
		hash |= 2;
	if (seen_fresh(hash))
		return hash;
	r->ts = bpf_ktime_get_ns();
	r->hash = hash;
	r->flags = cut;
	r->spare = 0;
	seq = ring_put(buf, sizeof(*r) + len, FR_LANE_NAMES,
		       TYPE_AUX(FR_T_name_str, len));
	if (seq)
		c->names++;
	else
		c->names_lost++;
	seen_note(hash, ordinal_of(seq));
	return hash;
}

/* Reads the user's string at ptr and returns name_text of it, 0 if it cannot be
 * read now. */
__noinline u64 name_str(u32 probe, u64 ptr)
{
	struct record_buf *buf = scratch_of(probe, 1);
	u8 *text = (u8 *)buf + sizeof(struct fr_name_str), more = 0;
	long n;

	if (!buf || !ptr)
		return 0;
	n = bpf_probe_read_user_str(text, STR_BYTES_MAX, (void *)ptr);
	if (n < 0 || n > STR_BYTES_MAX)
		return 0;
	if (!n) /* older kernels (6.1, 6.12) do not count the NUL of "" */
		*text = 0;
	/* full: was it just as long, or is there more? */
	if (n == STR_BYTES_MAX &&
	    bpf_probe_read_user(&more, 1, (void *)(ptr + n - 1)))
		more = 1;
	return name_text(probe, n ? (u32)n - 1 : 0, more != 0);
}
#define HASH_RELATIVE(hash) (((hash)&2) != 0)

#endif
