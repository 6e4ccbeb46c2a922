/* SPDX-License-Identifier: GPL-2.0-or-later */
/* folder.h - where snapshots are, for commands that are not told. */
#ifndef DUMP_FOLDER_H
#define DUMP_FOLDER_H

#include <limits.h>
#include <stdbool.h>

/* Defaults of dump.folder and run.folder (params.def). */
const char *folder_default(void);
const char *folder_default_run(void);

/* What the snapshot of ours at ${path} is called once it is pinned, or no longer:
 * a path that was noted before leads there.  False: it is none of ours. */
bool folder_other_name(const char *path, char ret[PATH_MAX]);

struct folder_list {
	char **paths; /* of *.frs, oldest modification first */
	unsigned nr;
};
/* 0 or negative errno. */
int folder_list(const char *folder, struct folder_list *ret);
void folder_list_free(struct folder_list *l);

#endif
