/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_ops.c - operations: slowest, by file, process, device and error. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/report.h"
#include "dump/report_verdict.h"
#include "dump/row_write.h"
#include "dump/tally.h"
#include "dump/terminal.h"
#include "triggers/units.h"

#define COLUMNS          "time,dur,stream,op,dev,size,ret,pid,comm,path"
#define INFLIGHT_COLUMNS "age,op,call,dev,size,pid,comm,path"
#define INFLIGHT_SHOWN   20
#define SLOWEST          10
#define LONGEST          5
#define TOP              10
#define HISTOGRAMS       4
#define LATENCIES        20
#define BAR_CELLS        40
#define KEY_SIZE         4608
#define WAIT_SHOWN       1000000 /* ns; shorter ones are no news */

struct slow_list {
	size_t rows[SLOWEST];
	uint64_t durs[SLOWEST];
	unsigned nr;
};
struct operations {
	struct view *v;
	struct view_cursor *c;
	unsigned queue_dur; /* column that block requests have */
	struct tally ops, files, processes, errors, queues, services;
	struct slow_list slowest, waits; /* on files; for somebody else */
	struct verdict verdict;
	size_t fired; /* the row that hit the trigger */
	bool fired_known;
	uint64_t fired_ts, fired_tid;
	uint64_t nr;
};

static void remember_slowest(struct slow_list *l, size_t row, uint64_t dur)
{
	unsigned i = l->nr;

	if (i == SLOWEST && dur <= l->durs[SLOWEST - 1])
		return;
	if (i == SLOWEST)
		i--;
	else
		l->nr++;
	for (; i && l->durs[i - 1] < dur; i--) {
		l->rows[i] = l->rows[i - 1];
		l->durs[i] = l->durs[i - 1];
	}
	l->rows[i] = row;
	l->durs[i] = dur;
}

static void check_fired(struct operations *o, size_t row)
{
	uint64_t ts, tid;

	if (!o->fired_ts || o->fired_known ||
	    !view_get_u64(o->c, VIEW_TS, &ts) || ts != o->fired_ts)
		return;
	if (o->fired_tid &&
	    (!view_get_u64(o->c, VIEW_TID, &tid) || tid != o->fired_tid))
		return;
	o->fired = row;
	o->fired_known = true;
}

static void count_device(struct operations *o, uint64_t dur, uint64_t moved,
			 bool failed)
{
	char key[64], op[32];
	uint64_t queue = 0;
	bool known;

	if (o->queue_dur == VIEW_NO_COLUMN ||
	    !view_stream_has(o->v, view_row_stream(o->c), o->queue_dur))
		return;
	known = view_get_u64(o->c, o->queue_dur, &queue) && queue <= dur;
	row_print_value(key, 24, o->v, o->c, VIEW_DEV);
	view_get_text(o->c, VIEW_OP, op, sizeof(op));
	snprintf(key + strlen(key), sizeof(key) - strlen(key), " %s", op);
	tally_add(tally_at(&o->services, key), known ? dur - queue : dur, moved,
		  failed, true);
	if (known)
		tally_add(tally_at(&o->queues, key), queue, 0, false, true);
}

/* Of processes and files: what waits for somebody else is no work on a file. */
static void count_names(struct operations *o, const char *path, uint64_t dur,
			uint64_t moved, bool failed)
{
	char who[96];

	report_who(o->c, who, sizeof(who));
	tally_add(tally_at(&o->processes, who), dur, moved, failed, false);
	if (!*path)
		return;
	tally_add(tally_at(&o->files, path), dur, moved, failed, false);
	verdict_time(&o->verdict, o->c, path, dur);
}

static void count_failure(struct operations *o, const char *stream,
			  const char *op, const char *error, const char *path,
			  uint64_t dur)
{
	char key[128];

	snprintf(key, sizeof(key), "%s %s %s", error, stream, op);
	tally_add(tally_at(&o->errors, key), dur, 0, true, false);
	verdict_failure(&o->verdict, o->c, op, error, path);
}

/* An operation has a duration and a result; the life time of a process or the
 * cost of a round of samples is none. */
