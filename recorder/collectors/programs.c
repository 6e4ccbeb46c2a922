/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * programs.c - processes, CPU time and memory by the name of the program.
 *
 * The table of processes is here only to know what each has used up to the last
 * round: the growth goes to the name that the process has now.  So the sum of a name
 * never falls when one of its processes ends.
 */
#include "recorder/collector.h"
#include "recorder/process_files.h"
#include "recorder/row_table.h"
#include "recorder/shapes.h"
#include "recorder/task_usage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAMS_MAX     512 /* names; those that come later are "(other)" */
#define PROGRAMS_OTHER   PROGRAMS_MAX
#define PROGRAMS_BUCKETS 2048

static const struct metric_def programs_processes =
	SHAPE_GAUGE("programs.%.processes", "", 1);
static const struct metric_def programs_cpu =
	SHAPE_COUNTER("programs.%.cpu_ns", "ns", 1);
static const struct metric_def programs_rss =
	SHAPE_GAUGE("programs.%.rss_bytes", "bytes", 1);

struct program {
	char name[16];
	int64_t processes, rss_bytes, cpu_ns;
};

/* Beside a process, from round to round. */
struct program_own {
	uint64_t counted_ns; /* of its CPU time */
	uint32_t round;      /* its first thread was seen in */
	bool is_kernel;
};

struct programs {
	struct process_files *files;
	struct row_table *rows;
	struct sample *sample;
	int iterator; /* negative: from /proc */
	uint64_t page_bytes;
	uint32_t round;
	struct program all[PROGRAMS_MAX + 1];
	unsigned nr;
	uint16_t buckets[PROGRAMS_BUCKETS]; /* index + 1; 0: free */
};

/* ---- names ------------------------------------------------------------------------- */

/* A process may give itself any name; a metric's has no blanks or controls. */
static void programs_clean(char name[16], const char *comm)
{
	memset(name, 0, 16);
	for (unsigned i = 0; i < 15 && comm[i]; i++)
		name[i] = comm[i] > ' ' && comm[i] < 127 ? comm[i] : '_';
	if (!name[0])
		name[0] = '_';
}

static struct program *programs_find(struct programs *p, const char name[16])
{
	uint32_t hash = 2166136261U;
	uint16_t *bucket;

	for (unsigned i = 0; i < 16; i++)
		hash = (hash ^ (uint8_t)name[i]) * 16777619U;
	for (;; hash++) {
		bucket = &p->buckets[hash % PROGRAMS_BUCKETS];
		if (!*bucket)
			break;
		if (!memcmp(p->all[*bucket - 1].name, name, 16))
			return &p->all[*bucket - 1];
	}
	if (p->nr == PROGRAMS_MAX)
		return &p->all[PROGRAMS_OTHER];
	memcpy(p->all[p->nr].name, name, 16);
	*bucket = (uint16_t)++p->nr;
	return &p->all[p->nr - 1];
}

/* A name that the list spells out is there although it has no process. */
static void programs_expect(struct programs *p, const char *list)
{
	while (*(list += strspn(list, " ,"))) {
		size_t n = strcspn(list, " ,");
		char comm[16] = "", name[16];

		memcpy(comm, list, n < 15 ? n : 15);
		if (!strpbrk(comm, "*?[")) {
			programs_clean(name, comm);
			programs_find(p, name);
		}
		list += n;
	}
}

/* ---- processes ----------------------------------------------------------------------- */

static void programs_take(void *arg, const struct fr_task_usage *t)
{
	struct programs *p = arg;
	struct fr_processes_row *now;
	struct program_own *o;
	unsigned row = 0;

	now = row_table_at(p->rows, t->pid, t->start, &row);
	if (!now) {
		sample_error(p->sample);
		return;
	}
	now->cpu_ns += t->cpu_ns;
	if (!t->is_leader)
		return;
	o = row_table_own(p->rows, row);
	o->round = p->round;
	o->is_kernel = t->pid == 2 || t->ppid == 2;
	now->rss_bytes = t->rss_pages * p->page_bytes;
	memcpy(now->comm, t->comm, sizeof(now->comm));
}

static void programs_read_files(struct programs *p)
{
	uint32_t pid;

	process_files_rewind(p->files);
	while ((pid = process_files_next(p->files))) {
		struct fr_processes_row read = { 0 }, *now;
		struct program_own *o;
		bool is_kernel = false;
		unsigned row = 0;

		if (process_files_read(p->files, pid, &read, &is_kernel))
			continue;
		now = row_table_at(p->rows, pid, read.start, &row);
		if (!now) {
			sample_error(p->sample);
			continue;
		}
		*now = read;
		o = row_table_own(p->rows, row);
		o->round = p->round;
		o->is_kernel = is_kernel;
	}
}

