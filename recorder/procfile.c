/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/procfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PROCFILE_FIRST_BYTES 8192

int procfile_init(struct procfile *f, const char *root, const char *path,
		  size_t max)
{
	size_t first = max < PROCFILE_FIRST_BYTES ? max : PROCFILE_FIRST_BYTES;

	*f = (struct procfile){ .fd = -1, .max = max };
	if (asprintf(&f->path, "%s%s", root, path) < 0) {
		f->path = NULL;
		return -ENOMEM;
	}
	f->buf = malloc(first);
	if (!f->buf)
		return -ENOMEM;
	f->size = first;
	f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return 0;
}

static int procfile_grow(struct procfile *f)
{
	size_t size = f->size > f->max / 2 ? f->max : f->size * 2;
	char *buf = realloc(f->buf, size);

	if (!buf)
		return -ENOMEM;
	f->buf = buf;
	f->size = size;
	return 0;
}

/* The buffer is full: is there more? */
static bool procfile_has_more(const struct procfile *f)
{
	char c;

	return pread(f->fd, &c, 1, (off_t)f->len) == 1;
}

static int procfile_read_open(struct procfile *f)
{
	ssize_t n;

	for (;;) {
		if (f->len == f->max) {
			f->cut = procfile_has_more(f);
			return 0;
		}
		if (f->len == f->size && procfile_grow(f))
			return -ENOMEM;
		n = pread(f->fd, f->buf + f->len, f->size - f->len,
			  (off_t)f->len);
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		f->len += (size_t)n;
	}
}

int procfile_read(struct procfile *f)
{
	int r;

	f->len = 0;
	f->cut = false;
	if (f->fd < 0)
		f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (f->fd < 0)
		return -errno;
	r = procfile_read_open(f);
	if (r == 0)
		return 0;
	/* A descriptor of what is gone never works again: open anew next time. */
	procfile_close(f);
	f->len = 0;
	return r;
}

void procfile_close(struct procfile *f)
{
	if (f->path && f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

void procfile_free(struct procfile *f)
{
	procfile_close(f);
	free(f->path);
	free(f->buf);
	*f = (struct procfile){ .fd = -1 };
}
