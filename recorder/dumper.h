/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dumper.h - the process that turns a held ring into a snapshot file.
 *
 * Forked, not executed, so that it has the rings mapped read-only without any
 * descriptor of theirs.  It has no capability, becomes the owner of the
 * snapshot folder, and can reach nothing but that folder (priv.h).  What the
 * recorder hears of it comes through a pipe in fixed-size messages, and is not
 * trusted.
 */
#ifndef RECORDER_DUMPER_H
#define RECORDER_DUMPER_H

#include "recorder/facts.h"
#include "recorder/freeze.h"
#include "recorder/hist.h"
#include "recorder/joined.h"
#include "recorder/priv.h"
#include "recorder/retention.h"
#include "recorder/state_out.h"

#include <stdint.h>
#include <sys/types.h>

#define DUMPER_FACTS 4

struct dump_job {
	struct freeze *freeze; /* held */
	const char *folder;    /* made if it is not there */
	const char *trigger;   /* the file's name is made of these two */
	uint64_t real_ns;
	const struct facts *facts[DUMPER_FACTS]; /* in order; NULL: none */
	int level;                               /* zstd */
	int anonymize, keep_extensions;          /* dump/anonymize.h */
	gid_t gid; /* group of what root makes; (gid_t)-1: as it comes */
	struct retention_limits limits; /* of the folder */
	struct state_area
		*area; /* where the look it asked for comes; NULL: none */
	uint32_t look; /* its number; 0: none */
	uint64_t look_wait_ns;
	const struct hist_records *hist; /* NULL: none */
	const struct joined *joined; /* facts that are read last; NULL: none */
};

struct dumper {
	pid_t pid; /* 0: none */
	int fd;    /* read end, non-blocking; -1: none */
	/* What it said so far. */
	int asks;         /* who joined; the recorder takes it back */
	int done;         /* it reported its end, good or bad */
	int err;          /* why it failed; 0: on disk (if done) */
	uint32_t attempt; /* of the file's name, see retention.h */
	uint64_t done_ns; /* when it reported it */
	uint64_t bytes, records, torn, stolen_chunks, copied_chunks;
	uint64_t free_bytes;           /* where a write was refused */
	uint32_t removed, not_removed; /* older snapshots */
	struct priv_report confined;
};

/* Forks.  0 or negative errno; all that can go wrong with the folder comes through
 * the pipe. */
int dumper_start(struct dumper *d, const struct dump_job *job);

/*
 * Reads what came through the pipe, and releases chunks that were copied.
 * Returns 1 once the dumper closed its end: then call dumper_end().
 */
int dumper_read(struct dumper *d, struct freeze *freeze);

/*
 * Stops listening, and kills it first if ${kill_it}.  Never waits: a process
 * whose disk hangs does not die.  *ret_left is its number if it is still to be
 * reaped, else 0.  Returns 0 if the snapshot is on disk, else why not: negative
 * errno, -EINTR if a signal ended it.
 */
int dumper_end(struct dumper *d, int kill_it, pid_t *ret_left);

/* Why there is no snapshot, in words. */
const char *dumper_why(int err);

#endif
