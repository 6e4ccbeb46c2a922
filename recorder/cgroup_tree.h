/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_tree.h - the cgroups of the machine, with their files kept open.
 *
 * A cgroup is a path; of version 1 the same path in several hierarchies is one.
 * The folders are gone through again only after one was made or removed, which
 * inotify tells - where it cannot be had, each 16th round.  Descriptors are
 * bounded: beyond the limit files are opened for each reading.
 */
#ifndef RECORDER_CGROUP_TREE_H
#define RECORDER_CGROUP_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/cgroup_parse.h"

#define CGROUP_PATH_MAX  1024
#define CGROUP_MAX       8192 /* cgroups, at most */
#define CGROUP_DEPTH_MAX 32

struct cgroup_limits {
	const char *globs; /* of paths, blanks between; "": all */
	unsigned depth;    /* levels below the root */
	unsigned max;      /* cgroups */
};

struct cgroup_tree;

/* ${root} goes before each path.  NULL with errno; no hierarchy is mounted:
 * ENOENT. */
struct cgroup_tree *cgroup_tree_new(const char *root,
				    const struct cgroup_limits *limits);
void cgroup_tree_free(struct cgroup_tree *t); /* NULL is a no-op */

/* Goes through the folders again if something changed.  Returns how many cgroups
 * there are; *ret_refused: folders left out because of limits->max. */
unsigned cgroup_tree_update(struct cgroup_tree *t, unsigned *ret_refused);

const char *cgroup_tree_path(const struct cgroup_tree *t, unsigned i);
/* v2 id, or inode of the first folder of version 1. */
uint64_t cgroup_tree_id(const struct cgroup_tree *t, unsigned i);
/* Reads all files of cgroup ${i}.  *ret_errors: files that made no sense.  0, or
 * -ENODEV: it is gone. */
int cgroup_tree_read(struct cgroup_tree *t, unsigned i,
		     struct fr_cgroups_row *ret, unsigned *ret_errors);

/* For tests: times the folders were gone through; descriptors open now. */
unsigned cgroup_tree_scans(const struct cgroup_tree *t);
unsigned cgroup_tree_fds(const struct cgroup_tree *t);

#endif
