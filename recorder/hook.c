/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hook.c - runs hooks, listens to them, ends them. */
#include "recorder/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder/hook_child.h"
#include "recorder/log.h"
#include "triggers/units.h"

#define NOT_RUN 126

/* ---- whom they run as ------------------------------------------------------------ */

/* Never root: whose number is 0 has rights without any capability. */
static const struct passwd *find_user(const char *user)
{
	const struct passwd *p = *user ? getpwnam(user) : NULL;

	return p && p->pw_uid ? p : getpwnam("nobody");
}

static void choose_user(struct hooks *h, const char *user)
{
	const struct passwd *p;

	h->change_user = geteuid() == 0;
	p = h->change_user ? find_user(user) : NULL;
	h->no_user = h->change_user && !p;
	snprintf(h->user, sizeof(h->user), "%s", p ? p->pw_name : "");
	if (!p)
		return;
	h->uid = p->pw_uid;
	h->gid = p->pw_gid;
	h->nr_groups = HOOK_GROUPS_MAX;
	if (getgrouplist(h->user, h->gid, h->groups, &h->nr_groups) < 0)
		h->nr_groups = 0; /* too many */
	/* that of the system's owner is a right, too */
	for (int i = 0; i < h->nr_groups; i++)
		if (!h->groups[i])
			h->groups[i] = h->gid;
}

int hooks_init(struct hooks *h, const char *user, hooks_done_fn fn, void *arg)
{
	memset(h, 0, sizeof(*h));
	h->done_fn = fn;
	h->done_arg = arg;
	choose_user(h, user);
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return h->epoll_fd < 0 ? -errno : 0;
}

/* ---- beginning ------------------------------------------------------------------- */

static void not_run(struct hooks *h, struct hook_job *job, const char *why)
{
	char text[256];

	snprintf(text, sizeof(text), "the hook of trigger %s is not run: %s",
		 job->name, why);
	h->counts.dropped++;
	log_err(0, "%s", text);
	h->done_fn(h->done_arg, job->number, NOT_RUN, text);
	hook_job_free(job);
}

/* A pipe whose ends are none of the three that the child sets anew. */
static int open_pipe(int fds[2])
{
	int err = 0;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	for (unsigned i = 0; i < 2; i++) {
		int fd =
			fds[i] > 2 ? fds[i] : fcntl(fds[i], F_DUPFD_CLOEXEC, 3);

		if (fd < 0)
			err = -errno;
		else if (fd != fds[i])
			close(fds[i]), fds[i] = fd;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	if (err) {
		close(fds[0]);
		close(fds[1]);
	}
	return err;
}

/* Signals are blocked around the fork: the child has ours until it sets its own. */
static pid_t fork_hook(const struct hooks *h, const struct hook_job *job,
		       int out_fd)
{
	pid_t parent = getpid(), pid;
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		hook_child_run(h, job, out_fd, parent);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return pid < 0 ? -errno : pid;
}

static int start(struct hooks *h, struct hook *k, struct hook_job *job,
		 uint64_t now_ns)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fds[2], err = open_pipe(fds);
	pid_t pid;

	if (err)
		return err;
	pid = fork_hook(h, job, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return pid;
	}
	*k = (struct hook){ .pid = pid,
			    .fd = fds[0],
			    .began_ns = now_ns,
			    .until_ns = now_ns + job->limit_ns,
			    .job = job };
	ev.data.u32 = (uint32_t)(k - h->running);
	epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, k->fd, &ev);
	h->counts.run++;
	return 0;
}

static struct hook *find_free(struct hooks *h)
{
	for (unsigned i = 0; i < HOOKS_AT_ONCE; i++)
		if (!h->running[i].pid)
			return &h->running[i];
	return NULL;
}

void hooks_run(struct hooks *h, struct hook_job *job, uint64_t now_ns)
{
	struct hook *k = find_free(h);
	int err;

	if (job->failed) {
		not_run(h, job, "no room for its environment");
	} else if (h->no_user) {
		not_run(h, job,
			"there is no user nobody to run it as; set run.user");
	} else if (k) {
		err = start(h, k, job, now_ns);
		if (err)
			not_run(h, job, strerror(-err));
	} else if (h->queue_nr < HOOKS_QUEUE) {
		h->queue[h->queue_nr++] = job;
	} else {
		not_run(h, job, "too many run and wait already");
	}
}

static void run_waiting(struct hooks *h, uint64_t now_ns)
{
	while (h->queue_nr && find_free(h)) {
		struct hook_job *job = h->queue[0];

		h->queue_nr--;
		memmove(h->queue, h->queue + 1,
			h->queue_nr * sizeof(h->queue[0]));
		hooks_run(h, job, now_ns);
	}
}

/* ---- what they print ------------------------------------------------------------- */

static void end_line(struct hook *k)
{
	k->line[k->len] = '\0';
	if (k->len)
		log_info("hook %s: %s", k->job->name, k->line);
	k->len = 0;
}

static void log_byte(struct hook *k, unsigned char c)
{
	if (k->logged_bytes > HOOK_LOG_BYTES)
		return;
	if (++k->logged_bytes > HOOK_LOG_BYTES) {
		end_line(k);
		log_info("hook %s: it prints more than %d bytes; the rest is "
			 "left out",
			 k->job->name, HOOK_LOG_BYTES);
	} else if (c == '\n') {
		end_line(k);
	} else {
		if (k->len == sizeof(k->line) - 1)
			end_line(k);
		k->line[k->len++] = c < ' ' || c == 127 ? '?' : (char)c;
	}
}

