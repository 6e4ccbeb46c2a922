/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pruner.h - applies the limits of snapshot folders while nothing is dumped:
 * now and then a process of its own, confined like the dumper, looks at each
 * folder and ends.  One that hangs with its disk hinders nobody, and is not
 * joined by another.
 */
#ifndef RECORDER_PRUNER_H
#define RECORDER_PRUNER_H

#include "recorder/retention.h"

#include <stdint.h>
#include <sys/types.h>

#define PRUNER_FOLDERS 2

struct pruner {
	pid_t pid[PRUNER_FOLDERS]; /* 0: none */
	uint64_t next_ns;          /* CLOCK_MONOTONIC; 0: at once */
};

/* How often: an hour, but a snapshot never outlives its time by more than a
 * tenth of it (or 10 s). */
uint64_t pruner_period(const struct retention_limits *l);

/* Takes note of processes that ended. */
void pruner_reap(struct pruner *p);
/* Starts one for the folder in place ${at} unless there is one still.  Does not
 * make a folder that is not there. */
void pruner_start(struct pruner *p, unsigned at, const char *folder, gid_t gid,
		  const struct retention_limits *l);
/* Ends those that run, without waiting for one that hangs. */
void pruner_end(struct pruner *p);

#endif