/* Start times of /proc are less exact: to the table these are other processes, and
 * what they had used until now must not count again. */
static void programs_leave_iterator(struct programs *p)
{
	sample_error(p->sample);
	close(p->iterator);
	p->iterator = -1;
	row_table_begin(p->rows);
	programs_read_files(p);
	for (unsigned i = 0; i < row_table_count(p->rows); i++) {
		unsigned row = row_table_nth(p->rows, i);
		const struct fr_processes_row *now =
			row_table_now(p->rows, row);
		struct program_own *o = row_table_own(p->rows, row);

		o->counted_ns = now->cpu_ns;
	}
}

static void programs_add_up(struct programs *p)
{
	for (unsigned i = 0; i <= PROGRAMS_MAX; i++)
		p->all[i].processes = p->all[i].rss_bytes = 0;
	for (unsigned i = 0; i < row_table_count(p->rows); i++) {
		unsigned row = row_table_nth(p->rows, i);
		const struct fr_processes_row *now =
			row_table_now(p->rows, row);
		struct program_own *o = row_table_own(p->rows, row);
		struct program *one;
		char name[16];

		if (o->round != p->round || o->is_kernel)
			continue;
		programs_clean(name, now->comm);
		one = programs_find(p, name);
		one->processes++;
		one->rss_bytes += (int64_t)now->rss_bytes;
		if (now->cpu_ns > o->counted_ns) {
			one->cpu_ns += (int64_t)(now->cpu_ns - o->counted_ns);
			o->counted_ns = now->cpu_ns;
		}
	}
}

/* ---- the four steps -------------------------------------------------------------------- */

static int programs_open(struct collector *c, const char *root)
{
	struct programs *p = calloc(1, sizeof(*p));

	c->state = p;
	if (!p)
		return -ENOMEM;
	p->iterator = -1;
	p->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	memcpy(p->all[PROGRAMS_OTHER].name, "(other)", 8);
	p->rows = row_table_new(FR_T_processes_row, sizeof(struct program_own));
	if (!p->rows)
		return -ENOMEM;
	p->files = process_files_new(root);
	if (!p->files)
		return errno == ENOENT ? 0 : -errno;
	programs_expect(p, c->list ? c->list : "");
	if (!*root)
		p->iterator = task_usage_open();
	return 0;
}

static void programs_put(struct sample *s, const struct program *one)
{
	size_t n = strlen(one->name);

	sample_put(s, &programs_processes, one->name, n, one->processes);
	sample_put(s, &programs_cpu, one->name, n, one->cpu_ns);
	sample_put(s, &programs_rss, one->name, n, one->rss_bytes);
}

static void programs_collect(struct collector *c, struct sample *s)
{
	/* Nothing of the table is written: this only ends the round. */
	struct sample_writer nowhere = { 0 };
	const struct sample_round round = { 0 };
	struct programs *p = c->state;

	if (!p->files) /* no /proc at all */
		return;
	s->list = c->list;
	p->sample = s;
	p->round++;
	row_table_begin(p->rows);
	if (p->iterator < 0)
		programs_read_files(p);
	else if (task_usage_read(p->iterator, programs_take, p))
		programs_leave_iterator(p);
	programs_add_up(p);
	row_table_write(p->rows, &nowhere, &round);
	s->source = p->iterator >= 0 ? "bpf:iter/task" : "/proc/PID";
	for (unsigned i = 0; i < p->nr; i++)
		programs_put(s, &p->all[i]);
	if (p->nr == PROGRAMS_MAX)
		programs_put(s, &p->all[PROGRAMS_OTHER]);
}

static void programs_close(struct collector *c)
{
	struct programs *p = c->state;

	if (p) {
		if (p->iterator >= 0)
			close(p->iterator);
		process_files_free(p->files);
		row_table_free(p->rows);
	}
	free(p);
	c->state = NULL;
	free(c->list);
	c->list = NULL;
}

const struct collector_ops collector_programs = {
	.name = "programs",
	.doc = "processes, CPU time and memory by program name",
	.man = "programs.NAME.processes, .cpu_ns and .rss_bytes (pages that "
	       "several share count for each). NAME is what ps calls comm, at most 15 bytes; "
	       "blanks and what is not ASCII become _. Kernel threads are left out. "
	       "cpu_ns does not fall when a process ends: it holds what those alive "
	       "at the start had used, and what any used since, up to the last "
	       "round of its life; after exec it counts for the new name. The "
	       "list has globs (programs:nginx+postgres*); a name without * has "
	       "values even if it has no process, so its end is 0 and not "
	       "nothing. Names are kept: after 512 of them the rest is (other).",
	.from = "a BPF task iterator, or /proc/PID",
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = programs_open,
	.collect = programs_collect,
	.close = programs_close,
};
