/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_parse.h - the files of a cgroup, of both versions, as one row.
 *
 * Pure: a parser takes what it knows and passes over the rest.  What no file had
 * stays all bits one.
 */
#ifndef RECORDER_CGROUP_PARSE_H
#define RECORDER_CGROUP_PARSE_H

#include <flightrec/event.h>
#include <stdbool.h>
#include <stddef.h>

/* In the order in which they are looked at: what a later one says, counts. */
enum cgroup_hierarchy {
	CGROUP_V2,
	CGROUP_CPUACCT,
	CGROUP_CPU,
	CGROUP_MEMORY,
	CGROUP_BLKIO,
	CGROUP_PIDS,
	CGROUP_HIERARCHIES
};

/* 0 or -EINVAL: it makes no sense. */
typedef int (*cgroup_parse_fn)(const char *text, size_t len,
			       struct fr_cgroups_row *ret);

struct cgroup_file {
	enum cgroup_hierarchy hierarchy;
	const char *name;
	cgroup_parse_fn parse;
};

extern const struct cgroup_file cgroup_files[];
extern const unsigned cgroup_nr_files;
#define CGROUP_FILES_MAX 24

/* All numbers unknown. */
void cgroup_row_clear(struct fr_cgroups_row *row);

#endif
