/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/instances.h"

#include "recorder/metric.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LABEL_MAX 64

/* How far a listing has come down the path. */
struct instances_walk {
	struct instances *t;
	unsigned nr_sorted; /* found earlier; what is new comes behind */
	char path[PATH_MAX];
	char name[METRIC_NAME_MAX];
	size_t last_at; /* where the last star's part begins in name */
	bool no_memory;
};

/* Shared by all: atomic, relaxed, as it is a bound and orders nothing. */
static unsigned instances_open;

/* ---- one file ---------------------------------------------------------------- */
static void instance_uncount(struct instance *in)
{
	if (in->counted)
		__atomic_fetch_sub(&instances_open, 1, __ATOMIC_RELAXED);
	in->counted = false;
}

/* Keeps the descriptor, or not if there are enough. */
static void instance_count(struct instance *in)
{
	if (in->counted || in->file.fd < 0)
		return;
	if (__atomic_fetch_add(&instances_open, 1, __ATOMIC_RELAXED) <
	    INSTANCES_OPEN_MAX) {
		in->counted = true;
		return;
	}
	__atomic_fetch_sub(&instances_open, 1, __ATOMIC_RELAXED);
	procfile_close(&in->file);
}

static void instance_free(struct instance *in)
{
	instance_uncount(in);
	procfile_free(&in->file);
	free(in->name);
}

int instances_read(struct instances *t, struct instance *in)
{
	int r = procfile_read(&in->file);

	if (in->file.fd < 0)
		instance_uncount(in);
	else
		instance_count(in);
	if (r == -ENOENT || r == -ENODEV || r == -ENXIO)
		t->stale = true;
	return r;
}

/* ---- what a listing finds ----------------------------------------------------- */
static int instance_compare(const void *a, const void *b)
{
	const struct instance *x = a, *y = b;

	return strcmp(x->file.path, y->file.path);
}

static struct instance *instances_find(struct instances_walk *w)
{
	struct instance key = { .file = { .path = w->path } };

	if (w->nr_sorted == 0)
		return NULL;
	return bsearch(&key, w->t->all, w->nr_sorted, sizeof(key),
		       instance_compare);
}

static bool instances_room(struct instances *t)
{
	unsigned more = t->size ? t->size * 2 : 8;
	struct instance *all;

	if (t->nr < t->size)
		return true;
	all = realloc(t->all, more * sizeof(*all));
	if (!all)
		return false;
	t->all = all;
	t->size = more;
	return true;
}

static void instances_add(struct instances_walk *w, const char *name)
{
	struct instances *t = w->t;
	struct instance *in;

	if (t->nr == INSTANCES_MAX) {
		t->too_many = true;
		return;
	}
	w->no_memory = !instances_room(t);
	if (w->no_memory)
		return;
	in = &t->all[t->nr++];
	*in = (struct instance){ .found = true, .name = strdup(name) };
	if (procfile_init(&in->file, "", w->path, t->max) || !in->name) {
		w->no_memory = true;
		t->nr--;
		instance_free(in);
		return;
	}
	instance_count(in);
}

/* The first line of the file beside, as a part of a name; "": none. */
static void instances_label(const struct instances_walk *w, char *label)
{
	const char *slash = strrchr(w->path, '/');
	char path[PATH_MAX + LABEL_MAX];
	ssize_t n;
	int fd;

	label[0] = 0;
	if (!w->t->label || !slash)
		return;
	snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - w->path), w->path,
		 w->t->label);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	n = read(fd, label, LABEL_MAX - 1);
	close(fd);
	label[n < 0 ? 0 : n] = 0;
	label[strcspn(label, "\n")] = 0;
	for (char *p = label; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			*p = '_';
}

static void instances_found(struct instances_walk *w)
{
	char name[METRIC_NAME_MAX + LABEL_MAX], label[LABEL_MAX];
	struct instance *in = instances_find(w);

	instances_label(w, label);
	snprintf(name, sizeof(name), "%.*s%s%s%s", (int)w->last_at, w->name,
		 label, label[0] ? "." : "", w->name + w->last_at);
	/* Another device has taken the number: nothing is kept of the first. */
	if (in && strcmp(in->name, name) == 0)
		in->found = true;
	else
		instances_add(w, name);
}

/* ---- down the path ----------------------------------------------------------------- */
static void instances_walk(struct instances_walk *w, const char *rest);

/* Does ${name} fit the component ${part}, ${len} bytes with a star?  *ret: what the
 * star stands for. */
static bool instances_match(const char *part, size_t len, const char *name,
			    const char **ret, size_t *ret_len)
{
	size_t before = (size_t)((const char *)memchr(part, '*', len) - part);
	size_t after = len - before - 1, n = strlen(name);

	if (name[0] == '.' || n <= before + after ||
	    memcmp(name, part, before) != 0 ||
	    memcmp(name + n - after, part + before + 1, after) != 0)
		return false;
	*ret = name + before;
	*ret_len = n - before - after;
	return true;
}

