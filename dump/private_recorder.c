/* SPDX-License-Identifier: GPL-2.0-or-later */
/* private_recorder.c - a flightrecd of one's own. */
#include "dump/private_recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dump/recorder_exec.h"
#include "recorder/config.h"
#include "recorder/runfolder.h"

#define ARGS_MAX (2 * PRIVATE_SETS_MAX + 32)

/* What --set says of the two folders, as the recorder will read it; "": nothing.
 * Settings that are wrong are left to the recorder to refuse. */
static struct fr_config *user_settings(const struct private_recorder *r)
{
	struct fr_config *c = config_new();
	struct fr_diag diag;

	if (!c)
		return NULL;
	(void)config_set(c, "run.folder=", &diag);
	(void)config_set(c, "dump.folder=", &diag);
	for (unsigned i = 0; i < r->nr_sets; i++)
		(void)config_set(c, r->sets[i], &diag);
	return c;
}

static int make_run_folder(struct private_recorder *r, const char *user)
{
	const char *tmp = getenv("TMPDIR");

	if (*user) {
		snprintf(r->run, sizeof(r->run), "%s", user);
		return 0;
	}
	if (access("/run", W_OK) == 0)
		tmp = "/run";
	else if (!tmp || !*tmp)
		tmp = "/tmp";
	snprintf(r->run, sizeof(r->run), "%s/flightrec-%s.XXXXXX", tmp,
		 r->command);
	if (!mkdtemp(r->run))
		return -errno;
	r->own_run = true;
	return 0;
}

/* In the folder that the result goes to: then a rename is all it takes. */
static int make_dump_folder(struct private_recorder *r, const char *user)
{
	if (*user) {
		snprintf(r->dumps, sizeof(r->dumps), "%s", user);
		return 0;
	}
	if (snprintf(r->dumps, sizeof(r->dumps), "%s/.flightrec-%s.XXXXXX",
		     r->beside, r->command) >= (int)sizeof(r->dumps))
		return -ENAMETOOLONG;
	if (!mkdtemp(r->dumps))
		return -errno;
	r->own_dumps = true;
	return 0;
}

struct args {
	char *v[ARGS_MAX];
	unsigned n;
};

static void add(struct args *a, const char *fmt, const char *value)
{
	if (a->n + 1 < ARGS_MAX && asprintf(&a->v[a->n], fmt, value) >= 0)
		a->n++;
	a->v[a->n] = NULL;
}

static void fill_args(struct args *a, const struct private_recorder *r, int fd)
{
	char text[32];

	add(a, "%s", "flightrecd");
	add(a, "--config=%s", r->config ? r->config : "/dev/null");
	add(a, "--set=run.folder=%s", r->run);
	add(a, "--set=dump.folder=%s", r->dumps);
	add(a, "--set=dump.fallback=%s", "");
	/* its one snapshot was asked for */
	add(a, "--set=dump.keep_free=%s", "0");
	add(a, "--set=ring.pin_folder=%s", "");
	add(a, "--set=run.watch=%s", "no");
	snprintf(text, sizeof(text), "%d", (int)r->scope);
	if (r->scope)
		add(a, "--set=scope.pids=%s", text);
	for (unsigned i = 0; i < r->nr_sets; i++)
		add(a, "--set=%s", r->sets[i]);
	snprintf(text, sizeof(text), "%d", fd);
	add(a, "--ready-fd=%s", text);
}

