/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgroup_tree.c - finds cgroups, and reads them. */
#include "recorder/cgroup_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/scan.h"

#define TEXT_MAX   65536
#define MOUNTS_MAX (1 << 20)
#define FDS_MAX    16384
#define BLIND_SCAN 16   /* rounds, where nobody tells of changes */
#define FD_NEVER   (-2) /* the file is not there */
#define FD_CLOSED  (-1)
#define WATCH      (IN_CREATE | IN_DELETE | IN_MOVE | IN_ONLYDIR)

struct group {
	char *path;
	uint64_t ino[CGROUP_HIERARCHIES]; /* 0: not in that hierarchy */
	int fds[CGROUP_FILES_MAX];
	bool seen;
};

struct cgroup_tree {
	struct cgroup_limits limits;
	char *globs;
	int roots[CGROUP_HIERARCHIES]; /* folders; -1: not mounted */
	int notify;
	bool changed, blind;
	unsigned rounds, scans, refused;
	struct group *groups;
	unsigned nr, size;
	uint32_t *buckets; /* index plus 1, by path */
	unsigned nr_buckets;
	unsigned nr_fds, max_fds;
	char text[TEXT_MAX];
};

/* ---- which hierarchies there are ---------------------------------------------------- */

static bool has_option(struct scan options, const char *name)
{
	struct scan word;

	while (scan_word(&options, ',', &word)) {
		if (scan_is(&word, name))
			return true;
		scan_char(&options, ',');
	}
	return false;
}

static int open_under(const char *root, const struct scan *path)
{
	char name[PATH_MAX];

	if (snprintf(name, sizeof(name), "%s%.*s", root,
		     (int)(path->end - path->p), path->p) >= (int)sizeof(name))
		return -1;
	return open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void take_root(struct cgroup_tree *t, enum cgroup_hierarchy h,
		      const char *root, const struct scan *path)
{
	if (t->roots[h] < 0)
		t->roots[h] = open_under(root, path);
}

/* "cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu 0 0" */
static void take_mount(struct cgroup_tree *t, const char *root,
		       struct scan *line)
{
	static const char *const controllers[] = {
		[CGROUP_CPUACCT] = "cpuacct", [CGROUP_CPU] = "cpu",
		[CGROUP_MEMORY] = "memory",   [CGROUP_BLKIO] = "blkio",
		[CGROUP_PIDS] = "pids",
	};
	struct scan from, path, type, options;

	if (!scan_word(line, 0, &from) || !scan_word(line, 0, &path) ||
	    !scan_word(line, 0, &type) || !scan_word(line, 0, &options))
		return;
	if (scan_is(&type, "cgroup2"))
		take_root(t, CGROUP_V2, root, &path);
	if (!scan_is(&type, "cgroup"))
		return;
	for (unsigned h = CGROUP_CPUACCT; h < CGROUP_HIERARCHIES; h++)
		if (has_option(options, controllers[h]))
			take_root(t, (enum cgroup_hierarchy)h, root, &path);
}

static char *read_mounts(const char *root, size_t *ret_len)
{
	char name[PATH_MAX], *text = malloc(MOUNTS_MAX);
	ssize_t n = 0;
	int fd;

	*ret_len = 0;
	snprintf(name, sizeof(name), "%s/proc/self/mounts", root);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	while (text && fd >= 0 && *ret_len < MOUNTS_MAX &&
	       (n = read(fd, text + *ret_len, MOUNTS_MAX - *ret_len)) > 0)
		*ret_len += (size_t)n;
	if (fd >= 0)
		close(fd);
	return text;
}

static int find_roots(struct cgroup_tree *t, const char *root)
{
	size_t len;
	char *text = read_mounts(root, &len);
	struct scan file = { 0 }, line;
	bool any = false;

	if (!text)
		return -ENOMEM;
	file = (struct scan){ text, text + len };
	while (scan_line(&file, &line))
		take_mount(t, root, &line);
	free(text);
	for (unsigned h = 0; h < CGROUP_HIERARCHIES; h++)
		any |= t->roots[h] >= 0;
	return any ? 0 : -ENOENT;
}

/* ---- opening --------------------------------------------------------------------------- */

static unsigned fds_allowed(void)
{
	struct rlimit l;

	/* half of what the recorder may have: the other half is not ours */
	if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur / 2 > FDS_MAX)
		return FDS_MAX;
	return (unsigned)(l.rlim_cur / 2);
}

struct cgroup_tree *cgroup_tree_new(const char *root,
				    const struct cgroup_limits *limits)
{
	struct cgroup_tree *t = calloc(1, sizeof(*t));
	int err = t ? 0 : -ENOMEM;

	if (t) {
		for (unsigned h = 0; h < CGROUP_HIERARCHIES; h++)
			t->roots[h] = -1;
		t->limits = *limits;
		t->globs = strdup(limits->globs);
		t->max_fds = fds_allowed();
		t->changed = true;
		t->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		t->blind = t->notify < 0;
		err = t->globs ? find_roots(t, root) : -ENOMEM;
	}
	if (!err)
		return t;
	cgroup_tree_free(t);
	errno = -err;
	return NULL;
}

