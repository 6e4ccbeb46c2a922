/* SPDX-License-Identifier: GPL-2.0-or-later */
/* aside.c - this side of the keeper: start it, read, reap. */
#include "recorder/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "recorder/aside_keeper.h"
#include "recorder/hook.h"

#define ASIDE_GRACE_NS  2000000000ULL
#define ASIDE_READS_MAX 64

struct aside {
	struct aside_options o;
	struct hook_job *job;
	pid_t keeper; /* 0: nothing runs */
	int fd;       /* its output; has an end when all of them have */
	uint64_t until_ns;
	bool too_long;   /* printed too much: being ended */
	bool given_up;   /* something of it cannot be killed; said already */
	size_t len, got; /* of text, of next */
	char text[ASIDE_BYTES_MAX], next[ASIDE_BYTES_MAX + 1];
};

static uint64_t aside_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct aside *aside_new(const struct aside_options *o)
{
	struct aside *a = calloc(1, sizeof(*a));
	char *command;

	if (!a)
		return NULL;
	a->o = *o;
	a->fd = -1;
	/* What it says of itself is not what it measures. */
	if (asprintf(&command, "exec '%s' 2>/dev/null", o->path) >= 0) {
		a->job = hook_job_new(o->path, 0, command, o->limit_ns);
		free(command);
	}
	a->o.path = NULL;
	if (a->job && !a->job->failed)
		return a;
	aside_free(a);
	return NULL;
}

/* Signals are blocked around the fork: the keeper waits for them, and has none of
 * our handlers. */
static pid_t aside_fork(const struct aside *a, int out_fd)
{
	pid_t parent = getpid(), pid;
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		aside_keeper_run(&a->o, a->job, out_fd, parent);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return pid < 0 ? -errno : pid;
}

int aside_start(struct aside *a)
{
	int fds[2];
	pid_t pid;

	if (a->keeper)
		return 0;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	pid = aside_fork(a, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return pid;
	}
	a->keeper = pid;
	a->fd = fds[0];
	a->got = 0;
	a->too_long = a->given_up = false;
	a->until_ns = aside_now() + a->o.limit_ns + ASIDE_GRACE_NS;
	return 0;
}

/* What there is; true: nothing can come any more.  One that prints without end is not
 * all we listen to. */
static bool aside_read(struct aside *a)
{
	ssize_t n;

	for (unsigned i = 0; i < ASIDE_READS_MAX; i++) {
		/* beyond the bound it is only emptied */
		size_t at = a->too_long ? 0 : a->got;

		n = read(a->fd, a->next + at, sizeof(a->next) - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		a->got = at + (size_t)n;
		if (a->got > ASIDE_BYTES_MAX && !a->too_long) {
			a->too_long = true;
			kill(a->keeper, SIGTERM);
		}
	}
	return false;
}

static int aside_end(struct aside *a)
{
	int status = 0;
	pid_t pid;

	close(a->fd);
	a->fd = -1;
	/* It was the last that held the pipe: it is about to end. */
	do
		pid = waitpid(a->keeper, &status, 0);
	while (pid < 0 && errno == EINTR);
	a->keeper = 0;
	if (a->too_long)
		return -EFBIG;
	if (pid < 0 || !WIFEXITED(status))
		return -EPROTO;
	switch (WEXITSTATUS(status)) {
	case 0:
		memcpy(a->text, a->next, a->got);
		a->len = a->got;
		return 0;
	case ASIDE_TIMED_OUT:
		return -ETIMEDOUT;
	case 126:
	case 127:
		return -ENOEXEC;
	default:
		return -EPROTO;
	}
}

int aside_poll(struct aside *a)
{
	if (!a->keeper)
		return -EAGAIN;
	if (aside_read(a)) {
		int r = aside_end(a);

		return a->given_up ? -EAGAIN : r;
	}
	if (a->given_up || aside_now() < a->until_ns)
		return -EAGAIN;
	a->given_up = true;
	return -ETIMEDOUT;
}

const char *aside_text(const struct aside *a, size_t *ret_len)
{
	*ret_len = a->len;
	return a->text;
}

static void aside_stop(struct aside *a)
{
	uint64_t until_ns = aside_now() + ASIDE_GRACE_NS, now_ns;
	struct pollfd p = { .fd = a->fd, .events = POLLIN };

	a->too_long = true; /* what comes is thrown away */
	kill(a->keeper, SIGTERM);
	while (!aside_read(a)) {
		now_ns = aside_now();
		if (now_ns >= until_ns) {
			kill(a->keeper, SIGKILL);
			close(a->fd);
			waitpid(a->keeper, NULL, WNOHANG);
			return;
		}
		poll(&p, 1, (int)((until_ns - now_ns) / 1000000 + 1));
	}
	aside_end(a);
}

void aside_free(struct aside *a)
{
	if (!a)
		return;
	if (a->keeper)
		aside_stop(a);
	hook_job_free(a->job);
	free(a);
}
