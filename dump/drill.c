/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drill.c - steps of the fire drill: their time, their end, their processes. */
#include "dump/drill.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "triggers/units.h"

#define NS_PER_MS 1000000ULL
#define PAUSE_NS  (5 * NS_PER_MS)
#define GONE_MS   1000 /* what a killed process gets to go */

volatile sig_atomic_t drill_stop;

uint64_t drill_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 * NS_PER_MS + (uint64_t)ts.tv_nsec;
}

struct drill_step *drill_step(struct drill *d)
{
	return &d->steps[d->nr_steps - 1];
}

void drill_begin(struct drill *d, const char *name)
{
	d->nr_steps++;
	*drill_step(d) = (struct drill_step){ .name = name };
	d->step_began_ns = drill_now_ns();
}

static void end(struct drill *d, enum drill_state state, const char *next,
		const char *fmt, va_list ap)
{
	struct drill_step *s = drill_step(d);

	s->state = state;
	vsnprintf(s->what, sizeof(s->what), fmt, ap);
	snprintf(s->next, sizeof(s->next), "%s", next);
	if (!s->took_ns)
		s->took_ns = drill_now_ns() - d->step_began_ns;
}

void drill_ok(struct drill *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end(d, DRILL_OK, "", fmt, ap);
	va_end(ap);
}

void drill_failed(struct drill *d, const char *next, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end(d, DRILL_FAILED, next, fmt, ap);
	va_end(ap);
}

void drill_left_out(struct drill *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end(d, DRILL_LEFT_OUT, "", fmt, ap);
	va_end(ap);
}

uint64_t drill_deadline(const struct drill *d)
{
	return d->step_began_ns + d->timeout_ns;
}

static uint64_t left_ms(const struct drill *d)
{
	uint64_t now = drill_now_ns();

	return drill_deadline(d) > now ?
		       (drill_deadline(d) - now) / NS_PER_MS + 1 :
		       0;
}

unsigned drill_patience_s(const struct drill *d)
{
	uint64_t s = left_ms(d) / 1000;

	return s ? (unsigned)s : 1;
}

bool drill_pause(void)
{
	const struct timespec moment = { .tv_nsec = PAUSE_NS };

	nanosleep(&moment, NULL);
	return !drill_stop;
}

/* Dead, and its status in *ret; false: not yet. */
static bool wait_gone(pid_t pid, int pidfd, int ms, int *ret)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	poll(&p, 1, ms);
	return waitpid(pid, ret, WNOHANG) == pid;
}

static bool judge(struct drill *d, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFSIGNALED(status))
		drill_failed(d, "report this: it is a bug of flightrec",
			     "the process that did it died of signal %d",
			     WTERMSIG(status));
	else
		drill_failed(d, "report this: it is a bug of flightrec",
			     "the process that did it ended with %d",
			     WEXITSTATUS(status));
	return false;
}

bool drill_bounded(struct drill *d, void (*fn)(struct drill *))
{
	pid_t pid, parent = getpid();
	char limit[32];
	int pidfd, status = 0;
	bool gone = false;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			fn(d);
		_exit(0);
	}
	pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		if (pid > 0) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
		}
		drill_failed(d, "see what limits processes here",
			     "no process can be started");
		return false;
	}
	while (!gone && !drill_stop && left_ms(d))
		gone = wait_gone(pid, pidfd, (int)left_ms(d), &status);
	if (!gone) {
		kill(pid, SIGKILL);
		wait_gone(pid, pidfd, GONE_MS, &status);
	}
	if (!gone && drill_stop)
		drill_failed(d, "", "signal %d came", (int)drill_stop);
	else if (!gone)
		drill_failed(d,
			     "a file system or the machine hangs; or allow "
			     "more with --timeout",
			     "not done within %s",
			     units_format_time(limit, d->timeout_ns));
	close(pidfd);
	return gone && judge(d, status);
}
