/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumper.c - forks the dumper, and listens to it. */
#include "recorder/dumper.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dump/snapshot_write.h"
#include "recorder/dumper_copy.h"

#define DUMPER_NAME "fr-dumper"
#define DUMPER_NICE 10

/* ---- before the fork ------------------------------------------------------------ */

/* A snapshot takes a fifteenth of its slots as a rule.  Where not even a
 * sixty-fourth of the slots (and 64 KiB) is free there is no point in trying,
 * and trying costs history: chunks are given back while the file grows. */
static int check_room(int folder_fd, uint64_t chunks)
{
	struct statvfs vfs;

	if (fstatvfs(folder_fd, &vfs) < 0)
		return -errno;
	if (vfs.f_flag & ST_RDONLY)
		return -EROFS;
	if ((uint64_t)vfs.f_bavail * vfs.f_frsize <
	    chunks * FR_CHUNK_BYTES / 64 + 65536)
		return -ENOSPC;
	return 0;
}

static int open_folder(const struct dump_job *job)
{
	int fd = open(job->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = check_room(fd, freeze_held_chunks(job->freeze));
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

/* ---- in the child ---------------------------------------------------------------- */

static void close_others(int a, int b)
{
	unsigned lo = (unsigned)(a < b ? a : b), hi = (unsigned)(a < b ? b : a);

	if (lo > 3)
		close_range(3, lo - 1, 0);
	if (hi > lo + 1)
		close_range(lo + 1, hi - 1, 0);
	close_range(hi + 1, ~0U, 0);
}

static void reset_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN); /* a dead recorder is no reason to stop */
	signal(SIGUSR1, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* the recorder decides what ends with it */
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

/* The owner of the folder, without any right of its own. */
static int become_owner(int folder_fd, gid_t gid)
{
	struct stat st;

	if (fstat(folder_fd, &st) < 0)
		return -errno;
	umask(0027);
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0)
		return -errno;
	if (gid != (gid_t)-1 && setresgid(gid, gid, gid) < 0)
		return -errno;
	if (st.st_uid != 0 && setresuid(st.st_uid, st.st_uid, st.st_uid) < 0)
		return -errno;
	return 0;
}

static void run_child(const struct dump_job *job, int folder_fd, int pipe_fd)
{
	struct dumper_msg msg = { .kind = DUMPER_CONFINED };
	int err;

	prctl(PR_SET_NAME, DUMPER_NAME);
	reset_signals();
	setpriority(PRIO_PROCESS, 0, DUMPER_NICE);
	close_others(folder_fd, pipe_fd);
	for (unsigned i = 0; i < job->freeze->nr; i++)
		freeze_view(job->freeze, i);
	err = become_owner(folder_fd, job->gid);
	priv_confine_dumper(&folder_fd, 1, &msg.confined);
	close(folder_fd);
	(void)!write(pipe_fd, &msg, sizeof(msg));
	memset(&msg, 0, sizeof(msg));
	msg.kind = DUMPER_DONE;
	msg.err = err ? err : dumper_write_snapshot(job, pipe_fd, &msg);
	(void)!write(pipe_fd, &msg, sizeof(msg));
	_exit(msg.err ? 1 : 0);
}

int dumper_start(struct dumper *d, const struct dump_job *job)
{
	int folder_fd, fds[2], err = 0;
	pid_t pid;

	memset(d, 0, sizeof(*d));
	d->fd = -1;
	folder_fd = open_folder(job);
	if (folder_fd < 0)
		return folder_fd;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		err = -errno;
		close(folder_fd);
		return err;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	pid = fork();
	if (pid == 0)
		run_child(job, folder_fd, fds[1]);
	if (pid < 0)
		err = -errno;
	close(fds[1]);
	close(folder_fd);
	if (err) {
		close(fds[0]);
		return err;
	}
	d->pid = pid;
	d->fd = fds[0];
	return 0;
}

/* ---- in the recorder --------------------------------------------------------------- */

static void take(struct dumper *d, struct freeze *freeze,
		 const struct dumper_msg *m)
{
	if (m->kind == DUMPER_COPIED && freeze && m->to >= m->from &&
	    m->to - m->from <= DUMPER_BATCH) {
		for (uint32_t i = m->from; i < m->to; i++)
			freeze_release(freeze, m->src, i);
		d->copied_chunks += m->to - m->from;
	} else if (m->kind == DUMPER_CONFINED) {
		d->confined = m->confined;
	} else if (m->kind == DUMPER_DONE) {
		d->done = 1;
		d->err = m->err > 0 ? -m->err : m->err;
		d->bytes = m->bytes;
		d->records = m->records;
		d->torn = m->torn;
		d->stolen_chunks = m->stolen_chunks;
	}
}

int dumper_read(struct dumper *d, struct freeze *freeze)
{
	struct dumper_msg msg;
	ssize_t n;

	/* Messages are shorter than PIPE_BUF: each comes whole. */
	while ((n = read(d->fd, &msg, sizeof(msg))) == sizeof(msg))
		take(d, freeze, &msg);
	return !(n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void remove_temporary(const struct dump_job *job)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/.%s.tmp", job->folder, job->name) <
	    (int)sizeof(path))
		unlink(path);
}

int dumper_end(struct dumper *d, const struct dump_job *job, int kill_it)
{
	int status = 0, err;

	if (kill_it)
		kill(d->pid, SIGKILL);
	while (waitpid(d->pid, &status, 0) < 0 && errno == EINTR)
		;
	dumper_read(d, NULL);
	close(d->fd);
	d->fd = -1;
	d->pid = 0;
	/* The rename is its last act but one; then it has said so. */
	err = d->done ? d->err : -EINTR;
	if (err)
		remove_temporary(job);
	return err;
}
