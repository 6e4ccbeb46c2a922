/* SPDX-License-Identifier: GPL-2.0-or-later */
/* top_gather.c - sums up rows of processes and cgroups within a span. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/top.h"
#include "triggers/counter_step.h"

#define NAMES_MAX 65536

/* clang-format off */
const struct top_metric top_of_processes[] = {
	{ "cpu", "CPU", { "cpu_ns" }, TOP_NS, true, { "utime", "stime" }, false },
	{ "system", "SYSTEM", { "system_ns" }, TOP_NS, true, { "stime" }, false },
	{ "rss", "RSS", { "rss_bytes" }, TOP_BYTES, false, { NULL }, false },
	{ "rss_max", "RSSMAX", { "rss_max_bytes" }, TOP_BYTES, false, { NULL }, false },
	{ "pss", "PSS", { "pss_bytes" }, TOP_BYTES, false, { NULL }, false },
	{ "swap", "SWAP", { "swap_bytes" }, TOP_BYTES, false, { NULL }, false },
	{ "read", "READ", { "read_bytes" }, TOP_BYTES, true, { "read_bytes" }, true },
	{ "write", "WRITTEN", { "write_bytes" }, TOP_BYTES, true, { "write_bytes" }, true },
	{ "io", "I/O", { "read_bytes", "write_bytes" }, TOP_BYTES, true, { "read_bytes", "write_bytes" }, true },
	{ "faults", "FAULTS", { "minor_faults", "major_faults" }, TOP_COUNT, true, { "minflt", "majflt" }, false },
	{ "major", "MAJOR", { "major_faults" }, TOP_COUNT, true, { "majflt" }, false },
	{ "switches", "SWITCHES", { "switches", "preemptions" }, TOP_COUNT, true, { NULL }, false },
	{ "threads", "THREADS", { "threads" }, TOP_COUNT, false, { NULL }, false },
	{ "fds", "FDS", { "fds" }, TOP_COUNT, false, { NULL }, false },
};
const unsigned top_nr_of_processes =
	sizeof(top_of_processes) / sizeof(*top_of_processes);

const struct top_metric top_of_cgroups[] = {
	{ "cpu", "CPU", { "cpu_ns" }, TOP_NS, true, { NULL }, false },
	{ "system", "SYSTEM", { "system_ns" }, TOP_NS, true, { NULL }, false },
	{ "throttled", "THROTTLED", { "throttled_ns" }, TOP_NS, true, { NULL }, false },
	{ "memory", "MEMORY", { "memory_bytes" }, TOP_BYTES, false, { NULL }, false },
	{ "anon", "ANON", { "anon_bytes" }, TOP_BYTES, false, { NULL }, false },
	{ "file", "FILE", { "file_bytes" }, TOP_BYTES, false, { NULL }, false },
	{ "swap", "SWAP", { "swap_bytes" }, TOP_BYTES, false, { NULL }, false },
	{ "read", "READ", { "read_bytes" }, TOP_BYTES, true, { NULL }, false },
	{ "write", "WRITTEN", { "write_bytes" }, TOP_BYTES, true, { NULL }, false },
	{ "io", "I/O", { "read_bytes", "write_bytes" }, TOP_BYTES, true, { NULL }, false },
	{ "faults", "FAULTS", { "minor_faults" }, TOP_COUNT, true, { NULL }, false },
	{ "major", "MAJOR", { "major_faults" }, TOP_COUNT, true, { NULL }, false },
	{ "pids", "PIDS", { "pids" }, TOP_COUNT, false, { NULL }, false },
	{ "cpu_stall", "CPUSTALL", { "cpu_some_ns" }, TOP_NS, true, { NULL }, false },
	{ "memory_stall", "MEMSTALL", { "memory_some_ns" }, TOP_NS, true, { NULL }, false },
	{ "io_stall", "IOSTALL", { "io_some_ns" }, TOP_NS, true, { NULL }, false },
	{ "oom", "OOMKILLS", { "oom_kills" }, TOP_COUNT, true, { NULL }, false },
};
/* clang-format on */
const unsigned top_nr_of_cgroups =
	sizeof(top_of_cgroups) / sizeof(*top_of_cgroups);

