/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dumper_folder.h - the folder that a snapshot goes to.  Called in the dumper,
 * while it still has the recorder's rights: a disk that hangs stops nobody else.
 */
#ifndef RECORDER_DUMPER_FOLDER_H
#define RECORDER_DUMPER_FOLDER_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Opens ${path}, made first if it is not there.  What we make, and what is root's,
 * gets the group ${gid} unless that is (gid_t)-1.  Returns a descriptor or
 * negative errno; -ENOTUNIQ: it lies where anyone can write and is not ours, so
 * somebody may have put it there to get at snapshots.
 */
int dumper_folder_open(const char *path, gid_t gid);

/* 0 if a snapshot of ${chunks} may fit; -ENOSPC, -EROFS, other errno. */
int dumper_folder_check(int fd, uint64_t chunks);

#endif