/* In a session of its own: what is typed at the terminal is for the command. */
static void run_recorder(const struct private_recorder *r, int ready_fd)
{
	struct args a = { .n = 0 };
	sigset_t none;
	int log = open(r->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	setsid();
	/* What came before that, blocked so far, is forgotten. */
	signal(SIGINT, SIG_IGN);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGQUIT, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (log >= 0)
		dup2(log, STDERR_FILENO);
	fcntl(ready_fd, F_SETFD, 0);
	fill_args(&a, r, ready_fd);
	_exit(recorder_exec(a.v));
}

/* What it said, or lines with ${only}; how many lines. */
static unsigned show_log(const struct private_recorder *r, const char *only)
{
	FILE *f = fopen(r->log, "re");
	char line[1024];
	unsigned nr = 0;

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (!only || strstr(line, only)) {
			fputs(line, stderr);
			nr++;
		}
	fclose(f);
	return nr;
}

char *private_recorder_words(const struct private_recorder *r, const char *only,
			     char *buf, size_t size)
{
	FILE *f = fopen(r->log, "re");
	char line[1024];

	buf[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		const char *colon = strstr(line, ": ");

		if (only && !strstr(line, only))
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(buf, size, "%s", colon ? colon + 2 : line);
	}
	if (f)
		fclose(f);
	return buf;
}

/* 1: it records, 0: it ended, or negative errno. */
static int read_ready(const struct private_recorder *r, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int left_ms = r->patience_ms ? (int)r->patience_ms : -1;
	char byte;
	ssize_t n;

	do {
		n = poll(&p, 1, left_ms);
		if (!n)
			return -ETIME;
		if (n > 0)
			n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR && !r->patience_ms);
	return n < 0 ? -errno : (int)n;
}

static int wait_ready(struct private_recorder *r, int fd)
{
	int n = read_ready(r, fd);

	if (n == 1) {
		if (!r->quiet)
			show_log(r, "no kernel probes");
		return 0;
	}
	if (!r->quiet && !show_log(r, NULL))
		fprintf(stderr,
			"flightrec %s: the recorder %s; flightrec doctor may "
			"tell why\n",
			r->command,
			n == -ETIME ? "took too long to start" :
				      "ended without a word");
	return n ? n : -ECHILD;
}

static int make_folders(struct private_recorder *r)
{
	struct fr_config *c = user_settings(r);
	int err = c ? make_run_folder(r, c->run_folder) : -ENOMEM;

	if (!err)
		err = make_dump_folder(r, c->dump_folder);
	config_free(c);
	return err;
}

static void say_folder(const struct private_recorder *r, int err)
{
	if (r->own_run)
		fprintf(stderr,
			"flightrec %s: cannot write in folder %s: "
			"%s; choose another with -o\n",
			r->command, r->beside, strerror(-err));
	else
		fprintf(stderr, "flightrec %s: %s: %s\n", r->command, r->run,
			strerror(-err));
}

int private_recorder_start(struct private_recorder *r)
{
	int fds[2], err = make_folders(r);
	pid_t pid;

	if (!err && snprintf(r->log, sizeof(r->log), "%s/log", r->run) >=
			    (int)sizeof(r->log))
		err = -ENAMETOOLONG;
	if (!err && !r->own_run && mkdir(r->run, 0755) < 0 && errno != EEXIST)
		err = -errno;
	if (!err && pipe2(fds, O_CLOEXEC) < 0)
		err = -errno;
	if (err) {
		if (!r->quiet)
			say_folder(r, err);
		return err;
	}
	pid = fork(); /* not into *r, which both may share */
	if (pid == 0)
		run_recorder(r, fds[1]);
	r->pid = pid;
	err = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (!err)
		err = wait_ready(r, fds[0]);
	close(fds[0]);
	return err;
}

/* It has ended, or was killed when patience did. */
static void wait_end(const struct private_recorder *r)
{
	int fd = r->patience_ms ? (int)syscall(SYS_pidfd_open, r->pid, 0) : -1;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd >= 0) {
		if (poll(&p, 1, (int)r->patience_ms) != 1)
			kill(r->pid, SIGKILL);
		close(fd);
	}
	while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* What a recorder leaves that did not end by itself. */
static void empty_run_folder(const struct private_recorder *r)
{
	static const char *const names[] = { RUNFOLDER_PID, RUNFOLDER_SOCKET,
					     RUNFOLDER_RING,
					     RUNFOLDER_OLD_RING };
	char path[PATH_MAX + 32];

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", r->run, names[i]);
		unlink(path);
	}
}

void private_recorder_end(struct private_recorder *r)
{
	if (r->pid > 0) {
		kill(r->pid, SIGTERM);
		wait_end(r);
		r->pid = 0;
		if (r->own_run && r->patience_ms)
			empty_run_folder(r);
	}
	if (r->log[0])
		unlink(r->log);
	if (r->own_run)
		rmdir(r->run);
	if (r->own_dumps)
		rmdir(r->dumps); /* not empty: something is left for the user */
}
