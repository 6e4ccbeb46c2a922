/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * private_recorder.h - a flightrecd of one's own, beside any other: its run
 * folder, start and end.
 */
#ifndef DUMP_PRIVATE_RECORDER_H
#define DUMP_PRIVATE_RECORDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PRIVATE_SETS_MAX 64

struct private_recorder {
	/* filled by the caller */
	const char *command;                /* whose: "record" */
	const char *config;                 /* -c; NULL: defaults only */
	const char *sets[PRIVATE_SETS_MAX]; /* --set, after ours */
	unsigned nr_sets;
	pid_t scope; /* record this process and its descendants; 0: as set */
	const char *beside;   /* folder that snapshots will be renamed into */
	unsigned patience_ms; /* for its start, and its end; 0: any time */
	bool quiet; /* nothing on standard error: private_recorder_words() */
	/* filled by private_recorder_start() */
	pid_t pid;
	char run[PATH_MAX];      /* run folder */
	char dumps[PATH_MAX];    /* where its snapshots appear */
	bool own_run, own_dumps; /* made here, to be removed */
	char log[PATH_MAX];      /* what it said */
};

/*
 * Starts it and waits until it records.  0, or negative errno after a line on
 * standard error: -ETIME if it took too long, -EINTR if a signal came (with
 * patience_ms only), -ECHILD if it ended.  Call private_recorder_end() in any
 * case.
 */
int private_recorder_start(struct private_recorder *r);
/* The last thing it said that holds ${only} (NULL: the last), without its name;
 * "": nothing.  Returns buf. */
char *private_recorder_words(const struct private_recorder *r, const char *only,
			     char *buf, size_t size);
/* Ends it, waits, and removes the folders that were made (if empty). */
void private_recorder_end(struct private_recorder *r);

#endif
