/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * slowfs.c - a FUSE file system with one file, /data, whose writes and reads at
 * given offsets take long.
 *
 *   slowfs MOUNTPOINT DELAY_MS EVERY
 *
 * A write whose offset is a multiple of EVERY (bytes, above 0) waits DELAY_MS
 * first; EVERY 0: none.  Contents are thrown away, the size is kept.  Runs in
 * the foreground until unmounted.  Direct I/O: one pwrite is one request.
 */
#define FUSE_USE_VERSION 35
#include <errno.h>
#include <fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static uint64_t delay_ms, every;
static off_t file_size;

static void wait_ms(uint64_t ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms / 1000),
			      .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

static int is_data(const char *path)
{
	return !strcmp(path, "/data");
}

static int slow_getattr(const char *path, struct stat *st,
			struct fuse_file_info *fi)
{
	(void)fi;
	memset(st, 0, sizeof(*st));
	st->st_mode = is_data(path) ? S_IFREG | 0666 : S_IFDIR | 0755;
	st->st_nlink = 1;
	st->st_size = is_data(path) ? file_size : 0;
	return is_data(path) || !strcmp(path, "/") ? 0 : -ENOENT;
}

static int slow_readdir(const char *path, void *buf, fuse_fill_dir_t fill,
			off_t offset, struct fuse_file_info *fi,
			enum fuse_readdir_flags flags)
{
	(void)path, (void)offset, (void)fi, (void)flags;
	fill(buf, ".", NULL, 0, 0);
	fill(buf, "..", NULL, 0, 0);
	fill(buf, "data", NULL, 0, 0);
	return 0;
}

static int slow_open(const char *path, struct fuse_file_info *fi)
{
	fi->direct_io = 1;
	return is_data(path) ? 0 : -ENOENT;
}

static int slow_truncate(const char *path, off_t size,
			 struct fuse_file_info *fi)
{
	(void)fi;
	file_size = size;
	return is_data(path) ? 0 : -ENOENT;
}

static int slow_read(const char *path, char *buf, size_t size, off_t offset,
		     struct fuse_file_info *fi)
{
	(void)path, (void)fi;
	if (offset >= file_size)
		return 0;
	if ((off_t)size > file_size - offset)
		size = (size_t)(file_size - offset);
	memset(buf, 0, size);
	return (int)size;
}

static int slow_write(const char *path, const char *buf, size_t size,
		      off_t offset, struct fuse_file_info *fi)
{
	(void)path, (void)buf, (void)fi;
	if (every && offset && (uint64_t)offset % every == 0)
		wait_ms(delay_ms);
	if (offset + (off_t)size > file_size)
		file_size = offset + (off_t)size;
	return (int)size;
}

static int slow_fsync(const char *path, int datasync, struct fuse_file_info *fi)
{
	(void)path, (void)datasync, (void)fi;
	return 0;
}

static const struct fuse_operations slow_operations = {
	.getattr = slow_getattr,
	.readdir = slow_readdir,
	.open = slow_open,
	.truncate = slow_truncate,
	.read = slow_read,
	.write = slow_write,
	.fsync = slow_fsync,
};

int main(int argc, char **argv)
{
	char foreground[] = "-f", option[] = "-o", name[] = "fsname=slowfs";
	char *fuse_argv[] = { argv[0], foreground, option, name, argv[1], NULL };

	if (argc != 4) {
		fprintf(stderr, "usage: slowfs MOUNTPOINT DELAY_MS EVERY\n");
		return 2;
	}
	delay_ms = strtoull(argv[2], NULL, 10);
	every = strtoull(argv[3], NULL, 10);
	return fuse_main(5, fuse_argv, &slow_operations, NULL);
}
