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

/* The same of a folder that is there already, changing nothing. */
int dumper_folder_find(const char *path);
/* 0, -EROFS, other errno. */
int dumper_folder_writable(int fd);
/* Where less is free, a snapshot of ${chunks} is not tried. */
uint64_t dumper_folder_need(uint64_t chunks);

#endif
