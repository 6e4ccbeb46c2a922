/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aside.h - a program that runs beside the ticks, and what it printed last.
 *
 *   we ── keeper ── the program ── what it begins
 *              └──── what of that outlives its parent
 *
 * The keeper is a process of ours that gave up all rights.  It ends the program when
 * its time is over, and kills whatever is left when the program has ended, also what
 * left its group and session: orphans become the keeper's (PR_SET_CHILD_SUBREAPER).
 * It does the same when it loses us.
 *
 * Nothing here waits for the program.  Not thread-safe; runs end with the thread that
 * began them.
 */
#ifndef RECORDER_ASIDE_H
#define RECORDER_ASIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ASIDE_BYTES_MAX 65536 /* of what it prints: what a pipe holds */

struct aside_options {
	const char *path; /* of an executable or script; no ' in it */
	uint64_t limit_ns;
	bool change_user; /* to these, which are not 0: */
	uid_t uid;
	gid_t gid;
};

struct aside;

/* NULL: out of memory. */
struct aside *aside_new(const struct aside_options *o);

/* Runs it, unless it runs.  0 or negative errno. */
int aside_start(struct aside *a);

/*
 * Takes what it printed.  -EAGAIN: it runs, or was never started.  Once for each
 * run: 0, it ended well, and aside_text() is new; -ETIMEDOUT, it took too long;
 * -EFBIG, it printed more than ASIDE_BYTES_MAX; -EPROTO, it failed or was killed;
 * -ENOEXEC, it could not be run.
 */
int aside_poll(struct aside *a);

/* What it printed to its standard output in the last run that ended well. */
const char *aside_text(const struct aside *a, size_t *ret_len);

/* Ends what runs and waits until it has ended, but no longer than two seconds (a
 * process in a hanging system call).  NULL is a no-op. */
void aside_free(struct aside *a);

#endif