static void count(struct operations *o, size_t row)
{
	static char path[KEY_SIZE];
	uint64_t dur, moved = 0, ret;
	char op[32], error[32], key[96];
	const char *stream, *peer;

	verdict_row(&o->verdict, o->c);
	if (!view_get_u64(o->c, VIEW_DUR, &dur) ||
	    !view_get_u64(o->c, VIEW_RET, &ret))
		return;
	stream = view_stream_name(o->v, view_row_stream(o->c));
	peer = view_row_peer(o->c);
	view_get_u64(o->c, VIEW_MOVED, &moved);
	view_get_text(o->c, VIEW_OP, op, sizeof(op));
	view_get_text(o->c, VIEW_PATH, path, sizeof(path));
	view_get_text(o->c, VIEW_ERRNO, error, sizeof(error));
	o->nr++;
	remember_slowest(peer ? &o->waits : &o->slowest, row, dur);
	check_fired(o, row);
	snprintf(key, sizeof(key), "%s %s%s%s%s", stream, op, peer ? " (" : "",
		 peer ? peer : "", peer ? ")" : "");
	tally_add(tally_at(&o->ops, key), dur, moved, *error, true);
	if (*error)
		count_failure(o, stream, op, error, path, dur);
	count_device(o, dur, moved, *error);
	if (o->queue_dur != VIEW_NO_COLUMN &&
	    view_stream_has(o->v, view_row_stream(o->c), o->queue_dur))
		return; /* the calls above it count for files and processes */
	if (!peer)
		count_names(o, path, dur, moved, *error);
}

static void print_slowest(struct operations *o)
{
	if (o->fired_known) {
		report_title("THE OPERATION THAT FIRED");
		report_row_list(o->v, COLUMNS, &o->fired, 1);
	}
	if (o->slowest.nr) {
		report_title("SLOWEST OPERATIONS ON FILES AND BLOCK DEVICES");
		report_row_list(o->v, COLUMNS, o->slowest.rows, o->slowest.nr);
	}
	if (o->waits.nr && o->waits.durs[0] >= WAIT_SHOWN) {
		report_title("LONGEST WAITS FOR PIPES, SOCKETS AND CHARACTER "
			     "DEVICES");
		report_row_list(o->v, COLUMNS, o->waits.rows,
				o->waits.nr < LONGEST ? o->waits.nr : LONGEST);
	}
}

struct aged {
	uint64_t age;
	size_t row;
};

