/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_file.c - temporary name, fsync, rename. */
#include "dump/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump/snapshot_write.h"

static int file_set_names(struct snap_file *f, const char *name)
{
	size_t len = strlen(name);

	if (!len || len + strlen(SNAP_SUFFIX) > SNAP_NAME_MAX ||
	    strchr(name, '/'))
		return -EINVAL;
	snprintf(f->temp, sizeof(f->temp), ".%s.tmp", name);
	snprintf(f->name, sizeof(f->name), "%s" SNAP_SUFFIX, name);
	return 0;
}

/* A left-over is what nobody holds a lock on. */
static int file_remove_left_over(struct snap_file *f)
{
	int fd, err = 0;

	fd = openat(f->folder, f->temp,
		    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	/* where locks are not to be had, names with a time in them suffice */
	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		err = -EBUSY;
	else if (unlinkat(f->folder, f->temp, 0))
		err = -errno;
	close(fd);
	return err;
}

static int file_open_temp(struct snap_file *f)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int err;

	f->fd = openat(f->folder, f->temp, flags, 0640);
	if (f->fd < 0 && errno == EEXIST) {
		err = file_remove_left_over(f);
		if (err)
			return err;
		f->fd = openat(f->folder, f->temp, flags, 0640);
	}
	if (f->fd < 0)
		return -errno;
	/* best effort: some file systems know no locks */
	(void)flock(f->fd, LOCK_EX | LOCK_NB);
	return 0;
}

int snap_file_create(struct snap_file *f, const char *folder, const char *name)
{
	int err;

	memset(f, 0, sizeof(*f));
	f->fd = f->folder = -1;
	err = file_set_names(f, name);
	if (err)
		return err;
	f->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = f->folder < 0 ? -errno : file_open_temp(f);
	if (err)
		snap_file_close(f);
	return err;
}

int snap_file_write(struct snap_file *f, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(f->fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
		f->bytes += (uint64_t)n;
	}
	return 0;
}

/* File systems without RENAME_NOREPLACE have links, or nothing that would not
 * overwrite. */
static int file_rename(struct snap_file *f)
{
	if (!renameat2(f->folder, f->temp, f->folder, f->name,
		       RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (linkat(f->folder, f->temp, f->folder, f->name, 0))
		return -errno;
	if (unlinkat(f->folder, f->temp, 0))
		return -errno;
	return 0;
}

int snap_file_publish(struct snap_file *f)
{
	int fd = f->fd, err;

	if (fsync(fd))
		return -errno;
	err = file_rename(f);
	if (err)
		return err;
	f->fd = -1; /* published: nothing to remove any more */
	if (close(fd))
		err = -errno;
	/* EINVAL: a folder that cannot be synced is as safe as it gets */
	if (fsync(f->folder) && errno != EINVAL)
		err = -errno;
	return err;
}

void snap_file_close(struct snap_file *f)
{
	if (f->fd >= 0) {
		unlinkat(f->folder, f->temp, 0);
		close(f->fd);
	}
	if (f->folder >= 0)
		close(f->folder);
	f->fd = f->folder = -1;
}
