/* SPDX-License-Identifier: GPL-2.0-or-later */
/* folder.c - where snapshots are, for commands that are not told. */
#include "dump/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dump/snapshot_write.h" /* SNAP_SUFFIX */
#include "recorder/retention.h"

/* clang-format off */
static const struct {
#define FR_PARAM(s, k, type, def, min, max, doc) const char *s##_##k;
#include <flightrec/params.def>
#undef FR_PARAM
} defaults = {
#define FR_PARAM(s, k, type, def, min, max, doc) .s##_##k = def,
#include <flightrec/params.def>
#undef FR_PARAM
};
/* clang-format on */

const char *folder_default(void)
{
	return defaults.dump_folder;
}

const char *folder_default_run(void)
{
	return defaults.run_folder;
}

bool folder_other_name(const char *path, char ret[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	const char *file = slash ? slash + 1 : path;
	char other[RETENTION_FILE_MAX];
	struct retention_name n;

	if (!retention_parse_name(file, &n))
		return false;
	retention_pin_name(other, file, !n.pinned);
	return snprintf(ret, PATH_MAX, "%.*s%s", (int)(file - path), path,
			other) < PATH_MAX;
}

struct entry {
	char *path;
	struct timespec changed;
};

static int compare(const void *p, const void *q)
{
	const struct entry *x = p, *y = q;

	if (x->changed.tv_sec != y->changed.tv_sec)
		return x->changed.tv_sec < y->changed.tv_sec ? -1 : 1;
	if (x->changed.tv_nsec != y->changed.tv_nsec)
		return x->changed.tv_nsec < y->changed.tv_nsec ? -1 : 1;
	return strcmp(x->path, y->path);
}

static int is_snapshot(const char *name)
{
	size_t len = strlen(name), suffix = strlen(SNAP_SUFFIX);

	return name[0] != '.' && len > suffix &&
	       !strcmp(name + len - suffix, SNAP_SUFFIX);
}

static int add(struct entry **list, unsigned *nr, const char *folder,
	       const char *name)
{
	struct entry *entries = realloc(*list, (*nr + 1) * sizeof(*entries));
	struct entry e = { 0 };
	struct stat st;

	if (!entries)
		return -ENOMEM;
	*list = entries;
	if (asprintf(&e.path, "%s/%s", folder, name) < 0)
		return -ENOMEM;
	if (!stat(e.path, &st))
		e.changed = st.st_mtim;
	entries[(*nr)++] = e;
	return 0;
}

int folder_list(const char *folder, struct folder_list *ret)
{
	struct entry *list = NULL;
	struct dirent *d;
	unsigned nr = 0;
	DIR *dir = opendir(folder);
	int r = 0;

	if (!dir)
		return -errno;
	while (!r && (d = readdir(dir)))
		if (is_snapshot(d->d_name))
			r = add(&list, &nr, folder, d->d_name);
	closedir(dir);
	if (nr)
		qsort(list, nr, sizeof(*list), compare);
	ret->paths = calloc(nr + 1, sizeof(*ret->paths));
	ret->nr = ret->paths ? nr : 0;
	for (unsigned i = 0; i < nr; i++) {
		if (ret->paths)
			ret->paths[i] = list[i].path;
		else
			free(list[i].path);
	}
	free(list);
	if (!ret->paths)
		return -ENOMEM;
	if (r)
		folder_list_free(ret);
	return r;
}

void folder_list_free(struct folder_list *l)
{
	for (unsigned i = 0; i < l->nr; i++)
		free(l->paths[i]);
	free(l->paths);
	*l = (struct folder_list){ 0 };
}