static int compare_ages(const void *p, const void *q)
{
	const struct aged *x = p, *y = q;

	if (x->age != y->age)
		return x->age > y->age ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

/* Rows of operations that nobody else has to answer, oldest first; how many. */
static size_t oldest_first(struct view *v, struct aged *list)
{
	struct view_cursor *c = view_cursor_new(v);
	unsigned age = view_find_column(v, "age");
	size_t nr = 0;

	for (size_t i = 0; c && i < view_nr_rows(v); i++) {
		view_seek(c, i);
		if (view_row_peer(c))
			continue;
		list[nr].row = i;
		if (!view_get_u64(c, age, &list[nr].age))
			list[nr].age = 0;
		nr++;
	}
	view_cursor_free(c);
	if (nr)
		qsort(list, nr, sizeof(*list), compare_ages);
	return nr;
}

void report_inflight(struct view *v)
{
	size_t all = view_nr_rows(v), rows[INFLIGHT_SHOWN], nr, shown;
	struct aged *list = calloc(all + 1, sizeof(*list));

	if (!list || !all) {
		free(list);
		return;
	}
	nr = oldest_first(v, list);
	shown = nr < INFLIGHT_SHOWN ? nr : INFLIGHT_SHOWN;
	for (size_t i = 0; i < shown; i++)
		rows[i] = list[i].row;
	report_title("STILL IN FLIGHT AT THE FREEZE (oldest first)");
	if (shown)
		report_row_list(v, INFLIGHT_COLUMNS, rows, shown);
	if (nr > shown)
		printf("and %zu more; flightrec info lists them\n", nr - shown);
	if (all > nr)
		printf("%zu wait%s for a pipe, a socket or a character device; "
		       "flightrec info lists them\n",
		       all - nr, all - nr == 1 ? "s" : "");
	free(list);
}

static void print_top(struct tally *t, const char *what, enum tally_order order,
		      const char *by)
{
	char title[80], time[32], bytes[32], name[256];

	snprintf(title, sizeof(title), "%s BY %s", what, by);
	report_title(title);
	tally_sort(t, order);
	printf("%10s  %10s  %9s  %7s  name\n", "time", "bytes", "count",
	       "failed");
	for (size_t i = 0; i < t->nr && i < TOP; i++) {
		const struct tally_entry *e = t->entries[i];

		if (order == TALLY_BY_BYTES && !e->bytes)
			break;
		row_print_bytes(name, sizeof(name), e->key, strlen(e->key));
		printf("%10s  %10s  %9" PRIu64 "  %7" PRIu64 "  %s\n",
		       units_human_time(time, e->time_ns),
		       units_human_size(bytes, e->bytes), e->count, e->failed,
		       name);
	}
}

/* A second order says nothing new if the first one showed all. */
static void print_both(struct tally *t, const char *what)
{
	if (!t->nr)
		return;
	print_top(t, what, TALLY_BY_TIME, "TIME");
	if (t->nr > TOP)
		print_top(t, what, TALLY_BY_BYTES, "BYTES");
}

static void print_latency(struct tally *t, const char *title)
{
	char p50[32], p90[32], p99[32], max[32], sum[32], bytes[32];

	report_title(title);
	printf("%-22s %9s %9s %9s %9s %9s %10s %10s %7s\n", "operation",
	       "count", "p50", "p90", "p99", "max", "total", "bytes", "failed");
	for (size_t i = 0; i < t->nr && i < LATENCIES; i++) {
		struct tally_entry *e = t->entries[i];

		tally_sort_durations(e);
		printf("%-22s %9" PRIu64 " %9s %9s %9s %9s %10s %10s %7" PRIu64
		       "\n",
		       e->key, e->count,
		       units_human_time(p50, tally_percentile(e, 50)),
		       units_human_time(p90, tally_percentile(e, 90)),
		       units_human_time(p99, tally_percentile(e, 99)),
		       units_human_time(max, e->max_ns),
		       units_human_time(sum, e->time_ns),
		       units_human_size(bytes, e->bytes), e->failed);
	}
}

/* Bucket b holds durations of b significant bits: [2^(b-1), 2^b). */
static unsigned bucket_of(uint64_t ns)
{
	return ns ? 64 - (unsigned)__builtin_clzll(ns) : 0;
}

static void print_histogram(const struct tally_entry *e)
{
	uint64_t buckets[65] = { 0 }, most = 0;
	unsigned first = 64, last = 0;

	for (size_t i = 0; i < e->nr; i++) {
		unsigned b = bucket_of(e->durations[i]);

		buckets[b]++;
		most = buckets[b] > most ? buckets[b] : most;
		first = b < first ? b : first;
		last = b > last ? b : last;
	}
	printf("\n%s%s%s\n", terminal_bold(), e->key, terminal_off());
	for (unsigned b = first; b <= last; b++) {
		char from[32], bar[256];

		printf("  >= %8s %9" PRIu64 "%s%s\n",
		       units_human_time(from, b ? 1ULL << (b - 1) : 0),
		       buckets[b], buckets[b] ? " " : "",
		       terminal_bar(bar, buckets[b], most, BAR_CELLS));
	}
}

static void print_devices(struct operations *o)
{
	if (!o->services.nr)
		return;
	tally_sort(&o->services, TALLY_BY_TIME);
	tally_sort(&o->queues, TALLY_BY_TIME);
	print_latency(&o->services,
		      "BLOCK DEVICES: SERVICE (issue to completion)");
	if (o->queues.nr)
		print_latency(&o->queues,
			      "BLOCK DEVICES: QUEUE (first seen to issue)");
}

static void print_errors(struct operations *o)
{
	if (!o->errors.nr)
		return;
	report_title("ERRORS");
	tally_sort(&o->errors, TALLY_BY_COUNT);
	for (size_t i = 0; i < o->errors.nr && i < 2 * TOP; i++)
		printf("%9" PRIu64 "  %s\n", o->errors.entries[i]->count,
		       o->errors.entries[i]->key);
}

static void print_all(struct operations *o, struct view *inflight)
{
	verdict_print(&o->verdict, o->v, o->fired_known ? o->fired : SIZE_MAX,
		      o->slowest.nr ? o->slowest.rows[0] : SIZE_MAX, inflight);
	if (inflight)
		report_inflight(inflight);
	print_slowest(o);
	print_both(&o->files, "FILES");
	print_both(&o->processes, "PROCESSES (work on files)");
	print_errors(o);
	print_devices(o);
	tally_sort(&o->ops, TALLY_BY_TIME);
	print_latency(&o->ops, "LATENCY");
	for (size_t i = 0; i < o->ops.nr && i < HISTOGRAMS; i++)
		print_histogram(o->ops.entries[i]);
}

static uint64_t number(const struct view *v, const char *key)
{
	const char *text = snap_fact(view_snap(v, 0), key);

	return text ? strtoull(text, NULL, 10) : 0;
}

int report_operations(struct view *v, struct view *inflight)
{
	struct operations o = { .v = v,
				.c = view_cursor_new(v),
				.queue_dur = view_find_column(v, "queue_dur"),
				.fired_ts = number(v, "trigger.ts_ns"),
				.fired_tid = number(v, "trigger.tid") };

	if (!o.c)
		return -1;
	verdict_init(&o.verdict, v);
	for (size_t i = 0; i < view_nr_rows(v); i++) {
		view_seek(o.c, i);
		count(&o, i);
	}
	if (o.nr || o.verdict.nr_starts)
		print_all(&o, inflight);
	view_cursor_free(o.c);
	verdict_free(&o.verdict);
	tally_free(&o.ops);
	tally_free(&o.files);
	tally_free(&o.processes);
	tally_free(&o.errors);
	tally_free(&o.queues);
	tally_free(&o.services);
	return 0;
}
