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
#include "recorder/priv.h"

#include <stdint.h>
#include <sys/types.h>

struct dump_job {
	struct freeze *freeze; /* held */
	const char *folder;
	const char *name;             /* without suffix */
	const struct facts *facts[3]; /* in order; NULL: none */
	int level;                    /* zstd */
	gid_t gid; /* group of the file; (gid_t)-1: as it comes */
};

struct dumper {
	pid_t pid; /* 0: none */
	int fd;    /* read end, non-blocking; -1: none */
	/* What it said so far. */
	int done; /* it reported its end, good or bad */
	int err;  /* why it failed; 0: on disk (if done) */
	uint64_t bytes, records, torn, stolen_chunks, copied_chunks;
	struct priv_report confined;
};

/* Checks the folder (there, writable, not full), then forks.  0 or negative
 * errno; -ENOSPC also if it is plain that the snapshot cannot fit. */
int dumper_start(struct dumper *d, const struct dump_job *job);

/*
 * Reads what came through the pipe, and releases chunks that were copied.
 * Returns 1 once the dumper closed its end: then reap it with dumper_end().
 */
int dumper_read(struct dumper *d, struct freeze *freeze);

/* Waits for the process (killed first if ${kill_it}) and closes the pipe.
 * Returns 0 if the snapshot is on disk, else why not: negative errno, -EINTR if
 * a signal ended it.  The temporary file of a failed one is removed. */
int dumper_end(struct dumper *d, const struct dump_job *job, int kill_it);

#endif