static void close_files(struct cgroup_tree *t, struct group *g)
{
	for (unsigned i = 0; i < CGROUP_FILES_MAX; i++) {
		if (g->fds[i] >= 0) {
			close(g->fds[i]);
			t->nr_fds--;
		}
		g->fds[i] = FD_CLOSED;
	}
}

void cgroup_tree_free(struct cgroup_tree *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->nr; i++) {
		close_files(t, &t->groups[i]);
		free(t->groups[i].path);
	}
	for (unsigned h = 0; h < CGROUP_HIERARCHIES; h++)
		if (t->roots[h] >= 0)
			close(t->roots[h]);
	if (t->notify >= 0)
		close(t->notify);
	free(t->groups);
	free(t->buckets);
	free(t->globs);
	free(t);
}

/* ---- groups by path ---------------------------------------------------------------------- */

static uint32_t *bucket_of(const struct cgroup_tree *t, const char *path)
{
	uint64_t h = 0xcbf29ce484222325ULL;
	unsigned i;

	for (const char *p = path; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3ULL;
	i = (unsigned)(h ^ h >> 32) & (t->nr_buckets - 1);
	while (t->buckets[i] && strcmp(t->groups[t->buckets[i] - 1].path, path))
		i = (i + 1) & (t->nr_buckets - 1);
	return &t->buckets[i];
}

static int index_groups(struct cgroup_tree *t)
{
	unsigned buckets = 4 * (t->size ? t->size : 64);

	if (buckets != t->nr_buckets) {
		free(t->buckets);
		t->buckets = malloc(buckets * sizeof(*t->buckets));
		t->nr_buckets = t->buckets ? buckets : 0;
		if (!t->buckets)
			return -ENOMEM;
	}
	memset(t->buckets, 0, buckets * sizeof(*t->buckets));
	for (unsigned i = 0; i < t->nr; i++)
		*bucket_of(t, t->groups[i].path) = i + 1;
	return 0;
}

static int grow(struct cgroup_tree *t)
{
	unsigned size = t->size ? 2 * t->size : 64;
	struct group *groups = realloc(t->groups, size * sizeof(*groups));

	if (!groups)
		return -ENOMEM;
	t->groups = groups;
	t->size = size;
	return index_groups(t);
}

/* NULL: no memory, or too many. */
static struct group *find_group(struct cgroup_tree *t, const char *path)
{
	uint32_t *b = bucket_of(t, path);
	struct group *g;

	if (*b)
		return &t->groups[*b - 1];
	if (t->nr >= t->limits.max) {
		t->refused++;
		return NULL;
	}
	if (t->nr == t->size) {
		if (grow(t))
			return NULL;
		b = bucket_of(t, path);
	}
	g = &t->groups[t->nr];
	*g = (struct group){ .path = strdup(path) };
	if (!g->path)
		return NULL;
	for (unsigned i = 0; i < CGROUP_FILES_MAX; i++)
		g->fds[i] = FD_CLOSED;
	*b = ++t->nr;
	return g;
}

/* ---- going through the folders -------------------------------------------------------------- */

static bool is_wanted(const struct cgroup_tree *t, const char *path)
{
	char glob[256];
	const char *p = t->globs;

	if (!*p)
		return true;
	for (; *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		snprintf(glob, sizeof(glob), "%.*s", (int)n, p);
		if (!fnmatch(glob, path, 0))
			return true;
		p += n;
	}
	return false;
}

static void take_folder(struct cgroup_tree *t, enum cgroup_hierarchy h,
			const char *path, uint64_t ino)
{
	struct group *g = is_wanted(t, path) ? find_group(t, path) : NULL;

	if (!g)
		return;
	/* the same name, but made anew */
	if (g->ino[h] && g->ino[h] != ino)
		close_files(t, g);
	if (!g->seen)
		memset(g->ino, 0, sizeof(g->ino));
	g->ino[h] = ino;
	g->seen = true;
}

struct walk {
	struct cgroup_tree *t;
	enum cgroup_hierarchy h;
	char path[CGROUP_PATH_MAX]; /* "/" or "/a/b" */
};

static void watch(struct cgroup_tree *t, int fd)
{
	char name[48];

	if (t->notify < 0)
		return;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	/* the same watch again for a folder that has one */
	if (inotify_add_watch(t->notify, name, WATCH) < 0)
		t->blind = true;
}

/* ${fd} is closed. */
static void walk_folder(struct walk *w, int fd, unsigned depth)
{
	size_t len = strlen(w->path);
	const struct dirent *e;
	struct stat st;
	DIR *dir;

	/* before it is read, so that nothing is missed in between */
	watch(w->t, fd);
	dir = fstat(fd, &st) ? NULL : fdopendir(fd);
	if (!dir) {
		close(fd);
		return;
	}
	take_folder(w->t, w->h, w->path, st.st_ino);
	while (depth < w->t->limits.depth && (e = readdir(dir))) {
		size_t slash = len > 1; /* the root is "/" */
		int below;

		if (e->d_type != DT_DIR || e->d_name[0] == '.' ||
		    len + slash + strlen(e->d_name) >= sizeof(w->path))
			continue;
		below = openat(dirfd(dir), e->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			continue;
		snprintf(w->path + len, sizeof(w->path) - len, "%s%s",
			 slash ? "/" : "", e->d_name);
		walk_folder(w, below, depth + 1);
		w->path[len] = '\0';
	}
	closedir(dir);
}

static void forget_unseen(struct cgroup_tree *t)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < t->nr; i++) {
		struct group *g = &t->groups[i];

		if (g->seen) {
			t->groups[kept++] = *g;
			continue;
		}
		close_files(t, g);
		free(g->path);
	}
	t->nr = kept;
}

