/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * catalogue.h - the folders that the recorder writes snapshots to, and the
 * snapshots in them that a command was given.  Every function says what went wrong
 * in one line on standard error, and returns an exit code.
 */
#ifndef DUMP_CATALOGUE_H
#define DUMP_CATALOGUE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "recorder/options.h"
#include "recorder/retention.h"

#define CATALOGUE_FOLDERS 2

struct catalogue {
	struct fr_config *config;
	const char *folders[CATALOGUE_FOLDERS]; /* dump.folder, dump.fallback */
	unsigned nr;
	bool given; /* one folder, of -d */
};

/*
 * Reads the settings: ${o} has the file, NULL for the usual one, and what is set
 * on top.  ${folder}: of -d; NULL: those of the settings.  ${lenient}: if the usual
 * file has an error, says so and goes on with the defaults.
 */
int catalogue_open(struct catalogue *c, struct options *o, const char *folder,
		   bool lenient);
void catalogue_close(struct catalogue *c);

/* Opens folder ${at}.  *ret_fd is -1 with EXIT_OK for a second folder that is not
 * there. */
int catalogue_open_folder(const struct catalogue *c, unsigned at, int *ret_fd);

struct catalogue_item {
	int dir_fd; /* the caller's */
	char folder[PATH_MAX];
	char file[RETENTION_FILE_MAX];
	struct retention_name name;
	uint64_t bytes;
};
/*
 * The snapshot that ${word} names: a name in one of the folders as list prints
 * it, or with a slash in it a path.  One that was pinned or unpinned meanwhile is
 * found too.  Refuses what is not named like a snapshot of ours and what is not a
 * regular file; never follows a link to a file.
 */
int catalogue_find(const struct catalogue *c, const char *word,
		   struct catalogue_item *ret);

/* The exit code for ${err}, said: "flightrec: what: reason; what to do". */
int catalogue_complain(const char *folder, const char *file, int err);

#endif