/* ---- things ------------------------------------------------------------------------ */

static uint32_t *bucket_of(struct top *t, uint64_t key)
{
	uint64_t h = (key ^ key >> 32) * 0x9e3779b97f4a7c15ULL;

	return &t->buckets[(h >> 32) & (t->nr_buckets - 1)];
}

static int grow(struct top *t)
{
	size_t size = t->size ? 2 * t->size : 256;
	struct top_thing *things = realloc(t->things, size * sizeof(*things));
	uint32_t *buckets;

	if (!things)
		return -ENOMEM;
	t->things = things;
	buckets = realloc(t->buckets, 2 * size * sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	t->buckets = buckets;
	t->size = size;
	t->nr_buckets = 2 * size;
	memset(buckets, 0, t->nr_buckets * sizeof(*buckets));
	for (size_t i = 0; i < t->nr; i++) {
		uint32_t *b = bucket_of(t, t->things[i].key);

		t->things[i].next = *b;
		*b = (uint32_t)i + 1;
	}
	return 0;
}

/* ${start}: TOP_UNKNOWN: the last of that key. */
static struct top_thing *find(struct top *t, uint64_t key, uint64_t start)
{
	for (uint32_t i = t->nr_buckets ? *bucket_of(t, key) : 0; i;
	     i = t->things[i - 1].next)
		if (t->things[i - 1].key == key &&
		    (start == TOP_UNKNOWN || t->things[i - 1].start == start))
			return &t->things[i - 1];
	return NULL;
}

/* NULL: no memory. */
static struct top_thing *add(struct top *t, uint64_t key, uint64_t start)
{
	struct top_thing *x;
	uint32_t *b;

	if (t->nr == t->size && grow(t))
		return NULL;
	x = &t->things[t->nr];
	*x = (struct top_thing){ .key = key,
				 .start = start,
				 .uid = TOP_UNKNOWN,
				 .ppid = TOP_UNKNOWN,
				 .cgroup = TOP_UNKNOWN,
				 .ended_ns = TOP_UNKNOWN };
	for (unsigned i = 0; i < TOP_METRICS_MAX; i++)
		x->last[i] = x->value[i] = TOP_UNKNOWN;
	b = bucket_of(t, key);
	x->next = *b;
	*b = (uint32_t)++t->nr;
	return x;
}

/* ---- rows ---------------------------------------------------------------------------- */

struct gather {
	struct top *t;
	struct view *v;
	struct view_cursor *c;
	int64_t boot_ns;     /* CLOCK_MONOTONIC - CLOCK_BOOTTIME */
	uint64_t history_ns; /* the first row */
	unsigned columns[TOP_METRICS_MAX][2], exits[TOP_METRICS_MAX][2];
	unsigned start, ended, path, last, cgroup_path, child;
};

/* What is taken in one pass over the rows. */
enum pass {
	PASS_ROWS,
	PASS_EXITS, /* an end has the time of its beginning */
	PASS_FORKS, /* when all are known */
};

/* The first one known: a process whose parent ends gets another. */
static void note_parent(struct gather *g, struct top_thing *x)
{
	if (x->ppid == TOP_UNKNOWN && !view_get_u64(g->c, VIEW_PPID, &x->ppid))
		x->ppid = TOP_UNKNOWN;
}

/* The sum of one or two columns; TOP_UNKNOWN: one was not captured. */
static uint64_t sum_of(struct gather *g, const unsigned columns[2])
{
	uint64_t sum = 0, v;

	for (unsigned i = 0; i < 2 && columns[i] != VIEW_NO_COLUMN; i++) {
		if (!view_get_u64(g->c, columns[i], &v) ||
		    __builtin_add_overflow(sum, v, &sum))
			return TOP_UNKNOWN;
	}
	return columns[0] == VIEW_NO_COLUMN ? TOP_UNKNOWN : sum;
}

static void add_step(struct top_thing *x, unsigned i, uint64_t now)
{
	uint64_t before = x->last[i];
	int64_t growth = 0;

	if (before > INT64_MAX || now > INT64_MAX)
		return;
	x->reset |= counter_step((int64_t)before, (int64_t)now, 0, &growth) ==
		    COUNTER_RESET;
	x->value[i] = (x->value[i] == TOP_UNKNOWN ? 0 : x->value[i]) +
		      (uint64_t)growth;
}

static void take_value(const struct top *t, struct top_thing *x, unsigned i,
		       uint64_t now, bool in_span)
{
	if (now == TOP_UNKNOWN)
		return;
	if (t->metrics[i].is_counter && in_span)
		add_step(x, i, now);
	else if (!t->metrics[i].is_counter &&
		 (!in_span || x->value[i] == TOP_UNKNOWN || now > x->value[i]))
		x->value[i] = now;
	x->last[i] = now;
}

static uint64_t started_ns(const struct gather *g, uint64_t start)
{
	int64_t ns = (int64_t)start + g->boot_ns;

	return ns < 0 ? 0 : (uint64_t)ns;
}

/* What began within the span has used nothing before. */
static void begin_thing(const struct gather *g, struct top_thing *x,
			uint64_t ts)
{
	const struct top *t = g->t;

	if (t->cgroups) /* when it began, its rows do not say */
		x->born = ts > g->history_ns && ts > t->from_ns;
	else
		x->born = started_ns(g, x->start) >= g->history_ns &&
			  started_ns(g, x->start) >= t->from_ns;
	for (unsigned i = 0; x->born && i < t->nr_metrics; i++)
		if (t->metrics[i].is_counter)
			x->last[i] = 0;
	x->seen = true;
}

static int take_row(struct gather *g, uint64_t ts)
{
	struct top *t = g->t;
	uint64_t key = 0, start = 0, ended = 0;
	struct top_thing *x;

	if (!view_get_u64(g->c, t->cgroups ? VIEW_CGROUP : VIEW_PID, &key))
		return 0;
	if (!t->cgroups && !view_get_u64(g->c, g->start, &start))
		start = 0;
	x = find(t, key, start);
	if (!x)
		x = add(t, key, start);
	if (!x)
		return -ENOMEM;
	if (!x->seen)
		begin_thing(g, x, ts);
	view_get_u64(g->c, VIEW_UID, &x->uid);
	note_parent(g, x);
	view_get_u64(g->c, VIEW_CGROUP, &x->cgroup);
	view_get_text(g->c, t->cgroups ? g->path : VIEW_COMM, x->name,
		      sizeof(x->name));
	for (unsigned i = 0; i < t->nr_metrics; i++)
		take_value(t, x, i, sum_of(g, g->columns[i]), ts > t->from_ns);
	if (view_get_u64(g->c, g->ended, &ended) && ended)
		x->ended_ns = ts;
	x->in_span = x->ended_ns > t->from_ns;
	return 0;
}

/* The kernel adds the I/O of a process to that of its parent when that waits for
 * it: taken back here, so that it counts once. */
static void take_back(struct gather *g, const struct top_thing *child)
{
	uint64_t ppid;
	struct top_thing *parent;

	if (!view_get_u64(g->c, VIEW_PPID, &ppid))
		return;
	parent = find(g->t, ppid, TOP_UNKNOWN);
	for (unsigned i = 0; parent && i < g->t->nr_metrics; i++)
		if (g->t->metrics[i].adds_to_parent &&
		    parent->value[i] != TOP_UNKNOWN &&
		    child->last[i] != TOP_UNKNOWN &&
		    parent->value[i] >= child->last[i])
			parent->value[i] -= child->last[i];
}

/* Of one that ended between two samples, or lived between them. */
static int take_exit(struct gather *g)
{
	struct top *t = g->t;
	uint64_t ts = 0, dur = 0, pid = 0, last = 0, start = TOP_UNKNOWN;
	struct top_thing *x;

	if (!view_get_u64(g->c, g->last, &last) || !last ||
	    !view_get_u64(g->c, VIEW_TS, &ts) ||
	    !view_get_u64(g->c, VIEW_DUR, &dur) ||
	    !view_get_u64(g->c, VIEW_PID, &pid) || ts + dur <= t->from_ns ||
	    ts + dur > t->to_ns)
		return 0;
	view_get_u64(g->c, VIEW_PID_START, &start);
	x = find(t, pid, start);
	if (!x) {
		x = add(t, pid, start == TOP_UNKNOWN ? 0 : start);
		if (!x)
			return -ENOMEM;
		x->born = ts >= t->from_ns;
		view_get_text(g->c, VIEW_COMM, x->name, sizeof(x->name));
		view_get_u64(g->c, VIEW_UID, &x->uid);
		note_parent(g, x);
		view_get_u64(g->c, VIEW_CGROUP, &x->cgroup);
		for (unsigned i = 0; x->born && i < t->nr_metrics; i++)
			x->last[i] = t->metrics[i].is_counter ? 0 : TOP_UNKNOWN;
	}
	x->in_span = true;
	x->ended_ns = ts + dur;
	for (unsigned i = 0; i < t->nr_metrics; i++) {
		uint64_t v = sum_of(g, g->exits[i]);

		/* the two count CPU time by different means */
		if (v != TOP_UNKNOWN && x->last[i] != TOP_UNKNOWN &&
		    v > x->last[i])
			take_value(t, x, i, v, true);
	}
	take_back(g, x);
	return 0;
}

/* Who really began a process: its first row may come when it has another parent. */
static void take_fork(struct gather *g)
{
	uint64_t pid, child;
	struct top_thing *x;

	if (!view_get_u64(g->c, VIEW_PID, &pid) || g->child == VIEW_NO_COLUMN ||
	    !view_get_u64(g->c, g->child, &child) || child == pid)
		return;
	x = find(g->t, child, TOP_UNKNOWN);
	if (x)
		x->ppid = pid;
}

static void find_columns(struct gather *g)
{
	const struct top *t = g->t;

	for (unsigned i = 0; i < t->nr_metrics; i++) {
		for (unsigned j = 0; j < 2; j++) {
			const char *a = t->metrics[i].columns[j];
			const char *b = t->metrics[i].exit_columns[j];

			g->columns[i][j] =
				a ? view_find_column(g->v, a) : VIEW_NO_COLUMN;
			g->exits[i][j] =
				b ? view_find_column(g->v, b) : VIEW_NO_COLUMN;
		}
	}
	g->start = view_find_column(g->v, "start");
	g->ended = view_find_column(g->v, "ended");
	g->last = view_find_column(g->v, "last");
	g->child = view_find_column(g->v, "child_pid");
	g->path = view_find_column(g->v, "cgroup_path");
}

static bool is_stream(const struct gather *g, const char *name)
{
	return !strcmp(view_stream_name(g->v, view_row_stream(g->c)), name);
}

static int take_event(struct gather *g, enum pass pass)
{
	char op[16];

	view_get_text(g->c, VIEW_OP, op, sizeof(op));
	if (pass == PASS_EXITS && !strcmp(op, "exit"))
		return take_exit(g);
	if (pass == PASS_FORKS && !strcmp(op, "fork"))
		take_fork(g);
	return 0;
}

static int take_all(struct gather *g, enum pass pass)
{
	const char *rows = g->t->cgroups ? "cgroups" : "processes";
	int r = 0;

	for (size_t i = 0; !r && i < view_nr_rows(g->v); i++) {
		uint64_t ts = 0;

		view_seek(g->c, i);
		view_get_u64(g->c, VIEW_TS, &ts);
		if (pass != PASS_ROWS && is_stream(g, "proc")) {
			r = take_event(g, pass);
		} else if (pass == PASS_ROWS && is_stream(g, rows) &&
			   ts <= g->t->to_ns) {
			if (!g->history_ns)
				g->history_ns = ts;
			r = take_row(g, ts);
		}
	}
	return r;
}

int top_gather(struct top *t, struct view *v)
{
	const char *boot = snap_fact(view_snap(v, 0), "clock.boot_to_mono_ns");
	struct gather g = { .t = t,
			    .v = v,
			    .c = view_cursor_new(v),
			    .boot_ns = boot ? strtoll(boot, NULL, 10) : 0 };
	int r = g.c ? 0 : -ENOMEM;

	find_columns(&g);
	if (!r)
		r = take_all(&g, PASS_ROWS);
	if (!r && !t->cgroups)
		r = take_all(&g, PASS_EXITS);
	if (!r && !t->cgroups)
		r = take_all(&g, PASS_FORKS);
	view_cursor_free(g.c);
	return r;
}

/* ---- processes as cgroups ------------------------------------------------------------ */

static int name_cgroups(struct top *t, struct view *v)
{
	unsigned path = view_find_column(v, "cgroup_path");
	struct view_cursor *c = view_cursor_new(v);

	if (!c)
		return -ENOMEM;
	for (size_t i = 0; path != VIEW_NO_COLUMN && i < view_nr_rows(v); i++) {
		struct top_thing *x;
		uint64_t id;

		view_seek(c, i);
		if (strcmp(view_stream_name(v, view_row_stream(c)),
			   "process") ||
		    !view_get_u64(c, VIEW_CGROUP, &id))
			continue;
		x = find(t, id, TOP_UNKNOWN);
		if (x)
			view_get_text(c, path, x->name, sizeof(x->name));
	}
	view_cursor_free(c);
	return 0;
}

int top_by_cgroup(struct top *t, struct view *v, struct top *ret)
{
	*ret = *t;
	ret->things = NULL;
	ret->buckets = NULL;
	ret->nr = ret->size = ret->nr_buckets = 0;
	ret->cgroups = true;
	for (size_t i = 0; i < t->nr; i++) {
		const struct top_thing *from = &t->things[i];
		struct top_thing *to = find(ret, from->cgroup, TOP_UNKNOWN);

		if (!to)
			to = add(ret, from->cgroup, 0);
		if (!to)
			return -ENOMEM;
		to->in_span |= from->in_span;
		to->reset |= from->reset;
		for (unsigned j = 0; j < t->nr_metrics; j++)
			if (from->value[j] != TOP_UNKNOWN)
				to->value[j] = (to->value[j] == TOP_UNKNOWN ?
							0 :
							to->value[j]) +
					       from->value[j];
	}
	return name_cgroups(ret, v);
}

/* ---- order --------------------------------------------------------------------------- */

static int compare(const void *p, const void *q, void *arg)
{
	const struct top_thing *x = p, *y = q;
	unsigned by = *(const unsigned *)arg;
	uint64_t a = x->value[by] + 1, b = y->value[by] + 1; /* unknown: 0 */

	if (a != b)
		return a > b ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

void top_sort(struct top *t, unsigned by)
{
	if (t->nr)
		qsort_r(t->things, t->nr, sizeof(*t->things), compare, &by);
}

/* ---- descendants --------------------------------------------------------------------- */

#define TREE_DEPTH_MAX 256 /* numbers are used again: there may be circles */

static bool is_below(const struct top *t, const struct top_thing *x,
		     uint64_t pid)
{
	for (unsigned depth = 0; x && depth < TREE_DEPTH_MAX; depth++) {
		const struct top_thing *parent = NULL;

		if (x->key == pid || x->ppid == pid)
			return true;
		for (size_t i = 0; i < t->nr && !parent; i++)
			if (t->things[i].key == x->ppid)
				parent = &t->things[i];
		x = parent;
	}
	return false;
}

void top_keep_tree(struct top *t, uint64_t pid)
{
	for (size_t i = 0; i < t->nr; i++)
		if (t->things[i].in_span && !is_below(t, &t->things[i], pid))
			t->things[i].in_span = false;
}

void top_free(struct top *t)
{
	free(t->things);
	free(t->buckets);
	t->things = NULL;
	t->buckets = NULL;
	t->nr = 0;
}
