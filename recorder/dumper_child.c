/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumper_child.c - processes that write into a snapshot folder. */
#include "recorder/dumper_child.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/log.h"

#define CHILD_NICE 10
#define LINES_MAX  20 /* in the log, of one pass; the sum follows */

static void close_others(int fd)
{
	if (fd > 3)
		close_range(3, (unsigned)fd - 1, 0);
	close_range(fd < 3 ? 3 : (unsigned)fd + 1, ~0U, 0);
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

void dumper_child_begin(const char *name, int keep_fd)
{
	prctl(PR_SET_NAME, name);
	reset_signals();
	setpriority(PRIO_PROCESS, 0, CHILD_NICE);
	close_others(keep_fd);
}

int dumper_child_become_owner(int folder_fd, gid_t gid)
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

struct told {
	const char *folder;
	unsigned lines;
};

static void tell(void *arg, const struct retention_file *f, int err)
{
	struct told *t = arg;

	if (t->lines++ >= LINES_MAX)
		return;
	if (err)
		log_err(err, "%s/%s cannot be removed (%s)", t->folder, f->file,
			retention_why_name(f->why));
	else
		log_info("removed %s/%s (%s%s)", t->folder, f->file,
			 retention_why_name(f->why),
			 f->over_share ? ", above dump.max_share" : "");
}

int dumper_child_retain(int folder_fd, const char *folder,
			const struct retention_job *job,
			struct retention_result *ret)
{
	struct told told = { .folder = folder };
	struct retention_job j = *job;
	int err;

	j.fn = tell;
	j.arg = &told;
	err = retention_apply(folder_fd, &j, ret);
	if (!err && told.lines > LINES_MAX)
		log_info(
			"%s: removed %u snapshots in all, %u cannot be removed",
			folder, ret->removed, ret->failed);
	return err;
}
