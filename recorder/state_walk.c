/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/state_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <flightrec/event.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SEEN_FIRST 4096U
#define SEEN_MAX   (1U << 21) /* 16 MiB of inode numbers */
#define WANTED     (STATX_BASIC_STATS | STATX_BTIME)

/* Not in all headers. */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_CLASS_IDLE  (3 << 13)

struct walk {
	const struct walk_options *o;
	struct state_out *out;
	struct walk_result *res;
	uint32_t dev;
	uint64_t bytes;
	uint64_t *seen; /* open addressing; 0: free */
	uint32_t nr_seen, seen_size;
	char path[PATH_MAX];
	size_t len;
};

void walk_be_modest(void)
{
	const struct sched_param p = { 0 };

	setpriority(PRIO_PROCESS, 0, 19);
	sched_setscheduler(0, SCHED_IDLE, &p);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_IDLE);
}

/* ---- inodes seen ------------------------------------------------------------------ */

static uint32_t slot_of(const struct walk *w, uint64_t ino)
{
	uint32_t i = (uint32_t)((ino * 0x9e3779b97f4a7c15ULL) >> 32);

	for (i &= w->seen_size - 1; w->seen[i] && w->seen[i] != ino;)
		i = (i + 1) & (w->seen_size - 1);
	return i;
}

static bool grow(struct walk *w)
{
	uint32_t size = w->seen_size ? 2 * w->seen_size : SEEN_FIRST;
	struct walk bigger = { .seen_size = size };

	if (size > SEEN_MAX)
		return false;
	bigger.seen = calloc(size, sizeof(*bigger.seen));
	if (!bigger.seen)
		return false;
	for (uint32_t i = 0; i < w->seen_size; i++)
		if (w->seen[i])
			bigger.seen[slot_of(&bigger, w->seen[i])] = w->seen[i];
	free(w->seen);
	w->seen = bigger.seen;
	w->seen_size = size;
	return true;
}

/* 1: new; 0: seen before; -ENOMEM: nobody can tell. */
static int note_inode(struct walk *w, uint64_t ino)
{
	uint32_t i;

	if (!ino) /* no number at all */
		return 1;
	if (w->nr_seen >= w->seen_size / 2 && !grow(w))
		return -ENOMEM;
	i = slot_of(w, ino);
	if (w->seen[i] == ino)
		return 0;
	w->seen[i] = ino;
	w->nr_seen++;
	return 1;
}

/* ---- one file ---------------------------------------------------------------------- */

static int64_t ns_of(const struct statx_timestamp *t)
{
	int64_t ns;

	/* Years that do not fit are as good as none. */
	if (__builtin_mul_overflow(t->tv_sec, 1000000000LL, &ns) ||
	    __builtin_add_overflow(ns, (int64_t)t->tv_nsec, &ns))
		return -1;
	return ns;
}

static uint32_t dev_of(const struct statx *st)
{
	return st->stx_dev_major << 20 | st->stx_dev_minor;
}

static uint64_t bytes_in_ring(size_t tail_len)
{
	size_t len = sizeof(struct fr_state_file) + tail_len;
	uint64_t slots = 1;

	if (len > FR_SLOT_BYTES)
		slots += (len - FR_SLOT_BYTES + FR_CONT_BYTES - 1) /
			 FR_CONT_BYTES;
	return slots * FR_SLOT_BYTES;
}

static void put_file(struct walk *w, const struct statx *st, unsigned depth)
{
	struct fr_state_file rec = {
		.ts = state_now_ns(),
		.round = w->o->round,
		.ino = st->stx_ino,
		.dev = dev_of(st),
		.mode = st->stx_mode,
		.depth = (uint16_t)depth,
		.size = st->stx_size,
		.created =
			st->stx_mask & STATX_BTIME ? ns_of(&st->stx_btime) : -1,
		.modified = ns_of(&st->stx_mtime),
		.uid = st->stx_uid,
		.nlink = st->stx_nlink,
	};
	uint64_t bytes = bytes_in_ring(w->len);

	if (w->bytes + bytes > w->o->max_bytes ||
	    !state_put(w->out, FR_T_state_file, &rec, sizeof(rec), w->path,
		       w->len)) {
		w->res->skipped++;
		return;
	}
	w->bytes += bytes;
	w->res->files++;
}

