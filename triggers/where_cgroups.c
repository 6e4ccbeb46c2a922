/* SPDX-License-Identifier: GPL-2.0-or-later */
/* where_cgroups.c - the cgroups that a filter means: the one named, those
 * below. */
#include "triggers/where.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 16

struct ids {
	uint64_t *ids;
	unsigned nr, max;
};

/* Takes the descriptor over. */
static void walk(struct ids *s, int fd, unsigned depth)
{
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	struct stat st;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (s->nr < s->max && !fstat(dirfd(d), &st))
		s->ids[s->nr++] = st.st_ino;
	while (depth < DEPTH_MAX && s->nr < s->max && (e = readdir(d))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		walk(s,
		     openat(dirfd(d), e->d_name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
		     depth + 1);
	}
	closedir(d);
}

unsigned where_cgroups(const struct rule_where *w, const char *root,
		       uint64_t *ids, unsigned max)
{
	static const char *const mounts[] = { "/sys/fs/cgroup/unified",
					      "/sys/fs/cgroup" };
	struct ids s = { .ids = ids, .max = max };
	char path[RULE_PATH_MAX + 256];

	for (unsigned i = 0; i < 2 && !s.nr; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s%s/%s/cgroup.procs", root,
			 mounts[i], w->group + strspn(w->group, "/"));
		if (access(path, F_OK))
			continue;
		*strrchr(path, '/') = '\0';
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		walk(&s, fd, 0);
	}
	return s.nr;
}