static void close_output(struct hook *k)
{
	if (k->fd >= 0)
		close(k->fd); /* and out of epoll */
	k->fd = -1;
}

/* Once, so that one who prints without end is not all we listen to. */
static bool read_some(struct hook *k)
{
	static char buf[65536];
	ssize_t n = k->fd < 0 ? 0 : read(k->fd, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		close_output(k);
		return false;
	}
	for (ssize_t i = 0; i < n && k->logged_bytes <= HOOK_LOG_BYTES; i++)
		log_byte(k, (unsigned char)buf[i]);
	k->read_bytes += (uint64_t)n;
	if (k->read_bytes > HOOK_READ_BYTES) {
		log_info("hook %s: its output is closed after %d bytes",
			 k->job->name, HOOK_READ_BYTES);
		close_output(k);
		return false;
	}
	return true;
}

int hooks_fd(const struct hooks *h)
{
	return h->epoll_fd;
}

void hooks_dispatch(struct hooks *h)
{
	struct epoll_event ev[HOOKS_AT_ONCE];
	int n = epoll_wait(h->epoll_fd, ev, HOOKS_AT_ONCE, 0);

	for (int i = 0; i < n; i++)
		if (ev[i].data.u32 < HOOKS_AT_ONCE &&
		    h->running[ev[i].data.u32].pid)
			read_some(&h->running[ev[i].data.u32]);
}

/* ---- their end ------------------------------------------------------------------- */

/* Its group keeps its number as long as it is not reaped. */
static void kill_all(const struct hook *k)
{
	kill(-k->pid, SIGKILL);
	kill(k->pid, SIGKILL); /* if it has no group of its own yet */
}

static void say_end(struct hooks *h, const struct hook *k, int code,
		    const char *how, uint64_t now_ns)
{
	char text[256], took[32];

	snprintf(text, sizeof(text), "the hook of trigger %s %s after %s",
		 k->job->name, how,
		 units_human_time(took, now_ns - k->began_ns));
	if (code)
		log_err(0, "%s", text);
	else
		log_info("%s", text);
	h->done_fn(h->done_arg, k->job->number, code, text);
}

static void say_status(struct hooks *h, const struct hook *k, int status,
		       uint64_t now_ns)
{
	int signo = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	int code = signo ? 128 + signo : WEXITSTATUS(status);
	char how[96];

	if (signo)
		snprintf(how, sizeof(how), "was ended by a signal (%s)",
			 strsignal(signo));
	else if (code)
		snprintf(how, sizeof(how), "failed with exit code %d", code);
	else
		snprintf(how, sizeof(how), "is done");
	h->counts.failed += code != 0;
	say_end(h, k, code, how, now_ns);
}

/* Nothing that it began outlives it. */
static void reap(struct hooks *h, struct hook *k, uint64_t now_ns)
{
	int status = 0;

	kill_all(k);
	waitpid(k->pid, &status, 0); /* it has ended */
	while (read_some(k))
		;
	end_line(k);
	close_output(k);
	if (!k->killed)
		say_status(h, k, status, now_ns);
	hook_job_free(k->job);
	*k = (struct hook){ .fd = -1 };
}

void hooks_reap(struct hooks *h, uint64_t now_ns)
{
	for (unsigned i = 0; i < HOOKS_AT_ONCE; i++) {
		struct hook *k = &h->running[i];
		siginfo_t si = { .si_pid = 0 };

		if (k->pid && (waitid(P_PID, (id_t)k->pid, &si,
				      WEXITED | WNOHANG | WNOWAIT) < 0 ||
			       si.si_pid))
			reap(h, k, now_ns);
	}
	run_waiting(h, now_ns);
}

uint64_t hooks_deadline(const struct hooks *h)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < HOOKS_AT_ONCE; i++) {
		const struct hook *k = &h->running[i];

		if (k->pid && !k->killed && k->until_ns < next)
			next = k->until_ns;
	}
	return next;
}

/* Said at once: one that hangs in the kernel is reaped when it can be. */
static void stop(struct hooks *h, struct hook *k, const char *why,
		 uint64_t now_ns)
{
	k->killed = true;
	h->counts.killed++;
	kill_all(k);
	say_end(h, k, 128 + SIGKILL, why, now_ns);
}

void hooks_check_limit(struct hooks *h, uint64_t now_ns)
{
	for (unsigned i = 0; i < HOOKS_AT_ONCE; i++) {
		struct hook *k = &h->running[i];

		if (k->pid && !k->killed && now_ns >= k->until_ns)
			stop(h, k, "took too long (exec-limit) and was killed",
			     now_ns);
	}
}

unsigned hooks_nr_running(const struct hooks *h)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < HOOKS_AT_ONCE; i++)
		nr += h->running[i].pid != 0;
	return nr;
}

void hooks_fini(struct hooks *h, uint64_t now_ns)
{
	if (!h->done_fn)
		return;
	for (unsigned i = 0; i < h->queue_nr; i++)
		not_run(h, h->queue[i], "the recorder is ending");
	h->queue_nr = 0;
	hooks_reap(h, now_ns);
	for (unsigned i = 0; i < HOOKS_AT_ONCE; i++) {
		struct hook *k = &h->running[i];

		if (!k->pid)
			continue;
		if (!k->killed)
			stop(h, k, "was killed, as the recorder is ending,",
			     now_ns);
		close_output(k);
		hook_job_free(k->job);
		k->pid = 0;
	}
	close(h->epoll_fd);
	h->done_fn = NULL;
}
