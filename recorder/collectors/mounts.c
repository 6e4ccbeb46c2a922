/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mounts.c - is what should be mounted there, writable, and does it answer?
 *
 * A thread for each mount point asks (asker.h), as statvfs(3) of a dead NFS server
 * returns when it likes.  A round waits MOUNTS_WAIT_NS for all of them together.
 */
#include "recorder/mounts.h"
#include "recorder/asker.h"
#include "recorder/collector.h"
#include "recorder/shapes.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOUNTS_PATH    "/proc/self/mountinfo"
#define MOUNTS_BYTES   (16 << 20)
#define MOUNTS_POINTS  64
#define MOUNTS_WAIT_NS 20000000ULL
#define MOUNTS_DEAD_NS 2000000000ULL /* a question that old has no answer */

static const struct metric_def mounts_up = SHAPE_GAUGE("mounts.%.up", "", 1);
static const struct metric_def mounts_ro =
	SHAPE_GAUGE("mounts.%.readonly", "", 1);

struct mount_point {
	char *name; /* as in mountinfo and in the list: "\040" for a blank */
	bool mounted, readonly;
	uint64_t dev;
	struct asker *asker; /* NULL: not mounted, or no thread could be had */
	uint64_t asked_ns;   /* when the open question was; 0: none is */
	bool known;          /* it was answered once, or too late */
	int up;
};

struct mount_points {
	char *root;
	struct mount_point all[MOUNTS_POINTS];
	unsigned nr;
	bool listed;
};

static uint64_t mounts_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- which are mounted ----------------------------------------------------------- */

/* Another file system may be there now: a thread that hangs in the old one stays
 * behind. */
static void mounts_renew(struct mount_points *m, struct mount_point *p,
			 const struct mount *found)
{
	char path[PATH_MAX];

	if (found && p->mounted && p->dev == found->dev) {
		p->readonly = found->mount_readonly || found->readonly;
		return;
	}
	asker_free(p->asker);
	p->asker = NULL;
	p->asked_ns = 0;
	p->known = false;
	p->mounted = found != NULL;
	if (!found)
		return;
	p->dev = found->dev;
	p->readonly = found->mount_readonly || found->readonly;
	if ((size_t)snprintf(path, sizeof(path), "%s%s", m->root,
			     found->point) < sizeof(path))
		p->asker = asker_new(path);
}

/* As a glob that fits nothing else. */
static void mounts_quote(char *glob, const char *name)
{
	for (; *name; name++) {
		if (strchr("\\*?[", *name))
			*glob++ = '\\';
		*glob++ = *name;
	}
	*glob = '\0';
}

static void mounts_list(struct mount_points *m, struct procfile *f,
			struct sample *s)
{
	char glob[2 * METRIC_NAME_MAX];

	if (m->listed && !mounts_changed(f->fd))
		return;
	m->listed = procfile_read(f) == 0 && !f->cut;
	if (!m->listed)
		sample_error(s);
	/* One by one: a file system may be mounted at two of them. */
	for (unsigned i = 0; m->listed && i < m->nr; i++) {
		struct mounts found = { 0 };

		mounts_quote(glob, m->all[i].name);
		if (mounts_parse(&found, glob, f->buf, f->len))
			sample_error(s);
		else
			mounts_renew(m, &m->all[i],
				     found.nr ? &found.all[0] : NULL);
		mounts_free(&found);
	}
}

/* ---- do they answer --------------------------------------------------------------- */

/* Takes the answer, if there is one by then.  A server that refuses to tell does
 * answer. */
static void mounts_hear(struct mount_point *p, uint64_t deadline_ns)
{
	struct statvfs v;
	int r;

	if (!p->asked_ns)
		return;
	r = asker_answer(p->asker, deadline_ns, &v);
	if (r == -ETIMEDOUT) {
		if (mounts_now() - p->asked_ns < MOUNTS_DEAD_NS)
			return;
		p->up = -1;
	} else {
		p->asked_ns = 0;
		p->up = r == 0 || r == -EACCES || r == -EPERM ? 1 : -1;
		if (r == 0)
			p->readonly = (v.f_flag & ST_RDONLY) != 0;
	}
	p->known = true;
}

static void mounts_ask(struct mount_point *p)
{
	mounts_hear(p, 0); /* one that came between the rounds */
	if (p->asked_ns)
		return;
	p->asked_ns = mounts_now();
	asker_ask(p->asker);
}

