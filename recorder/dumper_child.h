/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dumper_child.h - what processes do that write into a snapshot folder, right
 * after the fork: the dumper, and the one that removes old snapshots meanwhile.
 */
#ifndef RECORDER_DUMPER_CHILD_H
#define RECORDER_DUMPER_CHILD_H

#include "recorder/retention.h"

#include <sys/types.h>

/* Name, signals, priority; closes all descriptors but the first three and
 * ${keep_fd} (-1: none). */
void dumper_child_begin(const char *name, int keep_fd);

/* Becomes the owner of the folder, without any right of its own, and of group
 * ${gid} unless that is (gid_t)-1.  0 or negative errno. */
int dumper_child_become_owner(int folder_fd, gid_t gid);

/* retention_apply(), with a line in the log for each of the first few that went.
 * ${folder}: its name, for the log. */
int dumper_child_retain(int folder_fd, const char *folder,
			const struct retention_job *job,
			struct retention_result *ret);

#endif
