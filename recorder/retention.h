/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * retention.h - names of snapshots, and which of them make room.
 *
 * Only files that carry the name of a snapshot of ours are ever removed:
 * flightrec-YYYYMMDDTHHMMSS.mmmZ-<trigger>[.N].frs
 */
#ifndef RECORDER_RETENTION_H
#define RECORDER_RETENTION_H

#include <stddef.h>
#include <stdint.h>

#define RETENTION_NAME_MAX 160

/* Name without folder and suffix for a snapshot of ${trigger} at ${real_ns}
 * (CLOCK_REALTIME).  Bytes of the trigger that do not belong into a file name
 * become '_'; ${attempt} > 0 adds ".N".  Returns buf. */
char *retention_make_name(char buf[RETENTION_NAME_MAX], uint64_t real_ns,
			  const char *trigger, unsigned attempt);

/* 1 if ${file} is the name of a snapshot as made above, with suffix. */
int retention_is_ours(const char *file);

struct retention_result {
	unsigned files, removed, failed;
	uint64_t bytes; /* what is left */
};
/*
 * Removes the oldest snapshots (by name) of the folder until at most
 * ${max_files} are left and their sum is at most ${max_bytes}.  One always
 * stays: ${keep}, the one just written (as made above, without suffix), which need
 * not be the newest by name where a clock was set back; NULL: the newest.  0 or
 * negative errno of reading the folder.
 */
int retention_apply(int dir_fd, uint64_t max_files, uint64_t max_bytes,
		    const char *keep, struct retention_result *ret);

/* Removes temporary files (".flightrec-*.tmp") of dumps that died: those that
 * nobody has written to for ${min_age_s} seconds. */
void retention_remove_temporary(int dir_fd, unsigned min_age_s);

#endif
