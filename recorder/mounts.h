/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mounts.h - the mounted file systems that are worth measuring.
 *
 * From /proc/self/mountinfo: each file system once (not its bind mounts again), and
 * of several mounted on one point the last, which hides the others.
 */
#ifndef RECORDER_MOUNTS_H
#define RECORDER_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOUNTS_MAX 1024

struct mount {
	char *name;   /* mount point as in mountinfo: "\040" for a blank */
	char *point;  /* the path itself */
	uint64_t dev; /* major << 32 | minor */
	bool local;   /* statvfs(3) waits for no other machine or process */
	/* The mount is read-only here, whatever the file system is: statvfs(3) does not
	 * tell the two apart.  systemd mounts /home so for a service. */
	bool mount_readonly;
	bool readonly; /* the file system was, when this was read */
	void *state;   /* the caller's own, NULL at first */
};

struct mounts {
	struct mount *all;
	unsigned nr, size;
	unsigned errors; /* lines not understood, and mounts beyond MOUNTS_MAX */
};

/*
 * Adds the mounts of a mountinfo file to ${m}, which is empty.  Without ${list}
 * (globs of mount points, as in struct sample): all local ones, but for images that
 * are always full (squashfs, iso9660) and overlays other than the root.  With it:
 * those that fit, of any type.  0 or -ENOMEM.  Pure.
 */
int mounts_parse(struct mounts *m, const char *list, const char *buf,
		 size_t len);
void mounts_free(struct mounts *m); /* not the states; leaves it empty */

/* Did a mount come or go since this open mountinfo was read?  The kernel marks the
 * descriptor.  One that is not open (-1) has changed. */
bool mounts_changed(int fd);

#endif