/* 1: a folder that is to be entered. */
static int visit(struct walk *w, int dir, const char *name, unsigned depth)
{
	struct statx st;
	int is_new;

	if (statx(dir, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, WANTED,
		  &st)) {
		w->res->errors += errno != ENOENT;
		return 0;
	}
	if (dev_of(&st) != w->dev) {
		w->res->foreign++;
		return 0;
	}
	is_new = note_inode(w, st.stx_ino);
	if (is_new == 0)
		w->res->again++;
	else if (is_new < 0)
		w->res->skipped++;
	else
		put_file(w, &st, depth);
	return is_new > 0 && S_ISDIR(st.stx_mode) && depth < w->o->depth;
}

/* ---- the tree ---------------------------------------------------------------------- */

/* Puts a name behind the path; false: too long. */
static bool enter(struct walk *w, const char *name)
{
	size_t len = strlen(name), slash = w->path[w->len - 1] != '/';

	if (w->len + slash + len >= sizeof(w->path))
		return false;
	if (slash)
		w->path[w->len++] = '/';
	memcpy(w->path + w->len, name, len + 1);
	w->len += len;
	return true;
}

static DIR *open_folder(struct walk *w, int dir, const char *name)
{
	int fd = openat(dir, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC |
				O_NONBLOCK);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (!d) {
		w->res->errors += errno != ENOENT;
		if (fd >= 0)
			close(fd);
	}
	return d;
}

/* The next name in the folder; NULL: that were all. */
static const char *next_name(struct walk *w, DIR *d)
{
	const struct dirent *e;

	do {
		errno = 0;
		e = readdir(d);
	} while (e && (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")));
	if (!e && errno)
		w->res->errors++;
	return e ? e->d_name : NULL;
}

/* Without recursion: a level is an open folder and the length of its path. */
static void walk_levels(struct walk *w, DIR *top)
{
	DIR *dirs[STATE_WALK_DEPTH_MAX + 1] = { top };
	size_t lens[STATE_WALK_DEPTH_MAX + 1] = { w->len };
	unsigned level = 0;

	for (;;) {
		const char *name = next_name(w, dirs[level]);
		DIR *d = NULL;

		w->len = lens[level];
		w->path[w->len] = '\0';
		if (!name) {
			closedir(dirs[level]);
			if (level-- == 0)
				return;
			continue;
		}
		if (!enter(w, name)) {
			w->res->skipped++;
			continue;
		}
		if (visit(w, dirfd(dirs[level]), name, level + 1))
			d = open_folder(w, dirfd(dirs[level]), name);
		if (!d)
			continue;
		dirs[++level] = d;
		lens[level] = w->len;
	}
}

static int open_root(struct walk *w, DIR **ret)
{
	int fd = open(w->o->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statx st;

	*ret = NULL;
	if (fd < 0)
		return -errno;
	if (!statx(fd, "", AT_EMPTY_PATH, WANTED, &st))
		*ret = fdopendir(fd);
	if (!*ret) {
		int err = -errno;

		close(fd);
		return err;
	}
	w->dev = dev_of(&st);
	note_inode(w, st.stx_ino);
	put_file(w, &st, 0);
	return 0;
}

int walk_tree(const struct walk_options *o, struct state_out *out,
	      struct walk_result *ret)
{
	struct walk_options opt = *o;
	struct walk w = { .o = &opt, .out = out, .res = ret };
	DIR *top;
	int err;

	memset(ret, 0, sizeof(*ret));
	if (opt.depth > STATE_WALK_DEPTH_MAX)
		opt.depth = STATE_WALK_DEPTH_MAX;
	w.len = strlen(opt.root);
	if (!w.len || w.len >= sizeof(w.path))
		return -EINVAL;
	memcpy(w.path, opt.root, w.len + 1);
	err = open_root(&w, &top);
	if (!err && opt.depth)
		walk_levels(&w, top);
	else if (!err)
		closedir(top);
	free(w.seen);
	return err;
}
