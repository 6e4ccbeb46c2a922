/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * private_recorder.h - a flightrecd of one's own, beside any other: its run
 * folder, start and end.
 */
#ifndef DUMP_PRIVATE_RECORDER_H
#define DUMP_PRIVATE_RECORDER_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#define PRIVATE_SETS_MAX 64

struct private_recorder {
	/* filled by the caller */
	const char *config;                 /* -c; NULL: defaults only */
	const char *sets[PRIVATE_SETS_MAX]; /* --set, after ours */
	unsigned nr_sets;
	pid_t scope;        /* record this process and its descendants */
	const char *beside; /* folder that snapshots will be renamed into */
	/* filled by private_recorder_start() */
	pid_t pid;
	char run[PATH_MAX];      /* run folder */
	char dumps[PATH_MAX];    /* where its snapshots appear */
	bool own_run, own_dumps; /* made here, to be removed */
	char log[PATH_MAX];      /* what it said */
};

/* Starts it and waits until it records.  0, or -1 after a line on standard
 * error; call private_recorder_end() in any case. */
int private_recorder_start(struct private_recorder *r);
/* Ends it, waits, and removes the folders that were made (if empty). */
void private_recorder_end(struct private_recorder *r);

#endif
