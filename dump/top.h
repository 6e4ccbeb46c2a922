/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top.h - who used how much within a span: processes or cgroups, from their rows
 * and, of processes, from the records of those that ended.
 *
 * Rows come only when something changed and say all that was known then, so what a
 * thing used within a span is the sum of the steps of its counters there.  What
 * began within the history counts from 0, what was there before from its first row.
 */
#ifndef DUMP_TOP_H
#define DUMP_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dump/view.h"

#define TOP_METRICS_MAX 24
#define TOP_UNKNOWN     UINT64_MAX

enum top_unit {
	TOP_COUNT,
	TOP_NS,
	TOP_BYTES
};

struct top_metric {
	const char *name;       /* behind --by */
	const char *head;       /* of its column */
	const char *columns[2]; /* of the view; their sum */
	enum top_unit unit;
	bool is_counter; /* growth counts; else the most there was */
	/* The same of an exit record, NULL: it has none */
	const char *exit_columns[2];
	bool adds_to_parent; /* a parent that waits for it has its sum, too */
};

struct top_thing {
	uint64_t key;                   /* pid or cgroup */
	uint64_t start;                 /* of a process, CLOCK_BOOTTIME */
	uint32_t next;                  /* in its bucket, plus 1 */
	uint64_t uid, cgroup, ended_ns; /* TOP_UNKNOWN; ended_ns: it has not */
	uint64_t ppid; /* who began it, not who has it now; TOP_UNKNOWN */
	bool seen, born, in_span, reset;
	char name[256]; /* of the program, or path of the cgroup */
	uint64_t last[TOP_METRICS_MAX]; /* as its last row has it */
	/* growth within the span, or the most; TOP_UNKNOWN */
	uint64_t value[TOP_METRICS_MAX];
};

struct top {
	const struct top_metric *metrics;
	unsigned nr_metrics;
	bool cgroups;
	uint64_t from_ns, to_ns; /* of the first file's clock */
	struct top_thing *things;
	size_t nr, size;
	uint32_t *buckets;
	size_t nr_buckets;
};

extern const struct top_metric top_of_processes[], top_of_cgroups[];
extern const unsigned top_nr_of_processes, top_nr_of_cgroups;

/* ${v} is loaded with processes and proc, or with cgroups; ${t} has what to gather
 * and the span.  0 or -ENOMEM. */
int top_gather(struct top *t, struct view *v);
/* Processes as the cgroups they were in; names from the stream process, if it is
 * loaded. */
int top_by_cgroup(struct top *t, struct view *v, struct top *ret);
/* Most of metric ${by} first; the unknown last. */
void top_sort(struct top *t, unsigned by);
/* Of processes, leaves only ${pid} and its descendants in the span. */
void top_keep_tree(struct top *t, uint64_t pid);
void top_free(struct top *t);

#endif
