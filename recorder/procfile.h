/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * procfile.h - a file of /proc or /sys that is read again and again.
 *
 * The descriptor stays open and the buffer is reused: a round costs the
 * preads and nothing else.
 */
#ifndef RECORDER_PROCFILE_H
#define RECORDER_PROCFILE_H

#include <stdbool.h>
#include <stddef.h>

struct procfile {
	char *path;
	int fd;      /* -1: not open now */
	char *buf;   /* what was read last */
	size_t len;  /* bytes of it */
	size_t size; /* bytes allocated, at most max */
	size_t max;
	bool cut; /* the file was longer than max */
};

/*
 * Remembers ${root}${path} and tries to open it; a file that is not there (yet)
 * is no error here, procfile_read() tries again.  At most ${max} bytes of it
 * are ever read.  0 or -ENOMEM.
 */
int procfile_init(struct procfile *f, const char *root, const char *path,
		  size_t max);

/* Reads the whole file into buf, len, cut.  0, or the negative errno of opening
 * or reading it (len is 0 then); -ENOMEM. */
int procfile_read(struct procfile *f);

/* Closes the descriptor; the next procfile_read() opens it anew. */
void procfile_close(struct procfile *f);

/* Closes and frees; a zeroed struct is a no-op. */
void procfile_free(struct procfile *f);

#endif
