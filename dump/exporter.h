/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exporter.h - contract of the formats of `flightrec export`.
 *
 * dump/exporters/<name>.c defines `const struct exporter_ops exporter_<name>`,
 * last in the file; the Makefile makes the table of all from the file names.
 * An exporter walks the rows of a view, knows no file format of ours, and writes
 * files into a folder that is new, empty and private to it.  The command
 * (cmd_export.c) does the rest: options, filters, anonymizing, and renaming the
 * folder to what was asked for once all went well.
 */
#ifndef DUMP_EXPORTER_H
#define DUMP_EXPORTER_H

#include <limits.h>
#include <stddef.h>

#include "dump/view.h"

struct anonymizer;

struct export_job {
	struct view *v;     /* loaded, in the order of time */
	const char *folder; /* where the files go */
	/* NULL, or what names were hidden with: facts of the snapshots are to go
	 * through anonymize_fact() */
	const struct anonymizer *anon;
	const struct view_filter *filter;
	/* To be called now and then with the number of rows done. */
	void (*progress)(struct export_job *job, size_t done);
	size_t files, rows;   /* filled: what was written */
	char where[PATH_MAX]; /* filled on failure: the file it happened to */
};

struct exporter_ops {
	const char *name;    /* as typed behind --to */
	const char *summary; /* one line */
	/* 0, or negative errno. */
	int (*run)(struct export_job *job);
};

extern const struct exporter_ops *const exporter_all[]; /* NULL-terminated */

#endif
