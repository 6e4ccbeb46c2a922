/* SPDX-License-Identifier: GPL-2.0-or-later */
/* private_recorder.c - a flightrecd of one's own. */
#include "dump/private_recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dump/recorder_exec.h"
#include "recorder/config.h"

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
	snprintf(r->run, sizeof(r->run), "%s/flightrec-record.XXXXXX", tmp);
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
	if (snprintf(r->dumps, sizeof(r->dumps), "%s/.flightrec-record.XXXXXX",
		     r->beside) >= (int)sizeof(r->dumps))
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
	add(a, "--set=ring.pin_folder=%s", "");
	snprintf(text, sizeof(text), "%d", (int)r->scope);
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

static int wait_ready(struct private_recorder *r, int fd)
{
	char byte;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1) {
		show_log(r, "no kernel probes");
		return 0;
	}
	if (!show_log(r, NULL))
		fprintf(stderr, "flightrec record: the recorder ended without "
				"a word; flightrec doctor may tell why\n");
	return -1;
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

int private_recorder_start(struct private_recorder *r)
{
	int fds[2], err = make_folders(r);

	if (!err && snprintf(r->log, sizeof(r->log), "%s/log", r->run) >=
			    (int)sizeof(r->log))
		err = -ENAMETOOLONG;
	if (!err && !r->own_run && mkdir(r->run, 0755) < 0 && errno != EEXIST)
		err = -errno;
	if (!err && pipe2(fds, O_CLOEXEC) < 0)
		err = -errno;
	if (err) {
		if (r->own_run)
			fprintf(stderr,
				"flightrec record: cannot write in folder %s: "
				"%s; choose another with -o\n",
				r->beside, strerror(-err));
		else
			fprintf(stderr, "flightrec record: %s: %s\n", r->run,
				strerror(-err));
		return -1;
	}
	r->pid = fork();
	if (r->pid == 0)
		run_recorder(r, fds[1]);
	close(fds[1]);
	err = r->pid < 0 ? -1 : wait_ready(r, fds[0]);
	close(fds[0]);
	return err;
}

void private_recorder_end(struct private_recorder *r)
{
	if (r->pid > 0) {
		kill(r->pid, SIGTERM);
		while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
			;
		r->pid = 0;
	}
	if (r->log[0])
		unlink(r->log);
	if (r->own_run)
		rmdir(r->run);
	if (r->own_dumps)
		rmdir(r->dumps); /* not empty: something is left for the user */
}
