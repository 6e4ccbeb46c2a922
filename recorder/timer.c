/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/timer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SEC 1000000000ULL

struct timer_job {
	uint64_t period_ns;
	uid_t uid;
	gid_t gid;
	pid_t parent;
	int fd; /* writing end */
};

static uint64_t timer_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static void timer_sleep_until(uint64_t due_ns)
{
	struct timespec t = { .tv_sec = (time_t)(due_ns / NS_PER_SEC),
			      .tv_nsec = (long)(due_ns % NS_PER_SEC) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) ==
	       EINTR)
		;
}

/* False: nobody will ever read again. */
static int timer_send(int fd, const struct timer_tick *tick)
{
	ssize_t n = write(fd, tick, sizeof(*tick));

	return n == (ssize_t)sizeof(*tick) || errno == EAGAIN || errno == EINTR;
}

static _Noreturn void timer_run(const struct timer_job *job)
{
	struct timer_tick tick = { 0 };
	uint64_t t0 = timer_now();

	for (;;) {
		tick.scheduled_ns = t0 + tick.k * job->period_ns;
		timer_sleep_until(tick.scheduled_ns);
		tick.woke_ns = timer_now();
		if (!timer_send(job->fd, &tick))
			_exit(0);
		/* The next deadline that is still to come. */
		tick.k = (timer_now() - t0) / job->period_ns + 1;
	}
}

/* Nothing here may allocate: the parent may have had several threads. */
static int timer_drop_rights(const struct timer_job *job)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { 0 };

	/* Another user has none of our groups; we need not have that right. */
	if (job->uid != (uid_t)-1)
		syscall(SYS_setgroups, 0, NULL);
	if (job->gid != (gid_t)-1 &&
	    syscall(SYS_setresgid, job->gid, job->gid, job->gid))
		return -errno;
	if (job->uid != (uid_t)-1 &&
	    syscall(SYS_setresuid, job->uid, job->uid, job->uid))
		return -errno;
	/* Nothing that is executed could give it rights again. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_capset, &head, none) ? -errno : 0;
}

static void timer_ignore_signals(void)
{
	static const int ignored[] = { SIGUSR1, SIGUSR2, SIGHUP, SIGINT,
				       SIGPIPE };
	sigset_t none;

	for (unsigned i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void timer_close_others(int keep)
{
	if (keep > 0)
		syscall(SYS_close_range, 0u, (unsigned)keep - 1, 0u);
	syscall(SYS_close_range, (unsigned)keep + 1, ~0u, 0u);
}

static _Noreturn void timer_child(const struct timer_job *job)
{
	prctl(PR_SET_NAME, TIMER_NAME);
	timer_ignore_signals();
	timer_close_others(job->fd);
	if (timer_drop_rights(job))
		_exit(1);
	/* After the change of user, which clears it.  The parent may have died
	 * before: then nobody is left to signal us. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != job->parent)
		_exit(1);
	prctl(PR_SET_TIMERSLACK, 1UL);
	timer_run(job);
}

/* Signals are blocked around the fork, so that a SIGUSR1 sent to the group
 * cannot reach the child before it ignores it. */
static pid_t timer_fork(const struct timer_job *job)
{
	sigset_t all, old;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		timer_child(job);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return pid < 0 ? -errno : pid;
}

int timer_start_as(uint64_t period_ns, uid_t uid, gid_t gid, int *ret_fd,
		   pid_t *ret_pid)
{
	struct timer_job job = { period_ns, uid, gid, getpid(), -1 };
	int ends[2];
	pid_t pid;

	if (period_ns == 0)
		return -EINVAL;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	job.fd = ends[1];
	pid = timer_fork(&job);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return pid;
	}
	*ret_fd = ends[0];
	*ret_pid = pid;
	return 0;
}

int timer_start(uint64_t period_ns, int *ret_fd, pid_t *ret_pid)
{
	return timer_start_as(period_ns, (uid_t)-1, (gid_t)-1, ret_fd, ret_pid);
}

void timer_stop(pid_t pid, int fd)
{
	/* First: at its next tick it ends even if it cannot be signalled. */
	if (fd >= 0)
		close(fd);
	if (pid <= 0)
		return;
	if (kill(pid, SIGKILL)) {
		waitpid(pid, NULL, WNOHANG);
		return;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
