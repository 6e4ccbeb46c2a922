/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drill_operate.c - operations of the fire drill: numbered writes, then one that
 * has to wait longer than the limit, and one that stays below it.
 *
 * They wait in flock(2), for a lock that another process holds: a wait in the
 * kernel, on a file with a name, as long as we say, on every file system.  That
 * process sees in /proc/locks that the other one waits, and notes the time; from
 * then until it lets go, the operation was under way without doubt.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dump/drill.h"
#include "triggers/units.h"

#define QUICK_PART 8 /* the one below the limit waits 1/8 of the delay */

static bool fail(struct drill *d, const char *what)
{
	snprintf(d->problem, sizeof(d->problem), "%s %.400s: %s", what,
		 d->path[0] ? d->path : d->scratch_in, strerror(errno));
	return false;
}

/* Each call is one more that the rule may be hit by, as a machine can be busy. */
static int timed_flock(struct drill *d, int fd, int how)
{
	uint64_t begin = drill_now_ns();
	int r = flock(fd, how), err = errno;

	if (drill_now_ns() - begin > d->limit_ns)
		__atomic_fetch_add(&d->over, 1, __ATOMIC_RELAXED);
	errno = err;
	return r;
}

/* ---- who holds the lock ---------------------------------------------------------- */

/* "7: -> FLOCK  ADVISORY  WRITE 123 fe:00:99 0 EOF": process 123 waits. */
static bool is_waiting(pid_t pid)
{
	FILE *f = fopen("/proc/locks", "re");
	char line[256];
	bool yes = false;
	int who;

	while (f && !yes && fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "-> FLOCK");

		yes = at && sscanf(at, "-> FLOCK %*s %*s %d", &who) == 1 &&
		      who == pid;
	}
	if (f)
		fclose(f);
	return yes;
}

static void sleep_until(uint64_t ns)
{
	const struct timespec ts = { .tv_sec = (time_t)(ns / 1000000000),
				     .tv_nsec = (long)(ns % 1000000000) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) ==
	       EINTR)
		;
}

/* Holds the lock until ${pid} has waited for it so long. */
static int hold(struct drill *d, pid_t pid, uint64_t ns, int ready_fd,
		struct drill_wait *w)
{
	int fd = open(d->path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || timed_flock(d, fd, LOCK_EX) < 0 ||
	    write(ready_fd, "r", 1) != 1)
		return errno;
	while (!is_waiting(pid))
		if (!drill_pause())
			return EINTR;
	w->blocked = drill_now_ns();
	sleep_until(w->blocked + ns);
	w->released = drill_now_ns();
	return timed_flock(d, fd, LOCK_UN) < 0 ? errno : 0;
}

static pid_t start_holder(struct drill *d, uint64_t ns, struct drill_wait *w)
{
	pid_t pid, waiter = getpid();
	char byte;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[0]);
		_exit(hold(d, waiter, ns, fds[1], w));
	}
	close(fds[1]);
	if (pid > 0 && read(fds[0], &byte, 1) != 1) {
		int status = 0;

		waitpid(pid, &status, 0);
		errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
		pid = -1;
	}
	close(fds[0]);
	return pid;
}

/* ---- who waits -------------------------------------------------------------------- */

static bool wait_for_lock(struct drill *d, int fd, uint64_t ns,
			  struct drill_wait *w)
{
	pid_t holder = start_holder(d, ns, w);
	int status = 0, r;

	if (holder < 0)
		return fail(d, "cannot lock");
	w->begin = drill_now_ns();
	r = timed_flock(d, fd, LOCK_EX);
	w->end = drill_now_ns();
	if (r < 0)
		fail(d, "cannot lock");
	waitpid(holder, &status, 0);
	timed_flock(d, fd, LOCK_UN);
	if (r == 0 && status)
		fail(d, "cannot hold a lock on");
	return !d->problem[0];
}

static bool write_numbered(struct drill *d, int fd)
{
	for (off_t i = 0; i < DRILL_WRITES; i++)
		if (pwrite(fd, "#", 1, i) != 1)
			return fail(d, "cannot write");
	return true;
}

/* d->scratch is what is to be removed: set once it is there. */
static int make_scratch(struct drill *d)
{
	char in[PATH_MAX], made[PATH_MAX];

	if (!realpath(d->scratch_in, in))
		return -1;
	if (snprintf(made, sizeof(made), "%s/flightrec-selftest.XXXXXX",
		     strcmp(in, "/") ? in : "") >= (int)sizeof(made) - 8) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (!mkdtemp(made))
		return -1;
	snprintf(d->scratch, sizeof(d->scratch), "%s", made);
	snprintf(d->path, sizeof(d->path), "%.*s/slow",
		 (int)sizeof(d->path) - 8, made);
	return open(d->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static void operate(struct drill *d)
{
	int fd = make_scratch(d);

	d->pid = getpid();
	d->tid = (pid_t)gettid();
	prctl(PR_GET_NAME, d->comm);
	if (fd < 0)
		fail(d, "cannot make a file in");
	else if (write_numbered(d, fd) &&
		 wait_for_lock(d, fd, d->delay_ns, &d->slow) && d->rule[0])
		wait_for_lock(d, fd, d->delay_ns / QUICK_PART, &d->quick);
	if (fd >= 0)
		close(fd);
}

void drill_operate(struct drill *d)
{
	char slow[32];

	if (!drill_bounded(d, operate))
		return;
	if (d->problem[0])
		drill_failed(d,
			     "name a folder that can be written with "
			     "--scratch",
			     "%s", d->problem);
	else
		drill_ok(d, "%d numbered writes, then flock waited %s on %s",
			 DRILL_WRITES,
			 units_human_time(slow, d->slow.end - d->slow.begin),
			 d->path);
}

static void remove_scratch(struct drill *d)
{
	if ((d->path[0] && unlink(d->path) < 0 && errno != ENOENT) ||
	    (rmdir(d->scratch) < 0 && errno != ENOENT))
		fail(d, "cannot remove");
}

void drill_remove_scratch(struct drill *d)
{
	d->problem[0] = '\0';
	if (d->scratch[0])
		drill_bounded(d, remove_scratch);
}
