/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filesystems.c - space and inodes of each mounted file system.
 *
 * Each is asked by path, every time: a descriptor kept open, even one of O_PATH,
 * would make umount(8) fail.  Local ones are asked here.  What other machines or
 * processes answer for (NFS, FUSE) may hang for ever: these are asked only if the
 * list names them, by a thread each (asker.h), and a round waits for all of them
 * together FILESYSTEMS_WAIT_NS at most.
 */
#include "recorder/asker.h"
#include "recorder/collector.h"
#include "recorder/mounts.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FILESYSTEMS_PATH    "/proc/self/mountinfo"
#define FILESYSTEMS_MAX     (16 << 20)
#define FILESYSTEMS_WAIT_NS 20000000ULL

static const struct metric_def filesystems_bytes[] = {
	SHAPE_GAUGE("filesystem.%.size_bytes", "bytes", 1),
	SHAPE_GAUGE("filesystem.%.free_bytes", "bytes", 1),
	SHAPE_GAUGE("filesystem.%.available_bytes", "bytes", 1),
};
static const struct metric_def filesystems_inodes[] = {
	SHAPE_GAUGE("filesystem.%.inodes", "", 1),
	SHAPE_GAUGE("filesystem.%.inodes_free", "", 1),
};
static const struct metric_def filesystems_readonly =
	SHAPE_GAUGE("filesystem.%.readonly", "", 1);
static const struct metric_def filesystems_answers =
	SHAPE_GAUGE("filesystem.%.answers", "", 1);

struct filesystems {
	struct mounts mounts;
	char *root;
	bool listed;
};

static uint64_t filesystems_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- which there are ------------------------------------------------------------ */
static int filesystems_open(struct collector *c, const char *root)
{
	struct filesystems *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	c->state = f;
	f->root = strdup(root);
	if (!f->root)
		return -ENOMEM;
	return procfile_init(&c->files[0], root, FILESYSTEMS_PATH,
			     FILESYSTEMS_MAX);
}

/* Threads go on with the file systems that stay. */
static void filesystems_keep(struct mounts *old, struct mounts *new)
{
	for (unsigned i = 0; i < new->nr; i++)
		for (unsigned j = 0; j < old->nr; j++) {
			struct mount *a = &new->all[i], *b = &old->all[j];

			if (a->dev != b->dev || strcmp(a->name, b->name) != 0)
				continue;
			a->state = b->state;
			b->state = NULL;
		}
}

static void filesystems_forget(struct mounts *m)
{
	for (unsigned i = 0; i < m->nr; i++)
		asker_free(m->all[i].state);
	mounts_free(m);
}

static void filesystems_list(struct collector *c, struct sample *s)
{
	struct filesystems *f = c->state;
	struct mounts new = { 0 };

	if (f->listed && !mounts_changed(c->files[0].fd))
		return;
	f->listed = procfile_read(&c->files[0]) == 0;
	if (mounts_parse(&new, c->list, c->files[0].buf, c->files[0].len) ||
	    new.errors || c->files[0].cut)
		sample_error(s);
	filesystems_keep(&f->mounts, &new);
	filesystems_forget(&f->mounts);
	f->mounts = new;
}

/* ---- what they say ---------------------------------------------------------------- */
static void filesystems_put(struct sample *s, const struct mount *m,
			    const struct statvfs *v)
{
	const uint64_t blocks[] = { v->f_blocks, v->f_bfree, v->f_bavail };
	size_t n = strlen(m->name);
	int64_t bytes;

	if (v->f_blocks == 0) /* /proc and its like */
		return;
	for (unsigned i = 0; i < 3; i++) {
		if (__builtin_mul_overflow(blocks[i], v->f_frsize, &bytes))
			sample_error(s);
		else
			sample_put(s, &filesystems_bytes[i], m->name, n, bytes);
	}
	/* Those that make inodes as they go (btrfs) say 0 and 0. */
	if (v->f_files && v->f_files <= INT64_MAX) {
		sample_put(s, &filesystems_inodes[0], m->name, n,
			   (int64_t)v->f_files);
		sample_put(s, &filesystems_inodes[1], m->name, n,
			   (int64_t)v->f_ffree);
	}
	sample_put(s, &filesystems_readonly, m->name, n,
		   m->mount_readonly ? m->readonly :
				       (v->f_flag & ST_RDONLY) != 0);
}

static void filesystems_local(struct sample *s, const struct filesystems *f,
			      const struct mount *m)
{
	char path[PATH_MAX];
	struct statvfs v;

	if ((size_t)snprintf(path, sizeof(path), "%s%s", f->root, m->point) >=
	    sizeof(path)) {
		sample_error(s);
		return;
	}
	if (statvfs(path, &v) == 0)
		filesystems_put(s, m, &v);
	else if (errno != ENOENT) /* gone between list and question */
		sample_error(s);
}

static void filesystems_ask(struct sample *s, const struct filesystems *f,
			    struct mount *m)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", f->root, m->point);
	if (!m->state)
		m->state = asker_new(path);
	if (m->state)
		asker_ask(m->state);
	else
		sample_error(s);
}

static void filesystems_answer(struct sample *s, const struct mount *m,
			       uint64_t deadline_ns)
{
	struct statvfs v;
	int r;

	if (!m->state)
		return;
	r = asker_answer(m->state, deadline_ns, &v);
	sample_put(s, &filesystems_answers, m->name, strlen(m->name), r == 0);
	if (r == 0)
		filesystems_put(s, m, &v);
}

static void filesystems_collect(struct collector *c, struct sample *s)
{
	struct filesystems *f = c->state;
	uint64_t deadline_ns;

	s->list = c->list;
	s->source = FILESYSTEMS_PATH;
	filesystems_list(c, s);
	for (unsigned i = 0; i < f->mounts.nr; i++)
		if (!f->mounts.all[i].local)
			filesystems_ask(s, f, &f->mounts.all[i]);
	for (unsigned i = 0; i < f->mounts.nr; i++)
		if (f->mounts.all[i].local)
			filesystems_local(s, f, &f->mounts.all[i]);
	deadline_ns = filesystems_now() + FILESYSTEMS_WAIT_NS;
	for (unsigned i = 0; i < f->mounts.nr; i++)
		if (!f->mounts.all[i].local)
			filesystems_answer(s, &f->mounts.all[i], deadline_ns);
}

static void filesystems_close(struct collector *c)
{
	struct filesystems *f = c->state;

	if (f) {
		filesystems_forget(&f->mounts);
		free(f->root);
		free(f);
	}
	c->state = NULL;
	collector_files_close(c);
}

const struct collector_ops collector_filesystems = {
	.name = "filesystems",
	.doc = "space and inodes of each mounted file system",
	.man = "filesystem.MOUNTPOINT.FIELD. Fields: size_bytes, free_bytes, "
	       "available_bytes (to users other than root), inodes, "
	       "inodes_free (not where inodes are made as needed), readonly (1 "
	       "or 0; an error can make a file system read-only). Each file "
	       "system once, bind mounts are passed over, and a blank in a "
	       "mount point is written \\040.\n"
	       "\n"
	       "Without globs: local file systems on disk and tmpfs. Network "
	       "and FUSE file systems, images that are always full and "
	       "overlays only where a glob fits the mount point "
	       "(filesystems:/+/home+/nfs/*). One that may hang is asked by a "
	       "thread of its own: answers is 1, or 0 if none came "
	       "in 20 ms, and then there are no other values. Several "
	       "that hang do not add up.",
	.from = FILESYSTEMS_PATH ", statvfs(3)",
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = filesystems_open,
	.collect = filesystems_collect,
	.close = filesystems_close,
};
