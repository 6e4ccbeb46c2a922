/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_open.h - opens what a command was given, and says what went wrong. */
#ifndef DUMP_VIEW_OPEN_H
#define DUMP_VIEW_OPEN_H

#include "dump/view.h"
#include "dump/view_filter.h"

/*
 * Opens the files of ${argv} (none: the newest of the default folder) and loads
 * their rows.  One line on standard error per problem.  Returns EXIT_OK, or the
 * exit code so far: EXIT_CORRUPT with a view of what is intact.  *ret is NULL
 * if there is nothing to show.
 */
int view_open(int argc, char **argv, const struct view_filter *f,
	      struct view **ret);
/* The two steps of it: only opens; loads what is open (EXIT_OK, or ${v} is freed). */
int view_open_files(int argc, char **argv, struct view **ret);
int view_open_load(struct view *v, const struct view_filter *f);
/*
 * Hides what the loaded rows say (anonymize.h) under a new key.  Says what went
 * wrong and returns EXIT_FAILED, else EXIT_OK.  *ret: what it was done with, to be
 * freed; NULL: not wanted.
 */
struct anonymizer;
int view_open_anonymize(struct view *v, bool keep_extensions,
			struct anonymizer **ret);
/* "flightrec: FILE: what" on standard error, FILE once; ${err}: negative, for
 * what ${diag} does not say. */
void view_open_complain(const char *path, const struct snap_diag *diag,
			int err);
/* The exit code for a file that could not be opened. */
int view_open_exit(int err);
/* At the end: lists the damage; EXIT_CORRUPT if there is any, else ${code}. */
int view_close(struct view *v, int code);

#endif
