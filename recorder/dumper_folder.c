/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumper_folder.c - the folder that a snapshot goes to. */
#include "recorder/dumper_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <flightrec/ring.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "recorder/runfolder.h"

#define DEPTH_MAX 128 /* folders between / and a snapshot */

static bool is_ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* Whether others could have put ${st} there: they can write into the folder
 * above it. */
static bool is_squatted(const struct stat *st, const struct stat *above)
{
	return above->st_mode & S_IWOTH && !is_ours(st);
}

/* Neither this folder nor one above it may be a stranger's gift.  Where we may
 * not look, nobody made us look. */
static int check_place(int folder_fd)
{
	int fd = openat(folder_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st, above;
	int err = 0;

	for (unsigned i = 0; fd >= 0 && !err && i < DEPTH_MAX; i++) {
		int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (up < 0 || fstat(fd, &st) < 0 || fstat(up, &above) < 0 ||
		    (st.st_ino == above.st_ino && st.st_dev == above.st_dev)) {
			if (up >= 0)
				close(up);
			break;
		}
		err = is_squatted(&st, &above) ? -ENOTUNIQ : 0;
		close(fd);
		fd = up;
	}
	if (fd >= 0)
		close(fd);
	return err;
}

/* The folder that ${path} names lies in, and in *ret_name how it is called
 * there; NULL: it has no name of its own ("/", "..", "."). */
static int open_above(char *path, const char **ret_name)
{
	char *slash;
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	slash = strrchr(path, '/');
	*ret_name = slash ? slash + 1 : path;
	if (!**ret_name || !strcmp(*ret_name, ".") || !strcmp(*ret_name, ".."))
		*ret_name = NULL;
	if (!slash)
		return open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	*slash = '\0';
	return open(*path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* A link to somewhere else is followed only where nobody else can have made
 * it. */
static int open_there(const char *path)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	char copy[PATH_MAX];
	const char *name;
	struct stat above;
	int up, fd;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return -ENAMETOOLONG;
	up = open_above(copy, &name);
	if (up < 0 || fstat(up, &above) < 0) {
		fd = -errno;
	} else {
		fd = name ? openat(up, name,
				   flags | (above.st_mode & S_IWOTH ?
						    O_NOFOLLOW :
						    0)) :
			    open(path, flags);
		if (fd < 0)
			fd = -errno;
	}
	if (up >= 0)
		close(up);
	return fd;
}

/* Members of the group may list and read. */
static void give_to_group(int fd, gid_t gid)
{
	struct stat st;

	if (gid != (gid_t)-1 && fstat(fd, &st) == 0 && st.st_uid == 0 &&
	    geteuid() == 0 && st.st_gid == 0)
		(void)!fchown(fd, (uid_t)-1, gid);
}

int dumper_folder_find(const char *path)
{
	int fd = open_there(path), err;

	if (fd < 0)
		return fd;
	err = check_place(fd);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int dumper_folder_open(const char *path, gid_t gid)
{
	int fd = dumper_folder_find(path), err;

	if (fd == -ENOENT) {
		err = runfolder_make(path, 0750);
		fd = err ? err : dumper_folder_find(path);
	}
	if (fd >= 0)
		give_to_group(fd, gid);
	return fd;
}

int dumper_folder_writable(int fd)
{
	struct statvfs vfs;

	if (fstatvfs(fd, &vfs) < 0)
		return -errno;
	return vfs.f_flag & ST_RDONLY ? -EROFS : 0;
}

/* A snapshot takes a fifteenth of its slots as a rule.  Where not even an
 * eighth (and 64 KiB) is free there is no point in trying, and trying costs
 * history: chunks are given back while the file grows. */
uint64_t dumper_folder_need(uint64_t chunks)
{
	return chunks * FR_CHUNK_BYTES / 8 + 65536;
}
