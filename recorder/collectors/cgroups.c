/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroups.c - what each cgroup has used: rows, not metrics (row_table.h), as
 * containers come and go and metrics keep their numbers for ever.
 *
 * Cost: one pread() for each file, about 11 of version 2; see cgroup_tree.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/cgroup_tree.h"
#include "recorder/collector.h"
#include "recorder/row_table.h"
#include "triggers/units.h"

#define DEPTH_DEFAULT 8
#define MAX_DEFAULT   2000

struct cgroups {
	struct cgroup_limits limits;
	char globs[512];
	struct cgroup_tree *tree;
	struct row_table *rows;
};

static const struct metric_def total_def = { "cgroups.total", "", METRIC_GAUGE,
					     1, 1 };
static const struct metric_def left_out_def = { "cgroups.left_out", "",
						METRIC_GAUGE, 1, 1 };

/* ---- what stands behind the colon ------------------------------------------------------ */

static int parse_limit(const char *value, const char *name, unsigned max,
		       unsigned *to, char *ret_what, size_t size)
{
	char *end;
	unsigned long v = strtoul(value, &end, 10);

	if (*value >= '0' && *value <= '9' && !*end && v <= max) {
		*to = (unsigned)v;
		return 0;
	}
	snprintf(ret_what, size, "'%s=%.40s': a number up to %u is needed",
		 name, value, max);
	return -EINVAL;
}

static int parse_word(struct cgroups *c, const char *word, char *ret_what,
		      size_t size)
{
	static const char *const names[] = { "depth", "max", NULL };
	size_t used = strlen(c->globs);
	const char *near;
	char name[64];

	if (word[0] == '/' || word[0] == '*') {
		snprintf(c->globs + used, sizeof(c->globs) - used, "%s%s",
			 used ? " " : "", word);
		return 0;
	}
	if (!strncmp(word, "depth=", 6))
		return parse_limit(word + 6, "depth", CGROUP_DEPTH_MAX,
				   &c->limits.depth, ret_what, size);
	if (!strncmp(word, "max=", 4))
		return parse_limit(word + 4, "max", CGROUP_MAX, &c->limits.max,
				   ret_what, size);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	near = units_nearest(name, names);
	snprintf(
		ret_what, size,
		"'%.40s' is no path with * and ? that begins with /, and neither depth=N nor max=N%s%s",
		word, near ? "; the nearest is " : "", near ? near : "");
	return -EINVAL;
}

static int parse_list(struct cgroups *c, const char *list, char *ret_what,
		      size_t size)
{
	char word[512];
	int err = 0;

	c->limits = (struct cgroup_limits){ .globs = c->globs,
					    .depth = DEPTH_DEFAULT,
					    .max = MAX_DEFAULT };
	c->globs[0] = '\0';
	for (list += strspn(list, " "); *list && !err;
	     list += strspn(list, " ")) {
		size_t n = strcspn(list, " ");

		snprintf(word, sizeof(word), "%.*s", (int)n, list);
		err = parse_word(c, word, ret_what, size);
		list += n;
	}
	return err;
}

static int cgroups_check(const char *list, char *ret_what, size_t size)
{
	struct cgroups c;

	return parse_list(&c, list, ret_what, size);
}

/* ---- the four steps ---------------------------------------------------------------------- */

static int cgroups_prepare(struct collector *c, const char *list)
{
	struct cgroups *g = calloc(1, sizeof(*g));
	char what[256];

	if (!g)
		return -ENOMEM;
	c->state = g;
	return parse_list(g, list ? list : "", what, sizeof(what));
}

/* A machine without cgroups has no rows, and that is no error. */
static int cgroups_open(struct collector *c, const char *root)
{
	struct cgroups *g = c->state;

	g->tree = cgroup_tree_new(root, &g->limits);
	if (!g->tree && errno != ENOENT)
		return -errno;
	g->rows = row_table_new(FR_T_cgroups_row, 0);
	c->rows = g->rows;
	return g->rows ? 0 : -ENOMEM;
}

static void read_group(struct cgroups *g, unsigned i, struct sample *s)
{
	const char *path = cgroup_tree_path(g->tree, i);
	uint64_t id = cgroup_tree_id(g->tree, i);
	struct fr_cgroups_row read = { .cgroup = id }, *now;
	unsigned row = 0, errors = 0;

	if (cgroup_tree_read(g->tree, i, &read, &errors))
		return;
	for (; errors; errors--)
		sample_error(s);
	now = row_table_at(g->rows, id, id, &row);
	if (!now || row_table_set_text(g->rows, row, path, strlen(path))) {
		sample_error(s);
		return;
	}
	*now = read;
	row_table_choose(g->rows, row);
}

static void cgroups_collect(struct collector *c, struct sample *s)
{
	struct cgroups *g = c->state;
	unsigned nr, refused = 0;

	s->source = "/sys/fs/cgroup";
	row_table_begin(g->rows);
	if (!g->tree)
		return;
	nr = cgroup_tree_update(g->tree, &refused);
	for (unsigned i = 0; i < nr; i++)
		read_group(g, i, s);
	sample_put(s, &total_def, NULL, 0, nr);
	sample_put(s, &left_out_def, NULL, 0, refused);
}

static void cgroups_close(struct collector *c)
{
	struct cgroups *g = c->state;

	if (!g)
		return;
	cgroup_tree_free(g->tree);
	row_table_free(g->rows);
	free(g);
	c->state = NULL;
	c->rows = NULL;
}

const struct collector_ops collector_cgroups = {
	.name = "cgroups",
	.doc = "what each cgroup has used: CPU, memory, I/O, time lost",
	.man = "A row for each cgroup of which something changed (flightrec show "
	       "--stream cgroups, flightrec top --cgroups): CPU time and time "
	       "throttled, memory and its kinds, page faults, events at memory "
	       "limits, I/O of all block devices together, processes, and time "
	       "lost for want of CPU, memory and I/O. The metrics are "
	       "cgroups.total and cgroups.left_out (folders beyond max=).\n"
	       "\n"
	       "Of cgroup version 2 these are cpu.stat, memory.current, .peak, "
	       ".stat, .events, .swap.current, io.stat, pids.current and "
	       "*.pressure; of version 1 the files of cpuacct, cpu, memory, blkio "
	       "and pids, where the same path in several hierarchies is one row. "
	       "Where both are mounted, a controller of version 1 counts. What "
	       "is not there (a controller that is switched off, memory.peak of "
	       "older kernels) is empty.\n"
	       "\n"
	       "Behind the colon stand paths with * (which takes in /) and ?, of "
	       "which any must fit, depth=N (levels below the root, else 8) and "
	       "max=N (cgroups, else 2000; more are left out), joined by +: "
	       "cgroups@5s:/system.slice/*+/kubepods*+depth=4. The folders are "
	       "gone through again when inotify tells that one was made or "
	       "removed.",
	.from = "cgroup file systems",
	.changes_only = true,
	.check = cgroups_check,
	.prepare = cgroups_prepare,
	.open = cgroups_open,
	.collect = cgroups_collect,
	.close = cgroups_close,
};
