/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumper.c - forks the dumper, and listens to it. */
#include "recorder/dumper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dump/snapshot_write.h"
#include "recorder/dumper_child.h"
#include "recorder/dumper_copy.h"
#include "recorder/dumper_folder.h"
#include "recorder/retention.h"

#define DUMPER_NAME "fr-dumper"
#define NAMES_MAX   1000 /* snapshots of one millisecond */

/* ---- in the child ---------------------------------------------------------------- */

/* The folder becomes the current one, since its name may lead through others that
 * its owner cannot pass. */
static int enter_folder(const struct dump_job *job, int *ret_fd)
{
	int fd = dumper_folder_open(job->folder, job->gid), err;

	*ret_fd = fd;
	if (fd < 0)
		return fd;
	err = fchdir(fd) < 0 ? -errno : 0;
	return err ? err : dumper_child_become_owner(fd, job->gid);
}

static void choose_name(const struct dump_job *job, int fd,
			char name[RETENTION_NAME_MAX], uint32_t *ret_attempt)
{
	char file[RETENTION_FILE_MAX], pinned[RETENTION_FILE_MAX];

	for (*ret_attempt = 0; *ret_attempt < NAMES_MAX; ++*ret_attempt) {
		retention_make_name(name, job->real_ns, job->trigger,
				    *ret_attempt);
		snprintf(file, sizeof(file), "%s" SNAP_SUFFIX, name);
		retention_pin_name(pinned, file, true);
		if (faccessat(fd, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
		    faccessat(fd, pinned, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			return;
	}
}

static int write_snapshot(const struct dump_job *job, int folder_fd,
			  int pipe_fd, char name[RETENTION_NAME_MAX])
{
	struct dumper_msg msg = { .kind = DUMPER_DONE };

	choose_name(job, folder_fd, name, &msg.attempt);
	msg.err = dumper_write_snapshot(job, name, pipe_fd, &msg);
	(void)!write(pipe_fd, &msg, sizeof(msg));
	return msg.err;
}

static void retain(const struct dump_job *job, int folder_fd, int pipe_fd,
		   struct retention_job *r, struct retention_result *ret)
{
	struct dumper_msg msg = { .kind = DUMPER_CLEANED };

	r->limits = job->limits;
	if (dumper_child_retain(folder_fd, job->folder, r, ret))
		return;
	msg.removed = ret->removed;
	msg.not_removed = ret->failed;
	(void)!write(pipe_fd, &msg, sizeof(msg));
}

/* Before anything is written: what dump.keep_free asks for. */
static int make_room(const struct dump_job *job, int folder_fd, int pipe_fd,
		     uint64_t *ret_free)
{
	uint64_t chunks = freeze_held_chunks(job->freeze), lacking;
	struct retention_job r = { .need = dumper_folder_need(chunks) };
	struct retention_result result = { 0 };
	int err = dumper_folder_writable(folder_fd);

	if (!err)
		err = retention_lacking(folder_fd, &job->limits, r.need,
					&lacking, ret_free);
	if (!err && lacking) {
		retain(job, folder_fd, pipe_fd, &r, &result);
		err = retention_lacking(folder_fd, &job->limits, r.need,
					&lacking, ret_free);
		if (!err && lacking)
			err = -EXFULL;
	}
	return !err && *ret_free < r.need ? -ENOSPC : err;
}

/* Only where a snapshot just went well, so that nothing waits for a sick disk. */
static void clean_folder(const struct dump_job *job, int folder_fd, int pipe_fd,
			 const char *name)
{
	struct retention_job r = { .keep = name };
	struct retention_result result = { 0 };

	retention_remove_temporary(folder_fd, RETENTION_TEMPORARY_S);
	retain(job, folder_fd, pipe_fd, &r, &result);
}

static void run_child(const struct dump_job *job, int pipe_fd)
{
	struct dumper_msg msg = { .kind = DUMPER_CONFINED };
	char name[RETENTION_NAME_MAX];
	uint64_t free_bytes = 0;
	int folder_fd, err;

	dumper_child_begin(DUMPER_NAME, pipe_fd);
	for (unsigned i = 0; i < job->freeze->nr; i++)
		freeze_view(job->freeze, i);
	err = enter_folder(job, &folder_fd);
	priv_confine_dumper(&folder_fd, 1, &msg.confined);
	(void)!write(pipe_fd, &msg, sizeof(msg));
	if (!err)
		err = make_room(job, folder_fd, pipe_fd, &free_bytes);
	if (!err) {
		err = write_snapshot(job, folder_fd, pipe_fd, name);
		if (!err)
			clean_folder(job, folder_fd, pipe_fd, name);
		_exit(err ? 1 : 0);
	}
	msg = (struct dumper_msg){ .kind = DUMPER_DONE,
				   .err = err,
				   .free_bytes = free_bytes };
	(void)!write(pipe_fd, &msg, sizeof(msg));
	_exit(1);
}

int dumper_start(struct dumper *d, const struct dump_job *job)
{
	int fds[2];
	pid_t pid;

	memset(d, 0, sizeof(*d));
	d->fd = -1;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	pid = fork();
	if (pid == 0)
		run_child(job, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		int err = -errno;

		close(fds[0]);
		return err;
	}
	d->pid = pid;
	d->fd = fds[0];
	return 0;
}

/* ---- in the recorder --------------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void take_done(struct dumper *d, const struct dumper_msg *m)
{
	d->done = 1;
	d->done_ns = now_ns();
	d->err = m->err > 0 ? -m->err : m->err;
	d->attempt = m->attempt;
	d->free_bytes = m->free_bytes;
	d->bytes = m->bytes;
	d->records = m->records;
	d->torn = m->torn;
	d->stolen_chunks = m->stolen_chunks;
}

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
	} else if (m->kind == DUMPER_CLEANED) {
		d->removed += m->removed;
		d->not_removed += m->not_removed;
	} else if (m->kind == DUMPER_ASKS) {
		d->asks = 1;
	} else if (m->kind == DUMPER_DONE) {
		take_done(d, m);
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

int dumper_end(struct dumper *d, int kill_it, pid_t *ret_left)
{
	if (kill_it)
		kill(d->pid, SIGKILL);
	dumper_read(d, NULL);
	close(d->fd);
	*ret_left = waitpid(d->pid, NULL, WNOHANG) == 0 ? d->pid : 0;
	d->fd = -1;
	d->pid = 0;
	/* The rename is its last act but one; then it has said so. */
	return d->done ? d->err : -EINTR;
}

const char *dumper_why(int err)
{
	switch (err < 0 ? -err : err) {
	case EINTR:
		return "a signal ended the dumper";
	case ETIME:
		return "it took longer than dump.hold_limit";
	case EALREADY:
		return "an earlier snapshot still hangs there";
	case EXFULL:
		return "what is free there is below dump.keep_free, or would be";
	case ENOTUNIQ:
		return "it lies in a folder that anyone can write, and belongs to someone else; choose another";
	default:
		return strerror(err < 0 ? -err : err);
	}
}
