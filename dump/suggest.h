/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suggest.h - limits that suit a machine, from what its snapshots saw.
 *
 *   operations   p99.9 of all that the histograms counted since the recorder began
 *                (of the records, where there are none), times SUGGEST_FACTOR
 *   metrics      a value far beyond what was seen (suggest_metric.c has the table)
 *
 * Nothing is proposed on fewer operations, or a shorter time of samples, than is
 * asked for; that is noted.
 */
#ifndef DUMP_SUGGEST_H
#define DUMP_SUGGEST_H

#include "dump/view.h"

#define SUGGEST_FACTOR  3
#define SUGGEST_MIN_NS  1000000ULL /* no limit of a latency is lower */
#define SUGGEST_MAX     56         /* rules; some slots are left to others */
#define SUGGEST_COUNT   1000       /* operations at least, by default */
#define SUGGEST_TIME_NS 60000000000ULL /* of samples, by default */

struct suggestion {
	char name[40], when[256];
	char seen[300]; /* what the limit comes from, in a line */
};
struct suggestions {
	struct suggestion list[SUGGEST_MAX];
	unsigned nr;
	char notes[64][200]; /* what nothing is proposed for, and why */
	unsigned nr_notes;
	uint64_t min_count, min_ns; /* to be set first */
};

/* The streams that a view must be loaded with, NULL behind the last. */
extern const char *const suggest_streams[];

/* suggest.c: from the durations of operations on block devices and their file
 * systems.  0 or -ENOMEM. */
int suggest_operations(struct view *v, struct suggestions *s);
/* suggest_metric.c: from samples.  0 or -ENOMEM. */
int suggest_metrics(struct view *v, struct suggestions *s);

/* Adds one; names are made unlike.  The text of ${when} must be a rule: false,
 * and nothing is added, if it is none or there is no room. */
bool suggest_add(struct suggestions *s, const char *name, const char *when,
		 const char *seen);
void suggest_note(struct suggestions *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The next number of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10 ... that is not less:
 * one that people would write. */
double suggest_round_up(double v);
/* The one that is not more. */
double suggest_round_down(double v);

#endif
