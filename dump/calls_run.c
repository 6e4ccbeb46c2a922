/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/calls_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXIT_OWN_FAILURE 125
#define EXIT_CANNOT_RUN  126
#define EXIT_NOT_FOUND   127

/* The first four end us when we are attached. */
static const int passed_on[] = { SIGINT,  SIGTERM, SIGHUP,
				 SIGQUIT, SIGUSR1, SIGUSR2 };

/* SIGCHLD ignored would take the command's status away. */
static void block_signals(struct held_command *h)
{
	struct sigaction normal = { .sa_handler = SIG_DFL };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGCHLD, &normal, &h->old_chld);
	sigaction(SIGPIPE, &ignore, &h->old_pipe);
	sigemptyset(&h->set);
	sigaddset(&h->set, SIGCHLD);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaddset(&h->set, passed_on[i]);
	sigprocmask(SIG_BLOCK, &h->set, &h->old_mask);
}

static void restore_signals(const struct held_command *h)
{
	sigaction(SIGCHLD, &h->old_chld, NULL);
	sigaction(SIGPIPE, &h->old_pipe, NULL);
	sigprocmask(SIG_SETMASK, &h->old_mask, NULL);
}

static void become_command(const struct held_command *h, int go_fd,
			   int failed_fd, char **argv)
{
	char byte;
	int err;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	restore_signals(h);
	if (read(go_fd, &byte, 1) != 1)
		_exit(EXIT_OWN_FAILURE);
	prctl(PR_SET_PDEATHSIG, 0);
	if (setresgid(getgid(), getgid(), getgid()) < 0 ||
	    setresuid(getuid(), getuid(), getuid()) < 0)
		_exit(EXIT_OWN_FAILURE);
	execvp(argv[0], argv);
	err = errno;
	(void)!write(failed_fd, "x", 1);
	fprintf(stderr, "flightrec calls: cannot run %s: %s\n", argv[0],
		strerror(err));
	_exit(err == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

int held_command_start(struct held_command *h, char **argv)
{
	int go[2], failed[2], err = 0;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(failed, O_CLOEXEC) < 0) {
		err = -errno;
		close(go[0]);
		close(go[1]);
		return err;
	}
	block_signals(h);
	h->pid = fork();
	if (h->pid == 0) {
		close(go[1]);
		close(failed[0]);
		become_command(h, go[0], failed[1], argv);
	}
	if (h->pid < 0)
		err = -errno;
	close(go[0]);
	close(failed[1]);
	h->go_fd = go[1];
	h->failed_fd = failed[0];
	if (err)
		held_command_drop(h);
	return err;
}

static int exit_code(int status)
{
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The next signal, or 0 when ${due_ns} comes first. */
static int next_signal(const struct held_command *h, uint64_t due_ns,
		       siginfo_t *si)
{
	uint64_t now = now_ns(), left = due_ns > now ? due_ns - now : 0;
	struct timespec t = { .tv_sec = (time_t)(left / 1000000000),
			      .tv_nsec = (long)(left % 1000000000) };
	int nr = due_ns ? sigtimedwait(&h->set, si, &t) :
			  sigwaitinfo(&h->set, si);

	return nr < 0 ? 0 : nr;
}

/* What the terminal sends to all of its group the command has got itself. */
static int wait_end(struct held_command *h, const struct held_tick *tick)
{
	uint64_t period = tick->fn ? tick->period_ns : 0;
	uint64_t due = period ? now_ns() + period : 0, now;
	int status = EXIT_OWN_FAILURE << 8, nr;
	siginfo_t si;

	while (waitpid(h->pid, &status, WNOHANG) == 0) {
		nr = next_signal(h, due, &si);
		if (nr && nr != SIGCHLD && si.si_code != SI_KERNEL)
			kill(h->pid, nr);
		now = now_ns();
		if (period && now >= due) {
			tick->fn(tick->arg);
			due += ((now - due) / period + 1) * period;
		}
	}
	return status;
}

int held_command_wait(struct held_command *h, const struct held_tick *tick,
		      bool *ret_not_run)
{
	int status;
	char byte;

	*ret_not_run = write(h->go_fd, "g", 1) != 1;
	close(h->go_fd);
	status = wait_end(h, tick);
	*ret_not_run |= read(h->failed_fd, &byte, 1) == 1;
	close(h->failed_fd);
	restore_signals(h);
	return exit_code(status);
}

/* ---- a process that runs already ------------------------------------------------ */

int attached_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

static int wait_attached(int fd, int signal_fd, const struct held_tick *tick)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
			      { .fd = signal_fd, .events = POLLIN } };
	uint64_t period = tick->fn ? tick->period_ns : 0;
	uint64_t now = now_ns(), due = now + period;

	for (;;) {
		uint64_t left = due > now ? due - now : 0;
		struct timespec t = { .tv_sec = (time_t)(left / 1000000000),
				      .tv_nsec = (long)(left % 1000000000) };
		int nr = ppoll(p, 2, period ? &t : NULL, NULL);

		if (nr > 0)
			return 0;
		if (nr < 0 && errno != EINTR)
			return -errno;
		now = now_ns();
		if (period && now >= due) {
			tick->fn(tick->arg);
			due += ((now - due) / period + 1) * period;
		}
	}
}

int attached_wait(int fd, const struct held_tick *tick)
{
	sigset_t set;
	int signal_fd, err;

	sigemptyset(&set);
	for (size_t i = 0; i < 4; i++)
		sigaddset(&set, passed_on[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	err = signal_fd < 0 ? -errno : wait_attached(fd, signal_fd, tick);
	if (signal_fd >= 0)
		close(signal_fd);
	/* They stay blocked: one that ended this must not end us before the counts are
	 * printed. */
	return err;
}

void held_command_drop(struct held_command *h)
{
	close(h->go_fd);
	close(h->failed_fd);
	if (h->pid > 0)
		waitpid(h->pid, NULL, 0);
	restore_signals(h);
}
