/* SPDX-License-Identifier: GPL-2.0-or-later */
/* runfolder.c - the run folder: one recorder at a time. */
#include "recorder/runfolder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int runfolder_make(const char *path, mode_t mode)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (!len)
		return -ENOENT;
	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	memcpy(part, path, len + 1);
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(part, mode) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

static pid_t read_pid(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	pid = strtol(text, NULL, 10);
	return pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

/* The file may be removed by its owner between open and lock: then what we
 * locked is no longer what the name says, and we start again. */
static int lock_pid_file(struct runfolder *r, pid_t *ret_pid)
{
	struct stat ours, named;

	for (int tries = 0; tries < 100; tries++) {
		int fd =
			openat(r->dir_fd, RUNFOLDER_PID,
			       O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			int err = errno == EWOULDBLOCK ? EBUSY : errno;

			*ret_pid = read_pid(fd);
			close(fd);
			return -err;
		}
		if (!fstat(fd, &ours) &&
		    !fstatat(r->dir_fd, RUNFOLDER_PID, &named,
			     AT_SYMLINK_NOFOLLOW) &&
		    ours.st_ino == named.st_ino &&
		    ours.st_dev == named.st_dev) {
			r->pid_fd = fd;
			return 0;
		}
		close(fd);
	}
	return -EAGAIN;
}

int runfolder_open(struct runfolder *r, const char *path, pid_t *ret_pid)
{
	struct sockaddr_un sa;
	int err;

	*ret_pid = 0;
	r->dir_fd = r->pid_fd = -1;
	if (strlen(path) + sizeof("/" RUNFOLDER_SOCKET) > sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	snprintf(r->path, sizeof(r->path), "%s", path);
	err = runfolder_make(path, 0755);
	if (err)
		return err;
	r->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir_fd < 0)
		return -errno;
	err = lock_pid_file(r, ret_pid);
	if (!err)
		err = runfolder_write_pid(r);
	if (err) {
		if (r->pid_fd >= 0)
			close(r->pid_fd);
		close(r->dir_fd);
		r->dir_fd = r->pid_fd = -1;
	}
	return err;
}

int runfolder_write_pid(struct runfolder *r)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (pwrite(r->pid_fd, text, (size_t)n, 0) != n)
		return errno ? -errno : -EIO;
	return ftruncate(r->pid_fd, n) < 0 ? -errno : 0;
}

char *runfolder_name(const struct runfolder *r, const char *name,
		     char buf[PATH_MAX])
{
	if (snprintf(buf, PATH_MAX, "%s/%s", r->path, name) >= PATH_MAX)
		buf[0] = '\0'; /* runfolder_open() bounds the path */
	return buf;
}

void runfolder_close(struct runfolder *r)
{
	if (r->dir_fd < 0)
		return;
	unlinkat(r->dir_fd, RUNFOLDER_SOCKET, 0);
	unlinkat(r->dir_fd, RUNFOLDER_PID, 0);
	close(r->pid_fd);
	close(r->dir_fd);
	r->dir_fd = r->pid_fd = -1;
}
