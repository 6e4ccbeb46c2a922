/* SPDX-License-Identifier: GPL-2.0-or-later */
/* confwatch.c - notices that configuration files changed. */
#include "recorder/confwatch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/config.h"

#define NR_WATCHES 8
/* In a folder that also holds files of others: names that come and go. */
#define NAMES      (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)
#define CONTENT    (IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF)

struct confwatch {
	int fd;
	char path[PATH_MAX], folder[PATH_MAX];
	int watches[NR_WATCHES];
	unsigned nr;
	uint64_t known; /* state of the files */
	bool had_file;
	int blind; /* errno */
	char blind_path[PATH_MAX];
};

/* ---- what is watched ----------------------------------------------------------- */

static bool has(const int *list, unsigned nr, int wd)
{
	for (unsigned i = 0; i < nr; i++)
		if (list[i] == wd)
			return true;
	return false;
}

/* True if it is there to be watched. */
static bool watch(struct confwatch *w, const char *path, uint32_t mask)
{
	int wd = inotify_add_watch(w->fd, path, mask | IN_MASK_ADD);

	if (wd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return false;
	if (wd < 0 && !w->blind) {
		w->blind = errno;
		snprintf(w->blind_path, sizeof(w->blind_path), "%s", path);
	}
	if (wd >= 0 && w->nr < NR_WATCHES && !has(w->watches, w->nr, wd))
		w->watches[w->nr++] = wd;
	return true;
}

/* Its last component goes; false: there is none above. */
static bool go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (!strcmp(path, "/") || !strcmp(path, "."))
		return false;
	if (!slash)
		snprintf(path, 2, ".");
	else
		slash[slash == path] = '\0';
	return true;
}

/* The folder of ${path}, or the first above it that is there. */
static void watch_above(struct confwatch *w, const char *path)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", path);
	while (go_up(folder) && !watch(w, folder, NAMES))
		;
}

static void arm(struct confwatch *w)
{
	char real[PATH_MAX];
	int old[NR_WATCHES];
	unsigned nr = w->nr;

	memcpy(old, w->watches, sizeof(old));
	w->nr = 0;
	w->blind = 0;
	watch_above(w, w->path);
	watch(w, w->path, CONTENT);
	watch(w, w->folder, NAMES | CONTENT);
	if (realpath(w->path, real) && strcmp(real, w->path))
		watch_above(w, real); /* a link: where it leads */
	for (unsigned i = 0; i < nr; i++)
		if (!has(w->watches, w->nr, old[i]))
			inotify_rm_watch(w->fd, old[i]);
}

/* ---- how the files are ------------------------------------------------------------ */

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--)
		hash = (hash ^ *p++) * 0x100000001b3ULL;
	return hash;
}

/* 0: there is no such file. */
static uint64_t state_of(const char *path)
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : 1;
	hash = mix(hash, path, strlen(path));
	hash = mix(hash, &st.st_dev, sizeof(st.st_dev));
	hash = mix(hash, &st.st_ino, sizeof(st.st_ino));
	hash = mix(hash, &st.st_size, sizeof(st.st_size));
	hash = mix(hash, &st.st_mtim, sizeof(st.st_mtim));
	hash = mix(hash, &st.st_ctim, sizeof(st.st_ctim));
	return hash | 1;
}

static bool is_conf(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > 5 && !strcmp(name + len - 5, ".conf");
}

/* In whatever order: folders have none. */
static uint64_t state_of_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	uint64_t sum = 0;
	struct dirent *e;
	char path[PATH_MAX + NAME_MAX + 2];

	while (dir && (e = readdir(dir)))
		if (is_conf(e->d_name)) {
			snprintf(path, sizeof(path), "%s/%s", folder,
				 e->d_name);
			sum += state_of(path);
		}
	if (dir)
		closedir(dir);
	return sum;
}

static uint64_t state(const struct confwatch *w)
{
	return state_of(w->path) * 31 + state_of_folder(w->folder);
}

static void drain(struct confwatch *w)
{
	char buf[4096];

	while (read(w->fd, buf, sizeof(buf)) > 0)
		;
}

void confwatch_note(struct confwatch *w)
{
	drain(w);
	arm(w);
	w->known = state(w);
	w->had_file |= state_of(w->path) != 0;
}

bool confwatch_changed(struct confwatch *w)
{
	drain(w);
	arm(w); /* first, so that what comes now is seen */
	return state(w) != w->known;
}

bool confwatch_had_file(const struct confwatch *w)
{
	return w->had_file;
}

int confwatch_blind(const struct confwatch *w, const char **ret_path)
{
	*ret_path = w->blind_path;
	return w->blind;
}

int confwatch_fd(const struct confwatch *w)
{
	return w->fd;
}

struct confwatch *confwatch_open(const char *path)
{
	struct confwatch *w;
	struct stat st;

	errno = ENOTSUP;
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return NULL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd < 0 ||
	    config_folder(path, w->folder, sizeof(w->folder)) < 0 ||
	    strlen(path) >= sizeof(w->path)) {
		int err = w->fd < 0 ? errno : ENAMETOOLONG;

		confwatch_close(w);
		errno = err;
		return NULL;
	}
	snprintf(w->path, sizeof(w->path), "%s", path);
	confwatch_note(w);
	return w;
}

void confwatch_close(struct confwatch *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}
