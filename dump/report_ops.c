/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_ops.c - operations: slowest, by file, process, device and error. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/report.h"
#include "dump/row_write.h"
#include "dump/tally.h"
#include "dump/terminal.h"
#include "triggers/units.h"

#define SLOWEST    10
#define TOP        10
#define HISTOGRAMS 6
#define BAR_CELLS  40
#define KEY_SIZE   4608

struct operations {
	struct view *v;
	struct view_cursor *c;
	unsigned queue_dur; /* column that block requests have */
	struct tally ops, files, processes, errors, queues, services;
	struct {
		size_t row;
		uint64_t dur;
	} slowest[SLOWEST];
	unsigned nr_slowest;
	size_t fired; /* the row that hit the trigger */
	bool fired_known;
	uint64_t fired_ts, fired_tid;
	uint64_t nr;
};

static void remember_slowest(struct operations *o, size_t row, uint64_t dur)
{
	unsigned i = o->nr_slowest;

	if (i == SLOWEST && dur <= o->slowest[SLOWEST - 1].dur)
		return;
	if (i == SLOWEST)
		i--;
	else
		o->nr_slowest++;
	for (; i && o->slowest[i - 1].dur < dur; i--)
		o->slowest[i] = o->slowest[i - 1];
	o->slowest[i].row = row;
	o->slowest[i].dur = dur;
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
	if (!view_get_text(o->c, VIEW_DEV, key, 24))
		snprintf(key, sizeof(key), "?");
	view_get_text(o->c, VIEW_OP, op, sizeof(op));
	snprintf(key + strlen(key), sizeof(key) - strlen(key), " %s", op);
	tally_add(tally_at(&o->services, key), known ? dur - queue : dur, moved,
		  failed, true);
	if (known)
		tally_add(tally_at(&o->queues, key), queue, 0, false, true);
}

static void count_process(struct operations *o, uint64_t dur, uint64_t moved,
			  bool failed)
{
	char comm[64], key[128];
	uint64_t pid;

	if (!view_get_u64(o->c, VIEW_PID, &pid))
		return;
	if (!view_get_text(o->c, VIEW_COMM, comm, sizeof(comm)))
		snprintf(comm, sizeof(comm), "?");
	snprintf(key, sizeof(key), "%s (%" PRIu64 ")", comm, pid);
	tally_add(tally_at(&o->processes, key), dur, moved, failed, false);
}

/* An operation has a duration and a result; the life time of a process or the
 * cost of a round of samples is none. */
static void count(struct operations *o, size_t row)
{
	static char key[KEY_SIZE];
	const char *stream;
	uint64_t dur, moved = 0, ret;
	char op[32], error[32];
	bool failed;

	if (!view_get_u64(o->c, VIEW_DUR, &dur) ||
	    !view_get_u64(o->c, VIEW_RET, &ret))
		return;
	stream = view_stream_name(o->v, view_row_stream(o->c));
	view_get_u64(o->c, VIEW_MOVED, &moved);
	view_get_text(o->c, VIEW_OP, op, sizeof(op));
	failed = view_get_text(o->c, VIEW_ERRNO, error, sizeof(error));
	o->nr++;
	remember_slowest(o, row, dur);
	check_fired(o, row);
	snprintf(key, sizeof(key), "%s %s", stream, op);
	tally_add(tally_at(&o->ops, key), dur, moved, failed, true);
	if (failed) {
		snprintf(key, sizeof(key), "%s %s %s", error, stream, op);
		tally_add(tally_at(&o->errors, key), dur, 0, true, false);
	}
	count_device(o, dur, moved, failed);
	if (o->queue_dur != VIEW_NO_COLUMN &&
	    view_stream_has(o->v, view_row_stream(o->c), o->queue_dur))
		return; /* the calls above it count for files and processes */
	count_process(o, dur, moved, failed);
	if (view_get_text(o->c, VIEW_PATH, key, sizeof(key)))
		tally_add(tally_at(&o->files, key), dur, moved, failed, false);
}

static int show_some(struct view *v, const size_t *list, unsigned nr)
{
	static const unsigned columns[] = { VIEW_TIME, VIEW_DUR,  VIEW_OP,
					    VIEW_DEV,  VIEW_SIZE, VIEW_RET,
					    VIEW_PID,  VIEW_COMM, VIEW_PATH };
	struct view_cursor *c = view_cursor_new(v);
	struct row_writer *w;
	int r = -1;

	w = row_writer_new(v, stdout, ROW_TEXT, columns,
			   sizeof(columns) / sizeof(columns[0]), true);
	for (unsigned i = 0; c && w && i < nr; i++) {
		view_seek(c, list[i]);
		row_write(w, c);
	}
	if (w)
		r = row_writer_finish(w);
	view_cursor_free(c);
	return r;
}

static void print_slowest(struct operations *o)
{
	size_t list[SLOWEST];

	if (o->fired_known) {
		report_title("THE OPERATION THAT FIRED");
		show_some(o->v, &o->fired, 1);
	}
	for (unsigned i = 0; i < o->nr_slowest; i++)
		list[i] = o->slowest[i].row;
	report_title("SLOWEST OPERATIONS");
	show_some(o->v, list, o->nr_slowest);
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

static void print_latency(struct tally *t, const char *title)
{
	char p50[32], p90[32], p99[32], max[32], sum[32], bytes[32];

	report_title(title);
	printf("%-22s %9s %9s %9s %9s %9s %10s %10s %7s\n", "operation",
	       "count", "p50", "p90", "p99", "max", "total", "bytes", "failed");
	for (size_t i = 0; i < t->nr; i++) {
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

		printf("  >= %8s %9" PRIu64 " %s\n",
		       units_human_time(from, b ? 1ULL << (b - 1) : 0),
		       buckets[b],
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

static void print_all(struct operations *o)
{
	print_slowest(o);
	print_top(&o->files, "FILES", TALLY_BY_TIME, "TIME");
	print_top(&o->files, "FILES", TALLY_BY_BYTES, "BYTES");
	print_top(&o->processes, "PROCESSES", TALLY_BY_TIME, "TIME");
	print_top(&o->processes, "PROCESSES", TALLY_BY_BYTES, "BYTES");
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

int report_operations(struct view *v)
{
	struct operations o = { .v = v,
				.c = view_cursor_new(v),
				.queue_dur = view_find_column(v, "queue_dur"),
				.fired_ts = number(v, "trigger.ts_ns"),
				.fired_tid = number(v, "trigger.tid") };

	if (!o.c)
		return -1;
	for (size_t i = 0; i < view_nr_rows(v); i++) {
		view_seek(o.c, i);
		count(&o, i);
	}
	if (o.nr)
		print_all(&o);
	view_cursor_free(o.c);
	tally_free(&o.ops);
	tally_free(&o.files);
	tally_free(&o.processes);
	tally_free(&o.errors);
	tally_free(&o.queues);
	tally_free(&o.services);
	return 0;
}