static void scan_all(struct cgroup_tree *t)
{
	t->scans++;
	t->refused = 0;
	t->blind = t->notify < 0;
	for (unsigned i = 0; i < t->nr; i++) {
		struct group *g = &t->groups[i];

		g->seen = false;
		/* files of a controller that was switched on meanwhile */
		for (unsigned j = 0; j < CGROUP_FILES_MAX; j++)
			if (g->fds[j] == FD_NEVER)
				g->fds[j] = FD_CLOSED;
	}
	if (index_groups(t))
		return;
	for (unsigned h = 0; h < CGROUP_HIERARCHIES; h++) {
		struct walk w = { .t = t,
				  .h = (enum cgroup_hierarchy)h,
				  .path = "/" };
		int fd = t->roots[h] < 0 ?
				 -1 :
				 openat(t->roots[h], ".",
					O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0)
			walk_folder(&w, fd, 0);
	}
	forget_unseen(t);
	index_groups(t);
}

/* Whatever it says: something was made or removed. */
static bool has_changed(struct cgroup_tree *t)
{
	char events[8192];
	bool changed = t->changed;

	while (t->notify >= 0 && read(t->notify, events, sizeof(events)) > 0)
		changed = true;
	t->changed = false;
	return changed;
}

unsigned cgroup_tree_update(struct cgroup_tree *t, unsigned *ret_refused)
{
	bool changed = has_changed(t);

	if (changed || (t->blind && t->rounds % BLIND_SCAN == 0))
		scan_all(t);
	t->rounds++;
	*ret_refused = t->refused;
	return t->nr;
}

const char *cgroup_tree_path(const struct cgroup_tree *t, unsigned i)
{
	return t->groups[i].path;
}

uint64_t cgroup_tree_id(const struct cgroup_tree *t, unsigned i)
{
	for (unsigned h = 0; h < CGROUP_HIERARCHIES; h++)
		if (t->groups[i].ino[h])
			return t->groups[i].ino[h];
	return 0;
}

unsigned cgroup_tree_scans(const struct cgroup_tree *t)
{
	return t->scans;
}

unsigned cgroup_tree_fds(const struct cgroup_tree *t)
{
	return t->nr_fds;
}

/* ---- reading ------------------------------------------------------------------------------- */

static int open_file(struct cgroup_tree *t, const struct group *g,
		     const struct cgroup_file *f)
{
	char name[CGROUP_PATH_MAX + 64];

	snprintf(name, sizeof(name), ".%s/%s", g->path, f->name);
	return openat(t->roots[f->hierarchy], name, O_RDONLY | O_CLOEXEC);
}

/* Bytes in t->text, or negative errno; -ENOENT: there is no such file. */
static ssize_t read_file(struct cgroup_tree *t, struct group *g, unsigned i)
{
	int fd = g->fds[i];
	ssize_t n;

	if (fd == FD_NEVER)
		return -ENOENT;
	if (fd < 0) {
		fd = open_file(t, g, &cgroup_files[i]);
		if (fd < 0 && errno == ENOENT)
			g->fds[i] = FD_NEVER;
		if (fd < 0)
			return -errno;
		if (t->nr_fds < t->max_fds) {
			g->fds[i] = fd;
			t->nr_fds++;
		}
	}
	n = pread(fd, t->text, TEXT_MAX, 0);
	if (n < 0)
		n = -errno;
	if (g->fds[i] != fd)
		close(fd);
	return n;
}

int cgroup_tree_read(struct cgroup_tree *t, unsigned i,
		     struct fr_cgroups_row *ret, unsigned *ret_errors)
{
	struct group *g = &t->groups[i];
	unsigned found = 0;

	*ret_errors = 0;
	cgroup_row_clear(ret);
	ret->version = g->ino[CGROUP_V2] ? 2 : 1;
	for (unsigned j = 0; j < cgroup_nr_files; j++) {
		ssize_t n;

		if (!g->ino[cgroup_files[j].hierarchy])
			continue;
		n = read_file(t, g, j);
		if (n == -ENODEV) {
			t->changed = true;
			return -ENODEV;
		}
		/* switched off (pressure), or not of this kernel */
		if (n == -ENOENT || n == -EOPNOTSUPP)
			continue;
		found++;
		if (n < 0 || cgroup_files[j].parse(t->text, (size_t)n, ret))
			++*ret_errors;
	}
	if (!found)
		t->changed = true; /* its folder may be gone */
	return found ? 0 : -ENODEV;
}
