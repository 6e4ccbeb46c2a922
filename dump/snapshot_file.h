/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot_file.h - a file that appears whole under its name, or not at all.
 */
#ifndef DUMP_SNAPSHOT_FILE_H
#define DUMP_SNAPSHOT_FILE_H

#include <stddef.h>
#include <stdint.h>

#define SNAP_NAME_MAX 240

struct snap_file {
	int fd, folder;               /* -1: none */
	uint64_t bytes;               /* written so far */
	char temp[SNAP_NAME_MAX + 8]; /* ".${name}.tmp" */
	char name[SNAP_NAME_MAX + 8];
};

/*
 * Creates the temporary file, mode 0640, locked with flock(2) so that a second
 * writer of the same name does not take it for the left-over of a dead one, which
 * it would replace.  0; -EBUSY: another writer is at it; -EINVAL: no such name
 * can be; else of open.
 */
int snap_file_create(struct snap_file *f, const char *folder, const char *name);
/* All of it, or negative errno. */
int snap_file_write(struct snap_file *f, const void *data, size_t len);
/* fsync, rename without overwriting (-EEXIST), fsync of the folder.  On failure
 * the name is not there, or is whole. */
int snap_file_publish(struct snap_file *f);
/* Removes what is not published and closes.  Idempotent. */
void snap_file_close(struct snap_file *f);

#endif
