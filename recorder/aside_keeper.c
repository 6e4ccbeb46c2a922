/* SPDX-License-Identifier: GPL-2.0-or-later */
/* aside_keeper.c - runs a program and sees to it that nothing of it is left. */
#include "recorder/aside_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "recorder/hook_child.h"
#include "recorder/priv.h"

#define KEEPER_NAME "fr-command"
#define KEEPER_FD   3 /* the only one that it needs beside the first three */
#define NOT_RUN     126
#define NOT_ENDED   (-1)

/* ---- what it began --------------------------------------------------------------- */

/* Our children by number, as the kernel lists them.  False: this kernel does not. */
static bool kill_children(void)
{
	char path[64], *p = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "re");
	if (!f)
		return false;
	while (getdelim(&p, &size, ' ', f) > 0) {
		long pid = strtol(p, NULL, 10);

		if (pid > 1)
			kill((pid_t)pid, SIGKILL);
	}
	free(p);
	fclose(f);
	return true;
}

/* Orphans become ours one generation after the other: until there is none.
 * ${group}: 0, or a group whose number cannot be another's yet. */
static void kill_all(pid_t group)
{
	bool listed;
	pid_t pid;

	do {
		if (group)
			kill(-group, SIGKILL);
		listed = kill_children();
		do
			pid = waitpid(-1, NULL, listed ? 0 : WNOHANG);
		while (pid > 0 && !listed);
	} while (listed && (pid > 0 || errno == EINTR));
}

/* ---- its end ---------------------------------------------------------------------- */

static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

/* Reaps what has ended; the code of ${child}, or NOT_ENDED. */
static int reap(pid_t child)
{
	int status, code = NOT_ENDED;
	siginfo_t si;

	/* The child itself stays until its group, which has its number, is killed. */
	for (;;) {
		si.si_pid = 0;
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 ||
		    !si.si_pid)
			return code;
		if (si.si_pid == child) {
			kill(-child, SIGKILL);
			waitpid(child, &status, 0);
			code = exit_code(status);
		} else {
			waitpid(si.si_pid, &status, 0);
		}
	}
}

static struct timespec time_until(uint64_t deadline_ns)
{
	struct timespec now;
	uint64_t now_ns, left_ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
	return (struct timespec){ .tv_sec = (time_t)(left_ns / 1000000000),
				  .tv_nsec = (long)(left_ns % 1000000000) };
}

/* The exit code; with *ret_reaped the child is no more, nor is its group. */
static int keep(pid_t child, uint64_t limit_ns, bool *ret_reaped)
{
	struct timespec now, left;
	uint64_t deadline_ns;
	sigset_t wanted;
	int code, signo;

	clock_gettime(CLOCK_MONOTONIC, &now);
	deadline_ns = (uint64_t)now.tv_sec * 1000000000 +
		      (uint64_t)now.tv_nsec + limit_ns;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGTERM);
	while ((code = reap(child)) == NOT_ENDED) {
		left = time_until(deadline_ns);
		signo = sigtimedwait(&wanted, NULL, &left);
		if (signo == SIGTERM)
			return 128 + SIGTERM;
		if (signo < 0 && errno == EAGAIN)
			return ASIDE_TIMED_OUT;
	}
	*ret_reaped = true;
	return code;
}

/* ---- its beginning ------------------------------------------------------------------ */

static bool become_keeper(const struct aside_options *o, int out_fd,
			  pid_t parent)
{
	signal(SIGCHLD, SIG_DFL); /* ignored, it would not be told */
	prctl(PR_SET_NAME, KEEPER_NAME);
	setsid();
	if (out_fd != KEEPER_FD && dup2(out_fd, KEEPER_FD) < 0)
		return false;
	close_range(KEEPER_FD + 1, ~0U, 0);
	if (priv_drop_all(o->change_user ? o->uid : (uid_t)-1, o->gid, NULL, 0))
		return false;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* After the change of user, which clears it. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	return getppid() == parent;
}

_Noreturn void aside_keeper_run(const struct aside_options *o,
				const struct hook_job *job, int out_fd,
				pid_t parent)
{
	static const struct hooks as_we_are; /* its user is ours */
	pid_t keeper = getpid(), child;
	bool reaped = false;
	int code;

	if (!become_keeper(o, out_fd, parent))
		_exit(NOT_RUN);
	child = fork();
	if (child == 0)
		hook_child_run(&as_we_are, job, KEEPER_FD, keeper);
	if (child < 0)
		_exit(NOT_RUN);
	code = keep(child, o->limit_ns, &reaped);
	kill_all(reaped ? 0 : child);
	_exit(code);
}
