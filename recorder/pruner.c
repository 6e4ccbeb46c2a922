/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pruner.c - removes old snapshots while nothing is dumped. */
#include "recorder/pruner.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder/dumper_child.h"
#include "recorder/dumper_folder.h"
#include "recorder/log.h"
#include "recorder/priv.h"

#define PRUNER_NAME   "fr-pruner"
#define PERIOD_MIN_NS 10000000000ULL
#define PERIOD_MAX_NS 3600000000000ULL

uint64_t pruner_period(const struct retention_limits *l)
{
	uint64_t tenth = l->max_age_ns / 10;

	if (!l->max_age_ns || tenth > PERIOD_MAX_NS)
		return PERIOD_MAX_NS;
	return tenth < PERIOD_MIN_NS ? PERIOD_MIN_NS : tenth;
}

/* A folder that is not there, or not ours to use: the next dump says so. */
__attribute__((noreturn)) static void
run_child(const char *folder, gid_t gid, const struct retention_limits *l)
{
	struct retention_job job = { .limits = *l };
	struct retention_result result;
	struct priv_report report;
	int fd, err;

	dumper_child_begin(PRUNER_NAME, -1);
	fd = dumper_folder_find(folder);
	if (fd < 0)
		_exit(0);
	err = dumper_child_become_owner(fd, gid);
	priv_confine_dumper(&fd, 1, &report);
	if (err)
		_exit(1);
	retention_remove_temporary(fd, RETENTION_TEMPORARY_S);
	_exit(dumper_child_retain(fd, folder, &job, &result) ? 1 : 0);
}

void pruner_reap(struct pruner *p)
{
	for (unsigned i = 0; i < PRUNER_FOLDERS; i++)
		if (p->pid[i] && waitpid(p->pid[i], NULL, WNOHANG) != 0)
			p->pid[i] = 0;
}

void pruner_start(struct pruner *p, unsigned at, const char *folder, gid_t gid,
		  const struct retention_limits *l)
{
	pid_t pid;

	pruner_reap(p);
	if (!*folder || p->pid[at])
		return;
	pid = fork();
	if (pid == 0)
		run_child(folder, gid, l);
	if (pid < 0)
		log_err(errno, "cannot look for old snapshots in %s", folder);
	else
		p->pid[at] = pid;
}

void pruner_end(struct pruner *p)
{
	for (unsigned i = 0; i < PRUNER_FOLDERS; i++)
		if (p->pid[i])
			kill(p->pid[i], SIGKILL);
	pruner_reap(p);
}