static void mounts_put(struct sample *s, const struct mount_point *p)
{
	size_t n = strlen(p->name);

	if (!p->mounted) {
		sample_put(s, &mounts_up, p->name, n, 0);
		return;
	}
	if (!p->asker)
		sample_error(s);
	if (p->known)
		sample_put(s, &mounts_up, p->name, n, p->up);
	sample_put(s, &mounts_ro, p->name, n, p->readonly);
}

static void mounts_collect(struct collector *c, struct sample *s)
{
	struct mount_points *m = c->state;
	uint64_t deadline_ns;

	if (!m->nr)
		return;
	s->list = NULL; /* ours are points, not globs */
	s->source = MOUNTS_PATH ", statvfs(3)";
	mounts_list(m, &c->files[0], s);
	if (!m->listed)
		return;
	for (unsigned i = 0; i < m->nr; i++)
		if (m->all[i].asker)
			mounts_ask(&m->all[i]);
	deadline_ns = mounts_now() + MOUNTS_WAIT_NS;
	for (unsigned i = 0; i < m->nr; i++) {
		if (m->all[i].asker)
			mounts_hear(&m->all[i], deadline_ns);
		mounts_put(s, &m->all[i]);
	}
}

/* ---- the four steps ------------------------------------------------------------------ */

/* As the kernel writes it: no slash at the end, but for the root. */
static size_t mounts_len(const char *p, size_t n)
{
	while (n > 1 && p[n - 1] == '/')
		n--;
	return n;
}

static int mounts_check(const char *list, char *ret_what, size_t size)
{
	const char *p = list ? list : "";
	unsigned nr = 0;

	while (*(p += strspn(p, " ,"))) {
		size_t n = strcspn(p, " ,");

		nr++;
		if (*p != '/' || n >= METRIC_NAME_MAX - 16) {
			snprintf(ret_what, size,
				 "'%.*s' is no mount point; mounts wants whole "
				 "paths, with \\040 for a blank",
				 n > 64 ? 64 : (int)n, p);
			return -EINVAL;
		}
		p += n;
	}
	if (nr == 0 || nr > MOUNTS_POINTS) {
		snprintf(ret_what, size,
			 "mounts wants 1 to %d mount points: "
			 "mounts:/home+/srv/data",
			 MOUNTS_POINTS);
		return -EINVAL;
	}
	return 0;
}

/* Without a list it does nothing. */
static int mounts_prepare(struct collector *c, const char *list)
{
	struct mount_points *m = calloc(1, sizeof(*m));
	const char *p = list ? list : "";
	char what[256];

	c->state = m;
	if (!m)
		return -ENOMEM;
	if (list && mounts_check(list, what, sizeof(what)))
		return -EINVAL;
	while (*(p += strspn(p, " ,"))) {
		size_t n = strcspn(p, " ,");

		m->all[m->nr].name = strndup(p, mounts_len(p, n));
		if (!m->all[m->nr++].name)
			return -ENOMEM;
		p += n;
	}
	return 0;
}

static int mounts_open(struct collector *c, const char *root)
{
	struct mount_points *m = c->state;

	m->root = strdup(root);
	if (!m->root)
		return -ENOMEM;
	return procfile_init(&c->files[0], root, MOUNTS_PATH, MOUNTS_BYTES);
}

static void mounts_close(struct collector *c)
{
	struct mount_points *m = c->state;

	for (unsigned i = 0; m && i < m->nr; i++) {
		asker_free(m->all[i].asker);
		free(m->all[i].name);
	}
	if (m)
		free(m->root);
	free(m);
	c->state = NULL;
	procfile_free(&c->files[0]);
}

const struct collector_ops collector_mounts = {
	.name = "mounts",
	.doc = "whether mount points of a list are mounted and answer",
	.man = "mounts.POINT.up: 1 mounted and it answers, 0 not mounted, -1 "
	       "mounted but it does not answer for two seconds, or answers with "
	       "an error (a stale NFS handle, a dead disk). mounts.POINT.readonly: 1 or 0, of "
	       "what is mounted. The list has the mount points: "
	       "mounts:/home+/srv/data, with \\040 for a blank.\n"
	       "\n"
	       "Each is asked by a thread of its own, so one that hangs holds up "
	       "nothing but that thread, which stays until its system call ends; a "
	       "round waits 20 ms for all together, and an answer that comes later "
	       "counts in the next.",
	.from = MOUNTS_PATH ", statvfs(3)",
	.changes_only = true,
	.check = mounts_check,
	.prepare = mounts_prepare,
	.open = mounts_open,
	.collect = mounts_collect,
	.close = mounts_close,
};