/* One name of a folder that fits: goes on below it. */
static void instances_enter(struct instances_walk *w, const char *entry,
			    const char *star, size_t star_len, const char *rest)
{
	size_t path_len = strlen(w->path), name_len = strlen(w->name);
	size_t last_at = w->last_at;

	if (path_len + strlen(entry) + 2 > sizeof(w->path) ||
	    name_len + star_len + 2 > sizeof(w->name)) {
		w->t->too_many = true;
		return;
	}
	snprintf(w->path + path_len, sizeof(w->path) - path_len, "/%s", entry);
	snprintf(w->name + name_len, sizeof(w->name) - name_len, "%s%.*s",
		 name_len ? "." : "", (int)star_len, star);
	w->last_at = name_len ? name_len + 1 : 0;
	instances_walk(w, rest);
	w->path[path_len] = 0;
	w->name[name_len] = 0;
	w->last_at = last_at;
}

static void instances_folder(struct instances_walk *w, const char *part,
			     size_t len, const char *rest)
{
	DIR *dir = opendir(w->path);
	struct dirent *e;
	const char *star;
	size_t n;

	while (dir && !w->no_memory && (e = readdir(dir))) {
		if (++w->t->looked_at > INSTANCES_LOOK_MAX) {
			w->t->too_many = true;
			break;
		}
		if (instances_match(part, len, e->d_name, &star, &n))
			instances_enter(w, e->d_name, star, n, rest);
	}
	if (dir)
		closedir(dir);
}

/* ${rest}: "/class/hwmon/hwmon* /..." that is still to go. */
static void instances_walk(struct instances_walk *w, const char *rest)
{
	size_t at = strlen(w->path), len = strcspn(rest + !!*rest, "/");

	if (!*rest) {
		if (access(w->path, F_OK) == 0)
			instances_found(w);
		return;
	}
	if (memchr(rest + 1, '*', len)) {
		instances_folder(w, rest + 1, len, rest + 1 + len);
		return;
	}
	if (at + len + 2 > sizeof(w->path))
		return;
	snprintf(w->path + at, sizeof(w->path) - at, "%.*s", (int)len + 1,
		 rest);
	instances_walk(w, rest + 1 + len);
	w->path[at] = 0;
}

/* ---- listing ------------------------------------------------------------------------ */
static void instances_sweep(struct instances *t)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < t->nr; i++) {
		if (!t->all[i].found)
			instance_free(&t->all[i]);
		else
			t->all[kept++] = t->all[i];
	}
	t->nr = kept;
	if (kept)
		qsort(t->all, kept, sizeof(*t->all), instance_compare);
}

static int instances_list(struct instances *t)
{
	struct instances_walk w = { .t = t, .nr_sorted = t->nr };

	for (unsigned i = 0; i < t->nr; i++)
		t->all[i].found = false;
	t->stale = t->too_many = false;
	t->rounds = t->looked_at = 0;
	if (strlen(t->root) < sizeof(w.path))
		snprintf(w.path, sizeof(w.path), "%s", t->root);
	instances_walk(&w, t->path);
	instances_sweep(t);
	return w.no_memory ? -ENOMEM : 0;
}

/* Has the kernel sent uevents since the last time? */
static bool instances_uevent(struct instances *t)
{
	size_t n;

	if (procfile_read(&t->seqnum))
		return false;
	n = t->seqnum.len;
	if (n >= sizeof(t->last_seqnum))
		n = sizeof(t->last_seqnum) - 1;
	if (strlen(t->last_seqnum) == n &&
	    memcmp(t->last_seqnum, t->seqnum.buf, n) == 0)
		return false;
	memset(t->last_seqnum, 0, sizeof(t->last_seqnum));
	memcpy(t->last_seqnum, t->seqnum.buf, n);
	return true;
}

void instances_refresh(struct instances *t)
{
	bool uevent = instances_uevent(t);

	if (uevent || t->stale || ++t->rounds >= INSTANCES_ROUNDS)
		instances_list(t);
}

int instances_init(struct instances *t, const char *root, const char *path,
		   const char *label, size_t max)
{
	int r;

	*t = (struct instances){ .path = path, .label = label, .max = max };
	t->root = strdup(root);
	r = procfile_init(&t->seqnum, root, "/sys/kernel/uevent_seqnum",
			  sizeof(t->last_seqnum) - 1);
	if (!t->root || r)
		return -ENOMEM;
	instances_uevent(
		t); /* before the listing: what comes during it shows */
	return instances_list(t);
}

void instances_free(struct instances *t)
{
	for (unsigned i = 0; i < t->nr; i++)
		instance_free(&t->all[i]);
	free(t->all);
	free(t->root);
	procfile_free(&t->seqnum);
	*t = (struct instances){ 0 };
}
