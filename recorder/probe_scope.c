/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe_scope.c - a process and its descendants, as /proc shows them now.
 *
 * Those made later follow by themselves (bpf/proc.bpf.c).  Called before the
 * probes are attached; what forks in between is found by the next round, because
 * rounds go on until one adds nobody.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/probe_internal.h"

#define TREE_MAX 65536

struct tree {
	pid_t *pids;
	unsigned nr;
};

static bool tree_has(const struct tree *t, pid_t pid)
{
	for (unsigned i = 0; i < t->nr; i++)
		if (t->pids[i] == pid)
			return true;
	return false;
}

static bool tree_add(struct tree *t, pid_t pid)
{
	pid_t *grown;

	if (t->nr == TREE_MAX)
		return false;
	grown = realloc(t->pids, (t->nr + 1) * sizeof(*grown));
	if (!grown)
		return false;
	t->pids = grown;
	t->pids[t->nr++] = pid;
	return true;
}

/* The parent of a process, 0 if it is gone. */
static pid_t parent_of(const char *pid)
{
	char path[64], line[512];
	const char *after;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	line[n] = 0;
	/* "12 (any ) name) S 1 ...": the last ) ends the name */
	after = strrchr(line, ')');
	if (!after || strlen(after) < 5)
		return 0;
	return (pid_t)strtol(after + 4, NULL, 10);
}

/* One look at all processes; how many were added. */
static unsigned tree_round(struct tree *t)
{
	unsigned added = 0;
	struct dirent *e;
	DIR *d = opendir("/proc");

	while (d && (e = readdir(d))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid <= 0 || tree_has(t, pid))
			continue;
		if (tree_has(t, parent_of(e->d_name)))
			added += tree_add(t, pid);
	}
	if (d)
		closedir(d);
	return added;
}

void probe_scope_tree(struct probes *p, pid_t root)
{
	struct tree t = { 0 };

	tree_add(&t, root);
	for (int i = 0; i < 64 && tree_round(&t); i++)
		;
	for (unsigned i = 0; i < t.nr; i++)
		probes_scope_pid(p, t.pids[i]);
	free(t.pids);
}
