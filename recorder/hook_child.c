/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hook_child.c - from the fork to /bin/sh: a process that has nothing of ours. */
#include "recorder/hook_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/priv.h"

#define HOOK_NAME "fr-hook"
#define HOOK_NICE 10
#define NOT_RUN   126

__attribute__((noreturn)) static void give_up(const char *what, int err)
{
	dprintf(STDERR_FILENO, "cannot %s: %s\n", what, strerror(-err));
	_exit(NOT_RUN);
}

static void use_descriptors(int out_fd)
{
	int null = open("/dev/null", O_RDWR);

	dup2(out_fd, STDERR_FILENO);
	dup2(out_fd, STDOUT_FILENO);
	if (null != STDIN_FILENO) {
		if (null < 0 || dup2(null, STDIN_FILENO) < 0)
			close(STDIN_FILENO);
	}
	close_range(3, ~0U, 0);
}

/* As a program that a person starts: the recorder's own are above it. */
static void be_ordinary(void)
{
	const struct rlimit none = { 0, 0 };
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, "0", 1);
		close(fd);
	}
	setpriority(PRIO_PROCESS, 0, HOOK_NICE);
	setrlimit(RLIMIT_CORE, &none);
	umask(0022);
	if (chdir("/") < 0)
		give_up("go to /", -errno);
}

static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void hook_child_run(const struct hooks *h, const struct hook_job *job,
			      int out_fd, pid_t parent)
{
	char sh[] = "sh", c[] = "-c";
	char *argv[] = { sh, c, job->command, NULL };
	int err;

	prctl(PR_SET_NAME, HOOK_NAME);
	setsid();
	use_descriptors(out_fd);
	be_ordinary();
	err = priv_drop_all(h->change_user ? h->uid : (uid_t)-1, h->gid,
			    h->groups, (size_t)h->nr_groups);
	if (err)
		give_up("give up its rights", err);
	/* After the change of user, which clears it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(NOT_RUN);
	reset_signals();
	execve("/bin/sh", argv, job->env);
	give_up("run /bin/sh", -errno);
}
